# SPDX-License-Identifier: GPL-3.0-or-later
"""BVH files: a hierarchy and its motion in one text."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from ...motion.rotations import Array
from .recording import ConvertError, Recording, numbers, turns

ACCLAIM_NAMES = {
    "Hips": "root", "LowerBack": "lowerback", "Spine": "upperback", "Spine1": "thorax", "Neck": "lowerneck",
    "Neck1": "upperneck", "Head": "head",
    **{
        f"{long}{name}": f"{short}{acclaim}"
        for long, short in (("Left", "l"), ("Right", "r"))
        for name, acclaim in {
            "UpLeg": "femur", "Leg": "tibia", "Foot": "foot", "ToeBase": "toes", "Shoulder": "clavicle",
            "Arm": "humerus", "ForeArm": "radius", "Hand": "wrist", "FingerBase": "hand", "HandIndex1": "fingers",
            "HandIndex1 end": "fingers end",
        }.items()
    },
}  # fmt: skip
"""What the joints of CMU's library, converted to BVH, are called in the original."""

CHANNELS = {f"{axis}{kind}" for axis in "XYZ" for kind in ("position", "rotation")}
MARKS = {"LowerBack", "Spine", "Spine1", "Neck1", "LeftHand", "RightHand", "LeftFingerBase"}
"""No other hierarchies have all of these."""


def read(path: Path) -> Recording:
    """Read a .bvh; of its positions only the root's, other joints keep their offsets. Raises ConvertError, OSError."""
    header, found, motion = path.read_text(errors="replace").partition("MOTION")
    if not found or "HIERARCHY" not in header:
        raise ConvertError("is no BVH file")
    names, parents, offsets, channels = _hierarchy(header)
    try:
        count, time, *rows = motion.strip().split("\n", 2)
        frames, frame_s = int(count.split(":")[1]), float(time.split(":")[1])
        values = numbers(rows[0] if rows else "").reshape(frames, -1)
        if frames < 2 or frame_s <= 0 or values.shape[1] != sum(map(len, channels)):
            raise ConvertError(f"has {values.shape[1]} numbers a frame for {sum(map(len, channels))} channels")
    except (IndexError, ValueError) as error:
        raise ConvertError(f"its motion is not what its header says ({error})") from error
    local = np.tile(np.eye(3), (frames, len(names), 1, 1))
    root = np.tile(offsets[0], (frames, 1))
    begin = 0
    for joint, kinds in enumerate(channels):
        columns = dict(zip(kinds, values[:, begin : begin + len(kinds)].T, strict=True))
        begin += len(kinds)
        order = "".join(kind[0] for kind in kinds if kind.endswith("rotation"))
        if order:
            local[:, joint] = turns(order, np.deg2rad(np.stack([columns[f"{axis}rotation"] for axis in order], -1)))
        if joint == 0:
            for number, axis in enumerate("XYZ"):
                root[:, number] = columns.get(f"{axis}position", root[:, number])
    recording = Recording(tuple(names), tuple(parents), offsets, local, root, _rate(frame_s))
    return _acclaim(recording) if set(names) >= MARKS else recording


def _hierarchy(text: str) -> tuple[list[str], list[int], Array, list[tuple[str, ...]]]:
    """Names, parents, offsets (J, 3) and channels ("Xposition", "Zrotation", ...) of the joints and end sites."""
    names: list[str] = []
    parents: list[int] = []
    offsets: list[Array] = []
    channels: list[tuple[str, ...]] = []
    open_joints: list[int] = []
    for line in text.splitlines():
        words = line.split()
        match words:
            case ["ROOT" | "JOINT" | "End", *rest]:
                parent = open_joints[-1] if open_joints else -1
                names.append(f"{names[parent]} end" if words[0] == "End" else " ".join(rest))
                parents.append(parent)
                channels.append(())
            case ["{"]:
                open_joints.append(len(names) - 1)
            case ["}"] if open_joints:
                open_joints.pop()
            case ["OFFSET", *rest]:
                offsets.append(numbers(" ".join(rest)))
            case ["CHANNELS", _, *kinds] if channels:
                channels[-1] = tuple(kind[0].upper() + kind[1:].lower() for kind in kinds)
                if not CHANNELS.issuperset(channels[-1]):
                    raise ConvertError(f"has channels that are not known: {' '.join(kinds)}")
            case _:
                pass
    if not names or open_joints or len(offsets) != len(names) or any(len(offset) != 3 for offset in offsets):
        raise ConvertError("its hierarchy is not complete")
    if parents.count(-1) > 1:
        raise ConvertError("holds more than one hierarchy")
    return names, parents, np.stack(offsets), channels


def _rate(frame_s: float) -> float:
    """Frames a second; rounded where the file's digits allow no more, as in 0.0083333 s."""
    rate = 1 / frame_s
    return float(round(rate)) if abs(rate - round(rate)) < 2e-4 * rate else rate


def _acclaim(recording: Recording) -> Recording:
    """CMU's library from BVH as if from ASF and AMC: the usual converter loses two bones, and renames the others.

    The wrist bone is half as long as the radius; the thorax goes on from the upper back, bending as the back below
    does (held against the original skeletons: 2 mm).
    """
    names = tuple(ACCLAIM_NAMES.get(name, name) for name in recording.names)
    at = {name: joint for joint, name in enumerate(names)}
    offsets = recording.offsets.copy()
    lower, upper = offsets[at["upperback"]], offsets[at["thorax"]]
    lost = {at["thorax"]: upper + (upper - lower) * 2 / 3}
    lost |= {at[f"{side}wrist"]: offsets[at[f"{side}wrist"]] / 2 for side in "lr"}
    for joint, parent in enumerate(recording.parents):
        if parent in lost and not offsets[joint].any():
            offsets[joint] = lost[parent]
    return replace(recording, names=names, offsets=offsets)
