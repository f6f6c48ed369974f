# SPDX-License-Identifier: GPL-3.0-or-later
"""What is under way in this Blender, and how it is followed: by a timer of Blender's own, or by a script that waits.

Not by a modal operator: as long as one runs, Blender does not save by itself.
"""

import shutil
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import bpy

from ...model.protocol import Code, Failure
from ..engine import running
from ..screen import redraw_panels, redraw_status
from ..steps import Steps
from ..take.props import REPLACED, growing, take_of
from .job import Problem, Queue, State
from .work import Work

STEP_S = 0.1
STOPPED = "Another file was opened, and what was under way for the last one stopped"
STOPPED_HINT = "Import it again in its own file: what was done is kept, and gone on with."

Tell = Callable[[str, str], None]
"""Reports a line to the user; the kind comes first, as Blender's reports have it."""


class Errand:
    """Works that were asked for together, until the last of them is over."""

    def __init__(self, works: list[Work], tell: Tell) -> None:
        self.works = works
        self.tell = tell
        self.succeeded = False
        self._ending: Steps[None] | None = None

    def step(self, context: bpy.types.Context) -> None:
        """Follow the queue, and see to one job that is over, whatever became of it, a step at a time."""
        self.works = [work for work in self.works if work in Desk.works]  # All may have been dropped meanwhile.
        Desk.queue.step()
        show_progress()
        if rendering():  # It reads the scene, from a thread of its own: nothing may be changed now.
            return
        for work in self.works:
            work.step()
        if self._ending is None:
            work = next((work for work in self.works if work.job.over and work.ready()), None)
            self._ending = self._see_to(context, work) if work else None
        if self._ending and next(self._ending, True):
            self._ending = None
        if not self.works:
            show_progress()

    def settle(self) -> None:
        """Bring what is half done in the scene to its end, and wait for it."""
        for work in self.works:
            work.settle()
        for _ in self._ending or ():
            pass
        self._ending = None

    def drop(self) -> None:
        """Give up what is not over."""
        Desk.let_go(self.works)
        self.works, self._ending = [], None
        show_progress()

    def _see_to(self, context: bpy.types.Context, work: Work) -> Steps[None]:
        job = work.job
        try:
            if job.problem:
                self._fail(job.problem)
            elif job.state is State.CANCELLED:
                self.tell("INFO", f"{job.title}: cancelled")
            else:
                line = yield from work.finish(context)
                self.tell("INFO", line)
                self.succeeded = True
        except Failure as failure:
            self._fail(Problem.of(failure))
        except Exception as error:  # A fault of ours: the user gets a line, the log the rest.
            with (running.log_file() or Path(work.folder, "log")).open("a", encoding="utf-8") as log:
                traceback.print_exc(file=log)
            self._fail(Problem.of(Failure(Code.ENGINE_INTERNAL, f"Its result could not be used: {error}.")))
        finally:
            self.works = [other for other in self.works if other is not work]
            Desk.let_go([work])

    def _fail(self, problem: Problem) -> None:
        Desk.problem = problem
        self.tell("ERROR", str(problem))


class Desk:
    """What is under way in this Blender, and why the last job failed: what the panel shows."""

    queue = Queue()
    works: list[Work] = []
    errands: list[Errand] = []
    """Those that the timer follows."""
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


def follow(errand: Errand) -> None:
    """See an errand through beside Blender's own work, whatever is done and shown there meanwhile."""
    for work in errand.works:
        work.watch()
    errand.tell = tell
    Desk.errands.append(errand)
    if not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=STEP_S, persistent=True)


def _tick() -> float | None:
    """One tick of Blender's timer, which knows of no window."""
    manager = bpy.context.window_manager
    if not manager or not manager.windows:
        return STEP_S
    for errand in [*Desk.errands]:
        try:
            with bpy.context.temp_override(window=manager.windows[0]):
                errand.step(bpy.context)
        except Exception as error:  # A fault of ours: the timer goes on for the others.
            traceback.print_exc()
            Desk.problem = Problem.of(Failure(Code.ENGINE_INTERNAL, f"{error}."))
            errand.drop()
    Desk.errands = [errand for errand in Desk.errands if errand.works]
    return STEP_S if Desk.errands else None


def tell(kind: str, text: str) -> None:
    """Report a line in the status bar, as only an operator can that was not called by a script."""
    bpy.app.timers.register(partial(_tell, kind, text))


def _tell(kind: str, text: str) -> None:
    manager = bpy.context.window_manager
    if manager and manager.windows:
        with bpy.context.temp_override(window=manager.windows[0]):
            bpy.ops.reel_to_rig.tell("INVOKE_DEFAULT", kind=kind, text=text)  # pyright: ignore[reportAttributeAccessIssue]


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
    for errand in Desk.errands:
        errand.drop()
    Desk.errands = []
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    if Desk.works:
        Desk.let_go(Desk.works)
        show_progress()


def leave() -> None:
    """Blender ends, and has put away its data already: only what jobs have on the disk goes."""
    for work in Desk.works:
        shutil.rmtree(work.folder, ignore_errors=True)


@bpy.app.handlers.persistent
def on_other_state(*_: Any) -> None:
    """Something was undone or redone, or a file opened: what is shown in it of captures that are over goes."""
    jobs = {work.job.id for work in Desk.works}
    left = [armature for armature in growing() if take_of(armature).growing not in jobs]
    keys = [key for scene in bpy.data.scenes for key in scene.keys() if key.startswith(REPLACED)]  # noqa: SIM118
    over = {key.removeprefix(REPLACED) for key in keys} - jobs
    if left or over:
        from ..take import growth

        for armature in left:
            growth.remove(armature)
        for job in over:  # Somebody had deleted the armature.
            growth.sweep(job)


@bpy.app.handlers.persistent
def on_load_pre(*_: Any) -> None:
    """Another file may be opened: nothing may be half done in this one. If that fails, all goes on."""
    for errand in Desk.errands:
        errand.settle()


@bpy.app.handlers.persistent
def on_load_post(*_: Any) -> None:
    """Another file was opened: its scenes are none of the jobs' business."""
    stopped = bool(Desk.works)
    drop_jobs()
    Desk.problem = Problem(f"{STOPPED}.", STOPPED_HINT) if stopped else None
    if stopped:
        tell("WARNING", f"{STOPPED}. {STOPPED_HINT}")
