# SPDX-License-Identifier: GPL-3.0-or-later
"""A take keyed at 30 fps in a scene that has 60 by now."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy

from model.motion.motion import Motion
from tests.addon.inside import empty_scene, enable_checkout, part
from tests.addon.retarget.blender_operator import Lines
from tests.addon.take.blender_seen import heads, off


def main(motion_file: str, body_file: str, folder: str) -> dict[str, Any]:
    enable_checkout()
    empty_scene()
    body = part("addon.take.data").Body.load(body_file)
    take = part("addon.take.build").build(bpy.context, Motion.load(motion_file), body, "clip", 0.0)
    camera = part("addon.take.props").take_of(take).camera
    target = take.copy()
    target.data = take.data.copy()
    target.animation_data_clear()
    part("addon.take.props").take_of(target).is_take = False
    bpy.context.collection.objects.link(target)
    render, retarget = bpy.context.scene.render, bpy.context.scene.reel_to_rig_retarget
    retarget.source, retarget.target, retarget.feet = take, target, "NEVER"
    lines = {"before": panel()}
    moved = heads(take, range(1, 46))
    render.fps, render.fps_base = 30000, 1001  # As near to 30 as one can see.
    lines["as good as the same"] = panel()
    render.fps, render.fps_base = 60, 1
    lines["faster"] = panel()
    bpy.ops.reel_to_rig.bake()
    for kind in ("BVH", "NPZ"):
        bpy.ops.reel_to_rig.export(format=kind, filepath=str(Path(folder, "take")))
    take.pose.bones["head"].rotation_quaternion = (1, 1, 0, 0)
    take.pose.bones["head"].keyframe_insert("rotation_quaternion", frame=10)
    by_hand = take.animation_data.action
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.reel_to_rig.match_rate("EXEC_DEFAULT", True) == {"FINISHED"}
    take = bpy.data.objects["clip"]
    lines["matched"] = panel()
    found: dict[str, Any] = {"lines": lines, "by hand": by_hand != take.animation_data.action and by_hand.use_fake_user}
    found["ranges"] = [list(item.animation_data.action.frame_range) for item in (take, camera)]
    found["off"] = off(heads(take, range(1, 90, 2)), moved)
    bpy.ops.ed.undo()
    take = bpy.data.objects["clip"]
    camera = part("addon.take.props").take_of(take).camera
    found["undone"] = [list(item.animation_data.action.frame_range) for item in (take, camera)]
    lines["undone"] = panel()
    return found


class TakeLines(Lines):
    """What a take's panel has beside the rig's."""

    def operator(self, name: str, icon: str = "NONE", text: str = "") -> SimpleNamespace:
        return super().operator(name, icon, text)

    def operator_menu_enum(self, name: str, _what: str, icon: str) -> None:
        self.operator(name, icon)


def panel() -> list[str]:
    """What the take's panel says about the rate, and the button."""
    shown: list[str] = []
    drawn = SimpleNamespace(layout=TakeLines(shown))
    bpy.context.view_layer.objects.active = bpy.data.objects["clip"]
    part("addon.take.panel").TakePanel.draw(drawn, bpy.context)
    return [line for line in shown if "fps" in line or "rate" in line]
