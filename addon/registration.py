# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that Blender is told about, in order. What register() adds, unregister() takes away."""

import atexit

import bpy

from . import menus
from .capture import desk, looking, pictures, sources
from .capture import ops as capture_ops
from .capture import panel as capture_panel
from .capture.found import FoundProperties, PersonProperties
from .capture.props import CaptureProperties
from .engine import ops as engine_ops
from .engine import running
from .engine.installation import current as installation
from .preferences import ReelToRigPreferences
from .retarget import ops as retarget_ops
from .retarget import panel as retarget_panel
from .retarget.mapping import ops as mapping_ops
from .retarget.mapping import panel as mapping_panel
from .retarget.mapping.props import BoneRow, MappingProperties
from .retarget.props import RetargetProperties
from .take import following, overlay
from .take import ops as take_ops
from .take import panel as take_panel
from .take.props import TakeProperties

CLASSES = (
    ReelToRigPreferences,
    TakeProperties,
    CaptureProperties,
    PersonProperties,
    FoundProperties,
    BoneRow,
    MappingProperties,
    RetargetProperties,
    *engine_ops.CLASSES,
    *capture_ops.CLASSES,
    *sources.CLASSES,
    *take_ops.CLASSES,
    *retarget_ops.CLASSES,
    *mapping_ops.CLASSES,
    *capture_panel.CLASSES,
    *take_panel.CLASSES,
    *retarget_panel.CLASSES,
    *mapping_panel.CLASSES,
    *menus.CLASSES,
)

PROPERTIES = (
    (bpy.types.Object, "reel_to_rig", TakeProperties),
    (bpy.types.Scene, "reel_to_rig", CaptureProperties),
    (bpy.types.WindowManager, "reel_to_rig_found", FoundProperties),
    (bpy.types.Scene, "reel_to_rig_retarget", RetargetProperties),
)

HANDLERS = (
    ("load_pre", desk.on_load_pre),
    ("load_post", desk.on_load_post),
    *((name, desk.on_other_state) for name in ("undo_post", "redo_post", "load_post")),
    *((name, following.on_other_step) for name in ("undo_post", "redo_post")),
    ("save_pre", sources.on_save_pre),
    *((name, sources.on_save_post) for name in ("save_post", "save_post_fail")),
)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    for owner, name, kind in PROPERTIES:
        setattr(owner, name, bpy.props.PointerProperty(type=kind, override={"LIBRARY_OVERRIDABLE"}))
    for name, handler in HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)
    atexit.register(desk.leave)
    atexit.register(running.close)
    atexit.register(installation.close)
    menus.add()
    bpy.types.STATUSBAR_HT_header.prepend(desk.draw_status)  # pyright: ignore[reportArgumentType]
    overlay.add()


def unregister() -> None:
    overlay.remove()
    bpy.types.STATUSBAR_HT_header.remove(desk.draw_status)  # pyright: ignore[reportArgumentType]
    following.stop_following()
    menus.remove()
    desk.drop_jobs()
    looking.end()
    pictures.forget()
    running.close()
    atexit.unregister(running.close)
    atexit.unregister(desk.leave)
    installation.close()
    atexit.unregister(installation.close)
    for name, handler in HANDLERS:
        getattr(bpy.app.handlers, name).remove(handler)
    for owner, name, _ in reversed(PROPERTIES):
        delattr(owner, name)
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
