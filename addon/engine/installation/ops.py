# SPDX-License-Identifier: GPL-3.0-or-later

import textwrap
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ....model.protocol import Failure
from ...preferences import cache_folder, engine_python
from .. import running
from . import bundle as bundles
from . import current
from .environment import State
from .plan import InstallFailure, builds, this_platform
from .work import Work

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

DIALOG_WIDTH_PX = 540
VERBS = {
    State.ABSENT: "Install",
    State.INCOMPLETE: "Continue",
    State.OUTDATED: "Update",
    State.BROKEN: "Repair",
    State.READY: "Check",
}
LINE_CHARACTERS = 82


def build_items(_self: Any, _context: Any) -> list[tuple[str, str, str]]:
    return _items()


@lru_cache
def _items() -> list[tuple[str, str, str]]:
    """The same list each time, since Blender keeps no copy of its texts."""
    try:
        entries = builds(this_platform(), everything=True)
    except InstallFailure:
        entries = []
    automatic = ("auto", "What Fits This Machine", "The graphics card if there is one that can be used")
    return [automatic, *((entry["name"], entry["label"], f"From {entry['index']}") for entry in entries)]


class _Change(bpy.types.Operator):
    """Changes the engine: not while something else is done to it, or by it."""

    wait: bpy.props.BoolProperty(
        name="Wait",
        description="Return when all is done, for scripts",
        default=True,
        options={"HIDDEN", "SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        working = "The engine is being worked on"
        cls.poll_message_set(working if current.busy() else "Wait until the capture has ended, or cancel it")
        return not current.busy() and not running.busy()


class InstallEngine(_Change):
    bl_idname = "reel_to_rig.install_engine"
    bl_label = "Install Engine"
    bl_description = (
        "Make the engine ready in a folder of the extension's own: install, continue, update or repair, whichever is "
        "needed. Says first what will be downloaded; nothing is downloaded unless Blender may go online"
    )

    build: bpy.props.EnumProperty(name="Built for", description="Which build of torch to install", items=build_items)
    bundle: bpy.props.StringProperty(
        name="Bundle",
        description="Optional, for a machine without a network: a zip or folder that scripts/bundle_engine of the "
        "project's source makes on one that is online",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        """Say what will be done and ask, of an engine that is ready too: it may need repair, or another build."""
        self.wait = False
        if not self.properties.is_property_set("build"):
            installed = current.installed_build()
            self.build = installed if installed in [name for name, *_ in _items()] else "auto"
        manager = context.window_manager
        assert manager
        return manager.invoke_props_dialog(self, width=DIALOG_WIDTH_PX, confirm_text=VERBS[current.state()])

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        assert layout
        column = layout.column(align=True)
        if current.state() is not State.ABSENT:
            column.label(text="Only what is missing, damaged or of another version is fetched; at most, that is:")
        try:
            plan = current.cached_plan(self._build())
            for text in plan.statement(bundled=bool(self.bundle)):
                for line in textwrap.wrap(text, LINE_CHARACTERS):
                    column.label(text=line)
        except InstallFailure as failure:
            column.label(text=failure.message, icon="ERROR")
            column.label(text=failure.hint, icon="BLANK1")
        layout.use_property_split = True
        layout.prop(self, "build")
        layout.prop(self, "bundle")
        if not self.bundle and not bpy.app.online_access:
            layout.label(
                text="Blender may not go online: allow it under System > Network, or name a bundle.", icon="ERROR"
            )

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        """Install; in scripts until it is done, else in the background."""
        try:
            bundle = Path(bpy.path.abspath(self.bundle)) if self.bundle else None
            work = current.install(self._build(), bundle)
        except InstallFailure as failure:
            self.report({"ERROR"}, str(failure))
            return {"CANCELLED"}
        return _ended(self, work, "The engine is ready") if self.wait else {"FINISHED"}

    def _build(self) -> str:
        return bundles.build_of(Path(bpy.path.abspath(self.bundle))) if self.bundle else self.build


class CancelInstallation(bpy.types.Operator):
    bl_idname = "reel_to_rig.cancel_installation"
    bl_label = "Cancel"
    bl_description = "Stop it. What is there is kept, and an installation can be continued at any time"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return current.busy()

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        work = current.work()
        assert work
        work.cancel()
        return {"FINISHED"}


class CheckEngine(_Change):
    bl_idname = "reel_to_rig.check_engine"
    bl_label = "Check"
    bl_description = "See whether the engine runs on this machine, and on which device: beside Blender, in some seconds"

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        try:
            work = current.check(engine_python(context), cache_folder(context) / "check.log")
        except Failure as failure:
            self.report({"ERROR"}, failure.message)
            return {"CANCELLED"}
        return _ended(self, work, "The engine runs") if self.wait else {"FINISHED"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        self.wait = False
        return self.execute(context)


class OpenInstallLog(bpy.types.Operator):
    bl_idname = "reel_to_rig.open_install_log"
    bl_label = "Open Log"
    bl_description = "Open the log of the installation, or of the check, which says in full what happened"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        cls.poll_message_set("There is no log yet")
        return current.log_file().is_file()

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        return bpy.ops.wm.path_open(filepath=str(current.log_file()))


class UninstallEngine(_Change):
    bl_idname = "reel_to_rig.uninstall_engine"
    bl_label = "Uninstall Engine"
    bl_description = "Delete the engine that the extension installed, with everything in its folder"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        self.wait = False
        manager = context.window_manager
        assert manager
        return manager.invoke_confirm(self, event)

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        work = current.uninstall()
        return _ended(self, work, "The engine is gone") if self.wait else {"FINISHED"}


def _ended(operator: bpy.types.Operator, work: Work, done: str) -> "set[OperatorReturnItems]":
    work.wait()
    current.forget_state()
    if work.failure or work.cancelled:
        operator.report({"ERROR"}, str(work.failure or "It was cancelled"))
        return {"CANCELLED"}
    operator.report({"INFO"}, done)
    return {"FINISHED"}


CLASSES = (InstallEngine, CancelInstallation, CheckEngine, OpenInstallLog, UninstallEngine)
