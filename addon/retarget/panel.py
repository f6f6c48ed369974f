# SPDX-License-Identifier: GPL-3.0-or-later

import bpy

from .bone_maps import detect
from .props import retarget_of
from .target import parents

LISTED = 6


class RetargetPanel(bpy.types.Panel):
    bl_idname = "REEL_TO_RIG_PT_retarget"
    bl_label = "Rig"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Reel to Rig"
    bl_order = 2

    def draw(self, context: bpy.types.Context) -> None:
        assert context.scene
        chosen = retarget_of(context.scene)
        layout = self.layout
        assert layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(chosen, "source")
        layout.prop(chosen, "target")
        if chosen.target:
            _draw_family(layout, chosen.target)
        row = layout.row()
        row.scale_y = 1.5
        row.operator("reel_to_rig.bake", icon="ARMATURE_DATA")


def _draw_family(layout: bpy.types.UILayout, target: bpy.types.Object) -> None:
    """The family of the target, and which of its bones are not where they should be."""
    match = detect(parents(target))
    if match is None:
        layout.label(text="Not a rig that is known", icon="ERROR")
        return
    layout.label(text=f"{match.bone_map.family} rig", icon="CHECKMARK")
    if match.missing:
        column = layout.column(align=True)
        column.label(text="Not found:", icon="ERROR")
        for name in match.missing[:LISTED]:
            column.label(text=name, icon="BLANK1")
        if len(match.missing) > LISTED:
            column.label(text=f"and {len(match.missing) - LISTED} more", icon="BLANK1")


CLASSES = (RetargetPanel,)
