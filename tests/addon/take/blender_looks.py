# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of a take that change how it looks and what stands on the timeline."""

from typing import Any

import bpy
import numpy as np

from model.motion.motion import Motion
from tests.addon.inside import empty_scene, enable_checkout, part


def main(motion_file: str, body_file: str) -> dict[str, Any]:
    enable_checkout()
    empty_scene()
    body = part("addon.take.data").Body.load(body_file)
    armature = part("addon.take.build").build(bpy.context, Motion.load(motion_file), body, "clip", 0.0)
    take = part("addon.take.props").take_of(armature)
    material = take.body.material_slots[0].material
    actions = len(bpy.data.actions)
    found: dict[str, Any] = {}

    take.opacity = 0.2
    found["alpha"] = material.diffuse_color[3]
    take.by_confidence = True
    found["colours"] = [colour_at(material, frame) for frame in (1, 11, 21)]
    take.by_confidence = False
    found["plain"] = material.animation_data is None
    found["actions_left"] = len(bpy.data.actions) - actions

    markers = bpy.context.scene.timeline_markers
    markers.new("Gap", frame=3)  # the animator's own
    markers.new("other: L down", frame=4)
    for what in ("BOTH", "GAPS", "CONTACTS", "NONE"):
        bpy.ops.reel_to_rig.mark(what=what)
        found[what] = sorted([marker.frame, marker.name] for marker in markers)

    bpy.ops.reel_to_rig.mark(what="BOTH")
    armature.name = "hero"
    for what in ("GAPS", "NONE"):
        bpy.ops.reel_to_rig.mark(what=what)
        found[f"renamed {what}"] = sorted([marker.frame, marker.name] for marker in markers)

    bpy.ops.reel_to_rig.mark(what="GAPS")
    copy = armature.copy()
    bpy.context.collection.objects.link(copy)
    bpy.context.view_layer.objects.active = copy
    bpy.ops.reel_to_rig.mark(what="NONE")
    found["copy"] = sorted([marker.frame, marker.name] for marker in markers)
    bpy.data.objects.remove(copy)
    bpy.context.view_layer.objects.active = armature

    bpy.ops.reel_to_rig.find_floor()
    bpy.context.view_layer.update()
    found["floor_m"] = take.floor_m
    found["down_m"] = [-armature.matrix_world.translation.z, -take.camera.delta_location.z]
    found["drawn_in_background"] = len(part("addon.take.overlay")._handles)
    return found


def colour_at(material: Any, frame: int) -> list[float]:
    bpy.context.scene.frame_set(frame)
    evaluated = material.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return np.round(evaluated.diffuse_color, 3).tolist()
