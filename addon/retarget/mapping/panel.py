# SPDX-License-Identifier: GPL-3.0-or-later

from typing import Any

import bpy

from ...screen import SidebarPanel
from ..props import retarget_of
from . import presets
from .props import EXPECTED, MappingProperties, mapping_of, words


class BoneList(bpy.types.UIList):
    bl_idname = "REEL_TO_RIG_UL_bones"

    def draw_item(
        self,
        context: bpy.types.Context | None,
        layout: bpy.types.UILayout,
        data: Any,
        item: Any,
        icon: int | None,
        active_data: Any,
        active_property: str | None,
        index: int | None,
        flt_flag: int | None,
    ) -> None:
        assert context
        assert context.scene
        target = retarget_of(context.scene).target
        bones = target.data.bones
        row = layout.split(factor=0.4, align=True)
        wrong = item.bone not in bones if item.bone else item.role in EXPECTED
        row.label(text=words(item.role), icon="ERROR" if wrong else "NONE")
        row.prop_search(item, "bone", target.data, "bones", text="")

    def filter_items(self, context: Any, data: Any, property: str) -> Any:  # noqa: A002
        mapping: MappingProperties = data
        shown = self.bitflag_filter_item
        needed = [mapping.show_all or row.bone or row.role in EXPECTED for row in mapping.rows]
        found = [self.filter_name.casefold() in f"{words(row.role)} {row.bone}".casefold() for row in mapping.rows]
        return [shown if need and hit else 0 for need, hit in zip(needed, found, strict=True)], []


class PresetMenu(bpy.types.Menu):
    bl_idname = "REEL_TO_RIG_MT_bone_maps"
    bl_label = "Bone Maps"

    def draw(self, context: bpy.types.Context | None) -> None:
        layout = self.layout
        assert layout
        layout.operator("reel_to_rig.detect_bones", icon="VIEWZOOM")
        for name in presets.names():
            load: Any = layout.operator("reel_to_rig.load_bone_map", text=name, icon="PRESET")
            load.name = name


class MappingPanel(SidebarPanel):
    bl_idname = "REEL_TO_RIG_PT_mapping"
    bl_label = "Bones"
    bl_parent_id = "REEL_TO_RIG_PT_retarget"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        assert context.scene
        return retarget_of(context.scene).target is not None

    def draw(self, context: bpy.types.Context) -> None:
        assert context.scene
        mapping = mapping_of(retarget_of(context.scene))
        layout = self.layout
        assert layout
        row = layout.row(align=True)
        row.menu("REEL_TO_RIG_MT_bone_maps", text=mapping.preset or mapping.family or "Bone Maps")
        row.operator("reel_to_rig.save_bone_map", text="", icon="ADD")
        row.operator("reel_to_rig.remove_bone_map", text="", icon="REMOVE")
        layout.template_list("REEL_TO_RIG_UL_bones", "", mapping, "rows", mapping, "row", rows=8)
        layout.prop(mapping, "show_all")


CLASSES = (BoneList, PresetMenu, MappingPanel)
