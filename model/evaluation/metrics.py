# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of 3D points against a reference, as papers define them. numpy; inputs in metres, names say the results' unit.

Means are over all frames and points; a frame in which the reference is unknown (NaN) does not count.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


def mpjpe_mm(predicted: Array, truth: Array, root: int | None = None) -> float:
    """Mean distance over (…, J, 3), after moving joint `root` of both to the origin if one is given.

    Of vertices (…, V, 3) it is the MPVPE.
    """
    if root is not None:
        predicted, truth = predicted - predicted[..., root, None, :], truth - truth[..., root, None, :]
    return _mean(1000 * np.linalg.norm(predicted - truth, axis=-1))


def pa_mpjpe_mm(predicted: Array, truth: Array) -> float:
    """MPJPE after the best similarity (scale, rotation without reflection, translation) of each frame (…, J, 3)."""
    known = np.isfinite(truth).all((-1, -2))
    return mpjpe_mm(procrustes(predicted[known], truth[known]), truth[known])


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


def acceleration_error_m_s2(predicted: Array, truth: Array, fps: float, *, padded: bool = False) -> float:
    """Mean norm of the second difference of the error over (T, J, 3), in m/s²; the ends of the shot do not count.

    `padded` counts them as two frames without error, as the public code of PMCE does: low by (T - 2) / T. With fps 1
    and metres the result times 1000 is the mm/frame² that papers print.
    """
    if len(predicted) < 3:
        return float("nan")
    error = _mean(np.linalg.norm(np.diff(predicted - truth, 2, axis=0), axis=-1)) * fps**2
    return error * (len(predicted) - 2) / len(predicted) if padded else error


def jitter_m_s3(predicted: Array, fps: float) -> float:
    """Mean norm of the third difference over (T, J, 3) by time: how much a motion shakes.

    A tenth of it is the figure in WHAM's and GVHMR's tables.
    """
    if len(predicted) < 4:
        return float("nan")
    return _mean(np.linalg.norm(np.diff(predicted, 3, axis=0), axis=-1)) * fps**3


def foot_slide_cm_s(feet: Array, resting: NDArray[np.bool_], fps: float) -> tuple[float, int]:
    """Mean speed of points (T, P, 3) over the steps between two frames in both of which they truly rest (T, P).

    Also returns how many such steps there are; the mean over none is NaN.
    """
    steps = resting[1:] & resting[:-1]
    speed = 100 * fps * np.linalg.norm(np.diff(feet, axis=0), axis=-1)
    return _mean(speed[steps]), int(steps.sum())


def angle_deg(predicted: Array, truth: Array) -> float:
    """Mean angle between unit vectors (…, 3)."""
    return _mean(np.degrees(np.arccos(np.clip((predicted * truth).sum(-1), -1, 1))))


def f1(said: NDArray[np.bool_], true: NDArray[np.bool_]) -> tuple[float, int]:
    """Harmonic mean of precision and recall; and its weight, with which means over parts are the F1 of the whole."""
    weight = int(said.sum() + true.sum())
    return (2 * float((said & true).sum()) / weight if weight else float("nan")), weight


def _mean(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")
