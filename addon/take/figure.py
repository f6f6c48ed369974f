# SPDX-License-Identifier: GPL-3.0-or-later
"""What the overlay draws, as coloured triangles in a region's pixels. numpy only."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...model.motion.skeleton import KEYPOINT_BONES

Array = NDArray[np.float64]

FOUND: Final = 0.1
"""A keypoint less sure than this was not found."""
MARGIN: Final = 0.08
"""By how much of its size the box is wider than the keypoints."""
SURE, UNSURE = np.array([0.25, 1.0, 0.45, 0.95]), np.array([1.0, 0.2, 0.1, 0.95])
BOX: Final = np.array([1.0, 0.85, 0.3, 0.7])


def fitted(size: tuple[int, int], frame: Array) -> Array:
    """The corners (2, 2) of a picture of that size, as large as it fits into the middle of a camera's frame.

    Both are given by the upper left and the lower right corner, in a region's pixels; the frame's are (2, 2).
    """
    across = frame[1] - frame[0]
    scale = (np.abs(across) / size).min()
    half = np.sign(across) * size * scale / 2
    return frame.mean(0) + [-half, half]


def placed(keypoints: NDArray[np.floating], size: tuple[int, int], corners: Array) -> Array:
    """Keypoints (K, 3), x and y in pixels of a picture of that size, where its corners (2, 2) are in the region.

    The corners are the upper left and the lower right one. The third column, the confidence, is kept.
    """
    xy = corners[0] + keypoints[:, :2] / np.asarray(size, np.float64) * (corners[1] - corners[0])
    return np.concatenate([xy, keypoints[:, 2:]], -1)


def triangles(points: Array, line: float, dot: float) -> tuple[Array, Array]:
    """Corners (N, 2) and colours (N, 4), three for a triangle: bones, dots and the box of keypoints (K, 3) in pixels.

    line is a line's half width and dot half a dot's side. Keypoints that were not found are left out.
    """
    found = points[:, 2] > FOUND
    if not found.any():
        return np.empty((0, 2)), np.empty((0, 4))
    share = np.clip(points[:, 2:], 0.0, 1.0)
    colours = share * SURE + (1 - share) * UNSURE
    pairs = np.array([pair for pair in KEYPOINT_BONES if found[list(pair)].all()], int).reshape(-1, 2)
    low, high = points[found, :2].min(0), points[found, :2].max(0)
    margin = MARGIN * (high - low).max()
    low, high = low - margin, high + margin
    box = np.array([low, [high[0], low[1]], high, [low[0], high[1]]])
    bones = _lines(points[pairs[:, 0], :2], points[pairs[:, 1], :2], line)
    sides = _lines(box, np.roll(box, -1, 0), line)
    dots = points[found, None, :2] + dot * _QUAD
    corners = np.concatenate([bones, sides, dots])
    # A quad's first and last corners are at its one end, see _lines.
    ends = np.stack([colours[pairs[:, 0]], colours[pairs[:, 1]]], 1)[:, [0, 1, 1, 0]]
    tints = np.concatenate([ends, np.tile(BOX, (4, 4, 1)), np.repeat(colours[found, None], 4, 1)])
    halves = [0, 1, 2, 0, 2, 3]
    return corners[:, halves].reshape(-1, 2), tints[:, halves].reshape(-1, 4)


_QUAD = np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])


def _lines(starts: Array, ends: Array, half: float) -> Array:
    """Lines of some width as quads (N, 4, 2): beside the start, beside the end, and back on the other side."""
    along = ends - starts
    length = np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-9)
    side = along[:, ::-1] * [-half, half] / length
    return np.stack([starts - side, ends - side, ends + side, starts + side], 1)
