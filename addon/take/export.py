# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a take to a file: through Blender's own exporters on a copy that holds nothing else, or as arrays."""

from collections.abc import Generator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from .. import keyframes
from . import data, exchange, geometry, keys, rate, seen
from .props import take_of


class Format(StrEnum):
    """What a take can be written as; the value is the file's suffix."""

    FBX = ".fbx"
    GLTF = ".glb"
    BVH = ".bvh"
    NPZ = ".npz"
    CSV = ".csv"


EXPORTERS = {
    Format.FBX: ("EXPORT_SCENE_OT_fbx", "FBX format"),
    Format.GLTF: ("EXPORT_SCENE_OT_gltf", "glTF 2.0 format"),
    Format.BVH: ("EXPORT_ANIM_OT_bvh", "BioVision Motion Capture (BVH) format"),
}
"""Blender's own exporters, and the add-ons that they come with, which may be disabled."""

Y_UP = Matrix.Rotation(-1.5707963267948966, 4, "X")
"""BVH files have no axes of their own; their readers expect Y to be up."""


def write(context: bpy.types.Context, armature: bpy.types.Object, kind: Format, path: Path) -> tuple[str, ...]:
    """Write a take. FBX, glTF and BVH get the scene's frame rate and what is seen, .npz and .csv the footage's frames.

    Returns what the animator should know of it, each a sentence. Raises OSError or RuntimeError (an exporter's own
    words).
    """
    file = str(path)
    operator, addon = EXPORTERS.get(kind, ("", ""))
    if operator and not hasattr(bpy.types, operator):
        raise RuntimeError(f"enable the add-on {addon} in Blender's preferences")
    _try(path)
    match kind:
        case Format.NPZ:
            rest = data.rest_joints(armature)
            exchange.write_amass(exchange.placed(data.settled(armature), rest, seen.placement(armature)), rest, path)
        case Format.CSV:
            rest = data.rest_joints(armature)
            exchange.write_csv(exchange.placed(data.settled(armature), rest, seen.placement(armature)), path)
        case Format.FBX:
            with _clean_copy(context, armature):
                bpy.ops.export_scene.fbx(
                    filepath=file, object_types={"ARMATURE", "MESH"}, add_leaf_bones=False,
                    bake_anim_use_all_actions=False, bake_anim_use_nla_strips=False, bake_anim_simplify_factor=0.0,
                )  # fmt: skip
        case Format.GLTF:
            with _clean_copy(context, armature):
                bpy.ops.export_scene.gltf(
                    filepath=file, export_format="GLB", use_active_scene=True,
                    export_anim_single_armature=False,  # Else it writes the actions of every armature there is.
                )  # fmt: skip
        case Format.BVH:
            with _clean_copy(context, armature) as copy:
                assert isinstance(copy.data, bpy.types.Armature)
                place, turn, _ = copy.matrix_world.decompose()
                size = copy.matrix_world.median_scale  # Bones that are scaled themselves would not walk farther.
                copy.data.transform(
                    Y_UP @ Matrix.Translation([part / size for part in place]) @ turn.to_matrix().to_4x4()
                )
                copy.data.update_tag()
                scene = copy.users_scene[0]
                bpy.ops.export_anim.bvh(
                    filepath=file, frame_start=scene.frame_start, frame_end=scene.frame_end, root_transform_only=True,
                    global_scale=size,
                )  # fmt: skip
    assert context.scene
    off = rate.mismatch(armature, context.scene) if operator else ""
    return (off,) if off else ()


def _try(path: Path) -> None:
    """Raise OSError if a file cannot be written: Blender's exporters would answer with a traceback."""
    there = path.exists()
    with path.open("ab"):
        pass
    if not there:
        path.unlink()


@contextmanager
def _clean_copy(context: bpy.types.Context, armature: bpy.types.Object) -> Generator[bpy.types.Object, None, None]:
    """A scene of its own, shown for as long as it lasts, with a copy of the take's armature and body."""
    window, take, at_work = context.window, take_of(armature), context.active_object
    assert window
    before, layer_before = window.scene, window.view_layer
    assert before
    mode = at_work.mode if at_work else "OBJECT"
    if mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    scene = bpy.data.scenes.new(armature.name)
    scene.render.fps, scene.render.fps_base = before.render.fps, before.render.fps_base
    motion = seen.motion(armature) if seen.is_led(armature) else None
    scene.frame_start, scene.frame_end = geometry.scene_range(seen.frames(armature))
    originals = [item for item in (armature, take.body) if item and item.users_scene]
    names = [item.name for item in originals]
    copies: list[bpy.types.Object] = []
    own: list[bpy.types.Action] = []
    try:
        for item, name in zip(originals, names, strict=True):
            if not item.library:  # Else its name is its own file's.
                item.name = f"{name} original"  # So that the copy can have its name in the file.
            copies.append(_copied(item, name, scene))
        for item in copies[1:]:
            item.parent = copies[0]
            for modifier in item.modifiers:
                if isinstance(modifier, bpy.types.ArmatureModifier):
                    modifier.object = copies[0]
        window.scene = scene
        layer = context.view_layer
        assert layer
        for item in copies:
            item.select_set(True, view_layer=layer)
        layer.objects.active = copies[0]
        layer.update()
        if motion:
            own.append(_freed(copies[0], motion))
        yield copies[0]
    finally:
        window.scene = before
        window.view_layer = layer_before
        for item in copies:
            held: Any = item.data
            bpy.data.objects.remove(item)
            bpy.data.batch_remove([held])
        bpy.data.batch_remove(own)
        bpy.data.scenes.remove(scene)
        for item, name in zip(originals, names, strict=True):
            if not item.library:
                item.name = name
        if mode != "OBJECT":
            bpy.ops.object.mode_set(mode=mode)


def _freed(copy: bpy.types.Object, motion: data.TakeMotion) -> bpy.types.Action:
    """Have a copy of a take move as its motion says by its own keys alone, all that exporters write; returns these."""
    assert copy.pose
    down = np.eye(4)
    down[2, 3] = -take_of(copy).floor_m
    for owner in (copy, *copy.pose.bones):
        for constraint in [*owner.constraints]:
            owner.constraints.remove(constraint)
        if isinstance(owner, bpy.types.PoseBone):
            owner.rotation_mode = "QUATERNION"
    copy.animation_data_clear()
    copy.matrix_world = Matrix((motion.placement @ down).tolist())
    return keyframes.write_action(copy, copy.name, keys.curves_of(copy, motion), motion.frames)


def _copied(item: bpy.types.Object, name: str, scene: bpy.types.Scene) -> bpy.types.Object:
    copy = item.copy()
    assert copy
    assert item.data
    copy.data = item.data.copy()
    copy.name = name
    copy.hide_viewport = False
    if copy.type == "ARMATURE":  # What it hangs from is not copied.
        world = item.matrix_world.copy()
        copy.parent = None
        copy.matrix_world = world
    take_of(copy).is_take = False
    scene.collection.objects.link(copy)
    return copy
