# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is who over time: joins the people found in single pictures into tracks.

Each track expects its person where constant velocity carries the last sighting. Sightings go to tracks so that the sum
of distances is smallest (Hungarian method); certain sightings choose first, uncertain ones may only continue a track
(as in ByteTrack, Zhang et al. 2022). Colours of the torso keep two people apart who cross.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

Array = npt.NDArray[np.float64]

CERTAIN: Final = 0.25
"""A sighting with at least this score may begin a track."""
LONGEST_LOST_S: Final = 1.5
VISIBLE_JOINT: Final = 0.2
REACH: Final = 0.6
REACH_GROWTH: Final = 0.8
"""How far, in body sizes, a sighting may be from where a track expects it, and how that grows each second of a gap."""
COLOUR_WEIGHT: Final = 0.5
SIZE_WEIGHT: Final = 0.5
VELOCITY_MEMORY: Final = 0.5
COLOUR_MEMORY: Final = 0.9
COASTING_S: Final = 0.5
"""Over a gap the expected speed decays with this time constant: people who vanish have often stopped or turned."""
DUPLICATE: Final = 0.12
"""Two sightings in one picture whose joints are this close, in body sizes, are the same person."""


@dataclass(frozen=True)
class Sighting:
    """One person in one picture: box (4,) as left, top, right, bottom; keypoints (17, 3) with scores; score; colour.

    `colour` is a histogram of the torso, of any length, that sums to 1.
    """

    box: Array
    keypoints: Array
    score: float
    colour: Array

    @property
    def size(self) -> float:
        """The box's larger side: about the body's length, whatever its pose."""
        return float(max(self.box[2] - self.box[0], self.box[3] - self.box[1], 1.0))


@dataclass
class Trail:
    """The sightings of one person so far, and their times."""

    times: list[float] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)
    velocity: Array = field(default_factory=lambda: np.zeros(2))
    colour: Array = field(default_factory=lambda: np.zeros(0))

    def moved(self, time_s: float) -> Array:
        """By how much (2,) the person is expected to have moved since the last sighting."""
        gap = time_s - self.times[-1]
        return self.velocity * COASTING_S * (1 - np.exp(-gap / COASTING_S))

    def add(self, time_s: float, sighting: Sighting) -> None:
        if self.sightings:
            gap = max(time_s - self.times[-1], 1e-6)
            step = _displacement(self.sightings[-1], sighting) / gap
            memory = VELOCITY_MEMORY if len(self.sightings) > 1 else 0.0
            self.velocity = memory * self.velocity + (1 - memory) * step
            self.colour = COLOUR_MEMORY * self.colour + (1 - COLOUR_MEMORY) * sighting.colour
        else:
            self.colour = sighting.colour
        self.times.append(time_s)
        self.sightings.append(sighting)


class Tracker:
    """Feed it the sightings of each picture in order of time; `trails` holds everybody, in order of appearance."""

    def __init__(self) -> None:
        self.trails: list[Trail] = []
        self._before_cut = 0

    def cut(self) -> None:
        """From here on the pictures are of another shot: nobody goes on."""
        self._before_cut = len(self.trails)

    def update(self, time_s: float, sightings: list[Sighting]) -> None:
        sightings = _without_duplicates(sightings)
        shown = self.trails[self._before_cut :]
        alive = [trail for trail in shown if time_s - trail.times[-1] <= LONGEST_LOST_S]
        certain = [s for s in sightings if s.score >= CERTAIN]
        uncertain = [s for s in sightings if s.score < CERTAIN]
        left, unclaimed = _assign(time_s, alive, certain)
        _assign(time_s, left, uncertain)
        for sighting in unclaimed:
            trail = Trail()
            trail.add(time_s, sighting)
            self.trails.append(trail)


def _assign(time_s: float, trails: list[Trail], sightings: list[Sighting]) -> tuple[list[Trail], list[Sighting]]:
    """Give sightings to trails; what remains of both is returned."""
    if not trails or not sightings:
        return trails, sightings
    cost = np.array([[_cost(trail, sighting, time_s) for sighting in sightings] for trail in trails])
    rows, columns = linear_sum_assignment(np.where(np.isfinite(cost), cost, 1e6))
    pairs = [(r, c) for r, c in zip(rows, columns, strict=True) if np.isfinite(cost[r, c])]
    for row, column in pairs:
        trails[row].add(time_s, sightings[column])
    taken_rows, taken_columns = {r for r, _ in pairs}, {c for _, c in pairs}
    return (
        [trail for i, trail in enumerate(trails) if i not in taken_rows],
        [sighting for i, sighting in enumerate(sightings) if i not in taken_columns],
    )


def _cost(trail: Trail, sighting: Sighting, time_s: float) -> float:
    """How badly a sighting continues a trail: infinite if it is out of reach."""
    last = trail.sightings[-1]
    size = 0.5 * (last.size + sighting.size)
    off = _displacement(last, sighting) - trail.moved(time_s)
    away = float(np.hypot(*off)) / size
    if away > REACH + REACH_GROWTH * (time_s - trail.times[-1]):
        return float("inf")
    colour = 1 - float(np.sqrt(trail.colour * sighting.colour).sum())  # 0 for the same histogram, 1 for disjoint ones.
    return away + SIZE_WEIGHT * abs(float(np.log(sighting.size / last.size))) + COLOUR_WEIGHT * colour


def _displacement(before: Sighting, after: Sighting) -> Array:
    """How far (2,) a person moved: the median over the joints seen both times, or the boxes' middles without any."""
    both = (before.keypoints[:, 2] > VISIBLE_JOINT) & (after.keypoints[:, 2] > VISIBLE_JOINT)
    if both.sum() >= 3:
        return np.median(after.keypoints[both, :2] - before.keypoints[both, :2], axis=0)
    return (after.box[:2] + after.box[2:] - before.box[:2] - before.box[2:]) / 2


def _without_duplicates(sightings: list[Sighting]) -> list[Sighting]:
    kept: list[Sighting] = []
    for sighting in sorted(sightings, key=lambda s: -s.score):
        if all(_apart(sighting, other) > DUPLICATE for other in kept):
            kept.append(sighting)
    return kept


def _apart(a: Sighting, b: Sighting) -> float:
    """The median distance of two sightings' joints in body sizes."""
    both = (a.keypoints[:, 2] > VISIBLE_JOINT) & (b.keypoints[:, 2] > VISIBLE_JOINT)
    if not both.any():
        return float("inf")
    return float(np.median(np.hypot(*(a.keypoints[both, :2] - b.keypoints[both, :2]).T))) / max(a.size, b.size)
