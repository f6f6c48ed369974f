# SPDX-License-Identifier: GPL-3.0-or-later
"""Which frames of a clip are fit to learn from. Limits are those of the clips that the shipped weights saw."""

import numpy as np
from numpy.typing import NDArray

from .clip import Clip, J

LIMB_ACCELERATION_M_S2, ROOT_ACCELERATION_M_S2 = 225.0, 108.0
TURN_RAD_S = float(np.deg2rad(75.0)) * 30
UNDER_FLOOR_M = 0.25
SHORTEST_S = 20 / 30
FLOOR_PERCENTILE = 5


def floor_m(clip: Clip) -> float:
    """Height of the balls of the feet where they rest: nearly the lowest of the lower one over the clip."""
    balls = clip.joints[:, [J["left_foot"], J["right_foot"]], 1]
    return float(np.percentile(balls.min(1), FLOOR_PERCENTILE))


def unfit_frames(clip: Clip) -> dict[str, NDArray[np.bool_]]:
    """Frames (T,) to leave out, by the reason."""
    T, fps = len(clip), clip.fps
    root, limbs = clip.joints[:, :1], clip.joints[:, 1:] - clip.joints[:, :1]
    trace = np.einsum("tjrc,tjrc->tj", clip.local[1:], clip.local[:-1])
    jump = np.zeros(T, bool)
    jump[1:] = (np.arccos(np.clip((trace - 1) / 2, -1, 1)) * fps > TURN_RAD_S).any(1)
    return {
        "a joint under the floor": (clip.joints[..., 1] < floor_m(clip) - UNDER_FLOOR_M).any(1),
        "the body leaps": _acceleration(root, fps) > ROOT_ACCELERATION_M_S2,
        "a limb leaps": _acceleration(limbs, fps) > LIMB_ACCELERATION_M_S2,
        "a joint turns over": jump,
    }


def pieces(fit: NDArray[np.bool_], fps: float) -> list[tuple[int, int]]:
    """First frame and length of each run of fit frames (T,) that is long enough."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], fit, [False]]).astype(int)))
    return [(int(a), int(b - a)) for a, b in edges.reshape(-1, 2) if b - a >= round(SHORTEST_S * fps)]


def _acceleration(points: NDArray[np.floating], fps: float) -> NDArray[np.floating]:
    """The largest (T,) of points (T, N, 3), m/s²; none at the ends."""
    largest = np.zeros(len(points))
    largest[1:-1] = np.linalg.norm(points[2:] - 2 * points[1:-1] + points[:-2], axis=-1).max(1) * fps**2
    return largest
