# SPDX-License-Identifier: GPL-3.0-or-later
"""Bakes a planned walk onto a generated human with the foot lock, has Blender move it, and looks at the soles."""

from typing import Any

import bpy
import numpy as np
from mathutils import Vector

from tests.addon.inside import empty_scene, enable_checkout, part
from tests.addon.retarget.blender_operator import panel
from tests.addon.retarget.blender_rigs import rigify_human

FOOT = "DEF-foot.{}"


def main(motion_file: str, blend_file: str) -> dict[str, Any]:
    enable_checkout()
    empty_scene()
    scene = bpy.context.scene
    with np.load(motion_file, allow_pickle=False) as data:
        arrays = {name: data[name] for name in data.files}
    rests = arrays["contacts"] > 0.5
    frames = 1 + arrays["time_s"] * 30
    motion = part("addon.take.data").TakeMotion(frames=frames, **arrays)
    scene.render.fps = 30
    rig = rigify_human(0.0, 0.8)
    bake, chosen = part("addon.retarget.bake"), part("addon.retarget.options")
    result: dict[str, Any] = {}
    for name, options in {
        "before": chosen.Options(),
        "after": chosen.Options(feet=chosen.FootLock.AUTO),
        "ik": chosen.Options(feet=chosen.FootLock.AUTO, ik=True),
        "sparse": chosen.Options(feet=chosen.FootLock.AUTO, tolerance_rad=np.radians(0.25)),
    }.items():
        baked = bake.bake(motion, rig, name, None, options)
        result[name] = soles(rig, frames, rests, arrays["time_s"])
        result[name]["keys"] = most_keys(baked.action)
        result[name]["measured before"] = baked.quality.before
        result[name]["report"] = {figure.label: figure.value for figure in baked.quality.figures()}
    scene.reel_to_rig_retarget.target = rig
    rig.animation_data.action = bpy.data.actions["sparse"]
    result["panel of sparse"] = panel()
    rig.animation_data.action = bpy.data.actions["before"]
    result["panel"] = panel()
    report = part("addon.retarget.report")
    quality = report.kept(rig)
    bpy.ops.wm.save_as_mainfile(filepath=blend_file)
    bpy.ops.wm.open_mainfile(filepath=blend_file)
    reopened = report.kept(bpy.context.scene.reel_to_rig_retarget.target)
    result["reopened"] = reopened == quality
    assert bpy.ops.reel_to_rig.worst_frame(frame=quality.slide.frame) == {"FINISHED"}
    result["at worst"] = bpy.context.scene.frame_current_final == quality.slide.frame
    return result


def most_keys(action: bpy.types.Action) -> int:
    bag = action.layers[0].strips[0].channelbags[0] if hasattr(action, "slots") else action
    return max(len(curve.keyframe_points) for curve in bag.fcurves)


def soles(rig: bpy.types.Object, frames: Any, rests: Any, time_s: Any) -> dict[str, float]:
    """How fast points under heel and ball move while they rest, cm/s, and how deep they sink, cm."""
    scene = bpy.context.scene
    points = np.empty((len(frames), 4, 3))
    for row, frame in zip(points, frames, strict=True):
        scene.frame_set(int(frame // 1), subframe=float(frame % 1))
        for k, side in enumerate("LR"):
            bone = rig.pose.bones[FOOT.format(side)]
            carried = rig.matrix_world @ bone.matrix @ bone.bone.matrix_local.inverted()
            for part_of, at in enumerate((bone.bone.head_local, bone.bone.tail_local)):
                row[2 * k + part_of] = carried @ Vector((at.x, at.y, 0.0))
    both = rests[1:] & rests[:-1]
    speed = np.linalg.norm(np.diff(points, axis=0), axis=-1) / np.diff(time_s)[:, None]
    return {"slide_cm_s": 100 * float(speed[both].mean()), "deep_cm": 100 * float(np.maximum(-points[..., 2], 0).max())}
