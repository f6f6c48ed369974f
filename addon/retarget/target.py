# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads an armature as the arrays that the solver wants, as its bones really hang together."""

from collections.abc import Mapping
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from .bone_maps.bone_map import BoneMap, Source
from .solve import Target, TargetBone


def parents(armature: bpy.types.Object) -> dict[str, str | None]:
    """The name of each bone's parent."""
    data = armature.data
    assert isinstance(data, bpy.types.Armature)
    return {bone.name: bone.parent.name if bone.parent else None for bone in data.bones}


def describe(armature: bpy.types.Object, bone_map: BoneMap, missing: tuple[str, ...]) -> Target:
    """The armature as it stands, reduced to the bones of a map that it has.

    Bones between them count with the pose that they have now, those that the map keeps still at rest. Raises
    ValueError as Target does.
    """
    pose = armature.pose
    assert pose
    sources = {bone: source for bone, source in bone_map.sources().items() if bone not in missing}
    carriers = {name: _carrier(pose.bones[name], armature, sources, bone_map.still) for name in sources}
    order = _parents_first({name: carrier for name, (carrier, _) in carriers.items()}, bone_map.root)
    bones: list[TargetBone] = []
    for name in order:
        bone, (carrier, socket), source = pose.bones[name].bone, carriers[name], sources[name]
        bones.append(
            TargetBone(
                name=name,
                joint=source.joint,
                towards=source.towards,
                share=source.share,
                parent=-1 if carrier is None else order.index(carrier),
                rest=np.array(bone.matrix_local.to_3x3()),
                head=np.array(bone.head_local),
                tail=np.array(bone.tail_local),
                socket=np.array(socket),
                inherits=bone.use_inherit_rotation,
            )
        )
    return Target(bones, np.array(armature.matrix_world))


def _carrier(
    start: bpy.types.PoseBone, armature: bpy.types.Object, keyed: Mapping[str, Source], still: tuple[str, ...]
) -> tuple[str | None, Matrix]:
    """The nearest bone up the chain that gets keys, and where start stands in its space while it is not posed itself.

    None: there is no such bone, and the place is one in armature space.
    """
    socket = Matrix.Identity(4)
    node = start
    while True:
        parent = node.parent
        rest = node.bone.matrix_local
        socket = (parent.bone.matrix_local.inverted() @ rest if parent else rest) @ socket
        if parent is None:
            return None, socket
        node, offset = _leader(parent, armature)
        socket = offset @ socket
        if node.name in keyed:
            return node.name, socket
        if node.name not in still:
            socket = node.matrix_basis @ socket


def _leader(bone: bpy.types.PoseBone, armature: bpy.types.Object) -> tuple[bpy.types.PoseBone, Matrix]:
    """The bone that a bone follows rigidly, and where it stands in that one's space; itself if it follows none.

    Rigs hang controls from helpers that a constraint ties to another control. Constraints with less than full
    influence do nothing while what they copy is at rest, which the bone map sees to.
    """
    assert armature.pose
    bones = armature.pose.bones
    for constraint in reversed(bone.constraints):
        known: Any = constraint
        if constraint.mute or constraint.influence < 1:
            continue
        if constraint.type == "COPY_TRANSFORMS" and {known.target_space, known.owner_space} <= {"WORLD", "POSE"}:
            if known.target == armature and known.subtarget in bones:
                return bones[known.subtarget], Matrix.Identity(4)
        elif constraint.type == "ARMATURE":
            targets = [target for target in known.targets if target.weight > 0]
            if len(targets) == 1 and targets[0].target == armature and targets[0].subtarget in bones:
                leader = bones[targets[0].subtarget]
                return leader, leader.bone.matrix_local.inverted() @ bone.bone.matrix_local
    return bone, Matrix.Identity(4)


def _parents_first(carriers: Mapping[str, str | None], root: str) -> list[str]:
    """The bones, each after the one that carries it, the root at the very front."""
    order: list[str] = []

    def add(name: str) -> None:
        if name not in order:
            above = carriers[name]
            if above is not None:
                add(above)
            order.append(name)

    add(root)
    for name in carriers:
        add(name)
    return order
