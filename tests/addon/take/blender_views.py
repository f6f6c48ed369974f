# SPDX-License-Identifier: GPL-3.0-or-later
"""The viewport through a take's camera and from the side, and the camera that the scene renders with meanwhile."""

from typing import Any

import bpy

from model.motion.motion import Motion
from tests.addon.inside import empty_scene, enable_checkout, part


def main(motion_file: str, body_file: str) -> dict[str, Any]:
    enable_checkout()
    empty_scene()
    body, build = part("addon.take.data").Body.load(body_file), part("addon.take.build").build
    walk, run = (build(bpy.context, Motion.load(motion_file), body, name, 0.0) for name in ("walk", "run"))
    scene, area = bpy.context.scene, next(area for area in bpy.context.screen.areas if area.type == "VIEW_3D")
    space = area.spaces.active

    def state() -> list[Any]:
        through = part("addon.take.overlay").camera_of(space, scene)
        return [space.region_3d.view_perspective, through.name, scene.camera.name]

    def press(armature: Any, operator: str = "camera_view") -> list[Any]:
        bpy.context.view_layer.objects.active = armature
        region = next(region for region in area.regions if region.type == "WINDOW")
        with bpy.context.temp_override(area=area, region=region, space_data=space):
            getattr(bpy.ops.reel_to_rig, operator)()
        return state()

    found: dict[str, Any] = {"first": [press(walk), press(walk)]}
    bpy.ops.object.camera_add()
    bpy.context.object.name = "shot"
    scene.camera = bpy.data.objects["shot"]
    found["in and out"] = [press(walk), press(walk)]
    found["one after the other"] = [press(walk), press(run), press(run)]
    found["aside"] = [press(run), press(run, "side_view")]
    return found
