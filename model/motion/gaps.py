# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames in which the person was not seen."""

import numpy as np
from numpy.typing import NDArray

from .rotations import axis_angle_from_matrix, matrix_from_axis_angle

Array = NDArray[np.float64]

LONGEST_GAP_S = 1.0
"""How long a gap may be that is bridged; what somebody did for longer than that nobody knows."""


def filled(
    local: Array, position: Array, time_s: NDArray[np.floating], observed: NDArray[np.bool_]
) -> tuple[Array, Array]:
    """Rotations (T, J, 3, 3) and positions (T, 3), unobserved frames interpolated between their observed neighbours.

    Rotations turn at constant speed about a fixed axis, positions move in a straight line, by time; before the first
    and after the last observed frame the pose is held.
    """
    known = np.flatnonzero(observed)
    gap = np.flatnonzero(~observed)
    if not len(known) or not len(gap):
        return local, position
    after = np.searchsorted(known, gap)
    left, right = known[np.maximum(after - 1, 0)], known[np.minimum(after, len(known) - 1)]
    left, right = np.where(after == 0, right, left), np.where(after == len(known), left, right)
    span = np.maximum(time_s[right] - time_s[left], 1e-9)
    share = np.clip((time_s[gap] - time_s[left]) / span, 0, 1)
    turn = axis_angle_from_matrix(np.swapaxes(local[left], -1, -2) @ local[right])
    local, position = local.copy(), position.copy()
    local[gap] = local[left] @ matrix_from_axis_angle(share[:, None, None] * turn)
    position[gap] = position[left] + share[:, None] * (position[right] - position[left])
    return local, position


def longest_part(time_s: NDArray[np.floating], observed: NDArray[np.bool_]) -> slice:
    """Frames (T,) from one observed to another, as many observed as possible, without a gap that is not bridged."""
    known = np.flatnonzero(observed)
    if not len(known):
        return slice(0, len(time_s))
    parts = np.split(known, np.flatnonzero(np.diff(time_s[known]) > LONGEST_GAP_S) + 1)
    longest = max(parts, key=len)
    return slice(int(longest[0]), int(longest[-1]) + 1)
