# SPDX-License-Identifier: GPL-3.0-or-later

import bpy

from ..engine.panel import draw_missing_engine
from ..text import draw_text
from .job import Job, Problem
from .ops import Desk
from .props import form


class FootagePanel(bpy.types.Panel):
    bl_idname = "REEL_TO_RIG_PT_footage"
    bl_label = "Footage"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Reel to Rig"
    bl_order = 0

    def draw(self, context: bpy.types.Context) -> None:
        assert context.scene
        filled = form(context.scene)
        layout = self.layout
        assert layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column()
        column.enabled = Desk.job is None
        column.prop(filled, "footage")
        span = column.column(align=True)
        span.prop(filled, "start_s")
        span.prop(filled, "end_s")
        column.prop(filled, "person")
        column.prop(filled, "height_m")
        column.prop(filled, "fov")
        column.prop(filled, "quality")
        column.prop(filled, "smoothing")

        if Desk.job:
            _draw_job(layout, Desk.job)
        else:
            draw_missing_engine(layout, context)
            row = layout.row()
            row.scale_y = 1.5
            row.operator("reel_to_rig.import_video", icon="FILE_MOVIE")
        if Desk.problem:
            _draw_problem(layout, context, Desk.problem)


def _draw_job(layout: bpy.types.UILayout, job: Job) -> None:
    layout.progress(factor=job.fraction, text=job.line())
    layout.operator("reel_to_rig.cancel", icon="CANCEL")


def _draw_problem(layout: bpy.types.UILayout, context: bpy.types.Context, problem: Problem) -> None:
    box = layout.box()
    draw_text(box, context, problem.message, "ERROR")
    draw_text(box, context, problem.hint, "BLANK1")
    box.operator("reel_to_rig.open_log", icon="TEXT")


CLASSES = (FootagePanel,)
