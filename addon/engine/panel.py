# SPDX-License-Identifier: GPL-3.0-or-later

import bpy

from ...model.protocol import Failure
from ..preferences import engine_elsewhere, engine_python
from ..text import draw_text
from .installation.panel import draw_engine


def draw_missing_engine(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """What is lacking and the button that brings it where no engine can be started; nothing where one can."""
    try:
        engine_python(context)
    except Failure as failure:
        box = layout.box()
        if not engine_elsewhere(context):
            draw_engine(box, context)
            return
        draw_text(box, context, failure.message, "ERROR")
        box.operator("reel_to_rig.open_preferences", icon="PREFERENCES")
