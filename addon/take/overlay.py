# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws over the footage, in camera view, what a take was captured from: 2D keypoints and the person's box."""

from typing import Any

import bpy

from .props import take_of, takes

_handles: list[Any] = []


def add() -> None:
    """Have Blender call `draw` in every 3D viewport. In background mode there are none."""
    if not _handles and not bpy.app.background:
        _handles.append(bpy.types.SpaceView3D.draw_handler_add(draw, (), "WINDOW", "POST_PIXEL"))


def remove() -> None:
    """Undo `add`."""
    while _handles:
        bpy.types.SpaceView3D.draw_handler_remove(_handles.pop(), "WINDOW")


def draw() -> None:
    """Draw the take whose camera is looked through, if that is wanted."""
    context = bpy.context
    scene, space, region, view = context.scene, context.space_data, context.region, context.region_data
    if not scene or not region or not view or view.view_perspective != "CAMERA":
        return
    camera = camera_of(space, scene) if isinstance(space, bpy.types.SpaceView3D) else None
    shown = next((item for item in takes(scene) if camera and take_of(item).camera == camera), None)
    if camera is None or shown is None or not take_of(shown).show_keypoints:
        return
    from . import keypoints

    keypoints.draw(shown, camera, scene, region, view)


def camera_of(space: bpy.types.SpaceView3D, scene: bpy.types.Scene) -> bpy.types.Object | None:
    """The camera that a viewport looks through in camera view."""
    return space.camera if space.use_local_camera else scene.camera
