# SPDX-License-Identifier: GPL-3.0-or-later
"""From footage of a person whose joints were measured to a shot, through the product's own stages."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from ...camera.pinhole import camera_matrix, rays_through
from ...footage import Frame
from ...people import Track, observe
from ...people import scan as find_people
from ...protocol import Code, Failure
from ..own_body import OwnBody
from ..shots import LIMBS, Shot
from .camera import Camera

Array = NDArray[np.float64]

FARTHEST = 0.5
"""Heights of the person by which a track may be off a reference and still be of the same person."""


@dataclass(frozen=True)
class Reference:
    """Limb joints (N, 12, 3), metres, in the camera's frame, at times (N,) of the footage; NaN where unknown."""

    time_s: Array
    limbs: Array
    own: OwnBody | None = None
    """The same as a body model has it that the user brought."""

    def at(self, time_s: Array) -> Array:
        """Limb joints (T, 12, 3) at other times (T,), on straight lines; NaN beyond the ends and beside gaps."""
        if len(self.time_s) < 2:
            return np.full((len(time_s), 12, 3), np.nan)
        step = float(np.median(np.diff(self.time_s)))
        after = np.clip(np.searchsorted(self.time_s, time_s), 1, len(self.time_s) - 1)
        share = (time_s - self.time_s[after - 1]) / (self.time_s[after] - self.time_s[after - 1])
        # Frames that fall together but for rounding need no neighbour, which may be unknown.
        near = np.where(share < 0.01, after - 1, after)
        alone = (np.abs(time_s - self.time_s[near]) < 0.01 * step)[:, None, None]
        a, b, s = self.limbs[after - 1], self.limbs[after], share[:, None, None]
        found = np.where(alone, self.limbs[near], (1 - s) * a + s * b)
        found[(share < -0.01) | (share > 1.01) | (np.diff(self.time_s)[after - 1] > 2.5 * step)] = np.nan
        return found


@dataclass(frozen=True)
class View:
    """Footage from one camera; `frames` may be read more than once, size is (width, height) in pixels."""

    group: str
    frames: Callable[[], Iterable[Frame]]
    size: tuple[int, int]
    camera: Camera


def people(view: View, device: str) -> list[Track]:
    """Everybody in the footage."""
    return find_people(view.frames(), device, lambda _: None)


def distance(track: Track, reference: Reference, camera: Camera) -> float:
    """How far, in heights of the person, a track's keypoints are from the reference; infinite if they never meet."""
    wanted = camera.pixels(reference.at(track.time_s))
    off = np.linalg.norm(track.keypoints[:, list(LIMBS), :2] - wanted, axis=-1)
    off = off / (track.boxes[:, 3] - track.boxes[:, 1])[:, None]
    off = off[np.isfinite(off)]
    return float(np.median(off)) if off.size else np.inf


def shots(
    view: View, tracks: Sequence[Track], references: Sequence[Reference], device: str, quality: str,
    assumed_fov: bool, say: Callable[[str], None],
) -> Iterator[Shot]:  # fmt: skip
    """A shot for each person who was measured: of whoever among the tracks is nearest to the reference in the picture.

    assumed_fov: keypoints become rays as in a capture that is told nothing about the camera. Whoever cannot be found
    is told to `say`.
    """
    for reference in references:
        track = min(tracks, key=lambda one: distance(one, reference, view.camera), default=None)
        off = np.inf if track is None else distance(track, reference, view.camera)
        if track is None or off > FARTHEST:
            say(f"{view.group}: nobody was found who is where the reference is")
            continue
        say(f"{view.group}: person {track.id}, {off:.3f} body heights off the reference in the picture")
        try:
            yield _shot(view, track, reference, device, quality, assumed_fov)
        except Failure as failure:
            say(f"{view.group}: {failure}")


def shots_of(
    sequences: Iterable[tuple[View, Sequence[Reference]]], device: str, quality: str, assumed_fov: bool,
    say: Callable[[str], None],
) -> Iterator[Shot]:  # fmt: skip
    """The shots of a data set's sequences, each of them footage and the people who were measured in it."""
    for view, references in sequences:
        yield from shots(view, people(view, device), references, device, quality, assumed_fov, say)


def view_of_pictures(camera: Camera, files: Sequence[Path], time_s: Array) -> View:
    """Footage that is a file for each picture, at the given times (T,). Raises Failure if the first is none."""

    def frames() -> Iterator[Frame]:
        for index, (file, at) in enumerate(zip(files, time_s, strict=True)):
            yield Frame(index, float(at), partial(_picture, file))

    height, width = _picture(files[0]).shape[:2]
    return View(camera.name, frames, (width, height), camera)


def _picture(file: Path) -> NDArray[np.uint8]:
    bgr: Any = cv2.imread(str(file))  # None if it is no picture, whatever its type says
    if bgr is None:
        raise Failure(Code.FOOTAGE_UNREADABLE, f"{file} is no picture.")
    return np.ascontiguousarray(bgr[..., ::-1], np.uint8)


def _shot(view: View, track: Track, reference: Reference, device: str, quality: str, assumed_fov: bool) -> Shot:
    """What the product's detectors make of a track, and the truth at the same times."""
    seen = observe(view.frames(), track, quality, device, lambda _: None)
    pixels = seen.keypoints[..., :2]
    if assumed_fov:
        rays = rays_through(torch.from_numpy(pixels), camera_matrix(*view.size))
    else:
        rays = torch.from_numpy(view.camera.rays(pixels))
    joints = np.full((len(seen.time_s), 23, 3), np.nan)
    joints[:, list(LIMBS)] = reference.at(seen.time_s)
    known = np.isfinite(reference.limbs).all((1, 2))
    within = (reference.time_s > seen.time_s[0] - 1e-3) & (reference.time_s < seen.time_s[-1] + 1e-3)
    return Shot(
        group=view.group,
        time_s=seen.time_s,
        rays=rays.float(),
        confidence=torch.from_numpy(seen.keypoints[..., 2]).float(),
        world=torch.from_numpy(seen.world).float(),
        features=torch.from_numpy(seen.features).float(),
        observed=torch.from_numpy(seen.observed),
        joints=joints - joints[:, [11, 12]].mean(1, keepdims=True),
        own=reference.own and reference.own.at(np.abs(reference.time_s - seen.time_s[:, None]).argmin(1)),
        missed=int((known & ~within).sum()),
    )
