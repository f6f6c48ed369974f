# SPDX-License-Identifier: GPL-3.0-or-later
"""People who step by plan, so that it is known when their heels and toes rest. numpy only."""

from dataclasses import dataclass

import numpy as np

from model.motion.contacts import HEEL_BELOW_ANKLE, TOE_BELOW_BALL
from model.motion.easing import envelope
from model.motion.motion import forward_kinematics
from model.motion.rotations import matrix_from_axis_angle
from model.motion.skeleton import PARENTS
from model.motion.two_bone import Limb, reach
from tests.addon.retarget.figures import UPRIGHT, Array, rest

MOTIONS = ("walk", "run", "jump", "dance", "crouch", "turn")
SECONDS = 4.0
HEEL_UP, TOES_UP = 0.6, 0.3
"""How far a foot that rolls is pitched when it leaves and when it lands, radians."""


@dataclass(frozen=True)
class Stand:
    """A foot rests from one second to another at a place (2,) on the floor, turned by yaw."""

    start: float
    end: float
    place: tuple[float, float]
    yaw: float = 0.0


def stepping(kind: str, fps: float | None) -> tuple[Array, tuple[Array, Array, Array], Array]:
    """Times (T,), the motion (rotations, translation, rest joints) and whether soles rest (T, 4).

    At a steady or, for None, at a wildly uneven frame rate.
    """
    time_s = np.arange(round(SECONDS * fps)) / fps if fps else _uneven()
    rolls = kind in ("walk", "run")
    feet = [_foot(time_s, stands, rolls, high_m=0.25 if kind == "jump" else 0.1) for stands in _plan(kind)]
    rests = np.concatenate([foot[3] for foot in feet], -1)
    local, trans = _person(time_s, feet, crouches=kind == "crouch")
    return time_s, (local, trans, rest()), rests.astype(np.float32)


def soles(local: Array, trans: Array, body: Array) -> Array:
    """The soles (T, 4, 3) of a person with such rest joints, in the world, where contacts are looked for."""
    turns, joints = forward_kinematics(local, body)
    joints = joints + trans[:, None]
    points = [
        joints[:, joint + side] + turns[:, joint + side] @ (_length(body, side) * below)
        for side in (0, 1)
        for joint, below in ((7, HEEL_BELOW_ANKLE), (10, TOE_BELOW_BALL))
    ]
    return np.stack(points, 1)


def _uneven() -> Array:
    steps = np.random.default_rng(2).uniform(0.01, 0.05, 400)
    return np.cumsum(steps)[np.cumsum(steps) < SECONDS]


def _plan(kind: str) -> list[list[Stand]]:
    """The stands of the left and the right foot. The person faces along -Y, her left is +X."""
    if kind in ("walk", "run"):
        period, duty, speed = (1.1, 0.62, 1.1) if kind == "walk" else (0.7, 0.38, 2.6)
        plan: list[list[Stand]] = []
        for side, x in ((0, 0.1), (1, -0.1)):
            starts = np.arange(-1, 8) * period + side * period / 2
            plan.append(
                [Stand(s, s + duty * period, (x, -speed * (s + duty * period / 2))) for s in starts if s < SECONDS + 1]
            )
        return plan
    if kind == "jump":
        times = [(-1.0, 0.8), (1.2, 2.2), (2.6, 6.0)]
        return [[Stand(a, b, (x, -0.3 * k)) for k, (a, b) in enumerate(times)] for x in (0.12, -0.12)]
    if kind == "crouch":
        return [[Stand(-1.0, 9.0, (x, y))] for x, y in ((0.14, -0.1), (-0.14, 0.1))]
    plan = [[], []]
    for side, x in ((0, 0.12), (1, -0.12)):
        for k in range(-1, 5):
            start = k + 0.5 * side
            yaw = 0.6 * k if kind == "turn" else 0.25 * (-1) ** k
            aside = 0.0 if kind == "turn" else 0.12 * np.sin(1.3 * k)
            place = (x * np.cos(yaw) + aside, x * np.sin(yaw) - (0.0 if kind == "turn" else 0.1 * (-1) ** k))
            plan[side].append(Stand(start, start + 0.68, place, yaw))
    return plan


def _foot(time_s: Array, stands: list[Stand], rolls: bool, high_m: float) -> tuple[Array, Array, Array, Array]:
    """Where the middle of a flat foot would be (T, 3), yaw and pitch (T,), and whether heel and toe rest (T, 2)."""
    place, yaw, pitch = np.zeros((len(time_s), 3)), np.zeros(len(time_s)), np.zeros(len(time_s))
    rests = np.zeros((len(time_s), 2), bool)
    rise, fall = (0.16, 0.08) if rolls else (0.0, 0.0)
    for stand, after in zip(stands, [*stands[1:], None], strict=True):
        on = (time_s >= stand.start) & (time_s < stand.end)
        place[on, :2], yaw[on] = stand.place, stand.yaw
        rests[:, 0] |= on & (time_s < stand.end - rise)
        rests[:, 1] |= on & (time_s >= stand.start + fall)
        if rolls:
            pitch[on] = HEEL_UP * _smooth((time_s[on] - stand.end + rise) / rise)
            pitch[on] -= TOES_UP * (1 - _smooth((time_s[on] - stand.start) / fall))
        if after:
            off = (time_s >= stand.end) & (time_s < after.start)
            share = _smooth((time_s[off] - stand.end) / (after.start - stand.end))
            arc = np.sin(np.pi * (time_s[off] - stand.end) / (after.start - stand.end)) ** 2
            place[off, :2] = np.outer(1 - share, stand.place) + np.outer(share, after.place)
            place[off, 2] = high_m * arc
            yaw[off] = (1 - share) * stand.yaw + share * after.yaw
            pitch[off] = ((1 - share) * HEEL_UP - share * TOES_UP) if rolls else 0.0
    return place, yaw, pitch, rests


def _person(time_s: Array, feet: list[tuple[Array, Array, Array, Array]], crouches: bool) -> tuple[Array, Array]:
    """Rotations (T, 24, 3, 3) and translation (T, 3) of a person on such feet."""
    body, T = rest(), len(time_s)
    floor = min(body[7, 1] + HEEL_BELOW_ANKLE[1] * _length(body, 0), body[10, 1] + TOE_BELOW_BALL[1] * _length(body, 0))
    middle = _calm(np.mean([place for place, *_ in feet], 0), time_s)
    heading = _calm(np.mean([yaw for _, yaw, *_ in feet], 0)[:, None], time_s)[:, 0]
    root = matrix_from_axis_angle(heading[:, None] * [0, 0, 1.0]) @ UPRIGHT
    turned = [
        matrix_from_axis_angle(yaw[:, None] * [0, 0, 1.0])
        @ UPRIGHT
        @ matrix_from_axis_angle(pitch[:, None] * [1.0, 0, 0])
        for _, yaw, pitch, _ in feet
    ]
    ankles = [_ankle(body, side, floor, feet[side], turned[side]) for side in (0, 1)]
    pelvis = middle + [0, 0, -floor - 0.02]
    if crouches:
        pelvis[:, 2] -= 0.35 * np.sin(np.pi * time_s / SECONDS) ** 2
    deep = np.zeros(T)
    for side, ankle in enumerate(ankles):
        hip = pelvis + root @ body[1 + side]
        leg = sum(np.linalg.norm(body[b] - body[a]) for a, b in ((1 + side, 4 + side), (4 + side, 7 + side)))
        level = np.linalg.norm((hip - ankle)[:, :2], axis=-1)
        deep = np.maximum(deep, (hip - ankle)[:, 2] - np.sqrt(np.maximum((0.985 * leg) ** 2 - level**2, 0.1)))
    pelvis[:, 2] -= envelope(np.maximum(deep, 0), time_s, 0.15)

    local = np.tile(np.eye(3), (T, 24, 1, 1))
    local[:, 0] = root
    local[:, 16] = matrix_from_axis_angle(np.tile([0, 0, -1.2], (T, 1)))
    local[:, 17] = matrix_from_axis_angle(np.tile([0, 0, 1.2], (T, 1)))
    for side, ankle in enumerate(ankles):
        hip, knee, foot = (pelvis + root @ body[joint + side] for joint in (1, 4, 7))
        limb = Limb(hip, knee, foot, root @ [0, 0, 1.0])
        thigh, shin = reach(limb, hip, ankle, np.linalg.norm(ankle - hip, axis=-1))
        world = {0: root, 1 + side: thigh @ root, 4 + side: shin @ root, 7 + side: turned[side]}
        for joint in (1 + side, 4 + side, 7 + side):
            local[:, joint] = np.swapaxes(world[PARENTS[joint]], -1, -2) @ world[joint]
        local[:, 10 + side] = matrix_from_axis_angle(-np.maximum(feet[side][2], 0)[:, None] * [1.0, 0, 0])
    return local, pelvis - body[0]


def _ankle(body: Array, side: int, floor: float, foot: tuple[Array, Array, Array, Array], turned: Array) -> Array:
    """Where the ankle is (T, 3) for a foot that rolls over its heel or its toe."""
    place, yaw, pitch, _ = foot
    length = _length(body, side)
    heel, toe = length * HEEL_BELOW_ANKLE, body[10 + side] - body[7 + side] + length * TOE_BELOW_BALL
    flat = matrix_from_axis_angle(yaw[:, None] * [0, 0, 1.0]) @ UPRIGHT
    pivot = np.where((pitch > 0)[:, None], toe, heel)
    down = body[7 + side, 1] - floor
    return place + [0, 0, down] + np.einsum("tij,tj->ti", flat, pivot) - np.einsum("tij,tj->ti", turned, pivot)


def _length(body: Array, side: int) -> float:
    return float(np.linalg.norm(body[10 + side] - body[7 + side]))


def _smooth(share: Array) -> Array:
    share = np.clip(share, 0, 1)
    return share * share * (3 - 2 * share)


def _calm(values: Array, time_s: Array) -> Array:
    """Values (T, n) averaged over half a second or so."""
    weight = np.exp(-0.5 * ((time_s[:, None] - time_s) / 0.18) ** 2) * np.gradient(time_s)
    return weight @ values / weight.sum(1, keepdims=True)
