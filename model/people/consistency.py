# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that the network's own score does not make: left and right kept apart over time, and limbs where limbs can be.

A network that mistakes a left leg for a right one says so with a score of 1. Over time it shows: a leg that changes its
name seems to jump. So the names of legs, arms and the whole body are chosen together for all frames, by dynamic
programming over pairs of frames (Viterbi), so that limbs keep their velocity as well as they can.
"""

from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from ..motion.skeleton import KEYPOINT_MIRROR, KEYPOINTS

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

LEGS: Final = tuple(i for i, k in enumerate(KEYPOINTS) if k.split("_", 1)[-1] in ("knee", "ankle", "heel", "big_toe"))
ARMS: Final = tuple(i for i, k in enumerate(KEYPOINTS) if k.split("_", 1)[-1] in ("elbow", "wrist"))
TRUNK: Final = tuple(
    i for i, k in enumerate(KEYPOINTS) if k.startswith(("left", "right")) and i not in LEGS and i not in ARMS
)
GROUPS: Final = (TRUNK, LEGS, ARMS)

VELOCITY_HOLDS_S: Final = 0.2
"""Over a longer gap velocity says nothing about which leg is which."""
NOISE: Final = 0.01
ACCELERATION: Final = 15.0
"""Noise of keypoints in body sizes, and how fast limbs usually accelerate, in body sizes a second squared."""
LARGEST_ERROR: Final = 2.0
"""Beyond this many deviations a jump is a jump; how far does not matter."""
EXCEPTION: Final = (0.5, 0.2, 0.2)
"""What it costs, a frame, to think that the network mistook the whole body, the legs alone, the arms alone."""
HINT: Final = 0.15
SURE_HINT: Final = 0.3
"""What another network's opinion on each of the three weighs in a frame, if it is this sure: less than an exception."""

BOX_MARGIN: Final = 0.15
CONTRADICTION: Final = 0.15
JUMP: Final = 0.05
"""Distances in body sizes at which a keypoint contradicts a hint, or jumps away from its median over five frames.
Where frames are few, it does so beyond what a limb accelerates by."""
OUTSIDE_TRUST: Final = 0.1
DOUBT_TRUST: Final = 0.3
FEWEST_HINTS: Final = 5
ELSEWHERE: Final = 0.08
MOST_DOUBTS: Final = 0.25
PROPORTION: Final = 0.5
"""A limb is out of proportion if its length is off by this factor's logarithm."""
MOST_MISSHAPEN: Final = 0.35
MIDDLES: Final = {
    KEYPOINTS.index(middle): [KEYPOINTS.index(f"left_{part}"), KEYPOINTS.index(f"right_{part}")]
    for middle, part in (("pelvis", "hip"), ("neck", "shoulder"))
}
LIMBS: Final = tuple(
    (KEYPOINTS.index(f"{side}_{upper}"), KEYPOINTS.index(f"{side}_{lower}"))
    for side in ("left", "right")
    for upper, lower in pairwise(("wrist", "elbow", "shoulder", "hip", "knee", "ankle"))
)


def mistaken(time_s: Array, keypoints: Array, hints: Array, size: Array) -> Mask:
    """Which of the keypoints (T, 23) should take the place of those on the other side of the body.

    time_s (T,) ascending; keypoints (T, 23, 3) x, y, confidence; hints (T, 17, 3) another network's opinion on COCO's
    keypoints; size (T,) of the body, in the keypoints' unit.
    """
    frames = len(time_s)
    swapped = np.zeros((frames, len(KEYPOINTS)), bool)
    if frames == 0:
        return swapped
    names = _best_names(*_costs(time_s, keypoints, hints, size))
    for group, joints in enumerate(GROUPS):
        swapped[:, joints] = names[:, group, None]
    return swapped


def _costs(time_s: Array, keypoints: Array, hints: Array, size: Array) -> tuple[Array, Array]:
    """Costs (T, 8) of each state by itself, and (T, 3, 8) of the names of each group in three frames up to each.

    A state is three bits: are trunk, legs, arms mistaken? So are three frames of a group: before last, last, this.
    """
    mirrored = keypoints[:, KEYPOINT_MIRROR]
    points = np.stack([keypoints[..., :2], mirrored[..., :2]]) / size[:, None, None]
    weight = np.clip(keypoints[..., 2] * mirrored[..., 2], 0.05, 1)

    states = _bits()
    relative = np.stack([states[:, 0], states[:, 1] ^ states[:, 0], states[:, 2] ^ states[:, 0]], 1)
    alone = np.tile(relative @ np.array(EXCEPTION), (len(time_s), 1)).astype(np.float64)
    coco = hints.shape[1]
    away = np.hypot(*np.moveaxis(points[:, :, :coco] - hints[None, ..., :2] / size[:, None, None], -1, 0))
    sure = hints[..., 2] > SURE_HINT
    for g, joints in enumerate(GROUPS):
        known = [j for j in joints if j < coco]
        against = np.clip((away[0] - away[1])[:, known] / 0.1, -1, 1) * sure[:, known]
        alone -= HINT / len(known) * against.sum(1)[:, None] * states[:, g]

    motion = np.zeros((len(time_s), len(GROUPS), 8))
    if len(time_s) > 2:
        before, step = np.diff(time_s)[:-1], np.diff(time_s)[1:]
        tolerance = (NOISE + ACCELERATION * step * (before + step) / 2)[:, None]
        connected = ((before <= VELOCITY_HOLDS_S) & (step <= VELOCITY_HOLDS_S))[:, None]
        ratio = (step / before)[:, None, None]
        for code, (a, b, c) in enumerate(states):
            p0, p1, p2 = points[int(a), :-2], points[int(b), 1:-1], points[int(c), 2:]
            error = np.hypot(*np.moveaxis(p2 - p1 - (p1 - p0) * ratio, -1, 0))
            cost = np.minimum(error / tolerance, LARGEST_ERROR) ** 2 * weight[2:] * connected
            for g, joints in enumerate(GROUPS):
                motion[2:, g, code] = cost[:, joints].mean(1)
    return alone, motion


def _bits() -> Mask:
    """The three bits (8, 3) of 0 to 7, the highest first."""
    return (np.arange(8)[:, None] >> np.array([2, 1, 0]) & 1).astype(bool)


def _best_names(alone: Array, motion: Array) -> Mask:
    """The cheapest bits (T, 3) of all frames: Viterbi over the states of two frames in a row."""
    frames = len(alone)
    bits = _bits().astype(int)
    # Which of a group's eight three-frame codes the states (before last, last, this) amount to: (3 groups, 8, 8, 8).
    codes = np.stack(
        [4 * bits[:, None, None, g] + 2 * bits[None, :, None, g] + bits[None, None, :, g] for g in range(3)]
    )
    if frames == 1:
        return bits[alone[0].argmin()][None].astype(bool)
    total = alone[0][:, None] + alone[1][None, :]
    came_from = np.zeros((frames, 8, 8), np.int8)
    for t in range(2, frames):
        steps = sum(motion[t, g][codes[g]] for g in range(3))
        candidates = total[:, :, None] + steps
        came_from[t] = candidates.argmin(0)
        total = candidates.min(0) + alone[t][None, :]
    path = np.zeros(frames, int)
    path[-2], path[-1] = np.unravel_index(total.argmin(), total.shape)
    for t in range(frames - 1, 1, -1):
        path[t - 2] = came_from[t][path[t - 1], path[t]]
    return bits[path].astype(bool)


def trust(time_s: Array, keypoints: Array, hints: Array, boxes: Array, size: Array, picture: tuple[int, int]) -> Array:
    """How far each keypoint (T, 23) can be trusted, 0..1, whatever the network says of it.

    time_s (T,) ascending; keypoints (T, 23, 3), left and right put right; hints (T, 17, 3) and boxes (T, 4) of the
    person's track; size (T,) of the body; picture: width and height. Little trust goes to what was guessed beyond the
    picture's edge, lies outside the person's box, contradicts the hints, or jumps away and back.
    """
    points = keypoints[..., :2]
    beyond = ((points < 0) | (points > picture)).any(-1)
    margin = BOX_MARGIN * (boxes[:, 2:] - boxes[:, :2])
    low, high = (boxes[:, :2] - margin)[:, None], (boxes[:, 2:] + margin)[:, None]
    astray = ((points < low) | (points > high)).any(-1)

    coco = hints.shape[1]
    contradicted = np.zeros(points.shape[:2], bool)
    contradicted[:, :coco] = (_from_hints(points, hints) > CONTRADICTION * size[:, None]) & (hints[..., 2] > SURE_HINT)

    padded = np.pad(points, ((2, 2), (0, 0), (0, 0)), "edge")
    calm = np.median(np.stack([padded[i : i + len(points)] for i in range(5)]), axis=0)
    padded_s = np.pad(time_s, 2, "edge")
    step = (padded_s[4:] - padded_s[:-4]) / 4
    allowed = np.maximum(JUMP, LARGEST_ERROR * ACCELERATION * step**2) * size
    jump = np.hypot(*np.moveaxis(points - calm, -1, 0)) > allowed[:, None]

    trusted = np.ones(points.shape[:2])
    trusted[beyond | astray] *= OUTSIDE_TRUST
    trusted[contradicted | jump] *= DOUBT_TRUST
    # Pelvis and neck are no better than the hips and shoulders they are the middle of.
    for middle, pair in MIDDLES.items():
        trusted[:, middle] = trusted[:, pair].min(1)
    return trusted


def failed(keypoints: Array, world: Array, hints: Array, trusted: Array, size: Array, picture: tuple[int, int]) -> Mask:
    """The frames (T,) that show somebody else, or nobody, whatever the network's score says.

    As for `trust`, whose result is `trusted` (T, 23); world (T, 23, 3) metres. A frame fails if the hints are elsewhere
    altogether, if many keypoints inside the picture cannot be trusted, or if many limbs are out of proportion to what
    they are in the other frames.
    """
    points = keypoints[..., :2]
    sure = hints[..., 2] > SURE_HINT
    away = np.where(sure, _from_hints(points, hints), np.nan)
    enough = sure.sum(1) >= FEWEST_HINTS
    elsewhere = np.zeros(len(points), bool)
    elsewhere[enough] = np.nanmedian(away[enough], axis=1) > ELSEWHERE * size[enough]

    within = ((points >= 0) & (points <= picture)).all(-1)
    doubtful = ((trusted < 1) & within).mean(1) > MOST_DOUBTS

    first, second = np.array(LIMBS).T
    length = np.linalg.norm(world[:, first] - world[:, second], axis=-1)
    ratio = np.log(np.maximum(length, 1e-6) / np.maximum(np.median(length, axis=0), 1e-6))
    misshapen = (np.abs(ratio) > PROPORTION).mean(1) > MOST_MISSHAPEN
    return elsewhere | doubtful | misshapen


def _from_hints(points: Array, hints: Array) -> Array:
    """Distances (T, 17) of the points from the hints, or from those of the other side where they are nearer."""
    coco = hints.shape[1]
    mirrored = hints[:, KEYPOINT_MIRROR[:coco], :2]
    there = np.hypot(*np.moveaxis(points[:, :coco] - hints[..., :2], -1, 0))
    across = np.hypot(*np.moveaxis(points[:, :coco] - mirrored, -1, 0))
    return np.minimum(there, across)
