# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is in the footage, where and when."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import partial
from itertools import islice
from typing import Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from ..footage import Frame, ahead
from . import movenet
from .runtime import Arrays, Network, Once, at_first_hand, open_network
from .tracker import Sighting, Tracker, Trail

Array = npt.NDArray[np.float64]
Picture = npt.NDArray[np.uint8]

INTERVAL_S: Final = 0.1
"""People are looked for ten times a second and expected on a straight line between."""
BATCH: Final = 4
FAINTEST: Final = 0.12
SHORTEST_S: Final = 0.3
THUMBNAIL_PX: Final = 192
THUMBNAIL_MARGIN: Final = 0.1
COLOURS: Final = 4
"""Levels of each of red, green and blue in the torso's histogram."""
TORSO: Final = (5, 6, 11, 12)
"""Shoulders and hips among COCO's keypoints."""


@dataclass(frozen=True)
class Track:
    """One person from the first to the last sighting: N frames of the footage, interpolated between sightings.

    time_s (N,); boxes (N, 4) as left, top, right, bottom in pixels; scores (N,) 0..1; keypoints (N, 17, 3) in COCO's
    order: x, y in pixels and a score; thumbnail (h, w, 3) RGB.
    """

    id: int
    time_s: Array
    boxes: Array
    scores: Array
    keypoints: Array
    thumbnail: Picture

    def at(self, time_s: Array) -> tuple[Array, Array]:
        """Boxes (T, 4) and keypoints (T, 17, 3) at any times (T,), held at the ends."""
        return interpolated(time_s, self.time_s, self.boxes), interpolated(time_s, self.time_s, self.keypoints)


def scan(
    frames: Iterable[Frame], device: str, report: Callable[[int], None], once: Once = at_first_hand,
    cuts_s: Sequence[float] = (),
) -> list[Track]:  # fmt: skip
    """Everybody in the footage, the most prominent first: seen long, large and clearly. Ids count from 1 in that order.

    `device` is "cpu" or a torch device; `report` is called with the number of frames read and may raise Cancelled;
    `once` looks at one batch after the other; `cuts_s`, times at which other shots begin, may grow while frames come.
    Raises Failure if the network's weights are missing or damaged.
    """
    times: list[float] = []
    looks = ahead(_looks(frames, times), BATCH)
    network = open_network(movenet.WEIGHTS, device)
    tracker = Tracker()
    thumbnails = _Thumbnails()
    looked: list[float] = []
    height, shot = 1, 0
    while batch := list(islice(looks, BATCH)):
        for look, sightings in zip(batch, _unpacked(once(partial(_sightings, network, batch))), strict=True):
            height = look.frame.rgb.shape[0]
            looked.append(look.frame.time_s)
            before, shot = shot, sum(cut_s <= look.frame.time_s + 1e-6 for cut_s in cuts_s)
            if shot > before:
                tracker.cut()
            tracker.update(look.frame.time_s, sightings)
            thumbnails.consider(look.frame, tracker.trails)
        report(batch[-1].frame.index + 1)
    report(len(times))
    shortest = min(SHORTEST_S, (looked[-1] - looked[0]) / 2) if looked else 0.0
    trails = [trail for trail in tracker.trails if trail.times[-1] - trail.times[0] >= shortest]
    trails.sort(key=lambda trail: -_prominence(trail, height))
    return [_track(i + 1, trail, np.array(times), thumbnails.of(trail)) for i, trail in enumerate(trails)]


class _Look(NamedTuple):
    """A frame on which to look for people, as `movenet.fit` makes it."""

    frame: Frame
    picture: npt.NDArray[np.float32]
    scale: float


def _looks(frames: Iterable[Frame], times: list[float]) -> Iterator[_Look]:
    """The frames that are due for a look; the time of every frame is noted on the way."""
    last = -np.inf
    for frame in frames:
        times.append(frame.time_s)
        if frame.time_s - last >= INTERVAL_S - 1e-3:
            last = frame.time_s
            yield _Look(frame, *movenet.fit(frame.rgb))


def _sightings(network: Network, looks: list[_Look]) -> Arrays:
    """The people in each of some pictures of equal size, as `_unpacked` takes them."""
    heads = network(np.concatenate([look.picture for look in looks]))
    result: list[list[Sighting]] = []
    for i, (_, picture, scale) in enumerate(looks):
        people = movenet.decode({name: values[i : i + 1] for name, values in heads.items()}, FAINTEST)
        found: list[Sighting] = []
        for box, keypoints, score in zip(people.boxes, people.keypoints, people.scores, strict=True):
            colour = torso_colour(picture[0], box, keypoints)
            scaled = np.concatenate([keypoints[:, :2] / scale, keypoints[:, 2:]], 1).astype(np.float64)
            found.append(Sighting(box.astype(np.float64) / scale, scaled, float(score), colour))
        result.append(found)
    everybody = [sighting for found in result for sighting in found]
    return {
        "counts": np.array([len(found) for found in result]),
        **{each.name: np.array([getattr(one, each.name) for one in everybody]) for each in fields(Sighting)},
    }


def _unpacked(arrays: Arrays) -> list[list[Sighting]]:
    """The people in each of some pictures."""
    columns = zip(*(arrays[each.name] for each in fields(Sighting)), strict=True)
    everybody = iter([Sighting(box, keypoints, float(score), colour) for box, keypoints, score, colour in columns])
    return [list(islice(everybody, count)) for count in arrays["counts"].tolist()]


def torso_colour(picture: npt.NDArray[np.float32], box: Array, keypoints: Array) -> Array:
    """Histogram (COLOURS³,) of the picture (h, w, 3; 0..255) between shoulders and hips, summing to 1."""
    torso = keypoints[list(TORSO), :2] if keypoints[list(TORSO), 2].min() > FAINTEST else box.reshape(2, 2)
    limits = picture.shape[1::-1]
    low = np.clip(np.floor(torso.min(0)), 0, np.subtract(limits, 1)).astype(int)
    high = np.maximum(np.clip(np.ceil(torso.max(0)), 1, limits).astype(int), low + 1)
    levels = (picture[low[1] : high[1], low[0] : high[0]] * (COLOURS / 256)).astype(int).reshape(-1, 3)
    counts = np.bincount(levels @ (COLOURS * COLOURS, COLOURS, 1), minlength=COLOURS**3)
    return counts / counts.sum()


def _prominence(trail: Trail, height: int) -> float:
    """Seconds in view, weighed by size in the picture and by certainty."""
    return INTERVAL_S * sum(sighting.score * min(sighting.size / height, 1.0) for sighting in trail.sightings)


def _track(number: int, trail: Trail, times: Array, thumbnail: Picture) -> Track:
    seen = np.array(trail.times)
    # Frames next to the first and last sighting that were not looked at belong to the track as well.
    covered = times[(times > seen[0] - INTERVAL_S + 1e-3) & (times < seen[-1] + INTERVAL_S - 1e-3)]
    return Track(
        id=number,
        time_s=covered,
        boxes=interpolated(covered, seen, np.array([s.box for s in trail.sightings])),
        scores=interpolated(covered, seen, np.array([s.score for s in trail.sightings])),
        keypoints=interpolated(covered, seen, np.array([s.keypoints for s in trail.sightings])),
        thumbnail=thumbnail,
    )


def interpolated(times: Array, known_times: Array, known: npt.NDArray[np.floating]) -> Array:
    """Values (N, ...) known at (K,) times, on straight lines between them and held at the ends."""
    after = np.clip(np.searchsorted(known_times, times), 1, max(len(known_times) - 1, 1))
    before = after - 1
    after = np.minimum(after, len(known_times) - 1)
    span = np.maximum(known_times[after] - known_times[before], 1e-9)
    share = np.clip((times - known_times[before]) / span, 0, 1).reshape(-1, *[1] * (known.ndim - 1))
    return known[before] * (1 - share) + known[after] * share


class _Thumbnails:
    """A small picture of everybody, from where they are seen best so far."""

    def __init__(self) -> None:
        self._best: dict[int, tuple[float, Picture]] = {}

    def consider(self, frame: Frame, trails: list[Trail]) -> None:
        for trail in trails:
            if trail.times[-1] != frame.time_s:
                continue
            sighting = trail.sightings[-1]
            worth = sighting.score * sighting.size
            if worth > 1.1 * self._best.get(id(trail), (0.0,))[0]:
                self._best[id(trail)] = worth, _thumbnail(frame.rgb, sighting.box)

    def of(self, trail: Trail) -> Picture:
        return self._best[id(trail)][1]


def _thumbnail(rgb: Picture, box: Array) -> Picture:
    margin = THUMBNAIL_MARGIN * np.tile(box[2:] - box[:2], 2) * (-1, -1, 1, 1)
    left, top, right, bottom = np.round(box + margin).astype(int)
    height, width = rgb.shape[:2]
    left, top = int(np.clip(left, 0, width - 1)), int(np.clip(top, 0, height - 1))
    right, bottom = int(np.clip(right, left + 1, width)), int(np.clip(bottom, top + 1, height))
    scale = min(THUMBNAIL_PX / (bottom - top), THUMBNAIL_PX / (right - left))
    size = max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(rgb[top:bottom, left:right], size, interpolation=interpolation), np.uint8)
