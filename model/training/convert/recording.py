# SPDX-License-Identifier: GPL-3.0-or-later
"""What a file of motion capture holds, whatever its format: a hierarchy of joints that turn."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...motion.rotations import Array, matrix_from_axis_angle, matrix_from_quaternion, quaternion_from_matrix

STILL = 1e-4
"""Entries of a rotation matrix that differ by less are the same."""


class ConvertError(ValueError):
    """A file that no motion can be made of; the message says why in one line."""


@dataclass(frozen=True)
class Recording:
    """T frames of J joints, parents before children, in the file's own world and unit of length.

    offsets (J, 3): from the parent, in the file's zero pose. local (T, J, 3, 3): rotations relative to the parent,
    none in the zero pose. root (T, 3): position of joint 0. unit_m: metres of a unit, None where the file is silent.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: Array
    local: Array
    root: Array
    fps: float
    unit_m: float | None = None

    def __len__(self) -> int:
        return len(self.root)

    def zero_pose(self) -> "Recording":
        """One frame in which nothing is turned, joint 0 at the origin."""
        joints = len(self.names)
        return replace(self, local=np.tile(np.eye(3), (1, joints, 1, 1)), root=np.zeros((1, 3)))

    def begins_in_zero_pose(self) -> bool:
        """Whether nothing is turned in the first frame, but something in the next: converters add such a frame."""
        turned = np.abs(self.local[:2] - np.eye(3)).max(axis=(1, 2, 3)) > STILL
        return not turned[0] and bool(turned[1:].any())

    def world(self) -> tuple[Array, Array]:
        """Rotations (T, J, 3, 3) from the zero pose and positions (T, J, 3) of all joints (forward kinematics)."""
        rotations, positions = self.local.copy(), np.empty((*self.local.shape[:2], 3))
        positions[:, 0] = self.root
        for joint, parent in list(enumerate(self.parents))[1:]:
            positions[:, joint] = positions[:, parent] + rotations[:, parent] @ self.offsets[joint]
            rotations[:, joint] = rotations[:, parent] @ self.local[:, joint]
        return rotations, positions

    def part(self, first: int, last: int | None = None) -> "Recording":
        """The frames from `first` to before `last`."""
        return replace(self, local=self.local[first:last], root=self.root[first:last])

    def at(self, fps: float) -> "Recording":
        """The same at another frame rate: frames are picked where they fall on recorded ones, else interpolated."""
        position = np.arange(int((len(self) - 1) * fps / self.fps + 1e-6) + 1) * self.fps / fps
        nearest = np.rint(position).astype(int)
        if np.allclose(position, nearest, atol=1e-3):
            return replace(self, local=self.local[nearest], root=self.root[nearest], fps=fps)
        first = np.minimum(position.astype(int), len(self) - 2)
        share = (position - first)[:, None]
        a, b = (quaternion_from_matrix(self.local[frames]) for frames in (first, first + 1))
        b = np.where(np.sum(a * b, -1, keepdims=True) < 0, -b, b)
        local = matrix_from_quaternion(a + share[..., None] * (b - a))
        return replace(self, local=local, root=self.root[first] * (1 - share) + self.root[first + 1] * share, fps=fps)


def turns(order: str, angles: NDArray[np.floating]) -> Array:
    """Rotations (..., 3, 3) of angles (..., len(order)) in radians, about the axes X, Y or Z that `order` names.

    The product is taken from left to right: in order ZXY a vector is turned about Y first.
    """
    result = np.broadcast_to(np.eye(3), (*angles.shape[:-1], 3, 3))
    for axis, angle in zip(order, np.moveaxis(angles, -1, 0), strict=True):
        result = result @ matrix_from_axis_angle(angle[..., None] * np.eye(3)["XYZ".index(axis)])
    return result


def numbers(text: str) -> Array:
    """Numbers (N,) that stand in text between white space. Raises ConvertError for anything else."""
    try:
        values = np.array(text.split(), np.float64)
    except ValueError as error:
        raise ConvertError(f"numbers expected: {error}") from error
    if not np.isfinite(values).all():
        raise ConvertError("holds values that are not finite")
    return values
