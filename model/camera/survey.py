# SPDX-License-Identifier: GPL-3.0-or-later
"""A quick look at footage on its way to somebody else: whether the camera moves, and where it is cut."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..footage import Frame
from ..people.tracks import SHORTEST_S, Track
from .background import FEWEST, Grey, corners, followed, small_grey

LOOK_S: Final = 0.1
"""How often to look for cuts: no oftener than others look at the picture, whose colours are then there already."""
CHECK_S: Final = 0.5
"""How often to look whether the camera moves."""
POINTS, TILES = 96, 4
"""Points, and the rows and columns of the picture they are taken from equally."""
STILL_PX: Final = 0.8
STILL_SHARE: Final = 0.3
"""While this share of the points stays in place, in pixels of the small picture, the camera does."""
LOST_SHARE: Final = 0.1
"""Fewer points than that are found again where nothing is as it was."""
MOVED_CHECKS: Final = 2
"""One picture may err."""
LEVELS: Final = 8
ALIKE: Final = 0.6
"""Pictures whose colours overlap less than that, and whose shapes are less alike, are of different shots."""
ALIKE_SHAPES: Final = 0.5
SMALL: Final = (32, 18)


class Survey:
    """Watches the frames of a clip; afterwards `cuts_s` has the times of the first pictures of new shots.

    `stillness`: also see whether the camera moves.
    """

    def __init__(self, *, stillness: bool = True) -> None:
        self._stillness = stillness
        self.cuts_s: list[float] = []
        self._moved = 0
        self._reference: tuple[Grey, NDArray[np.float32]] | None = None
        self._looked: tuple[float, NDArray[np.float32], NDArray[np.float32]] | None = None
        self._checked_s = -np.inf
        self._since: list[Frame] = []

    @property
    def camera_moves(self) -> bool:
        return self._moved >= MOVED_CHECKS

    def watch(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """The same frames."""
        for frame in frames:
            self._since.append(frame)
            if self._looked is None or frame.time_s - self._looked[0] >= LOOK_S - 1e-3:
                self._look(frame)
            yield frame

    def _look(self, frame: Frame) -> None:
        seen = _impression(frame.rgb)
        if self._looked is not None and _differ(self._looked[1:], seen):
            self.cuts_s.append(self._first_of_shot(seen))
            self._reference = None
        self._looked = frame.time_s, *seen
        self._since = []
        if self._stillness and (self._reference is None or frame.time_s - self._checked_s >= CHECK_S - 1e-3):
            self._checked_s = frame.time_s
            self._check(small_grey(frame.rgb)[0])

    def _first_of_shot(self, after: tuple[NDArray[np.float32], NDArray[np.float32]]) -> float:
        """The time of the first of the frames not looked at so far that resembles what comes after."""
        for frame in self._since:
            if not _differ(_impression(frame.rgb), after):
                return frame.time_s
        return self._since[-1].time_s

    def _check(self, grey: Grey) -> None:
        """Whether points are where they were in the shot's first picture."""
        if self._reference is None:
            self._reference = grey, _spread_corners(grey)
            return
        before, points = self._reference
        if len(points) < FEWEST:
            return
        found, kept = followed(before, grey, points)
        still = np.linalg.norm(found - points, axis=1)[kept] < STILL_PX
        self._moved += bool(kept.mean() < LOST_SHARE or still.mean() < STILL_SHARE)


def _spread_corners(grey: Grey) -> NDArray[np.float32]:
    """Points (N, 2) from all parts of the picture: those of one striking garment would say nothing of the camera."""
    rows, columns = (np.linspace(0, side, TILES + 1).astype(int) for side in grey.shape)
    found = [
        corners(grey[top:bottom, left:right], POINTS // TILES**2) + np.array([left, top], np.float32)
        for top, bottom in pairwise(rows.tolist())
        for left, right in pairwise(columns.tolist())
    ]
    return np.concatenate(found)


def _impression(rgb: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What a picture is like at a glance: its colours' histogram, and light and dark, (N,) without mean, length 1."""
    # Every n-th pixel will do.
    step = max(1, rgb.shape[1] // 160)
    sampled = np.ascontiguousarray(rgb[::step, ::step])
    colours = cv2.calcHist([sampled], [0, 1, 2], None, [LEVELS] * 3, [0, 256] * 3).ravel()
    shape = cv2.resize(cv2.cvtColor(sampled, cv2.COLOR_RGB2GRAY), SMALL, interpolation=cv2.INTER_AREA)
    light = shape.ravel().astype(np.float32)
    light -= light.mean()
    return (colours / colours.sum()).astype(np.float32), light / max(float(np.linalg.norm(light)), 1e-6)


def _differ(
    a: tuple[NDArray[np.float32], NDArray[np.float32]], b: tuple[NDArray[np.float32], NDArray[np.float32]]
) -> bool:
    return float(np.sqrt(a[0] * b[0]).sum()) < ALIKE and float(a[1] @ b[1]) < ALIKE_SHAPES


def within_shots(people: list[Track], cuts_s: list[float]) -> list[Track]:
    """Tracks of which none goes on after a cut, numbered anew; moments of somebody on the other side are left out."""
    if not cuts_s:
        return people
    parts: list[Track] = []
    for track in people:
        shots = np.searchsorted(np.array(cuts_s), track.time_s + 1e-6)
        pieces = [np.flatnonzero(shots == shot) for shot in np.unique(shots)]
        longest, *others = sorted(pieces, key=len, reverse=True)
        # A track reaches a little beyond the last look at its person: on to the other side of a cut.
        lasting = [piece for piece in others if np.ptp(track.time_s[piece]) >= SHORTEST_S]
        for piece in [longest, *lasting]:
            cut = {name: getattr(track, name)[piece] for name in ("time_s", "boxes", "scores", "keypoints")}
            parts.append(replace(track, **cut))
    parts.sort(key=lambda part: -float((part.scores * (part.boxes[:, 3] - part.boxes[:, 1])).sum()))
    return [replace(part, id=number) for number, part in enumerate(parts, 1)]
