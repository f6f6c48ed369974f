# SPDX-License-Identifier: GPL-3.0-or-later

from typing import Any

import bpy

from ..screen import SidebarPanel
from ..text import draw_text
from .mapping.props import lacking, mapping_of, words
from .obstacles import obstacle_to_bake
from .props import RetargetProperties, retarget_of, source_take
from .report import Quality, kept

LISTED = 6


class RetargetPanel(SidebarPanel):
    bl_idname = "REEL_TO_RIG_PT_retarget"
    bl_label = "Rig"
    bl_order = 2

    def draw(self, context: bpy.types.Context) -> None:
        assert context.scene
        chosen = retarget_of(context.scene)
        layout = self.layout
        assert layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        take = source_take(context)
        layout.prop(chosen, "source", placeholder=take.name if take else "None yet")
        layout.prop(chosen, "target", placeholder="Your rig")
        if chosen.target:
            _draw_family(layout, chosen)
        layout.prop(chosen, "root")
        if mapping_of(chosen).has_ik:
            layout.prop(chosen, "ik")
        layout.prop(chosen, "feet")
        layout.prop(chosen, "hands")
        layout.prop(chosen, "sparse")
        if chosen.sparse:
            layout.prop(chosen, "tolerance")
        row = layout.row()
        row.scale_y = 1.5
        row.operator("reel_to_rig.bake", icon="ARMATURE_DATA")
        if chosen.target and (obstacle := obstacle_to_bake(context)):
            draw_text(layout, context, f"{obstacle}.", "INFO")
        if quality := kept(chosen.target):
            _draw_quality(layout, context, quality)


def _draw_family(layout: bpy.types.UILayout, retarget: RetargetProperties) -> None:
    """What the target was taken for, and which parts of the body have no bone of it."""
    mapping = mapping_of(retarget)
    if not mapping.family:
        layout.label(text="Not a rig that is known", icon="ERROR")
        return
    sure = f"{mapping.confidence:.0%}"
    layout.label(text=f"{mapping.preset or mapping.family} ({sure})", icon="CHECKMARK")
    missing = [words(role) for role in sorted(lacking(mapping, retarget.target))]
    if missing:
        column = layout.column(align=True)
        column.label(text="No bone for:", icon="ERROR")
        for name in missing[:LISTED]:
            column.label(text=name, icon="BLANK1")
        if len(missing) > LISTED:
            column.label(text=f"and {len(missing) - LISTED} more", icon="BLANK1")


def _draw_quality(layout: bpy.types.UILayout, context: bpy.types.Context, quality: Quality) -> None:
    """What can be said of the bake that the target moves by, with a way to the frames that deserve a look."""
    column = layout.column(align=True)
    for figure in quality.figures():
        row = column.row(align=True)
        row.alert = figure.doubtful
        row.label(text=str(figure), icon="ERROR" if figure.doubtful else "CHECKMARK")
        if figure.doubtful:
            go: Any = row.operator("reel_to_rig.worst_frame", text="", icon="TIME")
            go.frame = figure.frame
    if quality.before:
        draw_text(layout, context, f"Measured before {quality.before}", "INFO")


CLASSES = (RetargetPanel,)
