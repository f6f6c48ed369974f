# SPDX-License-Identifier: GPL-3.0-or-later

from typing import Final, Literal

import bpy

from ...text import draw_text
from . import current
from .environment import State

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
        layout.progress(factor=work.fraction, text=work.line)
        layout.operator("reel_to_rig.cancel_installation", icon="CANCEL")
        return
    state = current.state()
    if work and work.failure:
        draw_text(layout, context, work.failure.message, "ERROR")
        draw_text(layout, context, work.failure.hint, "BLANK1")
    else:
        draw_text(layout, context, f"{state.value}.", "NONE" if state is State.READY else "ERROR")
    if state in (State.READY, State.BROKEN):
        for line in current.found():
            draw_text(layout, context, line)
    row = layout.row(align=True)
    text, icon = BUTTONS[state]
    row.operator("reel_to_rig.install_engine", text=text, icon=icon)
    if current.log_file().is_file() and (state is not State.READY or (work and work.failure)):
        row.operator("reel_to_rig.open_install_log", icon="TEXT")
    if state is not State.ABSENT:
        row.operator("reel_to_rig.uninstall_engine", text="", icon="TRASH")
