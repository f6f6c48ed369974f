# SPDX-License-Identifier: GPL-3.0-or-later
"""Shots from the sources that training draws from: projections of motion capture, and pictures seen by the detector."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import torch

from ...body.model import BodyModel
from ...network.registry import COARSE_LEVEL
from ...training.pictures.shards import Pictures
from ...training.projections import Examples
from ..shots import Shot

AT_ONCE = 32


class Source(Protocol):
    """Whatever training draws from."""

    def draw(self, count: int, frames: int, meshes: int, generator: torch.Generator) -> Examples: ...


class Windows:
    """The windows of a folder of pictures one after the other, under the true field of view."""

    def __init__(self, folder: Path, body: BodyModel) -> None:
        self._pictures, self._next = Pictures(folder, body, COARSE_LEVEL), 0

    def __len__(self) -> int:
        return len(self._pictures)

    def draw(self, count: int, frames: int, meshes: int, generator: torch.Generator) -> Examples:
        """The next windows; after the last comes the first again."""
        chosen = (self._next + torch.arange(count)) % len(self)
        self._next += count
        begin = torch.zeros_like(chosen)
        return self._pictures.examples(chosen, begin, frames, meshes, generator, torch.ones(count), 0.0)


def shots(source: Source, count: int, frames: int, seed: int, group: str) -> Iterator[Shot]:
    """`count` windows of `frames` frames, each of them a shot with the truth about all of its frames."""
    generator = torch.Generator().manual_seed(seed)
    for first in range(0, count, AT_ONCE):
        drawn = source.draw(AT_ONCE, frames, frames, generator)
        for k in range(min(AT_ONCE, count - first)):
            yield _shot(drawn, k, group)


def _shot(drawn: Examples, k: int, group: str) -> Shot:
    """The k-th window; its camera is the window's, turned towards the person."""
    keypoints, world, feature = drawn.keypoints[k], drawn.world, drawn.feature
    order = drawn.frames[k].argsort()
    contacts = drawn.contacts[k]
    seen = torch.ones(len(keypoints), dtype=torch.bool)
    return Shot(
        group=group,
        time_s=drawn.time_s[k].double().numpy(),
        rays=keypoints[..., :2] * drawn.size[k].exp(),
        confidence=keypoints[..., 2],
        world=None if world is None else world.values[k],
        features=None if feature is None else feature.values[k],
        observed=seen if world is None else world.where[k].bool(),
        joints=drawn.joints[k].double().numpy(),
        mesh=drawn.mesh[k, order].double().numpy(),
        up=drawn.up[k].double().expand(len(keypoints), 3).numpy(),
        contacts=(contacts > 0.5).numpy() if contacts.isfinite().all() else None,
    )
