# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the figure of a take's 2D keypoints into the region that Blender is drawing."""

from typing import Final

import bpy
import gpu
import numpy as np
from bpy_extras.view3d_utils import location_3d_to_region_2d
from gpu_extras.batch import batch_for_shader
from numpy.typing import NDArray

from . import data, figure, geometry
from .props import take_of

LINE_PX: Final = 1.0
DOT_PX: Final = 2.5


def draw(
    armature: bpy.types.Object,
    camera: bpy.types.Object,
    scene: bpy.types.Scene,
    region: bpy.types.Region,
    view: bpy.types.RegionView3D,
) -> None:
    """Draw what a take was captured from, if it saw anything at the current frame; the view is through its camera."""
    take, motion = take_of(armature), data.raw(armature)
    frames = geometry.scene_frames(motion.time_s, take.start, take.fps)
    index = int(np.abs(frames - scene.frame_current_final).argmin())
    if abs(frames[index] - scene.frame_current_final) > 0.75 or not motion.observed[index]:
        return
    frame = _frame_corners(camera, scene, region, view)
    if frame is None:
        return
    size = motion.provenance["footage"]["width"], motion.provenance["footage"]["height"]
    points = figure.placed(motion.keypoints[index], size, figure.fitted(size, frame))
    assert bpy.context.preferences
    scale = bpy.context.preferences.system.ui_scale
    triangles, colours = figure.triangles(points, LINE_PX * scale, DOT_PX * scale)
    gpu.state.blend_set("ALPHA")
    shader = gpu.shader.from_builtin("SMOOTH_COLOR")
    batch_for_shader(shader, "TRIS", {"pos": triangles.tolist(), "color": colours.tolist()}).draw(shader)
    gpu.state.blend_set("NONE")


def _frame_corners(
    camera: bpy.types.Object, scene: bpy.types.Scene, region: bpy.types.Region, view: bpy.types.RegionView3D
) -> NDArray[np.float64] | None:
    """Where the upper left and the lower right corner of the camera's frame (2, 2) are in a region, pixels."""
    assert isinstance(camera.data, bpy.types.Camera)
    frame = [camera.matrix_world @ corner for corner in camera.data.view_frame(scene=scene)]
    # They come as upper right, lower right, lower left, upper left.
    found = [location_3d_to_region_2d(region, view, frame[number]) for number in (3, 1)]
    return None if None in found else np.array(found, np.float64)
