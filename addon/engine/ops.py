# SPDX-License-Identifier: GPL-3.0-or-later

from typing import TYPE_CHECKING

import bpy

from .. import EXTENSION
from . import running
from .installation import ops as installation_ops

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems


class OpenLog(bpy.types.Operator):
    bl_idname = "reel_to_rig.open_log"
    bl_label = "Open Log"
    bl_description = "Open the engine's log, which says in full what happened"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        log = running.log_file()
        cls.poll_message_set("The engine has not written a log yet")
        return log is not None and log.is_file()

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        return bpy.ops.wm.path_open(filepath=str(running.log_file()))


class OpenPreferences(bpy.types.Operator):
    bl_idname = "reel_to_rig.open_preferences"
    bl_label = "Open Preferences"
    bl_description = "Show the preferences of this extension, where the engine's Python is chosen"

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        return bpy.ops.preferences.addon_show(module=EXTENSION)


CLASSES = (OpenLog, OpenPreferences, *installation_ops.CLASSES)
