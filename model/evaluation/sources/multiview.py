# SPDX-License-Identifier: GPL-3.0-or-later
"""Any folder of calibrated footage with measured points: videos, a calibration, a .trc or .npz.

Found by themselves if there is one of each: videos anywhere below the folder, called like the calibration's cameras.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...footage import ahead, probe, read
from ...people import Track
from ..shots import Shot, SourceError
from .camera import Camera, read_cameras
from .footage import Reference, View, distance, people, shots
from .points import Points, limbs, read_points

VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v")
AXES = {"same": (0, 1, 2), "zxy": (2, 0, 1)}
"""Which of a point's numbers are the world's x, y, z. Pose2Sim turns its .trc files to Y up and leaves the calibration
Z up, which is "zxy"."""


def multiview(
    folder: Path, device: str, quality: str = "full", *, calibration: Path | None = None, points: Path | None = None,
    units: str = "auto", axes: str = "auto", offset_s: float = 0.0, markers: Path | None = None,
    assumed_fov: bool = False, say: Callable[[str], None] = print,
) -> Iterator[Shot]:  # fmt: skip
    """The person whose joints were measured, once for each camera.

    units: of the calibration ("m", "mm"); axes: of the points against the calibration, a key of AXES; "auto" tells
    both by the data. offset_s is added to the points' times to get the footage's. markers: a json or toml file that
    names for joints ("left_knee") the points whose mean they are. Raises SourceError or Failure that says what is
    missing.
    """
    measured = read_points(points or _the_one(folder, (".trc", ".npz"), "points"))
    measured = replace(measured, time_s=measured.time_s + offset_s)
    joints = limbs(measured, _table(markers))
    cameras = read_cameras(calibration, units) if calibration else _calibration(folder, units)
    views = [_view(camera, video) for camera, video in paired(cameras, _videos(folder))]
    tracks = [people(view, device) for view in views]
    chosen = _axes(views, tracks, measured, joints) if axes == "auto" else axes
    say(f"{len(views)} cameras, {len(joints)} measured frames, axes of the points: {chosen}")
    for view, found in zip(views, tracks, strict=True):
        reference = _reference(view.camera, measured, joints, chosen)
        yield from shots(view, found, [reference], device, quality, assumed_fov, say)


def _view(camera: Camera, video: Path) -> View:
    info = probe(video)
    return View(camera.name, lambda: ahead(read(video, 0.0, None)), (info.width, info.height), camera)


def _reference(camera: Camera, measured: Points, joints: np.ndarray, axes: str) -> Reference:
    return Reference(measured.time_s, camera.seen(joints[..., AXES[axes]]))


def _axes(views: list[View], tracks: list[list[Track]], measured: Points, joints: np.ndarray) -> str:
    """The axes with which the points are nearest to the people whom the cameras see."""

    def off(axes: str) -> float:
        nearest = [
            min(
                (distance(one, _reference(view.camera, measured, joints, axes), view.camera) for one in found),
                default=np.inf,
            )
            for view, found in zip(views, tracks, strict=True)
        ]
        return float(np.median(nearest)) if nearest else np.inf

    return min(AXES, key=off)


def paired(cameras: Sequence[Camera], videos: Sequence[Path]) -> list[tuple[Camera, Path]]:
    """Each camera with its video: of the same name, else of the same number in it.

    Raises SourceError that names a camera without a video.
    """
    pairs = []
    for camera in cameras:
        fitting = [video for video in videos if _plain(video.stem) == _plain(camera.name)]
        fitting = fitting or [video for video in videos if _number(video.stem) == _number(camera.name) is not None]
        if len(fitting) != 1:
            names = ", ".join(video.name for video in videos) or "none"
            found = f"{len(fitting)} videos fit" if fitting else "no video fits"
            raise SourceError(f"To camera {camera.name} {found}. There are: {names}.")
        pairs.append((camera, fitting[0]))
    return pairs


def _plain(name: str) -> str:
    """A name without case, punctuation and the zeros before a number."""
    return re.sub(r"0*(\d+)", r"\1", re.sub(r"[^a-z0-9]", "", name.lower()))


def _number(name: str) -> int | None:
    numbers = re.findall(r"\d+", name)
    return int(numbers[0]) if numbers else None


def _videos(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in VIDEOS)


def _the_one(folder: Path, suffixes: tuple[str, ...], what: str) -> Path:
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes)
    if len(found) != 1:
        names = ", ".join(path.name for path in found)
        state = f"several files with {what} ({names}): name one with" if found else f"no file with {what}:"
        raise SourceError(f"{folder} holds {state} --{what} FILE ({' or '.join(suffixes)})")
    return found[0]


def _calibration(folder: Path, units: str) -> list[Camera]:
    """The cameras of the one file below the folder that describes any."""
    found: dict[Path, list[Camera]] = {}
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".toml", ".json")):
        try:
            found[path] = read_cameras(path, units)
        except SourceError:
            if "calib" in path.stem.lower():
                raise
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise SourceError(f"{folder} has to hold one calibration, or name it with --calibration FILE. Found: {names}.")
    return next(iter(found.values()))


def _table(file: Path | None) -> Mapping[str, Sequence[str]] | None:
    if file is None:
        return None
    text = file.read_text(encoding="utf-8")
    return tomllib.loads(text) if file.suffix.lower() == ".toml" else json.loads(text)
