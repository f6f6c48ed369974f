# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds a take in Blender and measures it against the arrays that it was made from."""

from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

from model.motion.motion import Motion
from model.motion.planting import hold_feet
from model.motion.skeleton import JOINTS
from tests.addon.inside import empty_scene, enable_checkout, part
from tests.addon.take.example import project


def main(motion_file: str, body_file: str) -> dict[str, Any]:
    enable_checkout()
    empty_scene()
    motion = Motion.load(motion_file)
    motion.contacts[5:-5, :2] = 1
    body = part("addon.take.data").Body.load(body_file)
    armature = part("addon.take.build").build(bpy.context, motion, body, "clip", 0.0)
    take = part("addon.take.props").take_of(armature)
    scene = bpy.context.scene
    loose_mm, held_mm = (off_mm(armature, each) for each in (motion, hold_feet(motion, body.joints)))
    take.hold_feet = False
    bone_mm, pixel, mesh_mm = [], [], []
    expected_pixels = project(motion)
    width, height = scene.render.resolution_x, scene.render.resolution_y
    for index in range(0, len(motion), 7):
        frame = scene.frame_start + motion.time_s[index] * motion.mocap_framerate
        scene.frame_set(int(frame), subframe=frame - int(frame))
        heads = [armature.matrix_world @ armature.pose.bones[name].head for name in JOINTS]
        bone_mm.append(np.linalg.norm(np.array(heads) - motion.joints[index], axis=-1) * 1000)
        seen = [world_to_camera_view(scene, take.camera, Vector(joint.tolist())) for joint in motion.joints[index]]
        pixel.append(np.abs([[s.x * width, (1 - s.y) * height] for s in seen] - expected_pixels[index]))
        mesh = take.body.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
        corners = np.empty(len(mesh.vertices) * 3, np.float32)
        mesh.vertices.foreach_get("co", corners)
        placed = np.array(take.body.matrix_world)
        world = corners.reshape(-1, 3) @ placed[:3, :3].T + placed[:3, 3]
        expected = skinned(motion, body, index)
        mesh_mm.append(np.linalg.norm(world - expected, axis=-1) * 1000)
    return {
        "held_mm": held_mm,
        "loose_mm": loose_mm,
        "bone_mm": float(np.max(bone_mm)),
        "mesh_mm": float(np.max(mesh_mm)),
        "pixel": float(np.max(pixel)),
        "frames": [scene.frame_start, scene.frame_end, scene.frame_current],
        "rate": [scene.render.fps, scene.render.fps_base],
        "size": [width, height],
        "bones": [bone.name for bone in armature.data.bones],
        "lowest_rest": min((take.body.matrix_world @ v.co).z for v in take.body.data.vertices),
        "camera": scene.camera == take.camera,
        "moving": take.camera.animation_data is not None,
        "mode": bpy.context.mode,
        "active": bpy.context.active_object == armature,
        "collection": sorted(item.name for item in bpy.data.collections["clip"].objects),
        "backgrounds": [
            [b.source, Path(bpy.path.abspath(b.clip.filepath)).name, b.clip.frame_start]
            for b in take.camera.data.background_images
        ],
    }


def off_mm(armature: Any, motion: Motion) -> float:
    """How far bones are from a motion's joints in the middle of it, at most; millimetres."""
    middle = len(motion) // 2
    moment = bpy.context.scene.frame_start + motion.time_s[middle] * motion.mocap_framerate
    bpy.context.scene.frame_set(int(moment), subframe=moment - int(moment))
    heads = [armature.matrix_world @ armature.pose.bones[name].head for name in JOINTS]
    return float(np.linalg.norm(np.array(heads) - motion.joints[middle], axis=-1).max() * 1000)


def skinned(motion: Motion, body: Any, index: int) -> np.ndarray:
    """World positions (V, 3) of the body's corners by linear blend skinning, written out."""
    from model.motion.motion import forward_kinematics

    local = motion.local_rotations()[index : index + 1]
    rotations, joints = forward_kinematics(local, body.joints)
    moved = np.einsum("jab,vjb->vja", rotations[0], body.vertices[:, None] - body.joints) + joints[0]
    return np.einsum("vj,vja->va", body.weights, moved) + motion.trans[index]
