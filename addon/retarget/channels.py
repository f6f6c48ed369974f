# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotation matrices as the channels of a bone, in the rotation mode that it has. numpy only."""

import numpy as np
from numpy.typing import NDArray

from ...model.motion.rotations import continuous_quaternions, quaternion_from_matrix

Array = NDArray[np.float64]


def rotation_channels(matrices: NDArray[np.floating], mode: str) -> tuple[str, Array]:
    """The name of a pose bone's rotation channels and their values (T, 3) or (T, 4), for rotations (T, 3, 3).

    mode is Blender's rotation_mode. Neighbours in time never differ by a change of sign or a whole turn.
    """
    if mode == "QUATERNION":
        return "rotation_quaternion", continuous_quaternions(quaternion_from_matrix(matrices))
    if mode == "AXIS_ANGLE":
        return "rotation_axis_angle", _axis_angles(matrices)
    return "rotation_euler", _eulers(np.asarray(matrices, np.float64), mode)


def _axis_angles(matrices: NDArray[np.floating]) -> Array:
    """Angle and axis (T, 4), as Blender keeps them. The angle runs from 0 to 2π, so that the axis need not flip."""
    quaternions = continuous_quaternions(quaternion_from_matrix(matrices))
    sine = np.linalg.norm(quaternions[:, 1:], axis=-1)
    values = np.empty_like(quaternions)
    values[:, 0] = 2 * np.arctan2(sine, quaternions[:, 0])
    values[:, 1:] = [0.0, 1.0, 0.0]
    np.divide(quaternions[:, 1:], sine[:, None], out=values[:, 1:], where=sine[:, None] > 1e-9)
    return values


def _eulers(matrices: Array, order: str) -> Array:
    """Angles about x, y and z (T, 3), unwrapped in time, for an order such as "XYZ": about X first.

    Two triples stand for each rotation; at every frame the one nearer to the frame before is taken.
    """
    i, j, k = ("XYZ".index(letter) for letter in order)
    sign = 1.0 if (j - i) % 3 == 1 else -1.0
    cosine = np.hypot(matrices[:, i, i], matrices[:, j, i])
    locked = cosine < 1e-9  # The first and last axis coincide: the whole turn is given to the first.
    first = np.where(
        locked,
        np.arctan2(-sign * matrices[:, j, k], matrices[:, j, j]),
        np.arctan2(sign * matrices[:, k, j], matrices[:, k, k]),
    )
    middle = np.arctan2(-sign * matrices[:, k, i], cosine)
    last = np.where(locked, 0.0, np.arctan2(sign * matrices[:, j, i], matrices[:, i, i]))
    triples = np.empty((2, len(matrices), 3))
    triples[0][:, [i, j, k]] = np.stack([first, middle, last], -1)
    triples[1][:, [i, j, k]] = np.stack([first + np.pi, np.pi - middle, last + np.pi], -1)

    # steps[a, b, t]: how far it is from triple a at frame t to triple b at frame t + 1.
    steps = triples[None, :, 1:] - triples[:, None, :-1]
    distance = np.abs(np.remainder(steps + np.pi, 2 * np.pi) - np.pi).sum(-1)
    nearest = distance.argmin(1)
    chosen = np.zeros(len(matrices), np.intp)
    for t in range(1, len(matrices)):
        chosen[t] = nearest[chosen[t - 1], t - 1]
    return np.unwrap(triples[chosen, np.arange(len(matrices))], axis=0)
