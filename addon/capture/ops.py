# SPDX-License-Identifier: GPL-3.0-or-later
"""Import from Video and the scan for people: started here, and stopped."""

import time
from typing import TYPE_CHECKING, Any

import bpy

from ...model.protocol import Failure
from .. import preferences
from .desk import Desk, Errand, follow
from .job import Problem
from .props import chosen_people, footage_path
from .work import Capture, Scan, Work

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

    Mixed = bpy.types.Operator
else:
    Mixed = object  # Blender wants its own types last among the bases

LOOK_S = 0.02
REPORT_S = 0.01


class Request(Mixed):
    """An operator that asks the engine for something.

    It is seen through beside Blender's own work; or, for scripts and for Blender without a window, before this returns.
    """

    def works(self, context: bpy.types.Context) -> list[Work]:
        """What there is to do. Raises Failure if it cannot even begin."""
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        errand = self._begin(context)
        if not errand:
            return {"CANCELLED"}
        try:
            while errand.works:
                errand.step(context)
                time.sleep(LOOK_S)
        except BaseException:  # a script that was interrupted
            errand.drop()
            raise
        return {"FINISHED"} if errand.succeeded else {"CANCELLED"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        if bpy.app.background:  # No timer would run.
            return self.execute(context)
        errand = self._begin(context)
        if errand:
            follow(errand)
        return {"FINISHED"} if errand else {"CANCELLED"}

    def _begin(self, context: bpy.types.Context) -> Errand | None:
        Desk.problem = None
        works: list[Work] = []
        try:
            preferences.engine_python(context)
            works = self.works(context)
        except Failure as failure:
            Desk.problem = Problem.of(failure)
            self.report({"ERROR"}, str(Desk.problem))
            return None
        Desk.take_on(works)
        return Errand(works, lambda kind, text: self.report({kind}, text))  # pyright: ignore[reportArgumentType]


class ImportVideo(Request, bpy.types.Operator):
    bl_idname = "reel_to_rig.import_video"
    bl_label = "Import from Video"
    bl_description = (
        "Capture the motion of everybody who is chosen and build a take from it: armature, body, camera and clip. "
        "The first take of a scene also sets its camera, frame rate, range and resolution, unless Set Scene is off. "
        "While a capture is under way, the next one waits for it"
    )
    bl_options = set()  # not REGISTER: to repeat it by accident would be long work; undo steps are made one a take

    def works(self, context: bpy.types.Context) -> list[Work]:
        assert context.scene
        name, people = footage_path(context.scene).stem, chosen_people(context)
        if len(people) == 1:
            return [Capture(context, people[0], name)]
        return [Capture(context, person, f"{name} person {person}") for person in people]


class ScanPeople(Request, bpy.types.Operator):
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


class Report(bpy.types.Operator):
    """Modal for a moment, since Blender does not show what an operator reports to the script that called it."""

    bl_idname = "reel_to_rig.tell"
    bl_label = "Report"
    bl_description = "Report a line in the status bar"
    bl_options = {"INTERNAL"}

    kind: bpy.props.StringProperty()
    text: bpy.props.StringProperty()
    _timer: bpy.types.Timer

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        manager: Any = context.window_manager
        self._timer = manager.event_timer_add(REPORT_S, window=context.window)
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        manager: Any = context.window_manager
        manager.event_timer_remove(self._timer)
        self.report({self.kind}, self.text)  # pyright: ignore[reportArgumentType]
        return {"FINISHED"}


CLASSES = (ImportVideo, ScanPeople, Cancel, DismissProblem, UseProcessor, Report)
