# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the operator as a user would, on a real take: onto a copy of its armature and onto what it must refuse."""

from types import SimpleNamespace
from typing import Any

import bpy
import numpy as np

from model.motion.motion import Motion
from model.motion.skeleton import JOINTS
from tests.addon.inside import empty_scene, enable_checkout, part
from tests.addon.retarget.blender_rigs import carried


def main(motion_file: str, body_file: str, blend_file: str) -> dict[str, Any]:
    enable_checkout()
    empty_scene()
    scene = bpy.context.scene
    result: dict[str, Any] = {"without a take": obstacle()}
    body = part("addon.take.data").Body.load(body_file)
    take = part("addon.take.build").build(bpy.context, Motion.load(motion_file), body, "clip", 0.3)
    result["without a target"] = obstacle()
    chosen = scene.reel_to_rig_retarget
    chosen.target = take
    result["take itself"] = obstacle()

    copy = take.copy()
    copy.data = take.data.copy()
    copy.animation_data_clear()
    copy.name = "copy"
    scene.collection.objects.link(copy)
    copy.location, copy.rotation_euler = (1, -2, 0.5), (0.3, -0.4, 2.0)
    for number, bone in enumerate(copy.pose.bones):
        bone.rotation_mode = ("QUATERNION", "XYZ", "ZXY")[number % 3]
    bpy.context.view_layer.update()
    earlier = bpy.data.actions.new("earlier")
    copy.animation_data_create().action = earlier
    chosen.target, chosen.feet = copy, "NEVER"
    result["ready"] = obstacle()
    result["panel"] = panel()

    before = len(bpy.data.actions)
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.reel_to_rig.bake("EXEC_DEFAULT", True) == {"FINISHED"}
    result["baked"] = copy.animation_data.action.name
    result["earlier kept"] = earlier.use_fake_user
    frames = part("addon.take.data").read(take).frames
    result["error_deg"], result["error_m"] = difference(take, copy, frames)

    bpy.ops.ed.undo()
    copy = bpy.data.objects["copy"]
    result["undone"] = copy.animation_data.action.name
    assert bpy.ops.reel_to_rig.bake() == {"FINISHED"}

    bpy.ops.wm.save_as_mainfile(filepath=blend_file)
    bpy.ops.wm.open_mainfile(filepath=blend_file)
    take, copy = bpy.data.objects["clip"], bpy.data.objects["copy"]
    result["reopened_deg"], _ = difference(take, copy, frames)
    result["reopened target"] = bpy.context.scene.reel_to_rig_retarget.target == copy
    result["actions"] = len(bpy.data.actions) - before
    return result


class Lines:
    """Stands in for a panel's layout, which Blender only makes for a window, and collects what it is to show."""

    def __init__(self, shown: list[str]) -> None:
        self.shown = shown

    def column(self, **_: Any) -> "Lines":
        return self

    row = split = column

    def prop(self, owner: Any, name: str, **_: Any) -> None:
        self.shown.append(owner.bl_rna.properties[name].name)

    def label(self, text: str, icon: str) -> None:
        assert icon in bpy.types.UILayout.bl_rna.functions["label"].parameters["icon"].enum_items
        self.shown.append(text)

    def operator(self, name: str, icon: str, text: str = "") -> SimpleNamespace:
        assert icon in bpy.types.UILayout.bl_rna.functions["label"].parameters["icon"].enum_items
        self.shown.append(name)
        return SimpleNamespace()


def panel() -> list[str]:
    """What the panel shows now."""
    drawn = SimpleNamespace(layout=Lines([]))
    part("addon.retarget.panel").RetargetPanel.draw(drawn, bpy.context)
    return drawn.layout.shown


def obstacle() -> str:
    text = part("addon.retarget.ops").obstacle_to_bake(bpy.context)
    assert bpy.ops.reel_to_rig.bake.poll() == (not text)
    return text


def difference(take: bpy.types.Object, copy: bpy.types.Object, frames: np.ndarray) -> tuple[float, float]:
    """The largest angle in degrees and the largest distance in metres between bones of the two, in the world."""
    bones = tuple(JOINTS)
    one, other = carried(take, bones, frames), carried(copy, bones, frames)
    rest = np.array([np.array(take.matrix_world @ take.data.bones[name].matrix_local) for name in bones])
    rest_of_copy = np.array([np.array(copy.matrix_world @ copy.data.bones[name].matrix_local) for name in bones])
    one, other = one @ rest, other @ rest_of_copy
    cosine = (np.einsum("tkij,tkij->tk", one[..., :3, :3], other[..., :3, :3]) - 1) / 2
    sine = np.linalg.norm(one[..., :3, :3] - other[..., :3, :3], axis=(-2, -1)) / np.sqrt(8)
    angle = 2 * np.arctan2(sine, np.sqrt(np.maximum(0, (1 + cosine) / 2)))
    return float(np.degrees(angle).max()), float(np.linalg.norm(one[..., 3] - other[..., 3], axis=-1).max())
