# SPDX-License-Identifier: GPL-3.0-or-later
"""What the animator should know of a target."""

from typing import Any

import bpy
import numpy as np

from .bone_maps.bone_map import BoneMap
from .solve import AIMED, Target

NAMED = 4
FOREIGN = {"IK", "COPY_ROTATION", "COPY_TRANSFORMS", "DAMPED_TRACK", "LOCKED_TRACK", "TRACK_TO", "STRETCH_TO",
           "LIMIT_ROTATION", "SPLINE_IK", "ARMATURE", "CHILD_OF"}  # fmt: skip


def remarks(armature: bpy.types.Object, target: Target) -> tuple[str, ...]:
    """What the animator should know: each a sentence."""
    assert armature.pose
    found: list[str] = []
    locks: dict[str, Any] = {bone.name: armature.pose.bones[bone.name].lock_rotation for bone in target.bones}
    locked = [name for name, lock in locks.items() if any(lock)]
    if locked:
        found.append(f"Locked rotations were keyed: {_listed(locked)}")
    short = [
        target.bones[at].name for joint, at in target.at.items() if joint in AIMED and not target.limb(joint).any()
    ]
    if short:
        found.append(f"Nothing shows where these limbs end, so they go straight on: {_listed(short)}")
    behind = [bone.name for bone in target.bones[1:] if bone.parent < 0]
    if behind:
        found.append(f"These bones do not hang from the hips, and stay behind: {_listed(behind)}")
    if armature.hide_get():
        found.append("The target is hidden")
    size = np.linalg.norm(target.world[:3, :3], axis=0)
    if size.max() > 1.01 * size.min():
        found.append("The target is scaled unevenly, so its limbs change their lengths as they turn")
    return tuple(found)


def overriding(armature: bpy.types.Object, bone_map: BoneMap) -> list[tuple[str, str]]:
    """Constraints, by bone and name, that would keep mapped bones from moving; none in rigs of known controls."""
    assert armature.pose
    if bone_map.settings:
        return []
    keyed = set(bone_map.sources())
    found: list[tuple[str, str]] = []
    for bone in armature.pose.bones:
        for constraint in bone.constraints:
            if constraint.mute or not constraint.influence or constraint.type not in FOREIGN:
                continue
            led = {bone.name}
            if isinstance(constraint, bpy.types.KinematicConstraint):
                chain = [bone, *bone.parent_recursive]
                led = {link.name for link in chain[: constraint.chain_count or None]}
            if led & keyed:
                found.append((bone.name, constraint.name))
    return found


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
