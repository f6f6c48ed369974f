# SPDX-License-Identifier: GPL-3.0-or-later
"""Where footage comes from: a file that is dropped, a movie clip that is open, a strip of the sequencer."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ...model.protocol import Failure
from ..screen import show_tab
from . import looking
from .glance import Seen, Trim
from .growth import scene_of
from .props import form

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

SUFFIXES = (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".mts", ".m2ts", ".wmv", ".3gp", ".ogv")


def use(scene: bpy.types.Scene, footage: str) -> None:
    """Put footage into the form, all of it."""
    filled = form(scene)
    filled.start_s = filled.end_s = 0.0
    filled.footage = footage


class _FileOperator(bpy.types.Operator):
    bl_options = {"UNDO"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_movie: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        if self.filepath:  # it was dropped
            return self.execute(context)
        assert context.window_manager
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        assert context.scene
        use(context.scene, self.filepath)
        if context.area and isinstance(context.space_data, bpy.types.SpaceView3D):
            context.space_data.show_region_ui = True  # whoever drops footage wants to see what becomes of it
            show_tab(context.area)
        self.report({"INFO"}, "The footage is in the Reel to Rig tab of the sidebar")
        return {"FINISHED"}


class UseFile(_FileOperator):
    bl_idname = "reel_to_rig.use_file"
    bl_label = "Choose Footage"
    bl_description = "Choose the video to capture from. It can also be dropped onto the viewport"


class DropFile(_FileOperator):
    """The same under a name that says enough in the menu of all that can be done with a dropped file."""

    bl_idname = "reel_to_rig.drop_file"
    bl_label = "Use as Footage for Motion Capture"
    bl_description = "Put this video into the form of Reel to Rig"
    bl_options = {"UNDO", "INTERNAL"}


class FootageDrop(bpy.types.FileHandler):
    bl_idname = "REEL_TO_RIG_FH_footage"
    bl_label = "Reel to Rig: Use as Footage"
    bl_import_operator = DropFile.bl_idname
    bl_file_extensions = ";".join(SUFFIXES)

    @classmethod
    def poll_drop(cls, context: bpy.types.Context | None) -> bool:
        return context is not None and context.area is not None and context.area.type == "VIEW_3D"


class UseClip(bpy.types.Operator):
    bl_idname = "reel_to_rig.use_clip"
    bl_label = "Use Movie Clip"
    bl_description = "Capture from the movie clip that is open in a Movie Clip Editor, or is the scene's active one"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        cls.poll_message_set("Open a video in a Movie Clip Editor first")
        return active_clip(context) is not None

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        clip = active_clip(context)
        assert clip
        assert context.scene
        use(context.scene, bpy.path.abspath(clip.filepath, library=clip.library))
        return {"FINISHED"}


class UseStrip(bpy.types.Operator):
    bl_idname = "reel_to_rig.use_strip"
    bl_label = "Use Sequencer Strip"
    bl_description = "Capture from the active movie strip of the sequencer, as far as it was trimmed"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        cls.poll_message_set("Select a movie strip in the sequencer first")
        return active_strip(context) is not None

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        assert context.scene
        strip, uid = active_strip(context), context.scene.session_uid
        trim, footage = trim_of(strip), bpy.path.abspath(strip.filepath)
        use(context.scene, footage)

        def cut(seen: Seen) -> None:
            if scene := scene_of(uid):
                form(scene).start_s, form(scene).end_s = trim.range_s(seen)

        looking.begin(context, footage, cut)
        return {"FINISHED"}

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        assert context.scene
        strip = active_strip(context)
        footage, trim = bpy.path.abspath(strip.filepath), trim_of(strip)
        use(context.scene, footage)
        try:
            seen = looking.now(context, footage)
        except Failure as failure:
            self.report({"ERROR"}, f"{failure.message} {failure.hint}")
            return {"CANCELLED"}
        form(context.scene).start_s, form(context.scene).end_s = trim.range_s(seen)
        return {"FINISHED"}


def active_clip(context: bpy.types.Context) -> bpy.types.MovieClip | None:
    """The video open in a Movie Clip Editor of this window, otherwise the scene's active clip if that is a video."""
    clips = [
        area.spaces.active.clip  # pyright: ignore[reportAttributeAccessIssue, reportOptionalMemberAccess]
        for area in (context.screen.areas if context.screen else [])
        if area.type == "CLIP_EDITOR"
    ]
    clips.append(context.scene.active_clip if context.scene else None)
    return next((clip for clip in clips if clip and clip.source == "MOVIE"), None)


def active_strip(context: bpy.types.Context) -> Any:
    """The active movie strip of the sequencer, None if there is none."""
    scene = getattr(context, "sequencer_scene", None) or context.scene
    editor = scene.sequence_editor if scene else None
    strip = editor.active_strip if editor else None
    return strip if strip and strip.type == "MOVIE" else None


def trim_of(strip: Any) -> Trim:
    """What a movie strip shows. Blender 5.2 gave the numbers other names."""

    def number(new: str, old: str) -> float:
        return float(getattr(strip, new) if hasattr(strip, new) else getattr(strip, old))

    return Trim(
        length=max(number("content_duration", "frame_duration"), 1.0),
        left=number("left_handle_offset", "frame_offset_start"),
        shown=number("duration", "frame_final_duration"),
        skipped=strip.animation_offset_start,
        dropped=strip.animation_offset_end,
        backwards=strip.use_reverse_frames,
    )


_named_from_the_file: dict[int, str] = {}
"""By scene, while Blender saves: what its form says, without regard to where the .blend lies."""


@bpy.app.handlers.persistent
def on_save_pre(file: str, *_: Any) -> None:
    """It may be saved in another folder: footage that is named from the old one is to be found from there, too."""
    for scene in bpy.data.scenes if bpy.data.filepath else ():
        if form(scene).footage.startswith("//") and not scene.library:
            _named_from_the_file[scene.session_uid] = bpy.path.abspath(form(scene).footage)
    _name_from(file)


@bpy.app.handlers.persistent
def on_save_post(*_: Any) -> None:
    """A copy may have been saved: what is open is where it was."""
    _name_from(bpy.data.filepath)
    _named_from_the_file.clear()


def _name_from(file: str) -> None:
    for uid, footage in _named_from_the_file.items():
        if scene := scene_of(uid):
            try:
                name = bpy.path.relpath(footage, start=str(Path(file).parent))
            except ValueError:  # They are on different drives.
                name = footage
            if form(scene).footage != name:
                form(scene).footage = name


CLASSES = (UseFile, DropFile, FootageDrop, UseClip, UseStrip)
