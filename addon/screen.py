# SPDX-License-Identifier: GPL-3.0-or-later
"""Where our panels are on the screen, and how they are drawn anew."""

from contextlib import suppress
from typing import Any

import bpy


class SidebarPanel(bpy.types.Panel):
    """A panel in the extension's tab."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Reel to Rig"


def show_tab(area: bpy.types.Area) -> None:
    """Bring our tab to the front in the sidebar of a 3D viewport, if Blender has drawn it before and knows its tabs."""
    sidebars: list[Any] = [region for region in area.regions if region.type == SidebarPanel.bl_region_type]
    for region in sidebars:
        with suppress(TypeError, AttributeError):
            region.active_panel_category = SidebarPanel.bl_category


def redraw_panels() -> None:
    """Draw the places anew in which our panels are. Not the viewports beside them: a heavy scene takes long to draw."""
    manager = bpy.context.window_manager
    for window in manager.windows if manager else []:
        for area in window.screen.areas:
            if area.type == "PREFERENCES":
                area.tag_redraw()
            elif area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()


def redraw_status() -> None:
    """Draw the status bars anew, which no list of areas holds: to set their text, even to none, is what does it.

    But not while a tool of Blender's runs in the window: it may have put its own hints there.
    """
    manager: Any = bpy.context.window_manager
    for window in manager.windows if manager else []:
        if all(bpy.types.Operator.bl_rna_get_subclass_py(tool.bl_idname) for tool in window.modal_operators):
            with bpy.context.temp_override(window=window):
                window.workspace.status_text_set_internal(None)
