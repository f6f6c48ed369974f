# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads an armature as the arrays that the solver wants, as its bones really hang together."""

from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector
from numpy.typing import NDArray

from .bone_maps.bone_map import BoneMap, above
from .solve import Target, TargetBone

ALONG = np.radians(15.0)


def describe(armature: bpy.types.Object, bone_map: BoneMap, placement: NDArray[np.floating] | None = None) -> Target:
    """The armature as it stands, reduced to the bones of a map of it.

    With the placement (4, 4) of a take's world: as it stands in that. Bones between them count with the pose that they
    have now, those that the map keeps still at rest. Raises ValueError as Target does, or if the map names bones that
    it does not have.
    """
    pose = armature.pose
    assert pose
    sources = bone_map.sources()
    ground = [bone_map.ground] if bone_map.ground else []
    gone = [name for name in (*sources, *bone_map.tips.values(), *ground) if name not in pose.bones]
    if gone or not bone_map.traveller:
        raise ValueError(f"it has no {', '.join(gone)}" if gone else "there is no bone for the hips")
    body = [*bone_map.joints.values(), *bone_map.spine, *bone_map.neck, *chain(*bone_map.twist.values())]
    carried = [*body, *ground, *({bone_map.traveller} - set(body))]
    twice = [name for name, count in Counter(carried).items() if count > 1]
    if twice:
        raise ValueError(f"{', '.join(twice)} stands for two parts of the body")
    bone_map = _free(armature, bone_map)
    sources = bone_map.sources()
    carriers = {name: carrier(pose.bones[name], armature, sources, bone_map.still) for name in sources}
    order = _parents_first({name: above for name, (above, _) in carriers.items()}, bone_map.traveller)
    ends = _ends(armature, bone_map)
    twists = _twists(armature, bone_map)
    bones: list[TargetBone] = []
    for name in order:
        bone, (above, socket), source = pose.bones[name].bone, carriers[name], sources[name]
        bones.append(
            TargetBone(
                name=name,
                joint=source.joint,
                towards=source.towards,
                share=source.share,
                twist=twists.get(name),
                parent=-1 if above is None else order.index(above),
                rest=np.array(bone.matrix_local.to_3x3()),
                head=np.array(bone.head_local),
                tail=np.array(ends.get(name, bone.head_local)),
                socket=np.array(socket),
                inherits=bone.use_inherit_rotation,
            )
        )
    world = np.array(armature.matrix_world)
    return Target(bones, world if placement is None else np.linalg.inv(placement) @ world)


def _free(armature: bpy.types.Object, bone_map: BoneMap) -> BoneMap:
    """The map with a bone that can travel: one that is connected to its parent's tail cannot, so its parent does."""
    data = armature.data
    assert isinstance(data, bpy.types.Armature)
    bone = data.bones[bone_map.traveller]
    while bone.use_connect and bone.parent:
        bone = bone.parent
    if bone.name == bone_map.traveller:
        return bone_map
    if bone.name in bone_map.still:
        raise ValueError(f"{bone_map.traveller} is connected to {bone.name}, and cannot travel without it")
    return replace(bone_map, root=bone.name)


def _ends(armature: bpy.types.Object, bone_map: BoneMap) -> dict[str, Vector]:
    """Where limbs end that no mapped bone ends, by bone.

    The map may name a bone that begins there. A tail says it only in armatures whose bones point along their limbs,
    which those of many files do not.
    """
    data = armature.data
    assert isinstance(data, bpy.types.Armature)
    along: list[bool] = []
    for low, high in above(bone_map):
        bone, end = data.bones[bone_map.joints[high]], data.bones[bone_map.joints[low]].head_local
        limb, line = end - bone.head_local, bone.tail_local - bone.head_local
        along.append(limb.length > 0 and limb.angle(line) < ALONG)
    trusted = bool(along) and np.mean(along) > 0.7
    found = {name: data.bones[name].tail_local for name in bone_map.joints.values()} if trusted else {}
    for joint, tip in bone_map.tips.items():
        if joint in bone_map.joints:
            found[bone_map.joints[joint]] = data.bones[tip].head_local
    return found


def _twists(armature: bpy.types.Object, bone_map: BoneMap) -> dict[str, float]:
    """How much of its limb's twist each bone along a limb takes (0..1), the limb's first bone included.

    Helpers beside the limb take what the skin halfway to the next one has. Where they carry the rest of the limb, the
    first bone only bends, and the last has all of the twist.
    """
    data = armature.data
    assert isinstance(data, bpy.types.Armature)
    lower = {high: low for low, high in above(bone_map)}
    found: dict[str, float] = {}
    for joint, helpers in bone_map.twist.items():
        if joint not in bone_map.joints or joint not in lower:
            continue
        start, end = data.bones[bone_map.joints[joint]], data.bones[bone_map.joints[lower[joint]]]
        limb = end.head_local - start.head_local
        if not limb.length:
            continue
        carrying = [bone.name for bone in reversed(end.parent_recursive) if bone.name in helpers]
        for number, name in enumerate([start.name, *carrying] if carrying else []):
            found[name] = number / len(carrying)
        places = {
            name: (data.bones[name].head_local - start.head_local).dot(limb) / limb.length_squared
            for name in helpers
            if name not in carrying
        }
        beside = sorted(places, key=places.__getitem__)
        for number, name in enumerate(beside, start=1):
            after = places[beside[number]] if number < len(beside) else 1.0
            found[name] = min(max((places[name] + after) / 2, 0.0), 1.0)
    return found


def location_axes(bone: bpy.types.Bone) -> NDArray[np.float64]:
    """What turns a displacement in a bone's own rest axes (3,) into its location channels, a matrix (3, 3)."""
    if bone.use_local_location:
        return np.eye(3)
    above = bone.parent.matrix_local.inverted() if bone.parent else Matrix.Identity(4)
    return np.array((above @ bone.matrix_local).to_3x3())


def carrier(
    start: bpy.types.PoseBone, armature: bpy.types.Object, keyed: Container[str], still: tuple[str, ...]
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
            carrying = carriers[name]
            if carrying is not None:
                add(carrying)
            order.append(name)

    add(root)
    for name in carriers:
        add(name)
    return order
