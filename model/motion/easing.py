# SPDX-License-Identifier: GPL-3.0-or-later
"""Corrections that come and go smoothly, by time, at any and at varying frame rates. numpy only."""

import numpy as np
from numpy.typing import NDArray

from .contacts import Flags, spans

Array = NDArray[np.float64]


def eased(values: Array, held: Flags, time_s: NDArray[np.floating], within_s: float) -> Array:
    """Values (T, C) as they are where they are held (T,), elsewhere a smooth way from them to zero and back.

    The way leaves with the slope that the values have there, as far as it does not overshoot, and takes within_s; where
    they are held again too soon for that, it leads from the one straight to the other (cubic Hermite curves with
    Fritsch and Carlson's bound on the slopes).
    """
    result = np.where(held[:, None], values, 0.0)
    for first, end in spans(~held):
        before, after = first - 1, end
        inside = time_s[first:end]
        starts, ends = before >= 0, after < len(values)
        if starts and ends and time_s[after] - time_s[before] < 2 * within_s:
            slopes = _slope(values, held, time_s, before, -1), _slope(values, held, time_s, after, 1)
            result[first:end] = _hermite(
                (inside - time_s[before]) / (time_s[after] - time_s[before]), values[before], values[after],
                *(slope * (time_s[after] - time_s[before]) for slope in slopes),
            )  # fmt: skip
            continue
        zero = np.zeros(values.shape[1])
        if starts:
            slope = _slope(values, held, time_s, before, -1) * within_s
            share = np.clip((inside - time_s[before]) / within_s, 0, 1)
            result[first:end] += _hermite(share, values[before], zero, slope, zero)
        if ends:
            slope = -_slope(values, held, time_s, after, 1) * within_s
            share = np.clip((time_s[after] - inside) / within_s, 0, 1)
            result[first:end] += _hermite(share, values[after], zero, slope, zero)
    return result


def nearness(held: Flags, time_s: NDArray[np.floating], within_s: float) -> Array:
    """1 (T,) where held (T,) is true, falling smoothly to 0 within_s seconds from there."""
    known = np.flatnonzero(held)
    if not len(known):
        return np.zeros(len(held))
    after = np.searchsorted(known, np.arange(len(held)))
    left, right = known[np.maximum(after - 1, 0)], known[np.minimum(after, len(known) - 1)]
    away = np.minimum(np.abs(time_s - time_s[left]), np.abs(time_s[right] - time_s))
    share = np.clip(1 - away / within_s, 0, 1)
    return share * share * (3 - 2 * share)


def envelope(values: Array, time_s: NDArray[np.floating], within_s: float) -> Array:
    """A smooth curve (T,) nowhere below values (T,), that rises and falls within about twice within_s seconds."""

    def neighbours(row: Array, fill: float) -> Array:
        """The row moved by -reach..reach frames (2 reach + 1, T), `fill` where that is too far in time."""
        moved = np.full((2 * reach + 1, len(row)), fill)
        for k in range(-reach, reach + 1):
            here = slice(max(0, -k), len(row) - max(0, k))
            there = slice(max(0, k), len(row) - max(0, -k))
            near = np.abs(time_s[there] - time_s[here]) <= within_s
            moved[k + reach, here] = np.where(near, row[there], fill)
        return moved

    time_s = np.asarray(time_s, np.float64)
    reach = int(np.max(np.searchsorted(time_s, time_s + within_s, "right") - 1 - np.arange(len(time_s)), initial=0))
    highest = neighbours(values, -np.inf).max(0)
    away = neighbours(time_s, np.nan) - time_s
    weight = np.nan_to_num(1 + np.cos(np.pi * away / (1.001 * within_s)))
    return np.sum(weight * neighbours(highest, 0.0), 0) / weight.sum(0)


def _slope(values: Array, held: Flags, time_s: NDArray[np.floating], at: int, side: int) -> Array:
    """How fast the values change (C,) at a frame, looking to one side; nothing if they are not held there."""
    other = at + side
    if not 0 <= other < len(values) or not held[other]:
        return np.zeros(values.shape[1])
    return (values[other] - values[at]) / (time_s[other] - time_s[at])


def _hermite(share: Array, start: Array, end: Array, leaving: Array, arriving: Array) -> Array:
    """From start to end (C,), for shares 0..1 (N,), with slopes (C,) over the whole way that cannot overshoot."""
    way = end - start
    leaving, arriving = (
        np.clip(slope, np.minimum(3 * way, 0), np.maximum(3 * way, 0)) for slope in (leaving, arriving)
    )
    s = share[:, None]
    return start + s * leaving + s**2 * (3 * way - 2 * leaving - arriving) + s**3 * (leaving + arriving - 2 * way)
