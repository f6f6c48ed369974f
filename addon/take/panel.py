# SPDX-License-Identifier: GPL-3.0-or-later

import bpy

from .data import active_take
from .props import take_of


class TakePanel(bpy.types.Panel):
    bl_idname = "REEL_TO_RIG_PT_take"
    bl_label = "Take"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Reel to Rig"
    bl_order = 1

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return active_take(context) is not None

    def draw(self, context: bpy.types.Context) -> None:
        armature = active_take(context)
        assert armature
        take = take_of(armature)
        layout = self.layout
        assert layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.label(text=armature.name, icon="ARMATURE_DATA")
        column = layout.column(align=True)
        column.prop(take, "smoothing")
        column.operator("reel_to_rig.smooth")
        layout.operator("reel_to_rig.camera_view", icon="CAMERA_DATA")
        if take.body:
            layout.prop(take.body, "hide_viewport", text="Show Body", invert_checkbox=True, icon="NONE")
        if take.camera:
            layout.prop(take.camera.data, "show_background_images", text="Show Footage")
        if take.summary:
            column = layout.column(align=True)
            for line in take.summary.splitlines():
                column.label(text=line)


CLASSES = (TakePanel,)
