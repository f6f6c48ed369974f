# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes that an animator moved in time or in space: what is baked and exported is what they do in the scene."""

from pathlib import Path
from typing import Any

import bpy
import numpy as np

from model.motion.motion import Motion
from model.motion.skeleton import JOINTS
from tests.addon.inside import empty_scene, enable_checkout, part

FRAMES = range(200)


def main(motion_file: str, body_file: str, folder: str, changes: list[str]) -> dict[str, Any]:
    enable_checkout()
    found: dict[str, Any] = {}
    for name in changes:
        bpy.ops.wm.read_homefile(use_empty=True)
        enable_checkout()
        empty_scene()
        body = part("addon.take.data").Body.load(body_file)
        take = part("addon.take.build").build(bpy.context, Motion.load(motion_file), body, "clip", 0.0)
        CHANGES[name](take)
        bpy.context.view_layer.update()
        found[name] = compared(take, folder)
        if name in ("move", "size", "lift"):
            found[name] |= otherwise(take, folder)
    return found


def compared(take: Any, folder: str) -> dict[str, Any]:
    """The range of the bake, and by how much it and what is exported miss the take, millimetres, at any frame of it."""
    target = take.copy()
    target.data = take.data.copy()
    target.animation_data_clear()
    target.parent = None
    for owner in (target, *target.pose.bones):
        for constraint in [*owner.constraints]:
            owner.constraints.remove(constraint)
    target.delta_location = target.location = (0, 0, 0)
    target.rotation_euler = (0, 0, 0)
    part("addon.take.props").take_of(target).is_take = False
    bpy.context.collection.objects.link(target)
    bpy.context.view_layer.update()
    retarget = bpy.context.scene.reel_to_rig_retarget
    retarget.source, retarget.target, retarget.feet = take, target, "NEVER"
    bpy.context.view_layer.objects.active = take
    before = {action.name for action in bpy.data.actions}
    assert bpy.ops.reel_to_rig.bake() == {"FINISHED"}
    first, last = target.animation_data.action.frame_range
    frames = np.arange(np.ceil(first), np.floor(last) + 1)
    expected = heads(take, FRAMES)
    inside = [frame - FRAMES[0] for frame in frames.astype(int)]
    found: dict[str, Any] = {"range": [first, last], "baked": off(heads(target, frames), expected[inside])}
    # Where it is not baked, nothing may move.
    outside = [number for number in range(len(FRAMES)) if number not in inside]
    nearest = np.clip(np.array(FRAMES), frames[0], frames[-1]).astype(int) - FRAMES[0]
    found["cut"] = off(expected[outside], expected[nearest[outside]])
    kept = {action.name for action in bpy.data.actions}
    importers = {
        "fbx": lambda file: bpy.ops.import_scene.fbx(filepath=file, anim_offset=0.0),
        "glb": lambda file: bpy.ops.import_scene.gltf(filepath=file),
        "bvh": lambda file: bpy.ops.import_anim.bvh(filepath=file, frame_start=int(frames[0])),
    }
    for kind, suffix in (("FBX", "fbx"), ("GLTF", "glb"), ("BVH", "bvh")):
        file = str(Path(folder, f"take.{suffix}"))
        bpy.context.view_layer.objects.active = take
        assert bpy.ops.reel_to_rig.export(format=kind, filepath=file) == {"FINISHED"}
        found["left"] = len({action.name for action in bpy.data.actions} - kept) + len(kept - before) - 1
        had = set(bpy.data.objects)
        assert importers[suffix](file) == {"FINISHED"}
        new = set(bpy.data.objects) - had
        came = next(item for item in new if item.type == "ARMATURE")
        # Each counts the frames of a file from where it likes.
        start = came.animation_data.action.frame_range[0]
        found[suffix] = off(heads(came, frames - frames[0] + round(start)), expected[inside])
        bpy.data.batch_remove([*new, *({action for action in bpy.data.actions if action.name not in kept})])
    return found


def otherwise(take: Any, folder: str) -> dict[str, Any]:
    """By how much other ways to bake and to write a take that stands elsewhere miss it, millimetres."""
    retarget = bpy.context.scene.reel_to_rig_retarget
    frames, found = range(1, 46), {}
    expected = heads(take, frames)
    retarget.root = "OBJECT"
    assert bpy.ops.reel_to_rig.bake() == {"FINISHED"}
    found["object"] = off(heads(retarget.target, frames), expected)
    # With its feet on the floor of the take, wherever that is.
    retarget.root, retarget.feet = "HIPS", "AUTO"
    assert bpy.ops.reel_to_rig.bake() == {"FINISHED"}
    held = heads(retarget.target, frames)
    placement = take.matrix_basis.copy()
    take.location, take.rotation_euler, take.scale = (0, 0, 0), (0, 0, 0), (1, 1, 1)
    assert bpy.ops.reel_to_rig.bake() == {"FINISHED"}
    home = heads(retarget.target, frames)
    take.matrix_basis = placement
    home -= np.array([0, 0, take.delta_location.z])
    there = np.array(placement)
    if abs(placement.median_scale - 1) < 1e-5:
        found["held"] = off(held, home @ there[:3, :3].T + there[:3, 3])
    bpy.context.view_layer.objects.active = take
    for kind in ("NPZ", "CSV"):
        assert bpy.ops.reel_to_rig.export(format=kind, filepath=str(Path(folder, "take"))) == {"FINISHED"}
    table = np.genfromtxt(Path(folder, "take.csv"), delimiter=",", skip_header=1)[:, 1:].reshape(-1, 24, 3)
    found["csv"] = off(table, expected)
    bpy.ops.reel_to_rig.import_motion(filepath=str(Path(folder, "take.npz")))
    found["npz"] = off(heads(bpy.context.active_object, frames)[:, 0], expected[:, 0])
    return found


def heads(armature: Any, frames: Any) -> np.ndarray:
    """Where the bones are (T, 24, 3), world, at frames."""
    rows = []
    for frame in frames:
        bpy.context.scene.frame_set(int(frame))
        rows.append([armature.matrix_world @ armature.pose.bones[name].head for name in JOINTS])
    return np.array(rows)


def off(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).max(initial=0.0) * 1000)


def curves(take: Any) -> Any:
    return part("addon.keyframes")._curves(take)


def in_time(take: Any, by: float, times: float = 1.0) -> None:
    for curve in curves(take):
        for key in curve.keyframe_points:
            key.co.x = times * key.co.x + by
        curve.update()


def shift(take: Any) -> None:
    in_time(take, 20)


def scale(take: Any) -> None:
    in_time(take, 9.5, 2.5)


def lead_in(take: Any) -> None:
    in_time(take, 20)
    for bone in take.pose.bones:
        bone.rotation_quaternion = (1, 0, 0, 0)
        bone.keyframe_insert("rotation_quaternion", frame=0)


def cut(take: Any) -> None:
    for curve in curves(take):
        for key in reversed(curve.keyframe_points):
            if key.co.x > 30:
                curve.keyframe_points.remove(key)


def repeat(take: Any) -> None:
    for curve in curves(take):
        curve.modifiers.new("CYCLES")
    bpy.context.scene.frame_start, bpy.context.scene.frame_end = FRAMES[0], FRAMES[-1]


def push_down(take: Any) -> Any:
    """To frame 100 of the NLA."""
    action = take.animation_data.action
    track = take.animation_data.nla_tracks.new()
    strip = track.strips.new("strip", 100, action)
    take.animation_data.action = None
    return strip


def stretch(take: Any) -> None:
    push_down(take).scale = 1.5


def constrain(take: Any) -> None:
    constraint = take.pose.bones["head"].constraints.new("COPY_ROTATION")
    constraint.target = bpy.data.objects.new("leader", None)
    bpy.context.collection.objects.link(constraint.target)
    constraint.target.rotation_euler = (0.3, 0.2, 0.5)


def move(take: Any) -> None:
    part("addon.take.props").take_of(take).floor_m = 0.1
    take.location, take.rotation_euler = (5, -1, 2), (0.1, -0.2, 1.5)


def lift(take: Any) -> None:
    part("addon.take.props").take_of(take).floor_m = 0.1
    take.location.z = 1.5


def size(take: Any) -> None:
    take.location, take.rotation_euler, take.scale = (1, 2, 0.5), (0, 0, 2), (1.5, 1.5, 1.5)


def carry(take: Any) -> None:
    for frame, place in ((1, (2, 0, 0)), (30, (3, 4, 1))):
        take.location, take.rotation_euler = place, (0, 0, 0.05 * frame)
        take.keyframe_insert("location", frame=frame)
        take.keyframe_insert("rotation_euler", frame=frame)


def hang(take: Any) -> None:
    take.parent = bpy.data.objects.new("place", None)
    bpy.context.collection.objects.link(take.parent)
    carry(take.parent)


CHANGES: dict[str, Any] = {
    change.__name__: change
    for change in (shift, scale, lead_in, cut, repeat, push_down, stretch, constrain, move, lift, size, carry, hang)
}
