# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes sparse keys in Blender, has Blender evaluate them, and pushes the action down into the NLA."""

from typing import Any

import bpy
import numpy as np

from model.motion.rotations import matrix_from_axis_angle, matrix_from_quaternion, quaternion_from_matrix
from tests.addon.inside import empty_scene, enable_checkout, part

FRAMES = 1003.25 + np.arange(500)
TOLERANCE_DEG, TOLERANCE_M = 0.5, 0.01


def main() -> dict[str, Any]:
    enable_checkout()
    empty_scene()
    keyframes = part("addon.keyframes")
    bpy.ops.object.armature_add()
    item = bpy.context.object
    t = np.arange(len(FRAMES)) / 30
    noise = np.random.default_rng(0).normal(size=(len(t), 3)) * 5e-4
    vectors = np.stack([np.sin(2 * t), 2 * np.sin(0.7 * t), np.cos(1.3 * t)], -1) + noise
    matrices = matrix_from_axis_angle(vectors)
    quaternions = part("addon.retarget.channels").rotation_channels(matrices, "QUATERNION")[1]
    eulers = part("addon.retarget.channels").rotation_channels(matrices, "XYZ")[1]
    location = vectors[:, ::-1] + t[:, None]
    rows = {'pose.bones["Bone"].location': location, 'pose.bones["Bone"].rotation_quaternion': quaternions}
    rows["rotation_euler"] = eulers
    curves = [
        keyframes.Curve(path, axis, values[:, axis], "Bone")
        for path, values in rows.items()
        for axis in range(values.shape[1])
    ]
    tolerance = keyframes.Tolerance(np.radians(TOLERANCE_DEG), TOLERANCE_M)
    action = keyframes.write_action(item, "sparse", curves, FRAMES, tolerance)
    found = {(curve.data_path, curve.array_index): curve for curve in curves_of(action)}
    evaluated = {
        path: np.array([[found[path, axis].evaluate(frame) for axis in range(values.shape[1])] for frame in FRAMES])
        for path, values in rows.items()
    }
    read = evaluated['pose.bones["Bone"].rotation_quaternion']
    scene = bpy.context.scene
    before = played(scene, item)
    track = item.animation_data.nla_tracks.new()
    strip = track.strips.new("sparse", int(FRAMES[0]), action)
    strip.frame_start, strip.frame_end = action.frame_range
    if hasattr(action, "slots"):
        strip.action_slot = action.slots[0]
    item.animation_data.action = None
    return {
        "location_off": float(np.linalg.norm(evaluated['pose.bones["Bone"].location'] - location, axis=-1).max()),
        "turned_off_deg": off_deg(matrix_from_quaternion(read), matrices),
        "euler_off_deg": off_deg(eulers_to(evaluated["rotation_euler"]), matrices),
        "keys": max(len(curve.keyframe_points) for curve in found.values()),
        "frames": len(FRAMES),
        "range": list(action.frame_range),
        "wanted_range": [FRAMES[0], FRAMES[-1]],
        "cyclic": bool(getattr(action, "use_cyclic", False)),
        "modifiers": sum(len(curve.modifiers) for curve in found.values()),
        "pushed_off": float(np.abs(played(scene, item) - before).max()),
    }


def played(scene: bpy.types.Scene, item: bpy.types.Object) -> np.ndarray:
    rows = []
    for frame in range(1010, 1500, 35):
        scene.frame_set(frame)
        bone = item.pose.bones[0]
        rows.append([*bone.location, *bone.matrix.to_quaternion(), *item.rotation_euler])
    return np.array(rows)


def off_deg(found: np.ndarray, wanted: np.ndarray) -> float:
    q = quaternion_from_matrix(np.swapaxes(found, -1, -2) @ wanted)
    return float(np.degrees(2 * np.arctan2(np.linalg.norm(q[:, 1:], axis=-1), q[:, 0])).max())


def eulers_to(angles: np.ndarray) -> np.ndarray:
    about = [matrix_from_axis_angle(angles[:, axis, None] * np.eye(3)[axis]) for axis in range(3)]
    return about[2] @ about[1] @ about[0]


def curves_of(action: bpy.types.Action) -> Any:
    return action.layers[0].strips[0].channelbags[0].fcurves if hasattr(action, "slots") else action.fcurves
