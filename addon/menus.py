# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panels offer, in Blender's own menus too: only what is in a menu is found by F3."""

from collections.abc import Callable
from typing import Any

import bpy

from .capture.ops import Cancel, ImportVideo, ScanPeople
from .capture.sources import UseFile
from .engine.installation.ops import InstallEngine
from .retarget.ops import Bake
from .take.ops import Export, ImportMotion

FILE_KINDS = "Motion Capture, SMPL or AMASS (.npz)"


class CaptureMenu(bpy.types.Menu):
    bl_idname = "REEL_TO_RIG_MT_capture"
    bl_label = "Motion Capture"

    def draw(self, context: bpy.types.Context | None) -> None:
        assert self.layout
        for kind in (UseFile, ScanPeople, ImportVideo, Cancel, None, Bake, Export, None, InstallEngine):
            if kind:
                self.layout.operator(kind.bl_idname)
            else:
                self.layout.separator()


def _draw_menu(menu: Any, _context: bpy.types.Context) -> None:
    menu.layout.menu(CaptureMenu.bl_idname)


def _draw_import(menu: Any, _context: bpy.types.Context) -> None:
    menu.layout.operator(ImportMotion.bl_idname, text=FILE_KINDS)


def _draw_export(menu: Any, _context: bpy.types.Context) -> None:
    menu.layout.operator(Export.bl_idname, text="Motion Capture Take")


ENTRIES: tuple[tuple[str, Callable[[Any, bpy.types.Context], None]], ...] = (
    ("VIEW3D_MT_object_animation", _draw_menu),  # of objects and of poses
    ("TOPBAR_MT_file_import", _draw_import),
    ("TOPBAR_MT_file_export", _draw_export),
)


def add() -> None:
    """Append our entries to Blender's menus."""
    for name, draw in ENTRIES:
        getattr(bpy.types, name).append(draw)


def remove() -> None:
    for name, draw in ENTRIES:
        getattr(bpy.types, name).remove(draw)


CLASSES = (CaptureMenu,)
