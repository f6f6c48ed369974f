# SPDX-License-Identifier: GPL-3.0-or-later
"""When takes of parts of a clip begin and end, and what becomes of the scene's range."""

from dataclasses import replace
from typing import Any

import bpy

from model.motion.motion import Motion
from tests.addon.inside import empty_scene, enable_checkout, part


def main(motion_file: str, body_file: str) -> dict[str, Any]:
    enable_checkout()
    empty_scene()
    motion, body = Motion.load(motion_file), part("addon.take.data").Body.load(body_file)
    scene = bpy.context.scene

    def at(second: float) -> list[float]:
        later = replace(motion, time_s=motion.time_s + second)
        armature = part("addon.take.build").build(bpy.context, later, body, "clip", 0.0)
        return [round(frame) for frame in armature.animation_data.action.frame_range]

    def growing(second: float) -> Any:
        """A take that is shown and then taken away again; the range of the scene between."""
        growth = part("addon.take.growth")
        later = part("addon.take.build").Prepared.of(replace(motion, time_s=motion.time_s + second), body, 0.0)
        for _ in range(2):  # with a second piece
            steps = part("addon.steps").at_once(growth.show(scene, bpy.context.view_layer, later, "clip", "job"))
        between = span(scene)
        growth.remove(steps)
        return between

    found: dict[str, Any] = {"again": []}
    for _ in range(3):
        found["again"].append([at(1.5), span(scene)])
        empty_scene()
    found["grew"] = [growing(3), span(scene), at(1.5)]
    empty_scene()
    scene.frame_start = 101
    found["moved"] = [at(0), span(scene)]
    found["later"] = [at(10), span(scene)]
    found["grew later"] = [growing(20), span(scene)]
    found["within"] = [at(5), span(scene)]
    return found


def span(scene: Any) -> list[int]:
    return [scene.frame_start, scene.frame_end]
