# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws over the footage, in camera view, what a take was captured from: 2D keypoints and the person's box."""

from typing import Any, Final

import bpy
import gpu
import numpy as np
from bpy_extras.view3d_utils import location_3d_to_region_2d
from gpu_extras.batch import batch_for_shader
from numpy.typing import NDArray

from ...model.motion.motion import Motion
from . import data, figure, geometry
from .props import take_of

LINE_PX: Final = 1.0
DOT_PX: Final = 2.5

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
    scene, region, view = context.scene, context.region, context.region_data
    if not scene or not region or not view or view.view_perspective != "CAMERA" or not scene.camera:
        return
    shown = next((item for item in data.takes(scene) if take_of(item).camera == scene.camera), None)
    if shown is None or not take_of(shown).show_keypoints:
        return
    motion, frames = _of(shown)
    index = int(np.abs(frames - scene.frame_current_final).argmin())
    if abs(frames[index] - scene.frame_current_final) > 0.75 or not motion.observed[index]:
        return
    corners = _picture_corners(scene, scene.camera, region, view)
    if corners is None:
        return
    footage = motion.provenance["footage"]
    points = figure.placed(motion.keypoints[index], (footage["width"], footage["height"]), corners)
    assert context.preferences
    scale = context.preferences.system.ui_scale
    triangles, colours = figure.triangles(points, LINE_PX * scale, DOT_PX * scale)
    gpu.state.blend_set("ALPHA")
    shader = gpu.shader.from_builtin("SMOOTH_COLOR")
    batch_for_shader(shader, "TRIS", {"pos": triangles.tolist(), "color": colours.tolist()}).draw(shader)
    gpu.state.blend_set("NONE")


def _picture_corners(
    scene: bpy.types.Scene, camera: bpy.types.Object, region: bpy.types.Region, view: bpy.types.RegionView3D
) -> NDArray[np.float64] | None:
    """Where the upper left and the lower right corner of the camera's picture (2, 2) are in a region, pixels."""
    assert isinstance(camera.data, bpy.types.Camera)
    frame = [camera.matrix_world @ corner for corner in camera.data.view_frame(scene=scene)]
    # They come as upper right, lower right, lower left, upper left.
    found = [location_3d_to_region_2d(region, view, frame[number]) for number in (3, 1)]
    return None if None in found else np.array(found, np.float64)


def _of(armature: bpy.types.Object) -> tuple[Motion, NDArray[np.float64]]:
    """The raw motion of a take and its scene frames (T,)."""
    take = take_of(armature)
    motion = data.raw(armature)
    return motion, geometry.scene_frames(motion.time_s, take.start, take.fps)
