# SPDX-License-Identifier: GPL-3.0-or-later
"""Bakes one motion in every way there is: IK controls, and whatever carries the person over the ground."""

from typing import Any

import bpy
import numpy as np

from model.motion.motion import forward_kinematics
from model.motion.rotations import angle_between
from tests.addon.inside import empty_scene, enable_checkout, part
from tests.addon.retarget.blender_rigs import place, rigify_human
from tests.addon.retarget.corpus.blender_corpus import armature_of, measure, motion_of, pose_heads
from tests.addon.retarget.corpus.rigs import make
from tests.addon.retarget.figures import Array, exercise

DEFORMING = tuple(f"DEF-{bone}.{end}" for end in "LR" for bone in ("upper_arm", "forearm", "thigh", "shin"))
ENDS = tuple(f"DEF-{bone}.{end}" for end in "LR" for bone in ("hand", "foot", "toe"))


def main(frames: int) -> dict[str, Any]:
    enable_checkout()
    rng = np.random.default_rng(21)
    local, trans = exercise(frames, rng)
    motion = motion_of(local, trans)
    found: dict[str, Any] = {}
    rig = make("unreal", 40.0, rng)
    for root in ("HIPS", "ROOT_BONE", "OBJECT", "IN_PLACE"):
        empty_scene()
        armature = armature_of(rig, rng)
        found[root] = carried(armature, rig, motion, root)
    for mode in ("ZYX", "QUATERNION"):
        empty_scene()
        armature = armature_of(rig, rng)
        armature.rotation_mode, armature.delta_location = mode, (1, 2, 0)
        if mode == "QUATERNION":
            armature.delta_rotation_quaternion = (0.8, 0, 0, 0.6)
        else:
            armature.delta_rotation_euler.z = 0.5
        bpy.context.view_layer.update()
        found[f"OBJECT, beside deltas, {mode}"] = carried(armature, rig, motion, "OBJECT")
    empty_scene()
    found["no root bone"] = refused(armature_of(make("mixamo", 20.0, rng), rng), motion, root="ROOT_BONE")
    found["no IK"] = refused(armature_of(rig, rng), motion, ik=True)
    empty_scene()
    found["rigify"] = rigify(motion, rng)
    return found


def carried(armature: bpy.types.Object, rig: Any, motion: Any, root: str) -> dict[str, Any]:
    bake = part("addon.retarget.bake")
    stood = np.array(armature.matrix_world)
    result = measure(armature, rig, motion, bake.Options(root=root))
    bones = ["root", "pelvis"]
    heads = pose_heads(armature, bones, motion.frames)
    hips = np.empty((len(motion.frames), 3))
    objects = np.empty((len(motion.frames), 4, 4))
    up = np.empty((len(motion.frames), 3))
    for row, frame in enumerate(motion.frames):
        bpy.context.scene.frame_set(int(frame))
        hips[row] = armature.pose.bones["pelvis"].location
        objects[row] = armature.matrix_world
        turn = (
            armature.pose.bones["root"].matrix.to_3x3()
            @ armature.pose.bones["root"].bone.matrix_local.to_3x3().inverted()
        )
        up[row] = (armature.matrix_world.to_3x3() @ turn).normalized().col[2]
    wanted = forward_kinematics(motion.local, motion.rest)[1][:, 0] + motion.trans
    return result | {
        "root lift": float(np.ptp(heads["root"][:, 2])),
        "root travel": float(np.linalg.norm(np.ptp(heads["root"][:, :2], axis=0))),
        "root tilt": float(np.degrees(angle_between(up, np.array([0, 0, 1.0]))).max()),
        "pelvis under root": float(np.linalg.norm((heads["pelvis"] - heads["root"])[:, :2], axis=-1).max()),
        "travel": float(np.linalg.norm(np.ptp(wanted[:, :2], axis=0))),
        "object moved": float(np.abs(objects - stood).max()),
        "object still": float(np.abs(objects - objects[0]).max()),
        "pelvis at rest": float(np.abs(hips).max()),
    }


def refused(armature: bpy.types.Object, motion: Any, **options: Any) -> list[Any]:
    bake = part("addon.retarget.bake")
    try:
        bake.bake(motion, armature, "take", options=bake.Options(**options))
    except Exception as error:
        return [type(error).__name__, str(error), armature.animation_data is None]
    return []


def rigify(motion: Any, rng: np.random.Generator) -> dict[str, Any]:
    """The deforming bones under IK controls against the same under FK controls, for each way of the root."""
    bake = part("addon.retarget.bake")
    rig = rigify_human(20.0, 1.2)
    place(rig, rng)
    found: dict[str, Any] = {"metarig": bake.recognise(bpy.data.objects["metarig"]).bone_map.family}
    baked = bake.bake(motion, rig, "fk")
    fk = deformed(rig, motion.frames)
    for root in ("HIPS", "ROOT_BONE", "OBJECT"):
        for ik in (False, True):
            again = bake.bake(motion, rig, "variant", options=bake.Options(root=root, ik=ik))
            other = deformed(rig, motion.frames)
            places = {name: np.linalg.norm(other[name][:, :3, 3] - fk[name][:, :3, 3], axis=-1) for name in fk}
            lines = {name: np.degrees(angle_between(other[name][:, :3, 1], fk[name][:, :3, 1])) for name in fk}
            found[f"{root} {'IK' if ik else 'FK'}"] = {
                "off_m": max(float(off.max()) for off in places.values()),
                "worst place": max(places, key=lambda name: places[name].max()),
                "line_deg": max(float(lines[name].max()) for name in DEFORMING),
                "end_deg": max(float(lines[name].max()) for name in ENDS),
                "switch": rig.pose.bones["thigh_parent.L"]["IK_FK"],
                "same scale": abs(again.scale / baked.scale - 1) < 1e-6,
            }
    return found


def deformed(rig: bpy.types.Object, frames: Array) -> dict[str, Array]:
    found = {name: np.empty((len(frames), 4, 4)) for name in (*DEFORMING, *ENDS, "DEF-spine", "DEF-spine.006")}
    for row, frame in enumerate(frames):
        bpy.context.scene.frame_set(int(frame))
        for name, matrices in found.items():
            matrices[row] = rig.matrix_world @ rig.pose.bones[name].matrix
    return found
