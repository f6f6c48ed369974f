# SPDX-License-Identifier: GPL-3.0-or-later
"""Acclaim's two files: a skeleton (.asf) and motions of it (.amc), as CMU's motion capture library has them.

A bone of the format turns about its beginning and carries the next at its end. Here a bone is a joint at its beginning,
under the bone's name; where nothing follows, its end is a joint too, named "lfingers end" and the like.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...motion.rotations import Array
from .recording import ConvertError, Recording, numbers, turns

INCH_M = 0.0254
FPS = 120.0
"""Neither file tells its frame rate; CMU's library has this one, for nearly all of its clips."""


@dataclass(frozen=True)
class Skeleton:
    """Joints as in Recording; axes (J, 3, 3): the frames in which they turn; channels: "rx", "ty" and so on of each."""

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: Array
    axes: Array
    orders: tuple[str, ...]
    channels: tuple[tuple[str, ...], ...]
    root: Array
    unit_m: float


def skeleton_of(amc: Path) -> Path:
    """The .asf beside an .amc: the one whose name the motion's name begins with, else the only one there."""
    beside = sorted(amc.parent.glob("*.asf"))
    fitting = [asf for asf in beside if amc.stem.startswith(asf.stem)]
    if fitting:
        return max(fitting, key=lambda asf: len(asf.stem))
    if len(beside) == 1:
        return beside[0]
    raise ConvertError("no skeleton (.asf) of its name beside it")


def read_skeleton(path: Path) -> Skeleton:
    """Read an .asf. Raises ConvertError for a file that is none, OSError for one that cannot be read."""
    sections = _sections(path.read_text(errors="replace"))
    try:
        units = {words[0]: words[1] for words in sections["units"]}
        root = {words[0]: words[1:] for words in sections["root"]}
        bones = {bone["name"][0]: bone for bone in _blocks(sections["bonedata"])}
        families = [words for words in sections["hierarchy"] if words[0] not in ("begin", "end")]
        to_radians = np.pi / 180 if units.get("angle", "deg").startswith("deg") else 1.0
        names, parents, offsets = ["root"], [-1], [np.zeros(3)]
        axes, orders = [_numbers(root["orientation"]) * to_radians], [root["axis"][0].upper()]
        channels = [tuple(word.lower() for word in root["order"])]
        ends = {"root": np.zeros(3)}
        for parent, *children in families:
            for name in children:
                bone = bones[name]
                names.append(name)
                parents.append(names.index(parent))
                offsets.append(ends[parent])
                ends[name] = _numbers(bone["direction"]) * float(bone["length"][0])
                axes.append(_numbers(bone["axis"][:3]) * to_radians)
                orders.append(bone["axis"][3].upper())
                channels.append(tuple(word.lower() for word in bone.get("dof", [])))
        bearing = {family[0] for family in families if len(family) > 1}
        for name in [name for name in ends if name not in bearing]:
            parents.append(names.index(name))
            names.append(f"{name} end")
            offsets.append(ends[name])
            axes.append(np.zeros(3))
            orders.append("XYZ")
            channels.append(())
        unit_m = INCH_M / float(units.get("length", "1"))
        position = _numbers(root["position"])
    except (KeyError, IndexError, ValueError) as error:
        raise ConvertError(f"{path.name} is no complete skeleton ({type(error).__name__}: {error})") from error
    if not set("".join(orders)) <= set("XYZ"):
        raise ConvertError(f"{path.name} turns about axes that are not X, Y or Z")
    odd = sorted({c for kinds in channels[1:] for c in kinds} - {"rx", "ry", "rz"})
    if odd:
        raise ConvertError(f"{path.name} has bones that do more than turn ({', '.join(odd)})")
    frames = np.stack([turns(o[::-1], angles[::-1]) for o, angles in zip(orders, axes, strict=True)])
    return Skeleton(
        tuple(names), tuple(parents), np.stack(offsets), frames, tuple(orders), tuple(channels), position, unit_m
    )


def read(path: Path, fps: float = FPS) -> Recording:
    """Read an .amc and the skeleton beside it. Raises ConvertError, OSError."""
    skeleton = read_skeleton(skeleton_of(path))
    to_radians, columns = 1.0, dict[str, list[str]]()
    frames = 0
    for line in path.read_text(errors="replace").splitlines():
        words = line.split(maxsplit=1)
        if not words or words[0].startswith("#"):
            continue
        if words[0].startswith(":"):
            to_radians = np.pi / 180 if words[0].upper().startswith(":DEG") else to_radians
        elif words[0].isdigit():
            frames += 1
        else:
            columns.setdefault(words[0], []).append(words[1] if len(words) == 2 else "")
    T = frames
    if T < 2:
        raise ConvertError("holds no motion")
    local = np.tile(np.eye(3), (T, len(skeleton.names), 1, 1))
    root = np.zeros((T, 3))
    for joint, (name, channels) in enumerate(zip(skeleton.names, skeleton.channels, strict=True)):
        if not channels:
            continue
        values = numbers(" ".join(columns.get(name, [])))
        if len(columns.get(name, [])) != T or len(values) != T * len(channels):
            raise ConvertError(f"{name} does not have {len(channels)} numbers in each of its {T} frames")
        by_kind = dict(zip(channels, values.reshape(T, -1).T, strict=True))
        still = np.zeros(T)
        order = skeleton.orders[joint][::-1]
        angles = np.stack([by_kind.get(f"r{axis.lower()}", still) for axis in order], -1) * to_radians
        axes = skeleton.axes[joint]
        local[:, joint] = axes @ turns(order, angles) @ axes.T
        if joint == 0:
            root = skeleton.root + np.stack([by_kind.get(f"t{axis}", still) for axis in "xyz"], -1)
    return Recording(skeleton.names, skeleton.parents, skeleton.offsets, local, root, fps, skeleton.unit_m)


def _sections(text: str) -> dict[str, list[list[str]]]:
    """Words of each line, by the section (":units" and so on) in which it stands."""
    sections: dict[str, list[list[str]]] = {}
    lines: list[list[str]] = []
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if words and words[0].startswith(":"):
            lines = sections.setdefault(words[0][1:].lower(), [])
        elif words:
            lines.append(words)
    return sections


def _blocks(lines: list[list[str]]) -> list[dict[str, list[str]]]:
    """What stands between each "begin" and "end", by its first word."""
    blocks: list[dict[str, list[str]]] = []
    for words in lines:
        if words[0] == "begin":
            blocks.append({})
        elif words[0] != "end":
            blocks[-1][words[0]] = words[1:]
    return blocks


def _numbers(words: list[str]) -> Array:
    return numbers(" ".join(words))
