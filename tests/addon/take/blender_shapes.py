# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes of clips of several shapes in scenes of several formats: where body and footage are in the camera's frame."""

from dataclasses import replace
from typing import Any

import bpy
import numpy as np
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

from model.motion.motion import Motion
from tests.addon.inside import empty_scene, enable_checkout, part
from tests.addon.take.example import project

CLIPS = ((1280, 720), (720, 1280), (900, 900))
FORMATS = ((1280, 720, 1, 1), (1000, 1000, 1, 1), (1920, 804, 1, 1), (720, 1280, 1, 1), (720, 576, 64, 45))


def main(motion_file: str, body_file: str, footage: str) -> dict[str, Any]:
    enable_checkout()
    empty_scene()
    body, build = part("addon.take.data").Body.load(body_file), part("addon.take.build").build
    scene, worst, lying = bpy.context.scene, {}, []
    for clip in CLIPS:  # in one scene: the format is the first one's
        motion = filmed(Motion.load(motion_file), clip, "")
        armature = build(bpy.context, motion, body, "clip", 0.0)
        camera = part("addon.take.props").take_of(armature).camera
        found = [off(scene, camera, motion, clip)]
        for shape in FORMATS:
            use(scene, shape)
            found.append(off(scene, camera, motion, clip))
        worst[str(clip)] = [max(found), camera.data.lens * clip[0] / 36 - motion.camera_matrix[0, 0]]
    # The file is 128 x 72: as Blender 4 reads what a phone filmed upright.
    upright = build(bpy.context, filmed(Motion.load(motion_file), (72, 128), footage), body, "phone", 0.0)
    (background,) = part("addon.take.props").take_of(upright).camera.data.background_images
    for shape in FORMATS:
        use(scene, shape)
        lying.append([fitted((128, 72), scene)[0] * background.scale, fitted((72, 128), scene)[1]])
    return {"off": worst, "lying": lying, "method": background.frame_method}


def filmed(motion: Motion, size: tuple[int, int], path: str) -> Motion:
    """The motion seen in a picture of that size."""
    matrix = np.array([[1100.0, 0, 0.55 * size[0]], [0, 1100, 0.43 * size[1]], [0, 0, 1]])
    footage = motion.provenance["footage"] | {"width": size[0], "height": size[1], "path": path}
    return replace(motion.with_provenance(motion.provenance | {"footage": footage}), camera_matrix=matrix)


def use(scene: Any, shape: tuple[int, int, float, float]) -> None:
    render = scene.render
    render.resolution_x, render.resolution_y, render.pixel_aspect_x, render.pixel_aspect_y = shape
    bpy.context.view_layer.update()


def fitted(size: tuple[int, int], scene: Any) -> tuple[float, float]:
    """Width and height of a picture that is fitted into the frame, if the frame is 1 high."""
    render = scene.render
    across = render.resolution_x * render.pixel_aspect_x / (render.resolution_y * render.pixel_aspect_y)
    width = min(across, size[0] / size[1])
    return width, width * size[1] / size[0]


def off(scene: Any, camera: Any, motion: Motion, size: tuple[int, int]) -> float:
    """How far joints are, through Blender's camera, from where the fitted footage shows them; pixels of the footage."""
    scene.frame_set(scene.frame_start)
    seen = [world_to_camera_view(scene, camera, Vector(joint.tolist())) for joint in motion.joints[0]]
    width, height = fitted(size, scene)
    across = scene.render.resolution_x * scene.render.pixel_aspect_x
    across /= scene.render.resolution_y * scene.render.pixel_aspect_y
    pixels = [((s.x - 0.5) * across / width + 0.5, (0.5 - s.y) / height + 0.5) for s in seen]
    return float(np.abs(np.array(pixels) * size - project(motion)[0]).max())
