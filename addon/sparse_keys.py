# SPDX-License-Identifier: GPL-3.0-or-later
"""Few keys in place of one at every frame, within a tolerance. numpy only."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SAFE = 0.9
"""The share of a tolerance that is used up here; what Blender's single precision adds takes less than the rest."""


def kept(
    frames: NDArray[np.floating], values: NDArray[np.floating], tolerance: float
) -> tuple[NDArray[np.intp], Array]:
    """Which frames need a key, and the slopes (K, n) of the curves there, for values (T, n) at increasing frames (T,).

    Cubic curves through these keys with these slopes stay within the tolerance, by the Euclidean norm over the n
    channels, at each of the frames. Every stretch that does not is parted at its worst frame, all at once (Douglas and
    Peucker's way, with cubics in place of lines).
    """
    frames, values = np.asarray(frames, np.float64), np.asarray(values, np.float64)
    if len(frames) < 3:
        return np.arange(len(frames)), np.zeros_like(values)
    slopes = np.gradient(values, frames, axis=0)
    keyed = np.zeros(len(frames), bool)
    keyed[[0, -1]] = True
    while True:
        keys = np.flatnonzero(keyed)
        error = np.linalg.norm(cubic(frames, frames[keys], values[keys], slopes[keys]) - values, axis=-1)
        worst = np.maximum.reduceat(error, keys[:-1])
        stretch = np.minimum(np.cumsum(keyed) - 1, len(keys) - 2)
        candidates = np.flatnonzero((error > SAFE * tolerance) & (error == worst[stretch]) & ~keyed)
        if not len(candidates):
            return keys, slopes[keys]
        keyed[candidates[np.unique(stretch[candidates], return_index=True)[1]]] = True


def cubic(at: Array, frames: Array, values: Array, slopes: Array) -> Array:
    """The cubic curves (T, n) through values (K, n) with slopes (K, n) at frames (K,), at other frames (T,) between."""
    k = np.clip(np.searchsorted(frames, at, "right") - 1, 0, len(frames) - 2)
    width = (frames[k + 1] - frames[k])[:, None]
    s = (at - frames[k])[:, None] / width
    rise = values[k + 1] - values[k]
    leaving, arriving = slopes[k] * width, slopes[k + 1] * width
    return values[k] + s * leaving + s**2 * (3 * rise - 2 * leaving - arriving) + s**3 * (leaving + arriving - 2 * rise)


def handles(frames: Array, values: Array, slopes: Array) -> tuple[Array, Array]:
    """Bézier handles (K, 2) to the left and the right of keys (K,), as (frame, value), for the same cubic curves.

    A third of the way to the neighbours: then time runs evenly along the curve.
    """
    widths = np.diff(frames) / 3
    left = np.concatenate([widths[:1], widths]) if len(widths) else np.ones(1)
    right = np.concatenate([widths, widths[-1:]]) if len(widths) else np.ones(1)
    return (
        np.stack([frames - left, values - left * slopes], -1),
        np.stack([frames + right, values + right * slopes], -1),
    )
