# SPDX-License-Identifier: GPL-3.0-or-later

import bpy

from ...model.protocol import Failure
from ..preferences import engine_python


def draw_missing_engine(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """A line and a button where no engine can be started; nothing where one can."""
    try:
        engine_python(context)
    except Failure as failure:
        box = layout.box().column(align=True)
        box.label(text=failure.message, icon="ERROR")
        box.operator("reel_to_rig.open_preferences", icon="PREFERENCES")
