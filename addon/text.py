# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts as others want them: longer ones in panels, where Blender's labels end in dots, and names of files."""

import re
import textwrap
from typing import Literal

import bpy

CHARACTER_PX = 6.5
MARGIN_PX = 60.0
SIDEBAR_PX = 250.0
"""The width of a new sidebar, for where nothing is on a screen."""

UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f]+')

Icon = Literal["NONE", "BLANK1", "ERROR", "INFO"]


def draw_text(layout: bpy.types.UILayout, context: bpy.types.Context, text: str, icon: Icon = "NONE") -> None:
    """Draw a text in as many lines as the region's width needs, the icon before the first one."""
    assert context.preferences
    width_px = context.region.width / context.preferences.system.ui_scale if context.region else SIDEBAR_PX
    column = layout.column(align=True)
    for line in textwrap.wrap(text, max(int((width_px - MARGIN_PX) / CHARACTER_PX), 20)):
        column.label(text=line, icon=icon)
        icon = "BLANK1" if icon != "NONE" else icon


def file_name(name: str) -> str:
    """A name as files may have it everywhere, in whatever language; empty if nothing is left of it."""
    return UNSAFE.sub(" ", name).strip(" .")
