# SPDX-License-Identifier: GPL-3.0-or-later

import bpy

from ...model.protocol import Code
from ..engine.panel import draw_missing_engine
from ..screen import SidebarPanel
from ..text import draw_text
from . import looking, pictures
from .desk import Desk
from .found import found, person_picture
from .job import Problem, State
from .props import CaptureProperties, form, scan_key

PICTURE_SCALE = 5.0
FACE_SCALE = 3.0

REMEDIES = {
    Code.FOOTAGE_MISSING: ("reel_to_rig.use_file", "FILE_FOLDER"),
    Code.FOOTAGE_UNREADABLE: ("reel_to_rig.use_file", "FILE_FOLDER"),
    Code.FOOTAGE_NO_VIDEO: ("reel_to_rig.use_file", "FILE_FOLDER"),
    Code.FOOTAGE_TOO_SMALL: ("reel_to_rig.use_file", "FILE_FOLDER"),
    Code.PEOPLE_NONE: ("reel_to_rig.scan_people", "COMMUNITY"),
    Code.PEOPLE_UNKNOWN: ("reel_to_rig.scan_people", "COMMUNITY"),
    Code.DEVICE_UNAVAILABLE: ("reel_to_rig.use_processor", "MEMORY"),
    Code.DEVICE_OUT_OF_MEMORY: ("reel_to_rig.use_processor", "MEMORY"),
    Code.BODY_INVALID: ("reel_to_rig.open_preferences", "PREFERENCES"),
    Code.DISK_FULL: ("reel_to_rig.open_preferences", "PREFERENCES"),
    Code.OUTPUT_UNWRITABLE: ("reel_to_rig.open_preferences", "PREFERENCES"),
    Code.WEIGHTS_MISSING: ("reel_to_rig.open_preferences", "PREFERENCES"),
    Code.WEIGHTS_CORRUPT: ("reel_to_rig.open_preferences", "PREFERENCES"),
    Code.ENGINE_MISSING: ("reel_to_rig.open_preferences", "PREFERENCES"),
}
"""The operator that does what a failure's hint says, and its icon. The log can always be opened."""


class FootagePanel(SidebarPanel):
    bl_idname = "REEL_TO_RIG_PT_footage"
    bl_label = "Footage"
    bl_order = 0

    def draw(self, context: bpy.types.Context) -> None:
        assert context.scene
        filled = form(context.scene)
        layout = self.layout
        assert layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        _draw_footage(layout, context, filled)
        _draw_people(layout, context, filled)
        _draw_optional(layout, filled, "height_m", "Height")
        layout.prop(filled, "quality")
        layout.prop(filled, "smoothing")
        layout.prop(filled, "set_scene")
        _draw_camera(layout, filled)
        draw_missing_engine(layout, context)
        row = layout.row()
        row.scale_y = 1.5
        row.operator("reel_to_rig.import_video", icon="FILE_MOVIE")
        _draw_jobs(layout, context)
        if Desk.problem:
            _draw_problem(layout, context, Desk.problem)


def _draw_footage(layout: bpy.types.UILayout, context: bpy.types.Context, filled: CaptureProperties) -> None:
    row = layout.row(align=True)
    row.use_property_split = False
    row.prop(filled, "footage", text="")
    row.operator("reel_to_rig.use_clip", text="", icon="TRACKER")
    row.operator("reel_to_rig.use_strip", text="", icon="SEQUENCE")
    if not filled.footage:
        draw_text(layout, context, "Choose a video, or drop one onto the viewport.", "INFO")
        return
    known = found(context)
    looking.keep_up(context, filled.footage)
    if looking.known(context, filled.footage):
        if known.usable:
            row = layout.split(factor=0.5)
            row.template_icon(pictures.icon(looking.PICTURE), scale=PICTURE_SCALE)
            column = row.column(align=True)
            column.separator(factor=2.0)
            for part in known.line.split(", "):
                column.label(text=part)
        else:
            draw_text(layout, context, known.line, "ERROR")
    span = layout.column(align=True)
    span.prop(filled, "start_s")
    _draw_optional(span, filled, "end_s", "End")


def _draw_people(layout: bpy.types.UILayout, context: bpy.types.Context, filled: CaptureProperties) -> None:
    known = found(context)
    box = layout.box()
    if not known.scanned or known.scanned != scan_key(context):
        box.operator("reel_to_rig.scan_people", icon="COMMUNITY")
        if filled.person:
            box.prop(filled, "person")
        else:
            draw_text(box, context, "Otherwise the most prominent.")
        return
    for person in known.people:
        row = box.row()
        row.use_property_split = False
        if picture := pictures.icon(person_picture(person.number)):
            row.template_icon(picture, scale=FACE_SCALE)
        text = f"Person {person.number}"
        column = row.column(align=True)
        column.prop(person, "chosen", text=text)
        column.label(text=f"{person.first_s:.1f} s to {person.last_s:.1f} s ({person.share:.0%})")


def _draw_camera(layout: bpy.types.UILayout, filled: CaptureProperties) -> None:
    header, body = layout.panel("reel_to_rig_camera", default_closed=True)
    header.label(text="Camera")
    if body:
        body.prop(filled, "camera")
        _draw_optional(body, filled, "fov", "Lens")
        _draw_optional(body, filled, "camera_height_m", "Height")
        body.prop(filled, "pitch_known")
        if filled.pitch_known:
            body.prop(filled, "camera_pitch", text="by")


def _draw_optional(layout: bpy.types.UILayout, filled: CaptureProperties, name: str, label: str) -> None:
    """A number of which 0 says that it is not given: the label says so, since the field cannot."""
    layout.prop(filled, name, text=label if getattr(filled, name) else f"{label} (auto)")


def _draw_jobs(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    for work in Desk.works:
        if work.job.state is State.DONE:
            draw_text(layout, context, f"{work.title}: being put into the scene", "INFO")
    for place, job in enumerate(Desk.queue.jobs):
        column = layout.column(align=True)
        column.label(text=job.title)
        row = column.row(align=True)
        if job.state is State.WAITING:
            row.label(text=job.line(), icon="TIME")
        else:
            row.progress(factor=job.fraction, text=job.line())
        cancel = row.row()
        cancel.enabled = not job.cancelling
        cancel.operator("reel_to_rig.cancel", text="", icon="X").place = place  # pyright: ignore[reportAttributeAccessIssue, reportOptionalMemberAccess]


def _draw_problem(layout: bpy.types.UILayout, context: bpy.types.Context, problem: Problem) -> None:
    box = layout.box()
    draw_text(box, context, problem.message, "ERROR")
    draw_text(box, context, problem.hint, "BLANK1")
    row = box.row()
    if problem.code in REMEDIES:
        operator, icon = REMEDIES[Code(problem.code)]
        row.operator(operator, icon=icon)  # pyright: ignore[reportArgumentType] - an icon's name
    row.operator("reel_to_rig.open_log", icon="TEXT")
    row.operator("reel_to_rig.dismiss_problem", text="", icon="X")


CLASSES = (FootagePanel,)
