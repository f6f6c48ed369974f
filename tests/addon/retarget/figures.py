# SPDX-License-Identifier: GPL-3.0-or-later
"""A person at rest, motions that use every joint, and armatures that nobody would draw by hand. numpy only."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.motion.rotations import matrix_from_axis_angle, matrix_from_quaternion
from model.motion.skeleton import JOINTS, PARENTS

Array = NDArray[np.float64]

MOCAP = (
    Path(os.environ.get("REEL_TO_RIG_MOCAP") or Path(__file__).resolve().parents[4] / "shared/motion") / "cmu_val.npz"
)
"""Recorded motion, where a machine has it: arrays as the training set's."""

UPRIGHT: Array = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
"""Y up, facing +Z, becomes Z up, facing -Y."""

_LEFT = {
    "hip": (0.10, -0.05, -0.01), "knee": (0.12, -0.48, -0.01), "ankle": (0.13, -0.91, -0.03),
    "foot": (0.15, -0.98, 0.11), "collar": (0.03, 0.46, 0.01), "shoulder": (0.18, 0.47, 0.0),
    "elbow": (0.45, 0.47, -0.01), "wrist": (0.70, 0.47, -0.01), "hand": (0.80, 0.47, 0.0),
}  # fmt: skip
_MIDDLE = {
    "pelvis": (0.0, 0.0, 0.0), "spine1": (0.0, 0.10, -0.03), "spine2": (0.0, 0.22, -0.03), "spine3": (0.0, 0.28, -0.02),
    "neck": (0.0, 0.52, -0.01), "head": (0.0, 0.61, 0.03),
}  # fmt: skip
_SWING: dict[str, tuple[float, float, float]] = {
    "hip": (1.2, 0.5, 0.4), "knee": (1.1, 0.1, 0.05), "ankle": (0.5, 0.3, 0.3), "foot": (0.4, 0.05, 0.05),
    "collar": (0.1, 0.3, 0.3), "shoulder": (1.0, 1.2, 1.3), "elbow": (0.5, 1.2, 0.3), "wrist": (0.7, 0.5, 0.6),
    "hand": (0.2, 0.2, 0.3), "spine1": (0.4, 0.3, 0.3), "spine2": (0.3, 0.3, 0.2), "spine3": (0.3, 0.3, 0.2),
    "neck": (0.4, 0.5, 0.3), "head": (0.4, 0.6, 0.3), "pelvis": (0.2, 0.2, 0.2),
}  # fmt: skip


def rest() -> Array:
    """Joints (24, 3) of a person in the T-pose, metres, Y up, facing +Z."""

    def place(joint: str) -> tuple[float, float, float]:
        side, _, name = joint.partition("_")
        if not name:
            return _MIDDLE[joint]
        x, y, z = _LEFT[name]
        return (x if side == "left" else -x, y, z)

    return np.array([place(joint) for joint in JOINTS])


def exercise(frames: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Rotations (T, 24, 3, 3) and translation (T, 3) of a person who bends every joint far, turns round and lies down.

    As in Motion: the root's rotation leads into the world.
    """
    t = np.linspace(0, 1, frames)
    local = np.empty((frames, 24, 3, 3))
    for joint, name in enumerate(JOINTS):
        swing = np.array(_SWING[name.partition("_")[2] or name])
        waves = np.sin(2 * np.pi * (t[:, None] * rng.uniform(1, 3, 3) + rng.uniform(0, 1, 3)))
        local[:, joint] = matrix_from_axis_angle(waves * swing)
    turn = matrix_from_axis_angle(2 * np.pi * t[:, None] * [0, 0, 1])
    lying = matrix_from_axis_angle(np.pi / 2 * np.clip(3 * t - 2, 0, 1)[:, None] * [1, 0, 0])
    local[:, 0] = turn @ lying @ UPRIGHT @ local[:, 0]
    travel = np.stack([3 * t - 1, np.sin(6 * t), 0.9 - 0.7 * np.clip(3 * t - 2, 0, 1)], -1)
    return local, travel


def recorded(clip: int, most: int) -> tuple[Array, Array, Array]:
    """Rotations, translation and rest joints of a recorded clip, at most so many frames of it, in the world."""
    with np.load(MOCAP, allow_pickle=False) as data:
        start, length = int(data["clip_start"][clip]), min(int(data["clip_len"][clip]), most)
        span = slice(start, start + length)
        vectors = np.concatenate([data["root_rot"][span, None], data["rot"][span]], 1).astype(np.float64)
        root = data["root"][span].astype(np.float64) - [0, float(data["clip_floor_y"][clip]), 0]
        offsets = data["clip_offsets"][clip].astype(np.float64)
    body = np.zeros((24, 3))
    for joint in range(1, 24):
        body[joint] = body[PARENTS[joint]] + offsets[joint]
    local = matrix_from_axis_angle(vectors)
    local[:, 0] = UPRIGHT @ local[:, 0]
    return local, root @ UPRIGHT.T, body


def recorded_labels() -> list[str]:
    """What the recorded clips show."""
    with np.load(MOCAP, allow_pickle=False) as data:
        return [str(label) for label in data["clip_label"]]


def random_rotation(rng: np.random.Generator, *shape: int) -> Array:
    """Rotations (…, 3, 3), evenly spread."""
    return matrix_from_quaternion(rng.normal(size=(*shape, 4)))


def placed(rotation: NDArray[Any], position: NDArray[Any]) -> Array:
    """Matrices (…, 4, 4) of a rotation or any linear map (…, 3, 3) and a position (…, 3)."""
    matrix = np.zeros((*rotation.shape[:-2], 4, 4))
    matrix[..., :3, :3], matrix[..., :3, 3], matrix[..., 3, 3] = rotation, position, 1.0
    return matrix
