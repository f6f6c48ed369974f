# SPDX-License-Identifier: GPL-3.0-or-later

from typing import TYPE_CHECKING

import bpy

from ..bone_maps.fit import fit
from ..bones import parents
from ..props import retarget_of
from . import presets
from .props import MappingProperties, chosen, fill, mapping_of, show

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems


class _MapOperator(bpy.types.Operator):
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        assert context.scene
        cls.poll_message_set("Choose the armature to bake onto")
        return retarget_of(context.scene).target is not None

    def of(self, context: bpy.types.Context) -> tuple[MappingProperties, bpy.types.Object]:
        assert context.scene
        retarget = retarget_of(context.scene)
        return mapping_of(retarget), retarget.target


class Detect(_MapOperator):
    bl_idname = "reel_to_rig.detect_bones"
    bl_label = "Detect Bones"
    bl_description = "Find the bones of the target anew by their names and by how they hang together"

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        fill(*self.of(context))
        return {"FINISHED"}


class LoadPreset(_MapOperator):
    bl_idname = "reel_to_rig.load_bone_map"
    bl_label = "Load Bone Map"
    bl_description = "Use a bone map that you saved"

    name: bpy.props.StringProperty(name="Name", description="Which one")

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        mapping, target = self.of(context)
        try:
            family = presets.load(self.name)
        except (OSError, ValueError) as error:
            self.report({"ERROR"}, f"{self.name} could not be loaded: {error}")
            return {"CANCELLED"}
        show(mapping, fit(family, parents(target)))
        mapping.preset = self.name
        return {"FINISHED"}


class SavePreset(_MapOperator):
    bl_idname = "reel_to_rig.save_bone_map"
    bl_label = "Save Bone Map"
    bl_description = "Keep the bone map as a preset of your own, which is found again for armatures with these bones"

    name: bpy.props.StringProperty(
        name="Name", description="What to call it. One of that name is replaced", options={"SKIP_SAVE"}
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        mapping, target = self.of(context)
        self.name = self.name or mapping.preset or target.name
        assert context.window_manager
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        mapping, target = self.of(context)
        try:
            bone_map = chosen(mapping, target).bone_map
            mapping.preset = presets.save(self.name, bone_map)
        except (OSError, ValueError) as error:
            self.report({"ERROR"}, f"The bone map could not be saved: {error}")
            return {"CANCELLED"}
        self.report({"INFO"}, f"Saved the bone map {mapping.preset}")
        return {"FINISHED"}


class RemovePreset(_MapOperator):
    bl_idname = "reel_to_rig.remove_bone_map"
    bl_label = "Remove Bone Map"
    bl_description = "Delete the file of the preset that is loaded. The bones stay as they are listed"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        assert context.scene
        cls.poll_message_set("Load a bone map of your own first")
        return bool(mapping_of(retarget_of(context.scene)).preset)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        assert context.window_manager
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        mapping, _ = self.of(context)
        try:
            presets.remove(mapping.preset)
        except OSError as error:
            self.report({"ERROR"}, f"{mapping.preset} could not be removed: {error}")
            return {"CANCELLED"}
        mapping.preset = ""
        return {"FINISHED"}


CLASSES = (Detect, LoadPreset, SavePreset, RemovePreset)
