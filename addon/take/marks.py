# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the person was not seen, and when feet come down and leave, as texts at times. numpy only."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ...model.motion.contacts import resting, spans

GAP, SEEN = "Gap", "Seen"
FEET = (("L down", "L up"), ("R down", "R up"))
NAMES = frozenset((GAP, SEEN, *(name for pair in FEET for name in pair)))


def gaps(frames: NDArray[np.floating], observed: NDArray[np.bool_]) -> Iterator[tuple[float, str]]:
    """The first frame of each gap and the first after it, for scene frames (T,) and what was observed (T,)."""
    return _edges(frames, ~observed, (GAP, SEEN))


def contacts(
    frames: NDArray[np.floating], time_s: NDArray[np.floating], probability: NDArray[np.floating]
) -> Iterator[tuple[float, str]]:
    """When the left and the right foot come down with heel or toe and leave with both, by contacts (T, 4)."""
    rests = resting(probability, time_s)
    for side, names in enumerate(FEET):
        yield from _edges(frames, rests[:, 2 * side : 2 * side + 2].any(1), names)


def _edges(
    frames: NDArray[np.floating], flags: NDArray[np.bool_], names: tuple[str, str]
) -> Iterator[tuple[float, str]]:
    for first, end in spans(flags):
        yield float(frames[first]), names[0]
        if end < len(frames):
            yield float(frames[end]), names[1]
