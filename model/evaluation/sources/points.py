# SPDX-License-Identifier: GPL-3.0-or-later
"""Measured points with names over time, and which of them are the joints of limbs."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...motion.skeleton import KEYPOINTS
from ..shots import LIMBS, SourceError

METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001, "meters": 1.0, "metres": 1.0}
PARTS = {
    "shoulder": ("shoulder", "sho", "sjc", "acromion", "acromium"),
    "elbow": ("elbow", "elb", "ejc"),
    "wrist": ("wrist", "wri", "wjc", "hand"),
    "hip": ("hip", "upleg", "hjc"),
    "knee": ("knee", "kne", "leg", "kjc"),
    "ankle": ("ankle", "ank", "foot", "ajc"),
}
"""Names of joint centres in marker files, best first, without their side."""


@dataclass(frozen=True)
class Points:
    """Points (N, P, 3) in metres at times (N,) in seconds; NaN where they were not measured."""

    names: tuple[str, ...]
    time_s: NDArray[np.float64]
    positions: NDArray[np.float64]


def read_points(path: Path) -> Points:
    """Points in a .trc file (OpenSim) or in an .npz file.

    An .npz holds `points` (N, P, 3), `names` (P,) and `time_s` (N,) or `fps`, and may hold `units` ("m", "cm", "mm").
    Raises SourceError that says what is wrong with the file.
    """
    return _read_npz(path) if path.suffix.lower() == ".npz" else _read_trc(path)


def _read_trc(path: Path) -> Points:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    if len(lines) < 6 or not lines[0].startswith("PathFileType"):
        raise SourceError(f"{path.name} is no .trc file")
    header = dict(zip(lines[1].split("\t"), lines[2].split("\t"), strict=False))
    names = tuple(name.strip() for name in lines[3].split("\t")[2:] if name.strip())
    rows = [line.rstrip("\r\n").split("\t") for line in lines[5:] if line.strip()]
    wide = 2 + 3 * len(names)
    values = np.full((len(rows), wide), np.nan)
    for k, row in enumerate(rows):
        for column, text in enumerate(row[:wide]):
            if text.strip():
                values[k, column] = _number(text, path)
    fps = float(header.get("DataRate", "nan"))
    frames = values[:, 0] - values[0, 0] if len(values) else values[:, 0]
    time_s = np.where(np.isfinite(values[:, 1]), values[:, 1], frames / fps)
    positions = values[:, 2:].reshape(len(rows), len(names), 3) * _metres(header.get("Units", "m"), path)
    return Points(names, time_s, positions)


def _read_npz(path: Path) -> Points:
    with np.load(path, allow_pickle=False) as data:
        missing = {"points", "names"} - set(data.files)
        if missing or not {"time_s", "fps"} & set(data.files):
            raise SourceError(f"{path.name} holds {', '.join(data.files)}; points, names and time_s or fps are needed")
        positions = data["points"].astype(np.float64)
        times = data["time_s"] if "time_s" in data.files else np.arange(len(positions)) / float(data["fps"])
        names = tuple(str(name) for name in data["names"])
        if positions.shape != (len(times), len(names), 3):
            raise SourceError(f"{path.name}: points {positions.shape} for {len(times)} times and {len(names)} names")
        return Points(names, times.astype(np.float64), positions * _metres(str(data.get("units", "m")), path))


def limbs(points: Points, table: Mapping[str, Sequence[str]] | None = None) -> NDArray[np.float64]:
    """The 12 limb joints (N, 12, 3) in the order of LIMBS.

    table: for a joint ("left_knee") the names of the points whose mean it is; without it, or for a joint that it lacks,
    points called like joint centres are looked for. Raises SourceError that names what is missing.
    """
    there = {_plain(name): k for k, name in enumerate(points.names)}
    found, missing = [], []
    for keypoint in LIMBS:
        joint = KEYPOINTS[keypoint]
        wanted = (table or {}).get(joint)
        if wanted is None:
            known = next((name for name in _usual_names(joint) if name in there), None)
            chosen = None if known is None else [there[known]]
        else:
            chosen = [there[_plain(name)] for name in wanted if _plain(name) in there]
            chosen = chosen if len(chosen) == len(wanted) else None
        if chosen is None:
            missing.append(f"{joint} ({', '.join(wanted or _usual_names(joint)[:4])})")
        else:
            found.append(points.positions[:, chosen].mean(1))
    if missing:
        raise SourceError(f"There are no points for {'; '.join(missing)}. There are: {', '.join(points.names)}.")
    return np.stack(found, 1)


def _usual_names(joint: str) -> list[str]:
    side, part = joint.split("_")
    return [_plain(text) for name in PARTS[part] for text in (side[0] + name, side + name, name + side[0], name + side)]


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _metres(units: str, path: Path) -> float:
    if units.strip().lower() not in METRES:
        raise SourceError(f"{path.name} is in {units!r}; known units are {', '.join(METRES)}")
    return METRES[units.strip().lower()]


def _number(text: str, path: Path) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise SourceError(f"{path.name}: {text[:20]!r} stands where a number is expected") from error
