# SPDX-License-Identifier: GPL-3.0-or-later

import bpy

from ...model.protocol import Failure
from ..preferences import engine_python
from ..text import draw_text


def draw_missing_engine(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """A line and a button where no engine can be started; nothing where one can."""
    try:
        engine_python(context)
    except Failure as failure:
        box = layout.box()
        draw_text(box, context, failure.message, "ERROR")
        box.operator("reel_to_rig.open_preferences", icon="PREFERENCES")
