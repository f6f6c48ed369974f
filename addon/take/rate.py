# SPDX-License-Identifier: GPL-3.0-or-later
"""The rate at which a take is keyed, beside the one at which its scene plays."""

import bpy

from ..steps import at_once
from .props import take_of

SAME = 1e-3
"""Rates whose quotient is that close to 1 are the same for an eye: 23.976 and 24."""


def of_scene(scene: bpy.types.Scene) -> float:
    """Frames per second."""
    return scene.render.fps / scene.render.fps_base


def mismatch(armature: bpy.types.Object, scene: bpy.types.Scene) -> str:
    """What the animator should know of a take that plays too fast or too slowly in a scene; empty if it does not."""
    fps, own = of_scene(scene), take_of(armature).fps
    return "" if not own or abs(fps / own - 1) <= SAME else f"Keyed at {own:.4g} fps; this scene has {fps:.4g}"


def match(armature: bpy.types.Object, scene: bpy.types.Scene) -> None:
    """Key a take anew at the rate of a scene, and its camera and its colours with it; its start stays.

    Keys that were edited by hand are kept as an action of their own. Raises Failure(RIG_UNSUITABLE) if the take lacks a
    bone; nothing is changed then.
    """
    from . import build, data, following, keys
    from .props import present

    take = take_of(armature)
    keys.rest_of(armature)
    take.fps = of_scene(scene)
    camera = present(take.camera)
    if camera and not camera.library and camera.animation_data and camera.animation_data.action:
        keys.place_camera(camera, data.raw(armature), take.start, take.fps)
    if take.by_confidence:
        build.paint(armature)
    at_once(following.key(armature))
