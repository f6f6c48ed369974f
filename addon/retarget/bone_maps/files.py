# SPDX-License-Identifier: GPL-3.0-or-later
"""Bone maps as TOML files: those that come with the add-on, one for each naming of bones, and an animator's own.

In a file that names two [sides], {} in a name stands for the side, and joints of limbs go without theirs:
`elbow = "{}ForeArm"` with left = "Left" is left_elbow = "LeftForeArm". `prefix` is a pattern (a regular expression on
names in lower case, without separators) of what may stand before every name.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ....model.motion.skeleton import JOINTS
from .bone_map import CHAINS, SIDES, TIPPED, TWISTED, BoneMap, IkLimb

BUILT_IN: Final = Path(__file__).parent / "families"


@dataclass(frozen=True)
class Family:
    """A bone map as a file has it, and what may stand before each of its names."""

    bone_map: BoneMap
    prefix: re.Pattern[str]


def read(file: Path) -> Family:
    """A family of rigs from a file. Raises ValueError, with the file's name, for one that is none; OSError."""
    import tomllib

    try:
        return _family(tomllib.loads(file.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError, AttributeError, re.error) as error:
        raise ValueError(f"{file.name} is no bone map: {error}") from error


def write(file: Path, bone_map: BoneMap) -> None:
    """Write a bone map of a rig as a file that read() understands."""
    lines = ["# A bone map of Reel to Rig", f"family = {_text(bone_map.family)}"]
    lines += [f"{key} = {_text(getattr(bone_map, key))}" for key in ("root", "ground") if getattr(bone_map, key)]
    lines += ["loose = true"] if bone_map.loose else []
    lines += [f"{key} = {_row(getattr(bone_map, key))}" for key in ("spine", "neck", "still")]
    lines += ["", "[joints]", *(f"{joint} = {_text(bone)}" for joint, bone in bone_map.joints.items())]
    lines += ["", "[tips]", *(f"{joint} = {_text(bone)}" for joint, bone in bone_map.tips.items())]
    lines += ["", "[twist]", *(f"{joint} = {_row(bones)}" for joint, bones in bone_map.twist.items())]
    for joint, limb in bone_map.ik.items():
        lines += ["", f"[ik.{joint}]", *(f"{key} = {_text(getattr(limb, key))}" for key in ("goal", "pole", "toe"))]
        lines += [f"stiff = {_row(limb.stiff)}"]
    for table in ("settings", "ik_settings"):
        for bone, settings in getattr(bone_map, table).items():
            lines += ["", f"[{table}.{_text(bone)}]"]
            lines += [f"{_text(name)} = {value}" for name, value in settings.items()]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)  # Every JSON string is a TOML string.


def _row(values: tuple[str, ...]) -> str:
    return json.dumps(values, ensure_ascii=False)


def _family(data: dict[str, Any]) -> Family:
    sides: dict[str, str] = data.pop("sides", {})
    if sides and set(sides) != set(SIDES):
        raise ValueError("[sides] must be left and right")
    bone_map = BoneMap(
        family=str(data.pop("family")),
        root=str(data.pop("root", "")),
        ground=str(data.pop("ground", "")),
        spine=tuple(data.pop("spine", ())),
        neck=tuple(data.pop("neck", ())),
        still=tuple(data.pop("still", ())),
        joints=_sided(data.pop("joints"), sides),
        tips=_sided(data.pop("tips", {}), sides),
        twist={joint: tuple(bones) for joint, bones in _sided(data.pop("twist", {}), sides).items()},
        ik={
            joint: IkLimb(**limb | {"stiff": tuple(limb.get("stiff", ()))})
            for joint, limb in _sided(data.pop("ik", {}), sides).items()
        },
        settings=_of_both(data.pop("settings", {}), sides),
        ik_settings=_of_both(data.pop("ik_settings", {}), sides),
        loose=bool(data.pop("loose", False)),
    )
    family = Family(bone_map, re.compile(f"^(?:{data.pop('prefix', '')})"))
    unknown = (
        set(data)
        | set(bone_map.joints) - (set(JOINTS) - CHAINS)
        | set(bone_map.twist) - set(TWISTED)
        | set(bone_map.tips) - set(TIPPED)
    )
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))} unknown")
    return family


def _sided(table: dict[str, Any], sides: Mapping[str, str]) -> dict[str, Any]:
    """A table by joint with the joints of limbs spelled out for both sides."""
    found: dict[str, Any] = {}
    for joint, value in table.items():
        if f"left_{joint}" in JOINTS:
            found |= {f"{side}_{joint}": _fill(value, word) for side, word in sides.items()}
        else:
            found[joint] = value
    return found


def _of_both(table: dict[str, Any], sides: Mapping[str, str]) -> dict[str, Any]:
    """A table by bone with the bones of limbs spelled out for both sides."""
    found: dict[str, Any] = {}
    for bone, value in table.items():
        found |= {_fill(bone, word): value for word in sides.values()} if "{}" in bone else {bone: value}
    return found


def _fill(value: Any, word: str) -> Any:
    if isinstance(value, str):
        return value.replace("{}", word)
    if isinstance(value, dict):
        return {key: _fill(entry, word) for key, entry in value.items()}
    return [_fill(entry, word) for entry in value]
