# SPDX-License-Identifier: GPL-3.0-or-later
"""Armatures in Blender for the tests, and what Blender makes of their bones once they are keyed."""

from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Quaternion

from model.motion.rotations import angle_between
from model.motion.skeleton import JOINTS, PARENTS
from tests.addon.retarget.figures import UPRIGHT, Array

DEFORM = {
    "spine_fk": "DEF-spine", "torso": "torso", "spine_fk.002": "spine_fk.002", "spine_fk.003": "DEF-spine.003",
    "neck": "DEF-spine.004", "head": "DEF-spine.006",
}  # fmt: skip
"""The bone that deforms the mesh for each of Rigify's controls, where it is not called the same. Between pelvis and
chest Rigify spreads the twist over the deforming bones by itself: there only their line says what the controls do."""

SPINE_LINES = {
    "torso": ("DEF-spine.001", "DEF-spine.002"),
    "spine_fk.002": ("DEF-spine.002", "DEF-spine.003"),
    "spine_fk.003": ("DEF-spine.003", "DEF-spine.004"),
}


def person_armature(rest: Array, rng: np.random.Generator) -> bpy.types.Object:
    """Bones with SMPL's names from joints at rest (24, 3), upright, with any roll."""
    bpy.ops.object.armature_add()
    armature = bpy.context.object
    bpy.ops.object.mode_set(mode="EDIT")
    bones = armature.data.edit_bones
    bones.remove(bones[0])
    heads = rest @ UPRIGHT.T
    for joint, name in enumerate(JOINTS):
        bone = bones.new(name)
        children = [child for child, parent in enumerate(PARENTS) if parent == joint]
        bone.head = heads[joint]
        bone.tail = heads[children[0]] if children else heads[joint] + rng.normal(0, 0.05, 3)
        bone.roll = rng.uniform(-np.pi, np.pi)
        if joint:
            bone.parent = bones[JOINTS[PARENTS[joint]]]
    bpy.ops.object.mode_set(mode="OBJECT")
    return armature


def rigify_human(arms_deg: float, height: float) -> bpy.types.Object:
    """A generated human whose arms hang so many degrees lower at rest than the metarig's, in another size."""
    bpy.ops.preferences.addon_enable(module="rigify")
    bpy.ops.object.armature_human_metarig_add()
    metarig = bpy.context.object
    bpy.ops.object.mode_set(mode="POSE")
    for end, sign in (("L", 1), ("R", -1)):
        arm = metarig.pose.bones[f"upper_arm.{end}"]
        turn = Quaternion((0, 1, 0), np.radians(sign * arms_deg)).to_matrix().to_4x4()
        head = Matrix.Translation(arm.head)
        arm.matrix = head @ turn @ head.inverted() @ arm.matrix
    bpy.context.view_layer.update()
    bpy.ops.pose.armature_apply()
    bpy.ops.object.mode_set(mode="OBJECT")
    metarig.data.transform(Matrix.Scale(height, 4))
    bpy.ops.object.mode_set(mode="POSE")
    bpy.ops.pose.rigify_generate()
    bpy.ops.object.mode_set(mode="OBJECT")
    rig = bpy.context.object
    assert rig != metarig
    metarig.hide_viewport = True
    return rig


def disturb(rig: bpy.types.Object, rng: np.random.Generator) -> None:
    """Leave a generated rig as an animator may have left it: posed, switched to IK, and with keys of its own."""
    bones = rig.pose.bones
    for name in ("root", "torso", "hips", "chest", "spine_fk.001", "spine_fk.003", "neck", "head", "upper_arm_fk.L"):
        bone = bones[name]
        bone.location = rng.normal(0, 0.2, 3)
        bone.rotation_mode = "QUATERNION"
        bone.rotation_quaternion = rng.normal([1, 0, 0, 0], 0.3)
    bones["forearm_fk.R"].scale = (1.2, 0.8, 1.1)
    for limb in ("upper_arm_parent.L", "thigh_parent.R"):
        bones[limb]["IK_FK"], bones[limb]["FK_limb_follow"] = 0.3, 1.0
    bones["torso"]["neck_follow"] = bones["torso"]["head_follow"] = 0.2
    for frame in (1, 40):
        for name in ("torso", "hips", "chest", "thigh_fk.L"):
            bones[name].keyframe_insert("location", frame=frame)
            bones[name].keyframe_insert("rotation_quaternion", frame=frame)
    rig.animation_data.action.name = "by hand"
    bpy.context.view_layer.update()


def carried(armature: bpy.types.Object, bones: tuple[str, ...], frames: Array) -> Array:
    """For keyed bones the world matrices (T, K, 4, 4) that carry what moves with them from rest to the pose."""
    scene = bpy.context.scene
    measured = [_deforming(armature, name) for name in bones]
    result = np.empty((len(frames), len(bones), 4, 4))
    for row, frame in zip(result, frames, strict=True):
        scene.frame_set(int(np.floor(frame)), subframe=float(frame % 1))
        world = armature.matrix_world
        for place, name in zip(row, measured, strict=True):
            bone = armature.pose.bones[name]
            place[:] = world @ bone.matrix @ bone.bone.matrix_local.inverted() @ world.inverted()
    return result


def _deforming(armature: bpy.types.Object, name: str) -> str:
    guess = DEFORM.get(name, "DEF-" + name.replace("_fk", ""))
    return guess if guess in armature.data.bones else name


def spine_errors(armature: bpy.types.Object, frames: Array) -> dict[str, float]:
    """By how many degrees, at worst, the deforming bones of a Rigify spine lie off what their controls say."""
    scene = bpy.context.scene
    worst = dict.fromkeys(SPINE_LINES, 0.0)
    for frame in frames:
        scene.frame_set(int(np.floor(frame)), subframe=float(frame % 1))
        for name, (low, high) in SPINE_LINES.items():
            control, low_bone, high_bone = (armature.pose.bones[bone] for bone in (name, low, high))
            turn = (control.matrix @ control.bone.matrix_local.inverted()).to_3x3()
            wanted = turn @ (high_bone.bone.head_local - low_bone.bone.head_local)
            line = high_bone.head - low_bone.head
            worst[name] = max(worst[name], float(np.degrees(angle_between(np.array(line), np.array(wanted)))))
    return worst


def place(armature: bpy.types.Object, rng: np.random.Generator) -> None:
    """Put an object anywhere, any way round, in any size."""
    armature.rotation_mode = "QUATERNION"
    armature.rotation_quaternion = rng.normal(size=4)
    armature.location = rng.uniform(-3, 3, 3)
    armature.scale = [rng.uniform(0.3, 3)] * 3
    bpy.context.view_layer.update()


def take_motion(take_data: Any, motion_file: str, frames: Array) -> Any:
    """The add-on's TakeMotion of arrays local, trans and rest in a file."""
    with np.load(motion_file, allow_pickle=False) as data:
        return take_data.TakeMotion(
            frames, data["local"], data["trans"], data["rest"], np.zeros((len(frames), 4), np.float32), frames / 30
        )
