# SPDX-License-Identifier: GPL-3.0-or-later

import bpy

from ...model.motion.skeleton import REGIONS
from ..screen import SidebarPanel
from ..text import draw_text
from . import footage, rate
from .ops import LINKED
from .props import active_take, is_current, own, take_of


class TakePanel(SidebarPanel):
    bl_idname = "REEL_TO_RIG_PT_take"
    bl_label = "Take"
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
        if armature.library:
            draw_text(layout, context, f"{LINKED}.", "INFO")
        if gone := footage.missing(armature):
            draw_text(layout, context, f"The footage is not there: {gone}. The motion is all here", "ERROR")
            layout.operator("reel_to_rig.find_footage", icon="FILE_MOVIE")
        assert context.scene
        if off := rate.mismatch(armature, context.scene):
            draw_text(layout, context, off, "ERROR")
            layout.operator("reel_to_rig.match_rate", icon="TIME")
        column = layout.column(align=True)
        column.prop(take, "smoothing")
        if not is_current(armature):
            column.operator("reel_to_rig.smooth")
        animation = armature.animation_data
        if take.edits and not (animation and animation.action == take.edits):
            draw_text(layout, context, f"Your edits are kept in action {take.edits.name}", "INFO")
        layout.prop(take, "hold_feet")
        row = layout.row(align=True)
        row.prop(take, "floor_m")
        row.operator("reel_to_rig.find_floor", text="", icon="TRIA_DOWN_BAR")
        row = layout.row(align=True)
        row.operator("reel_to_rig.camera_view", icon="CAMERA_DATA")
        row.operator("reel_to_rig.side_view")
        layout.operator_menu_enum("reel_to_rig.mark", "what", icon="MARKER_HLT")
        layout.operator_menu_enum("reel_to_rig.export", "format", icon="EXPORT")
        for line in take.summary.splitlines():
            draw_text(layout, context, line)


class OverlayPanel(SidebarPanel):
    bl_idname = "REEL_TO_RIG_PT_take_overlay"
    bl_parent_id = "REEL_TO_RIG_PT_take"
    bl_label = "Overlay"

    def draw(self, context: bpy.types.Context) -> None:
        armature = active_take(context)
        assert armature
        take = take_of(armature)
        layout = self.layout
        assert layout
        row = layout.row(align=True)
        body, camera = own(armature, "body"), own(armature, "camera")
        if body:
            row.prop(body, "hide_viewport", text="Body", icon="OUTLINER_OB_ARMATURE", invert_checkbox=True)
            row.prop(body, "show_wire", text="Wireframe", icon="SHADING_WIRE", toggle=1)
        if camera:
            row = layout.row(align=True)
            row.prop(camera.data, "show_background_images", text="Footage", icon="FILE_MOVIE", toggle=1)
            row.prop(take, "show_keypoints", icon="OUTLINER_DATA_ARMATURE", toggle=1)
        if body:
            column = layout.column()
            column.prop(take, "opacity", slider=True)
            column.prop(take, "by_confidence")


class RegionsPanel(SidebarPanel):
    bl_idname = "REEL_TO_RIG_PT_take_regions"
    bl_parent_id = "REEL_TO_RIG_PT_take"
    bl_label = "Smoothing by Region"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        armature = active_take(context)
        assert armature
        layout = self.layout
        assert layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column(align=True)
        for index, region in enumerate(REGIONS):
            column.prop(take_of(armature), "regions", index=index, text=region.capitalize(), slider=True)


CLASSES = (TakePanel, OverlayPanel, RegionsPanel)
