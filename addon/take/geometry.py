# SPDX-License-Identifier: GPL-3.0-or-later
"""From the conventions of a capture to Blender's: bones, cameras, frame rates. numpy only."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...model.motion.contacts import soles_of
from ...model.motion.motion import Motion
from ...model.motion.rotations import continuous_quaternions, project, quaternion_from_matrix
from ...model.motion.skeleton import JOINTS, PARENTS

Array = NDArray[np.float64]

UPRIGHT: Array = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
"""Turns SMPL's canonical frame (Y up, facing +Z) into a character as Blender has them (Z up, facing -Y)."""

OPENCV_TO_BLENDER: Array = np.diag([1.0, -1.0, -1.0])
"""Between a camera that looks along +Z with Y down and one that looks along -Z with Y up; its own inverse."""

POINTS_AT = {"pelvis": "spine1", "spine3": "neck"}
"""The child that a bone points at, where it has several."""

SENSOR_MM = 36.0

SAME_FRAME = 0.02
"""Keys that are less apart, in frames, are at the same one: Blender keeps them as float32."""

MOSTLY = 0.9
"""What share of the keys must have kept their distances for the take to be taken for the same."""

SURE, UNSURE, UNSEEN = np.array([[0.1, 0.8, 0.2], [1.0, 0.1, 0.05], [0.35, 0.35, 0.35]])
"""Linear RGB for what a capture is sure of, what it is not, and what was not in the picture."""


@dataclass(frozen=True)
class Lens:
    """A pinhole as Blender describes it: a sensor SENSOR_MM wide, shifts as shares of the picture's width."""

    focal_mm: float
    shift_x: float
    shift_y: float


def bone_tails(rest: NDArray[np.floating]) -> Array:
    """Where each bone ends (24, 3), for joints at rest (24, 3): at its child, or a little beyond the last joint."""
    rest = np.asarray(rest, np.float64)
    tails = np.empty((24, 3))
    for joint, name in enumerate(JOINTS):
        children = [child for child, parent in enumerate(PARENTS) if parent == joint]
        if children:
            tails[joint] = rest[JOINTS.index(POINTS_AT[name]) if name in POINTS_AT else children[0]]
            continue
        onward = rest[joint] - rest[PARENTS[joint]]
        if name.endswith("foot"):
            onward = onward * [1, 0, 1]  # toes lie on the floor
        tails[joint] = rest[joint] + 0.6 * onward
    return tails


def root_location(
    trans: NDArray[np.floating],
    rest: NDArray[np.floating],
    axes: NDArray[np.floating],
    pelvis: NDArray[np.floating],
) -> Array:
    """The pelvis bone's location channels (T, 3), for trans (T, 3) and rest (24, 3) as in Motion.

    The armature stands at the world's origin, its rest joints turned by UPRIGHT; axes (24, 3, 3) holds its rest bones'
    axes in columns, pelvis (3,) is the head of its first bone.
    """
    return (rest[0] + trans - pelvis) @ axes[0]


def bone_turns(local: NDArray[np.floating], axes: NDArray[np.floating], joints: slice) -> Array:
    """The quaternion channels WXYZ (T, J, 4) of some bones, for these joints' rotations (T, J, 3, 3) as in Motion.

    axes as in `root_location`, whatever the joints.
    """
    axes = np.asarray(axes, np.float64)
    canonical = (UPRIGHT.T @ axes)[joints]
    rotation = np.swapaxes(canonical, -1, -2) @ np.asarray(local, np.float64) @ canonical
    if joints.start == 0:
        # The root's rotation leads from the canonical frame into the world, so UPRIGHT is part of it already.
        rotation[:, 0] = axes[0].T @ local[:, 0] @ canonical[0]
    return continuous_quaternions(quaternion_from_matrix(rotation))


def motion_of_poses(
    carried: NDArray[np.floating],
    poses: NDArray[np.floating],
    rest: NDArray[np.floating],
    axes: NDArray[np.floating],
) -> tuple[Array, Array]:
    """The way back from the channels, once Blender has posed the bones by them: local (T, 24, 3, 3) and trans (T, 3).

    poses (T, 24, 4, 4) are those of the bones in armature space, carried (T, 4, 4) is where that goes from where it is
    at first; rest and axes as in `root_location`.
    """
    poses = np.asarray(carried, np.float64)[:, None] @ np.asarray(poses, np.float64)
    turns = project(poses[..., :3, :3] @ (UPRIGHT.T @ np.asarray(axes, np.float64)).swapaxes(-1, -2))
    local = turns.copy()
    local[:, 1:] = turns[:, PARENTS[1:]].swapaxes(-1, -2) @ turns[:, 1:]
    return local, poses[:, 0, :3, 3] - rest[0]


def camera_channels(rotation: NDArray[np.floating], translation: NDArray[np.floating]) -> tuple[Array, Array]:
    """Location (T, 3) and quaternion WXYZ (T, 4) of Blender's camera, for OpenCV's world → camera (T, 3, 3), (T, 3)."""
    to_world = np.swapaxes(np.asarray(rotation, np.float64), -1, -2)
    location = -np.einsum("tij,tj->ti", to_world, translation)
    return location, continuous_quaternions(quaternion_from_matrix(to_world @ OPENCV_TO_BLENDER))


def lens(camera_matrix: NDArray[np.floating], width: int, height: int) -> Lens:
    """The lens for a camera matrix (3, 3) with square pixels, of a picture of width by height pixels."""
    return Lens(
        focal_mm=float(camera_matrix[0, 0]) / width * SENSOR_MM,
        shift_x=(width / 2 - float(camera_matrix[0, 2])) / width,
        shift_y=(float(camera_matrix[1, 2]) - height / 2) / width,
    )


def scene_rate(fps: float) -> tuple[int, float]:
    """Blender's frame rate and its base, whose quotient is fps: 29.97 is 30 / 1.001."""
    whole = max(round(fps), 1)
    return whole, whole / fps


def scene_frames(time_s: NDArray[np.floating], start: float, fps: float) -> Array:
    """The scene frames (T,), whole or not, of increasing times (T,) in seconds when time 0 is at frame start.

    Containers round times, some to a millisecond: a frame that all but falls on a whole one is put there.
    """
    frames = start + np.asarray(time_s, np.float64) * fps
    closest = np.diff(frames).min(initial=1.0)
    whole = np.round(frames)
    return np.where(np.abs(frames - whole) < min(SAME_FRAME, closest / 4), whole, frames)


def moved_frames(
    frames: NDArray[np.floating], keys: NDArray[np.floating], first: float, last: float
) -> tuple[Array, NDArray[np.intp]]:
    """The scene frames (S,) at which to look at a take that is keyed from first to last, and what they were (S,).

    frames (T,) are those for which it was written, keys (N,) those at which it is keyed now. If most of the keys lie on
    the former, or on these moved as a whole, those are the frames, and their numbers in the row are what they were.
    What was not there before (-1) is looked at on whole frames.
    """
    found, most = None, MOSTLY
    for moved in (0.0, first - frames[0], last - frames[-1]):
        shift = round(moved) if abs(moved - round(moved)) < SAME_FRAME else moved
        share = float(np.mean(_distance(keys, frames + shift) < SAME_FRAME))
        if share > most:
            found, most = shift, share
    kept = np.zeros(0) if found is None else frames + found
    within = (kept > first - SAME_FRAME) & (kept < last + SAME_FRAME)
    kept, known = kept[within], np.flatnonzero(within)
    new = np.arange(int(np.ceil(first - SAME_FRAME)), np.floor(last + SAME_FRAME) + 1)
    new = np.concatenate([new, [end for end in (first, last) if abs(end - round(end)) > SAME_FRAME]])
    if len(kept):
        new = new[(new < kept[0] - SAME_FRAME) | (new > kept[-1] + SAME_FRAME)]
    result = np.concatenate([kept, new])
    order = np.argsort(result)
    return result[order], np.concatenate([known, np.full(len(new), -1)])[order]


def _distance(points: NDArray[np.floating], row: NDArray[np.floating]) -> Array:
    """How far points (N,) are from the nearest of a row (T,) of increasing numbers."""
    after = np.clip(np.searchsorted(row, points), 1, max(len(row) - 1, 1))
    return np.minimum(np.abs(points - row[after - 1]), np.abs(points - row[np.minimum(after, len(row) - 1)]))


def scene_range(frames: NDArray[np.floating]) -> tuple[int, int]:
    """The first and last whole frame between which all frames (T,) lie."""
    return int(np.floor(frames[0])), int(np.ceil(frames[-1]))


def confidence_colours(confidence: NDArray[np.floating], observed: NDArray[np.bool_]) -> Array:
    """Linear RGB (T, 3) for confidences (T, 24): from SURE to UNSURE by their mean, UNSEEN where not observed."""
    share = np.clip(np.mean(confidence, axis=-1, dtype=np.float64), 0.0, 1.0)[:, None]
    return np.where(observed[:, None], share * SURE + (1 - share) * UNSURE, UNSEEN)


def floor_of(motion: Motion) -> float:
    """The height in metres, world, at which soles rest; the lowest that they come to where none ever rests."""
    heights = soles_of(motion)[..., 2]
    rests = motion.contacts > 0.5
    return float(np.median(heights[rests]) if rests.any() else np.quantile(heights.min(1), 0.02))
