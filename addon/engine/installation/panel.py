# SPDX-License-Identifier: GPL-3.0-or-later

from pathlib import Path
from typing import Final, Literal

import bpy

from ...text import draw_text
from . import current
from .environment import State
from .plan import InstallFailure
from .programs import Check
from .work import Work

BUTTONS: Final[dict[State, tuple[str, Literal["IMPORT", "PLAY", "FILE_REFRESH", "TOOL_SETTINGS", "CHECKMARK"]]]] = {
    State.ABSENT: ("Install Engine", "IMPORT"),
    State.INCOMPLETE: ("Continue Installation", "PLAY"),
    State.OUTDATED: ("Update Engine", "FILE_REFRESH"),
    State.BROKEN: ("Repair Engine", "TOOL_SETTINGS"),
    State.READY: ("Check and Repair", "CHECKMARK"),
}
"""The one right button for each state; all do the same, which is to make it ready."""


def draw_engine(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The installed engine: its state, the one right button, and how far the work on it is."""
    work = current.work()
    if work and work.running:
        _draw_progress(layout, work)
        return
    state = current.state()
    failure = work.failure if work and not isinstance(work, Check) else None
    if failure:
        _draw_failure(layout, context, failure)
    else:
        draw_text(layout, context, f"{state.value}.", "NONE" if state is State.READY else "ERROR")
    if state in (State.READY, State.BROKEN):
        for line in current.found():
            draw_text(layout, context, line)
    row = layout.row(align=True)
    text, icon = BUTTONS[state]
    row.operator("reel_to_rig.install_engine", text=text, icon=icon)
    if current.log_file().is_file() and (state is not State.READY or failure):
        row.operator("reel_to_rig.open_install_log", icon="TEXT")
    if state is not State.ABSENT:
        row.operator("reel_to_rig.uninstall_engine", text="", icon="TRASH")


def draw_elsewhere(layout: bpy.types.UILayout, context: bpy.types.Context, python: Path) -> None:
    """An engine that was installed by hand: where it is, and whether it runs as far as that was asked."""
    work = current.work()
    draw_text(layout, context, f"The engine is installed elsewhere: {python}", "INFO")
    if work and work.running:
        _draw_progress(layout, work)
        return
    row = layout.row(align=True)
    row.operator("reel_to_rig.check_engine", icon="CHECKMARK")
    if isinstance(work, Check) and work.python == python:
        if work.failure:
            _draw_failure(layout, context, work.failure)
            row.operator("reel_to_rig.open_install_log", icon="TEXT")
        for line in work.told:
            draw_text(layout, context, line)


def _draw_progress(layout: bpy.types.UILayout, work: Work) -> None:
    layout.progress(factor=work.fraction, text=work.line)
    layout.operator("reel_to_rig.cancel_installation", icon="CANCEL")


def _draw_failure(layout: bpy.types.UILayout, context: bpy.types.Context, failure: InstallFailure) -> None:
    draw_text(layout, context, failure.message, "ERROR")
    draw_text(layout, context, failure.hint, "BLANK1")
