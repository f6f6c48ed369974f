# SPDX-License-Identifier: GPL-3.0-or-later
"""Shots from the sources that training draws from: projections of motion capture, and pictures seen by the detector."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

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
    """`count` windows of `frames` frames, each a shot, with the truth about all of its frames.

    As in a capture, a shot goes from the first to the last frame in which the detector saw the person; a window without
    any is none.
    """
    generator = torch.Generator().manual_seed(seed)
    for first in range(0, count, AT_ONCE):
        drawn = source.draw(AT_ONCE, frames, frames, generator)
        for k in range(min(AT_ONCE, count - first)):
            seen = torch.ones(frames, dtype=torch.bool) if drawn.world is None else drawn.world.where[k].bool()
            if seen.any():
                yield _shot(drawn, k, seen, group)


def _shot(drawn: Examples, k: int, seen: Tensor, group: str) -> Shot:
    """The k-th window from the first to the last frame seen; its camera is the window's, turned to the person."""
    first, last = seen.nonzero()[[0, -1], 0].tolist()
    span = slice(first, last + 1)
    keypoints, contacts = drawn.keypoints[k, span], drawn.contacts[k, span]
    mesh = drawn.mesh[k, drawn.frames[k].argsort()][span]
    return Shot(
        group=group,
        time_s=drawn.time_s[k, span].double().numpy(),
        rays=keypoints[..., :2] * drawn.size[k].exp(),
        confidence=keypoints[..., 2],
        world=drawn.world and drawn.world.values[k, span],
        features=drawn.feature and drawn.feature.values[k, span],
        observed=seen[span],
        joints=drawn.joints[k, span].double().numpy(),
        mesh=mesh.double().numpy(),
        up=drawn.up[k].double().expand(len(keypoints), 3).numpy(),
        contacts=(contacts > 0.5).numpy() if contacts.isfinite().all() else None,
        missed=len(seen) - len(keypoints),
    )
