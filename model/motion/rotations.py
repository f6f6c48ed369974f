# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotations in numpy, any leading shape: axis-angle (…, 3), matrices (…, 3, 3), quaternions (…, 4) as WXYZ."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def matrix_from_axis_angle(axis_angle: NDArray[np.floating]) -> Array:
    """Rotation matrices (…, 3, 3) of rotation vectors (…, 3) in radians (Rodrigues)."""
    vector = np.asarray(axis_angle, np.float64)
    angle = np.linalg.norm(vector, axis=-1)[..., None, None]
    K = skew(vector)
    small = angle < 1e-6
    safe = np.where(small, 1.0, angle)
    a = np.where(small, 1.0 - angle**2 / 6.0, np.sin(safe) / safe)
    b = np.where(small, 0.5 - angle**2 / 24.0, (1.0 - np.cos(safe)) / safe**2)
    return np.eye(3) + a * K + b * (K @ K)


def skew(vector: NDArray[np.floating]) -> Array:
    """Matrices (…, 3, 3) whose product with x is the cross product of vector (…, 3) and x."""
    x, y, z = np.moveaxis(np.asarray(vector, np.float64), -1, 0)
    o = np.zeros_like(x)
    return np.stack([o, -z, y, z, o, -x, -y, x, o], -1).reshape(*x.shape, 3, 3)


def quaternion_from_matrix(matrix: NDArray[np.floating]) -> Array:
    """Unit quaternions WXYZ (…, 4) with w >= 0 of rotation matrices (…, 3, 3).

    Takes, for each matrix, the row of the symmetric outer product q qᵀ with the largest diagonal (Shepperd's method).
    """
    m = np.asarray(matrix, np.float64)
    m00, m11, m22 = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    wx, wy, wz = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    xy, xz, yz = m[..., 0, 1] + m[..., 1, 0], m[..., 0, 2] + m[..., 2, 0], m[..., 1, 2] + m[..., 2, 1]
    rows = np.stack(
        [
            np.stack([1 + m00 + m11 + m22, wx, wy, wz], -1),
            np.stack([wx, 1 + m00 - m11 - m22, xy, xz], -1),
            np.stack([wy, xy, 1 - m00 + m11 - m22, yz], -1),
            np.stack([wz, xz, yz, 1 - m00 - m11 + m22], -1),
        ],
        -2,
    )
    best = np.argmax(np.einsum("...ii->...i", rows), -1)
    q = np.take_along_axis(rows, best[..., None, None], -2)[..., 0, :]
    q = q / np.linalg.norm(q, axis=-1, keepdims=True)
    return np.where(q[..., :1] < 0, -q, q)


def matrix_from_quaternion(quaternion: NDArray[np.floating]) -> Array:
    """Rotation matrices (…, 3, 3) of quaternions WXYZ (…, 4) of any length above zero."""
    q = np.asarray(quaternion, np.float64)
    q = q / np.linalg.norm(q, axis=-1, keepdims=True)
    w, v = q[..., :1, None], q[..., 1:]
    K = skew(v)
    return np.eye(3) + 2 * w * K + 2 * (K @ K)


def axis_angle_from_matrix(matrix: NDArray[np.floating]) -> Array:
    """Rotation vectors (…, 3), length in [0, π], of rotation matrices (…, 3, 3)."""
    q = quaternion_from_matrix(matrix)
    sine = np.linalg.norm(q[..., 1:], axis=-1, keepdims=True)
    angle = 2 * np.arctan2(sine, q[..., :1])
    return q[..., 1:] * np.where(sine < 1e-12, 2.0, angle / np.maximum(sine, 1e-12))


def project(matrix: NDArray[np.floating]) -> Array:
    """The rotation nearest to each matrix (…, 3, 3) in the Frobenius norm; never a reflection."""
    u, _, vt = np.linalg.svd(np.asarray(matrix, np.float64))
    sign = np.ones(u.shape[:-1])
    sign[..., 2] = np.linalg.det(u @ vt)
    return (u * sign[..., None, :]) @ vt


def continuous_quaternions(quaternion: NDArray[np.floating]) -> Array:
    """The same rotations (T, …, 4) with signs chosen so that neighbours in time never differ by more than 90°."""
    q = np.array(quaternion, np.float64)
    flips = np.cumsum(np.sum(q[1:] * q[:-1], -1) < 0, axis=0) % 2
    q[1:] *= np.where(flips, -1.0, 1.0)[..., None]
    return q


def between(a: NDArray[np.floating], b: NDArray[np.floating]) -> Array:
    """The smallest rotations (…, 3, 3) that turn directions a (…, 3) into directions b (…, 3)."""
    a = np.asarray(a, np.float64) / np.linalg.norm(a, axis=-1, keepdims=True)
    b = np.asarray(b, np.float64) / np.linalg.norm(b, axis=-1, keepdims=True)
    a, b = np.broadcast_arrays(a, b)
    cosine = np.sum(a * b, -1)[..., None, None]
    K = skew(np.cross(a, b))
    with np.errstate(divide="ignore", invalid="ignore"):
        turn = np.eye(3) + K + K @ K / (1 + cosine)
    # Opposite directions: half a turn about any axis at right angles.
    helper = np.where(np.abs(a[..., :1]) < 0.9, [1.0, 0, 0], [0, 1.0, 0])
    axis = np.cross(a, helper)
    axis = axis / np.linalg.norm(axis, axis=-1, keepdims=True)
    half = 2 * axis[..., :, None] * axis[..., None, :] - np.eye(3)
    return np.where(cosine < -1 + 1e-9, half, turn)


def angle_between(a: NDArray[np.floating], b: NDArray[np.floating]) -> Array:
    """Angles (…) in radians between directions a and b (…, 3)."""
    return np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), np.sum(np.asarray(a) * b, -1))
