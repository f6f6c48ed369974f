# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of 3D points against a reference, as papers define them. numpy; inputs in metres, results in millimetres."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


def mpjpe_mm(predicted: Array, truth: Array, root: int | None = None) -> float:
    """Mean distance over (…, J, 3), after moving joint `root` of both to the origin if one is given."""
    if root is not None:
        predicted, truth = predicted - predicted[..., root, None, :], truth - truth[..., root, None, :]
    return float(1000 * np.linalg.norm(predicted - truth, axis=-1).mean())


def pa_mpjpe_mm(predicted: Array, truth: Array) -> float:
    """MPJPE after the best similarity (scale, rotation without reflection, translation) of each frame (…, J, 3)."""
    return mpjpe_mm(procrustes(predicted, truth), truth)


def procrustes(predicted: Array, truth: Array) -> NDArray[np.float64]:
    """Predicted points (…, J, 3) moved onto truth by the similarity of least squared distance (Umeyama, 1991)."""
    a = predicted - predicted.mean(-2, keepdims=True)
    b = truth - truth.mean(-2, keepdims=True)
    u, s, vt = np.linalg.svd(np.swapaxes(b, -1, -2) @ a)
    sign = np.ones_like(s)
    sign[..., -1] = np.sign(np.linalg.det(u @ vt))
    rotation = (u * sign[..., None, :]) @ vt
    scale = (s * sign).sum(-1) / np.maximum((a**2).sum((-1, -2)), 1e-12)
    return scale[..., None, None] * a @ np.swapaxes(rotation, -1, -2) + truth.mean(-2, keepdims=True)


def acceleration_error_m_s2(predicted: Array, truth: Array, fps: float) -> float:
    """Mean norm of the second difference of the error over (T, J, 3), in m/s²; the ends of the shot do not count."""
    return float(np.linalg.norm(np.diff(predicted - truth, 2, axis=0), axis=-1).mean() * fps**2)
