# SPDX-License-Identifier: GPL-3.0-or-later
"""A person stands, walks exactly one metre and stands again: planned footsteps, legs by inverse kinematics.

The plan is made in the body's own directions, X left, Y up, Z forward, with the floor at y = 0, and then turned into
the world (Z up, floor at z = 0).
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter1d

from model.body.files import load_body
from model.body.points import sole_matrix
from model.motion.rotations import between, matrix_from_axis_angle

FPS, SECONDS = 30, 2.7
BODY = load_body(None)
BETAS = torch.tensor([-0.8, 0.5, -0.6, 0.4, 0.3, -0.4, 0.2, 0.0, 0.3, -0.2])
STEPS = (
    ((0.88, 1.28, 0.7), (1.94, 2.34, 1.0)),
    ((0.35, 0.75, 0.35), (1.41, 1.81, 1.0)),
)
"""The left and the right foot's steps: when it leaves the floor, when it lands (seconds), how far ahead (metres)."""
HEEL_RISES_S, TOES_FALL_S, CALM_S = 0.22, 0.1, 0.13
HEEL_UP, TOES_UP, CLEARANCE_M = 0.5, 0.25, 0.03
"""How far a foot is pitched when it leaves the floor and when it lands, radians, and how high it swings."""
HALF_APART_M, BENT_M, SWAY_M = 0.1, 0.008, 0.02
SIDES = (1.0, -1.0)
RIGHT_ANGLE_ALMOST = 1.3


@dataclass(frozen=True)
class Walk:
    """The truth over T frames, world, metres.

    time_s (T,), local (T, 24, 3, 3), trans (T, 3), joints (T, 24, 3), vertices (T, V, 3), soles (T, 4, 3): L heel,
    L toe, R heel, R toe, and whether they rest (T, 4); heading (3,).
    """

    time_s: np.ndarray
    local: np.ndarray
    trans: np.ndarray
    joints: np.ndarray
    vertices: np.ndarray
    soles: np.ndarray
    resting: np.ndarray
    heading: np.ndarray


def standing_height_m() -> float:
    upright = BODY.shaped(BETAS[None])[0][0, :, 1]
    return float(upright.max() - upright.min())


def walk(heading: np.ndarray, middle: np.ndarray) -> Walk:
    """A walk along the level unit vector `heading`, half way at `middle` (3,) on the floor; both in the world."""
    time_s = np.arange(round(SECONDS * FPS)) / FPS
    vertices, rest = (x[0].double().numpy() for x in BODY.shaped(BETAS[None]))
    local, pelvis = _planned(time_s, vertices, rest)
    turn = np.stack([np.cross([0, 0, 1.0], heading), [0, 0, 1.0], heading], 1)
    local[:, 0] = turn @ local[:, 0]
    trans = (pelvis - [0, 0, 0.5]) @ turn.T + middle - rest[0]
    posed = BODY(torch.from_numpy(local).float(), BETAS.expand(len(local), 10), torch.from_numpy(trans).float())
    soles = sole_matrix(BODY) @ posed.vertices
    resting = np.concatenate([_resting(time_s, steps) for steps in STEPS], 1)
    return Walk(
        time_s, local, trans, posed.joints.numpy(), posed.vertices.numpy(), soles.numpy(), resting, np.array(heading)
    )


def _resting(time_s: np.ndarray, steps: tuple[tuple[float, ...], ...]) -> np.ndarray:
    """Whether heel and toes rest on the floor (T, 2)."""
    resting = np.ones((len(time_s), 2), bool)
    for leaves, lands, _ in steps:
        resting[(time_s > leaves - HEEL_RISES_S) & (time_s < lands), 0] = False
        resting[(time_s > leaves) & (time_s < lands + TOES_FALL_S), 1] = False
    return resting


def _planned(time_s: np.ndarray, vertices: np.ndarray, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Local rotations (T, 24, 3, 3) and the pelvis (T, 3)."""
    ahead = np.stack([_track(time_s, _ahead(steps)) for steps in STEPS], 1)
    pitch = np.stack([_track(time_s, _pitch(steps)) for steps in STEPS], 1)
    swing = np.stack([_swing(time_s, steps) for steps in STEPS], 1)
    apart = _calm(ahead[:, 0] - ahead[:, 1])
    progress = _calm(ahead.mean(1))
    progress = (progress - progress[0]) / (progress[-1] - progress[0])
    sway = SWAY_M * _calm((swing[:, 1] > 0).astype(float) - (swing[:, 0] > 0))
    height = rest[0, 1] - vertices[:, 1].min() - BENT_M - 0.2 * apart**2
    pelvis = np.stack([sway, height, progress], 1)

    local = np.tile(np.eye(3), (len(time_s), 24, 1, 1))
    yaw = -0.35 * apart
    local[:, 0] = _about(1, yaw)
    for spine in (3, 6, 9):
        local[:, spine] = _about(1, -2 / 3 * yaw)
    local[:, 12] = _about(1, yaw)
    for k, side in enumerate(SIDES):
        forward = -side * 0.9 * apart
        local[:, 16 + k] = _about(0, -forward) @ _about(2, np.full(len(time_s), -side * RIGHT_ANGLE_ALMOST))
        local[:, 18 + k] = _about(1, -side * (0.35 + 0.5 * forward))
        foot, toes = _about(0, -pitch[:, k]), _about(0, -np.maximum(pitch[:, k], 0))
        ankle = _ankle(k, ahead[:, k], pitch[:, k], foot, toes, vertices, rest)
        ankle[:, 1] += CLEARANCE_M * swing[:, k]
        hip = pelvis + local[:, 0] @ (rest[1 + k] - rest[0])
        thigh, knee = _leg(rest[4 + k] - rest[1 + k], rest[7 + k] - rest[4 + k], ankle - hip)
        local[:, 1 + k] = local[:, 0].swapaxes(1, 2) @ thigh
        local[:, 4 + k] = knee
        local[:, 7 + k] = (thigh @ knee).swapaxes(1, 2) @ foot
        local[:, 10 + k] = foot.swapaxes(1, 2) @ toes
    return local, pelvis


def _ahead(steps: tuple[tuple[float, ...], ...]) -> list[tuple[float, float]]:
    knots = [(0.0, 0.0)]
    for leaves, lands, place in steps:
        knots += [(leaves, knots[-1][1]), (lands, place)]
    return [*knots, (SECONDS, knots[-1][1])]


def _pitch(steps: tuple[tuple[float, ...], ...]) -> list[tuple[float, float]]:
    knots = [(0.0, 0.0)]
    for leaves, lands, _ in steps:
        knots += [(leaves - HEEL_RISES_S, 0), (leaves, -HEEL_UP), (lands, TOES_UP), (lands + TOES_FALL_S, 0)]
    return [*knots, (SECONDS, 0.0)]


def _swing(time_s: np.ndarray, steps: tuple[tuple[float, ...], ...]) -> np.ndarray:
    """0 on the floor, 1 in the middle of a step (T,)."""
    arcs = [np.pi * np.clip((time_s - leaves) / (lands - leaves), 0, 1) for leaves, lands, _ in steps]
    return np.sum(np.sin(arcs) ** 2, axis=0)


def _track(time_s: np.ndarray, knots: list[tuple[float, float]]) -> np.ndarray:
    """Values through knots (time, value), smooth and without overshoot."""
    return PchipInterpolator(*np.array(knots).T)(time_s)


def _calm(values: np.ndarray) -> np.ndarray:
    return gaussian_filter1d(values, CALM_S * FPS, mode="nearest")


def _about(axis: int, angle: np.ndarray) -> np.ndarray:
    return matrix_from_axis_angle(angle[:, None] * np.eye(3)[axis])


def _ankle(
    k: int, ahead: np.ndarray, pitch: np.ndarray, foot: np.ndarray, toes: np.ndarray, vertices: np.ndarray,
    rest: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Where the ankle is (T, 3) while the foot, turned by `foot` and its toes by `toes`, touches the floor.

    A foot with its toes up rolls over its heel, one with its heel up over its ball: that sole stays where it is.
    """
    ankle, ball = rest[7 + k], rest[10 + k]
    weights = BODY.weights.double().numpy()
    own = np.flatnonzero(weights[:, 7 + k] + weights[:, 10 + k] > 0.999)
    share = weights[own, 10 + k, None]
    turned = (vertices[own] - ankle) @ foot.swapaxes(1, 2)
    bent = ((ball - ankle) @ foot.swapaxes(1, 2))[:, None] + (vertices[own] - ball) @ toes.swapaxes(1, 2)
    skin = (1 - share) * turned + share * bent
    heel, toe = np.searchsorted(own, sole_matrix(BODY).argmax(1)[2 * k : 2 * k + 2].numpy())
    pivot = np.where(pitch > 0, skin[:, heel, 2] - vertices[own[heel], 2], skin[:, toe, 2] - vertices[own[toe], 2])
    return np.stack([np.full(len(ahead), SIDES[k] * HALF_APART_M), -skin[..., 1].min(1), ahead - pivot], 1)


def _leg(thigh: np.ndarray, shin: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The thigh's turn and the knee's bend (T, 3, 3) that bring the ankle from the hip to `target` (T, 3)."""
    # thigh · Rx(a) shin = across + along cos a + round sin a, and that is what the law of cosines asks for.
    across, along = thigh[0] * shin[0], thigh[1] * shin[1] + thigh[2] * shin[2]
    around = thigh[2] * shin[1] - thigh[1] * shin[2]
    wanted = ((target**2).sum(1) - thigh @ thigh - shin @ shin) / 2 - across
    cosine = wanted / np.hypot(along, around)
    assert (np.abs(cosine) < 1).all(), "a step is too long for the legs"
    knee = _about(0, np.arctan2(around, along) + np.arccos(cosine))
    return between(thigh + (knee @ shin), target), knee
