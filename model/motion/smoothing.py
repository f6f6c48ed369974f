# SPDX-License-Identifier: GPL-3.0-or-later
"""Zero-phase smoothing of a raw motion. The raw motion is kept, so any strength can be chosen again later."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from .motion import Motion
from .rotations import matrix_from_axis_angle, quaternion_from_matrix
from .skeleton import REGIONS

Array = NDArray[np.float64]
Values = TypeVar("Values", bound=Any)

WIDEST_S: Final = 0.14
"""Standard deviation in seconds of the window at strength 1."""
REACH: Final = 2.5
"""Where the window is cut off, in standard deviations."""
NARROWER: Final = (1.0, 0.5, 0.25)
"""The windows that are tried, in widths of the widest; where even the narrowest slows a move, the frame stays."""
DOUBT: Final = 2.0
"""How many times the noise two windows may differ by and still be believed to differ by noise only."""
SLOWER: Final = 0.08
"""By what share a window may slow a move and still be believed."""
A_MOVE: Final = 8.0
"""A speed so many times that of the noise is a move."""
LEAST_RAD, LEAST_M = 0.003, 0.001
"""Even the steadiest capture trembles by this much."""
MEDIAN_OF_NOISE: Final = 1.538
"""The median length of a vector of three normally distributed numbers."""
FRAMES_AT_ONCE: Final = 256


def smooth(
    motion: Motion, rest: NDArray[np.floating], strength: float, regions: Mapping[str, float] | None = None
) -> Motion:
    """The motion with rotations and translation smoothed in time; strength 0 (as it is) to 1, rest (24, 3) metres.

    `regions` are factors for the strength by region of the body (REGIONS), 1 where none is given.

    Every frame is replaced by the value at its own time of a parabola fitted to its neighbours under a Gaussian
    window (local regression): symmetric in time, so nothing lags. Rotations are fitted in the tangent space at the
    frame's own rotation. Each joint has the widest window at each moment that does not contradict the narrower ones
    by more than noise explains (after Lepski 1991), nor slows a move: trembling goes, the peaks of fast moves stay.
    """
    if len(motion) < 3:
        return motion
    strengths = np.full(25, strength)  # 24 joints and the translation.
    for region, factor in (regions or {}).items():
        strengths[list(REGIONS[region])] *= factor
    strengths[24] = strengths[0]
    sigmas = WIDEST_S * np.sqrt(np.clip(strengths, 0.0, 1.0))
    if not sigmas.any():
        return motion
    local = motion.local_rotations()
    neighbours = _neighbours(motion.time_s, float(sigmas.max()))
    offsets = _offsets(quaternion_from_matrix(local), np.asarray(motion.trans, np.float64), neighbours)
    step = np.zeros((len(motion), 25, 3))
    for sigma in np.unique(sigmas[sigmas > 0]):
        chosen = np.flatnonzero(sigmas == sigma)
        step[:, chosen] = _steadied(offsets[:, :, chosen], motion.time_s, neighbours, float(sigma), chosen)
    return motion.with_pose(local @ matrix_from_axis_angle(step[:, :24]), motion.trans + step[:, 24], rest)


def _steadied(
    offsets: Array, time_s: NDArray[np.floating], neighbours: NDArray[np.intp], sigma_s: float, joints: NDArray[np.intp]
) -> Array:
    """By how much (T, J, 3) to move each frame, for its neighbours' offsets (T, W, J, 3) from it."""
    sigmas = [sigma_s * width for width in NARROWER]
    values, slopes = zip(
        *[_kernels(time_s, neighbours, sigma) for sigma in sigmas], _alone(time_s, neighbours), strict=True
    )
    fits, speeds = (
        [np.einsum("tw,twjc->tjc", kernel, offsets, optimize=True) for kernel in each] for each in (values, slopes)
    )
    # What the narrowest window takes away is noise, but for the share of it that the window lets through.
    noise = np.median(np.linalg.norm(fits[-2], axis=-1) / _unlike(values[-2], values[-1]), axis=0) / MEDIAN_OF_NOISE
    noise = np.maximum(noise, np.where(joints < 24, LEAST_RAD, LEAST_M))

    def around(numbers: Array, sigma: float) -> Array:
        # Over a stretch of time, so that one frame neither hides a bend nor invents one.
        return _around(numbers, time_s, neighbours, sigma)

    speed = around((speeds[-1] ** 2).sum(-1), sigmas[-1])
    moves = 1 / (1 + (3 * (A_MOVE * noise * _unlike(slopes[-1])) ** 2 / np.maximum(speed, 1e-12)) ** 2)
    result, believed = fits[-1], np.ones(fits[-1].shape[:2])
    for wide in range(len(NARROWER) - 1, -1, -1):
        apart = fits[wide] - fits[wide + 1]
        if wide + 1 < len(NARROWER):
            expected = DOUBT * noise * _unlike(values[wide], values[wide + 1])
            believed = believed / (1 + (around((apart**2).sum(-1), sigmas[wide + 1]) / 3 / expected**2) ** 2)
        lost = 1 - around((speeds[wide] * speeds[-1]).sum(-1), sigmas[-1]) / np.maximum(speed, 1e-12)
        believed = believed / (1 + (moves * np.maximum(lost, 0) / SLOWER) ** 4)
        result = result + believed[..., None] * apart
    return result


def _unlike(a: Array, b: Array | float = 0.0) -> Array:
    """By how many times the noise of a frame what two kernels (T, W) say differs, (T, 1)."""
    return np.sqrt(np.maximum(((a - b) ** 2).sum(1), 1e-9))[:, None]


def _alone(time_s: NDArray[np.floating], neighbours: NDArray[np.intp]) -> tuple[Array, Array]:
    """The kernels (T, W) of a window that holds no more than a frame, and for its slope those beside it."""
    value, slope = np.zeros(neighbours.shape), np.zeros(neighbours.shape)
    own = neighbours.shape[1] // 2
    value[:, own] = 1
    span = np.asarray(time_s)[neighbours[:, own + 1]] - np.asarray(time_s)[neighbours[:, own - 1]]
    slope[:, own + 1] = 1 / np.maximum(span, 1e-6)
    slope[:, own - 1] = -slope[:, own + 1]
    return value, slope


def _around(values: Array, time_s: NDArray[np.floating], neighbours: NDArray[np.intp], sigma_s: float) -> Array:
    """Values (T, J) averaged under a Gaussian window."""
    dt = (time_s[neighbours] - time_s[:, None]) / sigma_s
    weight = np.exp(-0.5 * dt**2)
    return np.einsum("tw,twj->tj", weight / weight.sum(1, keepdims=True), values[neighbours], optimize=True)


def _offsets(quaternions: Array, trans: Array, neighbours: NDArray[np.intp]) -> Array:
    """Rotation vectors from each frame's quaternions WXYZ (T, 24, 4) to its neighbours', and steps of trans (T, 3).

    Returns (T, W, 25, 3).
    """
    result = np.empty((*neighbours.shape, 25, 3))
    result[:, :, 24] = trans[neighbours] - trans[:, None]
    for start in range(0, len(trans), FRAMES_AT_ONCE):
        part = slice(start, start + FRAMES_AT_ONCE)
        a, b = quaternions[part, None], quaternions[neighbours[part]]
        w = np.einsum("...c,...c->...", a, b)[..., None]
        # The vector part of a⁻¹ b.
        ax, ay, az = a[..., 1], a[..., 2], a[..., 3]
        bx, by, bz = b[..., 1], b[..., 2], b[..., 3]
        cross = np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], -1)
        v = np.sign(w + 1e-300) * (a[..., :1] * b[..., 1:] - b[..., :1] * a[..., 1:] - cross)
        sine = np.sqrt(np.einsum("...c,...c->...", v, v))[..., None]
        result[part, :, :24] = v * np.where(sine < 1e-9, 2.0, 2 * np.arctan2(sine, np.abs(w)) / np.maximum(sine, 1e-9))
    return result


def local_regression(time_s: NDArray[np.floating], sigma_s: float, degree: int = 2) -> tuple[NDArray[np.intp], Array]:
    """Indices (T, W) of each frame's neighbours and the weights (T, W) that give the fitted value at the frame.

    The weights of a frame sum to 1 and reproduce any parabola exactly, or polynomial of another degree; times (T,) in
    seconds may be uneven.
    """
    time_s = np.asarray(time_s, np.float64)
    neighbours = _neighbours(time_s, sigma_s)
    return neighbours, _kernels(time_s, neighbours, sigma_s, degree)[0]


def smoothed_in_time(values: Values, time_s: NDArray[np.floating], sigma_s: float, degree: int = 2) -> Values:
    """Values (T, ...), an array or a tensor, each the value at its own time of a parabola fitted to its neighbours.

    Or of a line, with degree 1, which goes less astray at both ends.
    """
    if len(values) < 3:
        return values
    neighbours, kernel = local_regression(time_s, sigma_s, degree)
    weights: Any = kernel.reshape(*kernel.shape, *[1] * (values.ndim - 1))
    if not isinstance(values, np.ndarray):
        weights = values.new_tensor(weights)
    return (weights * values[neighbours]).sum(1)


def _neighbours(time_s: NDArray[np.floating], sigma_s: float) -> NDArray[np.intp]:
    """Indices (T, W) of the frames in each frame's window, itself in the middle; beyond the ends the frame itself."""
    T = len(time_s)
    usual = float(np.median(np.diff(time_s))) if T > 1 else 1.0
    reach = min(max(int(np.ceil(REACH * sigma_s / max(usual, 1e-6))), 1), T - 1)
    frames = np.arange(T)[:, None]
    near = frames + np.arange(-reach, reach + 1)
    return np.where((near >= 0) & (near < T), near, frames)


def _kernels(
    time_s: NDArray[np.floating], neighbours: NDArray[np.intp], sigma_s: float, degree: int = 2
) -> tuple[Array, Array]:
    """The weights (T, W) of local regression, and those that give the fitted slope at the frame, per second."""
    T, W = neighbours.shape
    dt = (time_s[neighbours] - time_s[:, None]) / sigma_s
    outside = (neighbours == np.arange(T)[:, None]) & (np.arange(W) != W // 2)
    weight = np.where(outside, 0.0, np.exp(-0.5 * dt**2))
    basis = dt[..., None] ** np.arange(degree + 1)
    normal = np.einsum("twa,tw,twb->tab", basis, weight, basis, optimize=True)
    # Where a window holds fewer than three frames a parabola is not determined: lean towards a constant.
    normal += np.diag([0.0, *[1e-9] * degree]) * np.trace(normal, axis1=-2, axis2=-1)[:, None, None]
    solved = np.linalg.solve(normal, np.broadcast_to(np.eye(degree + 1)[:, :2], (T, degree + 1, 2)))
    value, slope = np.moveaxis(np.einsum("twa,tad->twd", basis, solved) * weight[..., None], -1, 0)
    return value, slope / sigma_s
