# SPDX-License-Identifier: GPL-3.0-or-later
"""Import from Video and the scan for people: started here, followed by a timer, and stopped."""

import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ...model.protocol import Code, Failure
from .. import preferences
from ..engine import running
from ..screen import redraw_panels, redraw_status
from ..steps import Steps
from ..take.props import growing, take_of
from .job import Problem, Queue, State
from .props import chosen_people, footage_path
from .work import Capture, Scan, Work

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

    Mixed = bpy.types.Operator
else:
    Mixed = object  # Blender wants its own types last among the bases

STEP_S = 0.1


class Desk:
    """What is under way in this Blender, and why the last job failed: what the panel shows."""

    queue = Queue()
    works: list[Work] = []
    timers: list[bpy.types.Timer] = []
    problem: Problem | None = None
    shown: tuple[Any, ...] = ()

    @classmethod
    def take_on(cls, works: list[Work]) -> None:
        cls.works += works
        for work in works:
            cls.queue.add(work.job)

    @classmethod
    def let_go(cls, works: list[Work]) -> None:
        """Forget works; the engine is to stop those that are not over."""
        cls.works = [work for work in cls.works if work not in works]
        cls.queue.jobs = [job for job in cls.queue.jobs if job not in [work.job for work in works]]
        for work in works:
            try:
                if not work.job.over:
                    work.job.cancel()
                work.close()
            except Exception:  # A fault of ours, which is not to keep the others from being seen to.
                traceback.print_exc()

    @classmethod
    def stop_timer(cls, timer: bpy.types.Timer) -> None:
        """Remove a timer; harmless if it was removed before."""
        if timer in cls.timers and bpy.context.window_manager:
            cls.timers.remove(timer)
            bpy.context.window_manager.event_timer_remove(timer)


class Follower(Mixed):
    """An operator that puts work into the queue and sees it through.

    By a timer, beside Blender's own work; or, for scripts and for Blender without a window, before it returns.
    """

    _works: list[Work]
    _ending: Steps[None] | None
    _timer: bpy.types.Timer | None
    _finished: bool

    def works(self, context: bpy.types.Context) -> list[Work]:
        """What there is to do. Raises Failure if it cannot even begin."""
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        if not self._start(context):
            return {"CANCELLED"}
        try:
            while self._works:
                self._step(context)
                time.sleep(0.02)
        except BaseException:  # a script that was interrupted
            self._drop()
            raise
        return self._end()

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        if not self._start(context):
            return {"CANCELLED"}
        for work in self._works:
            work.watch()
        manager = context.window_manager
        assert manager
        self._timer = timer = manager.event_timer_add(STEP_S, window=context.window)
        assert timer
        Desk.timers.append(timer)
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        self._works = [work for work in self._works if work in Desk.works]  # All may have been dropped meanwhile.
        if event.type == "TIMER":
            self._step(context)
        if self._works:
            return {"PASS_THROUGH"}
        self._stop_timer()
        return self._end()

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the operator: its window was closed, or another file is being opened."""
        self._drop()

    def _start(self, context: bpy.types.Context) -> bool:
        Desk.problem = None
        self._works, self._ending, self._timer, self._finished = [], None, None, False
        try:
            self._works = self.works(context)
            preferences.engine_python(context)
        except Failure as failure:
            self._fail(Problem.of(failure))
            self._drop()
        Desk.take_on(self._works)
        return bool(self._works)

    def _step(self, context: bpy.types.Context) -> None:
        """Follow the queue, and see to one job that is over, whatever became of it, a step at a time."""
        Desk.queue.step()
        show_progress()
        if rendering():  # It reads the scene, from a thread of its own: nothing may be changed now.
            return
        for work in self._works:
            work.step()
        if self._ending is None:
            work = next((work for work in self._works if work.job.over and work.ready()), None)
            self._ending = self._see_to(context, work) if work else None
        if self._ending and next(self._ending, True):
            self._ending = None

    def _see_to(self, context: bpy.types.Context, work: Work) -> Steps[None]:
        job = work.job
        try:
            if job.problem:
                self._fail(job.problem)
            elif job.state is State.CANCELLED:
                self.report({"INFO"}, f"{job.title}: cancelled")
            else:
                line = yield from work.finish(context)
                self.report({"INFO"}, line)
                self._finished = True
        except Failure as failure:
            self._fail(Problem.of(failure))
        except Exception as error:  # A fault of ours: the user gets a line, the log the rest.
            with (running.log_file() or Path(work.folder, "log")).open("a", encoding="utf-8") as log:
                traceback.print_exc(file=log)
            self._fail(Problem.of(Failure(Code.ENGINE_INTERNAL, f"Its result could not be used: {error}.")))
        finally:
            self._works = [other for other in self._works if other is not work]
            Desk.let_go([work])

    def _end(self) -> "set[OperatorReturnItems]":
        return {"FINISHED"} if self._finished else {"CANCELLED"}

    def _fail(self, problem: Problem) -> None:
        Desk.problem = problem
        self.report({"ERROR"}, str(problem))

    def _drop(self) -> None:
        self._stop_timer()
        Desk.let_go(self._works)
        self._works, self._ending = [], None

    def _stop_timer(self) -> None:
        if self._timer:
            Desk.stop_timer(self._timer)
        self._timer = None
        show_progress()


class ImportVideo(Follower, bpy.types.Operator):
    bl_idname = "reel_to_rig.import_video"
    bl_label = "Import from Video"
    bl_description = (
        "Capture the motion of everybody who is chosen and build a take from it: armature, body, camera and clip. "
        "The first take of a scene also sets its camera, frame rate, range and resolution by the footage. "
        "While a capture is under way, the next one waits for it"
    )
    bl_options = set()  # not REGISTER: to repeat it by accident would be long work; undo steps are made one a take

    def works(self, context: bpy.types.Context) -> list[Work]:
        assert context.scene
        name, people = footage_path(context.scene).stem, chosen_people(context)
        if len(people) == 1:
            return [Capture(context, people[0], name)]
        return [Capture(context, person, f"{name} person {person}") for person in people]


class ScanPeople(Follower, bpy.types.Operator):
    bl_idname = "reel_to_rig.scan_people"
    bl_label = "Find People"
    bl_description = "Look through the footage and list everybody who is in it, to choose whose motion to capture"
    bl_options = set()

    def works(self, context: bpy.types.Context) -> list[Work]:
        assert context.scene
        return [Scan(context, f"People in {footage_path(context.scene).stem}")]


class Cancel(bpy.types.Operator):
    bl_idname = "reel_to_rig.cancel"
    bl_label = "Cancel"
    bl_description = "Stop this job. What it has shown so far goes; all else in the scene stays as it is"

    place: bpy.props.IntProperty(
        name="Place", description="Which job in the queue; 0 is the one under way", min=0, options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        cls.poll_message_set("Nothing is under way")
        return any(not job.cancelling for job in Desk.queue.jobs)

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        if self.place >= len(Desk.queue.jobs):
            return {"CANCELLED"}
        Desk.queue.jobs[self.place].cancel()
        return {"FINISHED"}


class DismissProblem(bpy.types.Operator):
    bl_idname = "reel_to_rig.dismiss_problem"
    bl_label = "Dismiss"
    bl_description = "Take this message away"

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        Desk.problem = None
        return {"FINISHED"}


class UseProcessor(bpy.types.Operator):
    bl_idname = "reel_to_rig.use_processor"
    bl_label = "Use the Processor"
    bl_description = "Let the networks run on the processor from now on. The preferences can change it back"

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        preferences.preferences(context).device = "cpu"
        Desk.problem = None
        return {"FINISHED"}


def rendering() -> bool:
    """Whether Blender renders just now."""
    return bpy.app.is_job_running("RENDER")


def show_progress() -> None:
    """Draw anew what tells of the jobs, if that has changed."""
    jobs = [(work.job.state, work.job.fraction, work.job.line()) for work in Desk.works]
    shown = (status(), Desk.problem, *jobs)
    if shown == Desk.shown:
        return
    Desk.shown = shown
    redraw_panels()
    redraw_status()


def status() -> str:
    """What is under way, in a line; empty if nothing is."""
    jobs = Desk.queue.jobs
    waiting = f" ({len(jobs) - 1} waiting)" if len(jobs) > 1 else ""
    return f"{jobs[0].title}: {jobs[0].line()}{waiting}" if jobs else ""


def draw_status(header: bpy.types.Header, _context: bpy.types.Context) -> None:
    """In the status bar, whatever workspace is shown."""
    if line := status():
        assert header.layout
        header.layout.label(text=line)


def drop_jobs() -> None:
    """Forget all jobs and let the engine stop the one at hand."""
    for timer in [*Desk.timers]:
        Desk.stop_timer(timer)
    if Desk.works:
        Desk.let_go(Desk.works)
        show_progress()


@bpy.app.handlers.persistent
def on_other_state(*_: Any) -> None:
    """Something was undone or redone, or a file opened: what is shown in it of captures that are over goes."""
    jobs = {work.job.id for work in Desk.works}
    left = [armature for armature in growing() if take_of(armature).growing not in jobs]
    if left:
        from ..take import growth

        for armature in left:
            growth.remove(armature)


@bpy.app.handlers.persistent
def on_load_pre(*_: Any) -> None:
    """Another file is being opened: its scenes are none of the jobs' business."""
    drop_jobs()
    Desk.problem = None


CLASSES = (ImportVideo, ScanPeople, Cancel, DismissProblem, UseProcessor)
