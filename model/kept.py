# SPDX-License-Identifier: GPL-3.0-or-later
"""What finished stages leave in the cache, as arrays: who is there, and what one of them was seen to do."""

from dataclasses import dataclass, fields

import numpy as np

from .cache import Arrays
from .camera.background import Background
from .people import Observations, Track


@dataclass(frozen=True)
class People:
    """Everybody, each within one shot, and what was seen of cuts and of the camera."""

    tracks: list[Track]
    cuts_s: list[float]
    camera_moves: bool


def packed_people(people: People) -> Arrays:
    """As the cache keeps them."""
    tracks = {
        f"{number}.{each.name}": np.asarray(getattr(track, each.name))
        for number, track in enumerate(people.tracks)
        for each in fields(Track)
    }
    moves = np.array(people.camera_moves)
    return {**tracks, "count": np.array(len(people.tracks)), "cuts_s": np.array(people.cuts_s), "moves": moves}


def unpacked_people(arrays: Arrays) -> People:
    """What `packed_people` packed. Raises KeyError or ValueError if it is not that."""
    tracks = [
        Track(int(arrays[f"{number}.id"]), *(arrays[f"{number}.{each.name}"] for each in fields(Track)[1:]))
        for number in range(int(arrays["count"]))
    ]
    return People(tracks, arrays["cuts_s"].tolist(), bool(arrays["moves"]))


def packed_observations(found: tuple[Observations, Background | None]) -> Arrays:
    """As the cache keeps them."""
    seen, background = found
    arrays = {each.name: getattr(seen, each.name) for each in fields(Observations)}
    behind = background.remembered() if background else {}
    return {**arrays, **{f"background.{name}": values for name, values in behind.items()}}


def unpacked_observations(arrays: Arrays) -> tuple[Observations, Background | None]:
    """What `packed_observations` packed. Raises KeyError or ValueError if it is not that."""
    seen = Observations(**{each.name: arrays[each.name] for each in fields(Observations)})
    behind = {
        name.removeprefix("background."): values for name, values in arrays.items() if name.startswith("background.")
    }
    return seen, Background.of(behind) if behind else None
