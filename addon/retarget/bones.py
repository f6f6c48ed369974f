# SPDX-License-Identifier: GPL-3.0-or-later
"""The bones of an armature, as those who map them want them."""

import bpy


def parents(armature: bpy.types.Object) -> dict[str, str | None]:
    """The name of each bone's parent."""
    return {bone.name: bone.parent.name if bone.parent else None for bone in _bones(armature)}


def heads(armature: bpy.types.Object) -> dict[str, tuple[float, ...]]:
    """Where each bone begins at rest (3,), in armature space."""
    return {bone.name: tuple(bone.head_local[:]) for bone in _bones(armature)}


def _bones(armature: bpy.types.Object) -> bpy.types.ArmatureBones:
    assert isinstance(armature.data, bpy.types.Armature)
    return armature.data.bones
