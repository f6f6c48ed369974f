# SPDX-License-Identifier: GPL-3.0-or-later
"""Targets that are not as they should be, and bone maps that a user edits and keeps."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import bpy
import numpy as np

from model.motion.motion import Motion
from model.motion.rotations import angle_between
from tests.addon.inside import empty_scene, enable_checkout, part
from tests.addon.retarget.blender_operator import Lines
from tests.addon.retarget.corpus.blender_corpus import pose_heads


def main(motion_file: str, body_file: str, blend_file: str) -> dict[str, Any]:
    enable_checkout()
    empty_scene()
    body = part("addon.take.data").Body.load(body_file)
    take = part("addon.take.build").build(bpy.context, Motion.load(motion_file), body, "clip", 0.3)
    bpy.ops.wm.save_as_mainfile(filepath=blend_file, copy=True)
    found: dict[str, Any] = {"kinds": {kind: attempt(take, change) for kind, change in KINDS.items()}}
    found["linked"] = linked(blend_file)
    mesh = bpy.data.objects.new("mesh", bpy.data.meshes.new("mesh"))
    found["no armature"] = part("addon.retarget.obstacles").obstacle_to_target(mesh, bpy.context.view_layer)
    found["presets"] = presets(take)
    return found


def attempt(take: bpy.types.Object, change: Callable[[bpy.types.Object], None]) -> dict[str, Any]:
    """What the operator makes of a changed copy of the take's armature."""
    target = copy_of(take)
    change(target)
    bpy.context.view_layer.update()
    chosen = bpy.context.scene.reel_to_rig_retarget
    chosen.source, chosen.target, chosen.feet = take, target, "NEVER"
    obstacle = part("addon.retarget.ops").obstacle_to_bake(bpy.context)
    said = ""
    messages: list[str] = []
    if not obstacle:
        match = part("addon.retarget.mapping.props").chosen(chosen.mapping, target)
        try:
            options = part("addon.retarget.options").Options()
            baked = part("addon.retarget.bake").bake(part("addon.take.data").read(take), target, "x", match, options)
            messages = [*baked.missing, *baked.remarks]
        except Exception as error:
            said = str(error)
    if target.mode == "EDIT":
        bpy.ops.object.mode_set(mode="OBJECT")
    return {
        "obstacle": obstacle,
        "refused": said,
        "messages": messages,
        "untouched": target.animation_data is None or target.animation_data.use_tweak_mode,
        "arm_deg": arm_error(take, target) if not (obstacle or said) else None,
        "family": chosen.mapping.family,
    }


def copy_of(take: bpy.types.Object) -> bpy.types.Object:
    target = take.copy()
    target.data = take.data.copy()
    target.animation_data_clear()
    bpy.context.scene.collection.objects.link(target)
    for bone in target.pose.bones:
        bone.matrix_basis.identity()
    target.location = (1, 2, 0)
    return target


def arm_error(take: bpy.types.Object, target: bpy.types.Object) -> float:
    """By how many degrees the right upper arm, which none of the changes removes, points elsewhere than the take's."""
    frames = part("addon.take.data").read(take).frames[::5].round()
    lines = []
    for armature in (take, target):
        order = [bone.name for bone in take.data.bones]
        names = [
            armature.data.bones[order.index(bone)].name if "strange" in armature else bone
            for bone in ("right_shoulder", "right_elbow")
        ]
        heads = pose_heads(armature, names, frames)
        lines.append(heads[names[1]] - heads[names[0]])
    return float(np.degrees(angle_between(*lines)).max())


def edited(target: bpy.types.Object, change: Callable[[Any], None]) -> None:
    bpy.context.view_layer.objects.active = target
    bpy.ops.object.mode_set(mode="EDIT")
    change(target.data.edit_bones)
    bpy.ops.object.mode_set(mode="OBJECT")


def remove(*names: str) -> Callable[[bpy.types.Object], None]:
    def change(target: bpy.types.Object) -> None:
        edited(target, lambda bones: [bones.remove(bones[name]) for name in names])

    return change


def rename(target: bpy.types.Object) -> None:
    target["strange"] = True
    for number, bone in enumerate(list(target.data.bones)):
        bone.name = f"part {number:03}"


def rope(target: bpy.types.Object) -> None:
    def change(bones: Any) -> None:
        for bone in list(bones):
            bones.remove(bone)
        above = None
        for number in range(15):
            bone = bones.new(f"link {number}")
            bone.head, bone.tail, bone.parent = (0, 0, number), (0, 0, number + 1), above
            above = bone

    edited(target, change)


def point(target: bpy.types.Object) -> None:
    def change(bones: Any) -> None:
        for bone in bones:
            bone.head, bone.tail = (0, 0, 0), (0, 0.1, 0)

    edited(target, change)


def edit_mode(target: bpy.types.Object) -> None:
    bpy.context.view_layer.objects.active = target
    bpy.ops.object.mode_set(mode="EDIT")


def elsewhere(target: bpy.types.Object) -> None:
    unlink(target)
    bpy.data.scenes.new("elsewhere").collection.objects.link(target)


def unlink(target: bpy.types.Object) -> None:
    bpy.context.scene.collection.objects.unlink(target)


def lock(target: bpy.types.Object) -> None:
    target.pose.bones["right_shoulder"].lock_rotation = (True, True, True)


def constrain(target: bpy.types.Object) -> None:
    """Arms led by IK, and an upper arm that copies another bone's rotation."""
    goal = bpy.data.objects.new("goal", None)
    bpy.context.scene.collection.objects.link(goal)
    led = target.pose.bones["right_elbow"].constraints.new("IK")
    led.target, led.chain_count = goal, 2
    copies = target.pose.bones["right_shoulder"].constraints.new("COPY_ROTATION")
    copies.target, copies.subtarget = target, "left_hip"


def tweak(target: bpy.types.Object) -> None:
    animation = target.animation_data_create()
    animation.nla_tracks.new().strips.new("strip", 1, bpy.data.actions.new("tweaked"))
    animation.use_tweak_mode = True


KINDS: dict[str, Callable[[bpy.types.Object], None]] = {
    "as it should be": lambda target: None,
    "mirrored": lambda target: setattr(target, "scale", (-1, 1, 1)),
    "flat": lambda target: setattr(target, "scale", (1, 1, 0)),
    "uneven": lambda target: setattr(target, "scale", (1, 1, 1.5)),
    "one arm": remove("left_shoulder", "left_elbow", "left_wrist", "left_hand"),
    "one leg": remove("left_hip", "left_knee", "left_ankle", "left_foot"),
    "no legs": remove(*(f"{side}_{joint}" for side in ("left", "right") for joint in ("hip", "knee", "ankle", "foot"))),
    "no feet": remove(*(f"{side}_{joint}" for side in ("left", "right") for joint in ("ankle", "foot"))),
    "no head": remove("head", "neck"),
    "strange names": rename,
    "rope": rope,
    "tweaked": tweak,
    "point": point,
    "edit mode": edit_mode,
    "another layer": elsewhere,
    "deleted": unlink,
    "disabled": lambda target: setattr(target, "hide_viewport", True),
    "hidden": lambda target: target.hide_set(True),
    "locked": lock,
    "constrained": constrain,
}


def linked(blend_file: str) -> str:
    with bpy.data.libraries.load(blend_file, link=True) as (there, here):
        here.objects = [name for name in there.objects if name == "clip"]
    target = here.objects[0]
    bpy.context.scene.collection.objects.link(target)
    bpy.context.scene.reel_to_rig_retarget.target = target
    return part("addon.retarget.ops").obstacle_to_bake(bpy.context)


def presets(take: bpy.types.Object) -> dict[str, Any]:
    """A rig whose names say nothing is mapped by hand; the map is saved, and found again."""
    target = copy_of(take)
    rename(target)
    retarget = bpy.context.scene.reel_to_rig_retarget
    retarget.source, retarget.target = take, target
    ops, module = bpy.ops.reel_to_rig, part("addon.retarget.mapping.presets")
    mapping = retarget.mapping
    for row in mapping.rows:
        row.bone = ""
    order = [bone.name for bone in take.data.bones]
    roles = {"spine 1": "spine1", "spine 2": "spine2", "spine 3": "spine3", "neck 1": "neck"}
    for row in mapping.rows:
        name = roles.get(row.role, row.role)
        if name in order:
            row.bone = f"part {order.index(name):03}"
    found: dict[str, Any] = {"nothing yet": module.names(), "list": listed(mapping), "menu": drawn("PresetMenu")}
    found["remove needs one"] = not ops.remove_bone_map.poll()
    ops.save_bone_map(name="My / rig")
    found["saved"] = module.names()
    found["now"] = mapping.preset
    found["panel"], found["menu with it"] = drawn("MappingPanel"), drawn("PresetMenu")
    bpy.context.scene.reel_to_rig_retarget.target = None
    retarget.target = target
    missing = part("addon.retarget.mapping.props").chosen(mapping, target).missing
    found["found again"] = [mapping.family, round(mapping.confidence, 2), missing]
    before = {row.role: row.bone for row in mapping.rows if row.bone}
    next(row for row in mapping.rows if row.role == "head").bone = ""
    ops.load_bone_map(name=found["saved"][0])
    found["loaded"] = {row.role: row.bone for row in mapping.rows if row.bone} == before
    found["bones"] = len(before)
    found["baked"] = ops.bake() == {"FINISHED"}
    found["arm_deg"] = arm_error(take, target)
    next(row for row in mapping.rows if row.role == "head").bone = "nobody"
    try:
        found["wrong name"] = str(ops.bake())
    except RuntimeError as error:
        found["wrong name"] = str(error)
    next(row for row in mapping.rows if row.role == "head").bone = "part 000"
    try:
        found["twice"] = str(ops.bake())
    except RuntimeError as error:
        found["twice"] = str(error)
    next(row for row in mapping.rows if row.role == "head").bone = ""
    found["ground"] = []
    for name in ("nobody", "part 000", ""):
        next(row for row in mapping.rows if row.role == "ground").bone = name
        try:
            found["ground"].append(str(ops.bake()))
        except RuntimeError as error:
            found["ground"].append(str(error))
    file = module.folder() / f"{found['saved'][0]}.toml"
    kept, slot = file.read_text(), target.animation_data.action
    file.unlink()
    found["elsewhere"] = [str(ops.bake()), target.animation_data.action != slot]
    file.write_text(kept)
    (module.folder() / "broken.toml").write_text("not a bone map")
    try:
        found["broken"] = str(ops.load_bone_map(name="broken"))
    except RuntimeError as error:
        found["broken"] = str(error)
    ops.detect_bones()
    ops.load_bone_map(name=found["saved"][0])
    ops.remove_bone_map()
    found["left"] = module.names()
    return found


class Shown(Lines):
    """A layout that takes what the list and its menu draw."""

    def prop(self, owner: Any, name: str, text: str | None = None) -> None:
        super().prop(owner, name)

    def menu(self, name: str, text: str) -> None:
        assert hasattr(bpy.types, name)
        self.shown.append(text)

    def template_list(self, kind: str, _: str, owner: Any, listed: str, active: Any, row: str, rows: int) -> None:
        assert hasattr(bpy.types, kind)
        assert row in active.bl_rna.properties
        self.shown.append(owner.bl_rna.properties[listed].name)

    def prop_search(self, owner: Any, name: str, data: Any, bones: str, text: str) -> None:
        assert bones in data.bl_rna.properties
        self.shown.append(getattr(owner, name))

    def label(self, text: str, icon: str) -> None:
        self.shown.append(text if icon == "NONE" else f"! {text}")


def drawn(name: str) -> list[str]:
    """What a menu or panel of the bone map shows."""
    layout = Shown([])
    getattr(part("addon.retarget.mapping.panel"), name).draw(SimpleNamespace(layout=layout), bpy.context)
    return layout.shown


def listed(mapping: Any) -> dict[str, Any]:
    """What the list of bones shows, all of it and by default, and found by a word."""
    bones = part("addon.retarget.mapping.panel").BoneList

    def rows(word: str = "", *, every: bool = False) -> list[str]:
        mapping.show_all = every
        state = SimpleNamespace(bitflag_filter_item=1, filter_name=word)
        flags, _ = bones.filter_items(state, bpy.context, mapping, "rows")
        layout = Shown([])
        for row in (row for row, flag in zip(mapping.rows, flags, strict=True) if flag):
            bones.draw_item(state, bpy.context, layout, mapping, row, 0, mapping, "row", 0, 0)
        return layout.shown

    return {"every": len(rows(every=True)), "usual": rows(), "thighs": rows("THIGH")}
