# SPDX-License-Identifier: GPL-3.0-or-later
"""The bone map of the target as the user sees and edits it: a row for each role that a bone may play."""

from dataclasses import replace
from typing import Any, cast

import bpy

from ....model.motion.skeleton import JOINTS
from ..bone_maps import Match, detect
from ..bone_maps.bone_map import CHAINS, TIPPED, TWISTED, from_roles
from ..bone_maps.fit import fit
from ..bones import heads, parents
from . import presets

EXPECTED = frozenset(
    joint for joint in JOINTS if joint not in CHAINS and not joint.endswith(("collar", "hand", "foot"))
)
"""Joints that a person's armature has a bone for."""

ROLES = (
    *("pelvis", *(f"spine {number}" for number in range(1, 7)), *(f"neck {number}" for number in range(1, 4)), "head"),
    *(joint for side in ("left", "right") for joint in JOINTS if joint.startswith(side)),
    *("root", "ground"),
    *(f"{joint} twist {number}" for joint in TWISTED for number in (1, 2, 3)),
    *(f"{joint} tip" for joint in TIPPED),
)
WORDS = {
    "root": "Root of the body", "ground": "Root on the ground", "pelvis": "Hips",
    "left_hip": "Left thigh", "right_hip": "Right thigh", "left_knee": "Left shin", "right_knee": "Right shin",
    "left_ankle": "Left foot", "right_ankle": "Right foot", "left_foot": "Left toes", "right_foot": "Right toes",
    "left_shoulder": "Left upper arm", "right_shoulder": "Right upper arm", "left_collar": "Left shoulder",
    "right_collar": "Right shoulder", "left_elbow": "Left forearm", "right_elbow": "Right forearm",
    "left_wrist": "Left hand", "right_wrist": "Right hand", "left_hand": "Left fingers", "right_hand": "Right fingers",
}  # fmt: skip


def words(role: str) -> str:
    """A role as an animator calls it: "left_elbow twist 1" is "Left forearm twist 1"."""
    joint, _, rest = role.partition(" ")
    return f"{WORDS.get(joint, joint.capitalize())} {rest}".strip()


class BoneRow(bpy.types.PropertyGroup):
    role: bpy.props.StringProperty(name="Role", description="What part of the body the bone stands for")
    bone: bpy.props.StringProperty(
        name="Bone", description="The bone of the target that moves as this part of the body. Empty: none does"
    )


class MappingProperties(bpy.types.PropertyGroup):
    """Kept with the scene."""

    rows: bpy.props.CollectionProperty(name="Bones", description="A row for each part of the body", type=BoneRow)
    row: bpy.props.IntProperty(name="Row", description="The chosen row of the bone map")
    family: bpy.props.StringProperty(name="Family", description="What family of rigs the target is taken for")
    confidence: bpy.props.FloatProperty(name="Confidence", description="How much of that family was found in its place")
    has_ik: bpy.props.BoolProperty(name="Has IK Controls", description="Whether IK controls of its limbs are known")
    preset: bpy.props.StringProperty(name="Preset", description="The bone map of your own that was loaded, if any")
    show_all: bpy.props.BoolProperty(
        name="All Parts", description="Show also the parts of the body that need no bone, such as twist bones"
    )


def fill(mapping: MappingProperties, target: bpy.types.Object | None) -> None:
    """Detect the bones of a target and put them in the rows."""
    mapping.preset = ""
    match = detect(parents(target), heads(target), presets.load_all()) if target else None
    show(mapping, match)


def show(mapping: MappingProperties, match: Match | None) -> None:
    """Put what was found in the rows."""
    roles = match.bone_map.roles() if match else {}
    mapping.family = match.bone_map.family if match else ""
    mapping.confidence = match.confidence if match else 0.0
    mapping.has_ik = bool(match and match.bone_map.ik)
    mapping.rows.clear()
    for role in ROLES:
        row = mapping.rows.add()
        row.name = row.role = role
        row.bone = roles.get(role, "")


def chosen(mapping: MappingProperties, target: bpy.types.Object) -> Match:
    """The map in the rows, with the settings that its family or preset brings along.

    Raises OSError or ValueError if the preset that it came from is there and cannot be read.
    """
    if mapping.preset and not absent(mapping):
        base = fit(presets.load(mapping.preset), parents(target))
    else:
        base = detect(parents(target), heads(target), presets.load_all())
    edited = from_roles(mapping.family or "Own", {row.role: row.bone for row in mapping.rows})
    if base:
        kept_as_is = ("settings", "still", "ik", "ik_settings", "loose")
        edited = replace(edited, **{name: getattr(base.bone_map, name) for name in kept_as_is})
    roles = edited.roles()
    first = {"spine": "spine 1", "neck": "neck 1"}
    missing = [role for role in (base.missing if base else EXPECTED) if first.get(role, role) not in roles]
    return Match(edited, tuple(sorted(missing)), mapping.confidence)


def absent(mapping: MappingProperties) -> bool:
    """Whether the preset that the map came from is not on this machine, as where a file came from another one."""
    return bool(mapping.preset) and mapping.preset not in presets.names()


def lacking(mapping: MappingProperties, target: bpy.types.Object) -> set[str]:
    """The roles whose bone is needed and not named, or not in the target."""
    assert target.pose
    return {
        row.role
        for row in mapping.rows
        if (row.role in EXPECTED and not row.bone) or (row.bone and row.bone not in target.pose.bones)
    }


def mapping_of(owner: Any) -> MappingProperties:
    """The bone map that belongs to what is to be baked."""
    return cast(MappingProperties, owner.mapping)
