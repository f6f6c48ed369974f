# SPDX-License-Identifier: GPL-3.0-or-later
"""Import from Video with the real engine, on real footage."""

import time
from typing import Any

import bpy
import numpy as np
from bpy_extras.object_utils import world_to_camera_view

from model.motion.skeleton import JOINTS, KEYPOINTS
from tests.addon.capture.blender_import import start
from tests.addon.inside import MODULE, empty_scene, enable_checkout, part


def main(python: str, footage: str, start_s: float, end_s: float, watched: bool) -> dict[str, Any]:
    """Import at once, as a script does, or watched, as the timer does: what the take is then, and was on the way."""
    enable_checkout()
    empty_scene()
    bpy.context.preferences.addons[MODULE].preferences.engine_python = python
    form = bpy.context.scene.reel_to_rig
    form.footage, form.start_s, form.end_s, form.quality = footage, start_s, end_s, "draft"
    if watched:
        grown = watch()
    else:
        grown = []
        assert bpy.ops.reel_to_rig.import_video() == {"FINISHED"}
    return {**described(bpy.context.active_object), "grown": grown}


def watch() -> list[dict[str, Any]]:
    """Follow an import to its end; returns what the take was whenever it had grown."""
    operator, result, grown = start(), {"PASS_THROUGH"}, []
    (work,) = operator.errand.works
    work.watch()
    while result == {"PASS_THROUGH"}:
        result = operator.tick()
        for armature in part("addon.take.props").growing() if not work._growth.busy else []:
            now = described(armature)
            if not grown or now["frames"] != grown[-1]["frames"]:
                grown.append(now)
        time.sleep(0.02)
    assert result == {"FINISHED"}, operator.reports
    return grown


def described(armature: Any) -> dict[str, Any]:
    """What a take is, and how well it lies over its footage. Leaves the scene at the frame that it shows."""
    shown = bpy.context.scene.frame_current
    take, raw = part("addon.take.props").take_of(armature), part("addon.take.data").raw(armature)
    motion = part("addon.take.data").read(armature)
    scene = bpy.context.scene
    size = np.array([scene.render.resolution_x, scene.render.resolution_y])
    off_px, heights_m = [], []
    for index, frame in enumerate(motion.frames):
        scene.frame_set(int(frame), subframe=frame - int(frame))
        heads = {name: armature.matrix_world @ armature.pose.bones[name].head for name in JOINTS}
        seen = world_to_camera_view(scene, take.camera, heads["pelvis"])
        pelvis = raw.keypoints[index, KEYPOINTS.index("pelvis"), :2]
        off_px.append(float(np.linalg.norm([seen.x, 1 - seen.y] * size - pelvis)))
        heights_m.append([heads["head"].z, min(heads["left_foot"].z, heads["right_foot"].z)])
    scene.frame_set(shown)
    return {
        "objects": sorted(item.name for item in bpy.data.objects),
        "size": size.tolist(),
        "frames": [scene.frame_start, scene.frame_end, *motion.frames[[0, -1]].tolist()],
        "fps": scene.render.fps / scene.render.fps_base,
        "off_px": float(np.median(off_px)),
        "vertices": len(take.body.data.vertices),
        "head_m": float(np.median(heights_m, axis=0)[0]),
        "foot_m": float(np.median(heights_m, axis=0)[1]),
        "summary": take.summary,
        "clip": [background.clip.frame_start for background in take.camera.data.background_images],
    }
