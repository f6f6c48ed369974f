# SPDX-License-Identifier: GPL-3.0-or-later
"""Import from Video: the job in the engine, then the take in the scene."""

import shutil
import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ...model.motion.motion import Motion, MotionFileError
from ...model.protocol import Code, Failure
from .. import preferences
from ..engine import running
from ..take import data
from ..take.build import build
from ..take.props import take_of
from .job import Job, Problem, State
from .props import capture_settings, form

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

STEP_S = 0.1


class Desk:
    """What the panel shows: the job under way, or why the last one failed; and the timer that follows the job."""

    job: Job | None = None
    timer: bpy.types.Timer | None = None
    problem: Problem | None = None


def start_job(context: bpy.types.Context) -> Job:
    """Start the capture that the form asks for. Raises Failure if it cannot even begin."""
    assert context.scene
    cache = preferences.cache_folder(context)
    try:
        folder = Path(tempfile.mkdtemp(prefix="capture-", dir=cache))
    except OSError as error:
        raise Failure(Code.OUTPUT_UNWRITABLE, f"{cache}: {error.strerror}.") from error
    try:
        settings = capture_settings(context, folder / "take.npz")
        client = running.client(preferences.engine_python(context), cache / "engine.log")
        job = Job(client, settings, folder, context.scene.name, form(context.scene).smoothing)
        job.start()
    except Failure:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return job


def finish_job(context: bpy.types.Context, job: Job) -> bpy.types.Object:
    """Make the take of a job that is done, in the scene that it was started in if that is still there; the armature.

    Raises Failure if the engine's files are not what it promised.
    """
    try:
        motion, body = Motion.load(job.files["take"]), data.Body.load(job.files["body"])
    except (KeyError, OSError, MotionFileError) as error:
        raise Failure(Code.ENGINE_INTERNAL, f"Its result cannot be read: {error}.") from error
    name = Path(job.settings.footage).stem
    scene = bpy.data.scenes.get(job.scene) or context.scene
    assert scene
    layer = context.view_layer if scene == context.scene else scene.view_layers[0]
    with context.temp_override(scene=scene, view_layer=layer):
        armature = build(bpy.context, motion, body, name, job.smoothing)
    take = take_of(armature)
    take.summary = "\n".join([take.summary, *job.summary.get("notes", [])])
    return armature


def outcome(armature: bpy.types.Object) -> str:
    """What an import did to the scene, in one line."""
    scene, footage_fps = armature.users_scene[0], data.raw(armature).mocap_framerate
    fps = scene.render.fps / scene.render.fps_base
    line = f"Imported {armature.name}. The scene"
    if len(data.takes(scene)) == 1:
        return f"{line} now runs at {fps:.4g} frames per second, from {scene.frame_start} to {scene.frame_end}"
    line = f"{line} stays at {fps:.4g} frames per second"
    if abs(fps / footage_fps - 1) < 1e-3:
        return line
    return f"{line}; the footage behind it, at {footage_fps:.4g}, does not keep step"


class ImportVideo(bpy.types.Operator):
    bl_idname = "reel_to_rig.import_video"
    bl_label = "Import from Video"
    bl_description = (
        "Capture the person's motion from the footage and build a take from it: armature, body, camera and clip. "
        "The first take of a scene also sets its frame rate, frame range and resolution by the footage"
    )
    bl_options = {"UNDO"}  # not REGISTER: to repeat it by accident would stop Blender for minutes

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        cls.poll_message_set("A capture is under way")
        return Desk.job is None

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Do the whole job before returning, for scripts and for Blender without a window."""
        if not self._start(context):
            return {"CANCELLED"}
        assert Desk.job
        try:
            Desk.job.wait()
        except BaseException:  # a script that was interrupted
            drop_job()
            raise
        return self._end(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        """Start the job and let a timer follow it while Blender is used for other things."""
        if not self._start(context):
            return {"CANCELLED"}
        manager = context.window_manager
        assert manager
        Desk.timer = manager.event_timer_add(STEP_S, window=context.window)
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        if Desk.job is None:
            return {"CANCELLED"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        state = Desk.job.step()
        if state is State.RUNNING:
            show_progress(Desk.job.line())
            return {"PASS_THROUGH"}
        stop_timer()
        return self._end(context)

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the operator: its window was closed, or another file is being opened."""
        drop_job()

    def _start(self, context: bpy.types.Context) -> bool:
        Desk.problem = None
        try:
            Desk.job = start_job(context)
        except Failure as failure:
            self._fail(Problem.of(failure))
        return Desk.job is not None

    def _end(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Make the take, or say why there is none. The job is over afterwards, whatever happens."""
        job = Desk.job
        assert job
        Desk.job = None
        try:
            if job.state is State.CANCELLED:
                self.report({"INFO"}, "The capture was cancelled")
                return {"CANCELLED"}
            if job.problem:
                return self._fail(job.problem)
            armature = finish_job(context, job)
        except Failure as failure:
            return self._fail(Problem.of(failure))
        except Exception as error:  # A fault of ours: the user gets a line, the log the rest.
            with (running.log_file() or Path(job.folder, "log")).open("a", encoding="utf-8") as log:
                traceback.print_exc(file=log)
            return self._fail(Problem.of(Failure(Code.ENGINE_INTERNAL, f"The take could not be built: {error}.")))
        finally:
            shutil.rmtree(job.folder, ignore_errors=True)
        self.report({"INFO"}, outcome(armature))
        return {"FINISHED"}

    def _fail(self, problem: Problem) -> "set[OperatorReturnItems]":
        Desk.problem = problem
        self.report({"ERROR"}, str(problem))
        return {"CANCELLED"}


class Cancel(bpy.types.Operator):
    bl_idname = "reel_to_rig.cancel"
    bl_label = "Cancel"
    bl_description = "Stop the capture. What is in the scene already stays as it is"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return Desk.job is not None and not Desk.job.cancelling

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        assert Desk.job
        Desk.job.cancel()
        return {"FINISHED"}


def show_progress(text: str | None) -> None:
    """Put a line into the status bar (None: take it away) and draw the sidebars anew."""
    if bpy.context.workspace:
        bpy.context.workspace.status_text_set(text)
    assert bpy.context.window_manager
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()


def stop_timer() -> None:
    """Nothing follows the job any longer."""
    if Desk.timer and bpy.context.window_manager:
        bpy.context.window_manager.event_timer_remove(Desk.timer)
        show_progress(None)
    Desk.timer = None


def drop_job() -> None:
    """Forget the job under way and let the engine stop it."""
    stop_timer()
    if Desk.job:
        Desk.job.cancel()
        shutil.rmtree(Desk.job.folder, ignore_errors=True)
    Desk.job = None


@bpy.app.handlers.persistent
def on_load_pre(*_: Any) -> None:
    """Another file is being opened: its scenes are none of the job's business."""
    drop_job()


CLASSES = (ImportVideo, Cancel)
