# SPDX-License-Identifier: GPL-3.0-or-later
"""What a take does in the scene: its keys, wherever in time they are by now, and whatever else moves it."""

from dataclasses import replace
from math import floor

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from ...model.motion.contacts import contacts, soles_under
from ...model.motion.motion import forward_kinematics
from ...model.motion.skeleton import JOINTS
from ...model.protocol import Code, Failure
from .. import keyframes
from . import data, geometry, keys, rate
from .props import take_of

SMALLEST = 1e-6
"""A scale below this is none."""


def motion(armature: bpy.types.Object) -> data.TakeMotion:
    """The motion of a take as it is seen now.

    One that nobody touched is exactly what was captured. Of others it is sampled what Blender makes of them, with keys
    that were edited or moved in time, strips in the NLA, constraints and parents. Raises Failure(RIG_UNSUITABLE) if the
    take lacks a bone or has no size.
    """
    scene = bpy.context.scene
    taken, axes, keyed = data.read(armature), keys.rest_of(armature)[0], keyframes.keyed_frames(armature)
    off = rate.mismatch(armature, scene) if scene else ""
    if not len(keyed):
        off = "The take has no keys, so it was put on as it was captured"
    placement, uneven = _placement(armature, np.array(armature.matrix_basis))
    taken = replace(taken, placement=placement, remarks=tuple(filter(None, [off, uneven])))
    if not len(keyed) or not (keys.is_edited(armature) or is_led(armature)):
        return taken
    frames, known = _frames(armature, taken.frames, keyed)
    poses, worlds = _sampled(armature, frames)
    placement, uneven = _placement(armature, worlds[0])
    local, trans = geometry.motion_of_poses(np.linalg.inv(worlds[0]) @ worlds, poses, taken.rest, axes)
    trans = trans - [0, 0, take_of(armature).floor_m]
    taken = replace(taken, frames=frames, local=local, trans=trans, placement=placement)
    if len(known) == len(taken.contacts) and (known >= 0).all():
        return replace(taken, remarks=tuple(filter(None, [off, uneven])))
    if not (known >= 0).any():
        off = "The take was given another speed, so what rests on the ground is a guess"
    time_s = taken.time_s[0] + (frames - frames[0]) / take_of(armature).fps
    found = _contacts(local, trans, taken, time_s, known)
    return replace(taken, time_s=time_s, contacts=found, remarks=tuple(filter(None, [off, uneven])))


def placement(armature: bpy.types.Object) -> NDArray[np.float64]:
    """Where a take was put (4, 4), as in TakeMotion; if something leads it, where it is at its first frame."""
    matrix = _sampled(armature, frames(armature)[:1])[1][0] if is_led(armature) else np.array(armature.matrix_basis)
    return _placement(armature, matrix)[0]


def _placement(armature: bpy.types.Object, matrix: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    """The placement (4, 4) for the matrix (4, 4) of a take's object, and what there is to say of it."""
    placed = np.array(matrix, np.float64)
    placed[:3, 3] += placed[:3, :3] @ [0, 0, take_of(armature).floor_m]  # As far as the object went down for it.
    if np.allclose(placed, np.eye(4), rtol=0, atol=1e-6):
        return np.eye(4), ""
    turn, size = placed[:3, :3], np.cbrt(np.linalg.det(placed[:3, :3]))
    if size > SMALLEST and np.allclose(turn.T @ turn, size**2 * np.eye(3), rtol=0, atol=1e-3 * size**2):
        return placed, ""
    if abs(size) <= SMALLEST:
        raise Failure(
            Code.RIG_UNSUITABLE, f"The take {armature.name} is scaled to nothing.", "Give its object another scale."
        )
    placed[:3, :3] = Matrix(matrix.tolist()).to_quaternion().to_matrix()
    return placed, "The take is scaled unevenly or mirrored, so its scale was left out"


def frames(armature: bpy.types.Object) -> NDArray[np.float64]:
    """The scene frames (T,) at which a take has a pose of its own now."""
    take = take_of(armature)
    taken = geometry.scene_frames(data.raw(armature).time_s, take.start, take.fps)
    keyed = keyframes.keyed_frames(armature)
    return _frames(armature, taken, keyed)[0] if len(keyed) else taken


def is_led(armature: bpy.types.Object) -> bool:
    """Whether something else than its keys moves a take, or may do so."""
    assert armature.pose
    animation = armature.animation_data
    constraints = [*armature.constraints, *(one for bone in armature.pose.bones for one in bone.constraints)]
    drivers = animation.drivers[:] if animation else []
    led = constraints or drivers or armature.parent or keyframes.strips(armature)
    return bool(led or keyframes.goes_on(armature) or keyframes.is_carried(armature))


def _frames(
    armature: bpy.types.Object, taken: NDArray[np.float64], keyed: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """As geometry.moved_frames, as far as the scene goes for what repeats for ever."""
    first, last = float(keyed.min()), float(keyed.max())
    scene = next(iter(armature.users_scene), None)
    if scene and keyframes.goes_on(armature):
        first, last = min(first, scene.frame_start), max(last, scene.frame_end)
    return geometry.moved_frames(taken, keyed, first, last)


def _contacts(
    local: NDArray[np.float64],
    trans: NDArray[np.float64],
    taken: data.TakeMotion,
    time_s: NDArray[np.float64],
    known: NDArray[np.intp],
) -> NDArray[np.float32]:
    """Contacts (T, 4): those of the frames of the take that are known, for others by what the feet do now."""
    turns, joints = forward_kinematics(local, taken.rest)
    found = contacts(soles_under(turns, joints + trans[:, None]), time_s).astype(np.float32)
    found[known >= 0] = taken.contacts[known[known >= 0]]
    return found


def _sampled(
    armature: bpy.types.Object, frames: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What Blender evaluates: the bones' poses (T, 24, 4, 4) in armature space, the object's matrices (T, 4, 4).

    In a scene of its own, where nothing else has to be evaluated with it, and neither a mode nor a rest position
    hides how it moves.
    """
    scene = bpy.data.scenes.new(armature.name)
    copy = armature.copy()
    assert copy
    assert armature.data
    skeleton = armature.data.copy()
    assert isinstance(skeleton, bpy.types.Armature)
    try:
        copy.data = skeleton
        skeleton.pose_position = "POSE"
        copy.hide_viewport = False
        take_of(copy).is_take = False
        scene.collection.objects.link(copy)
        assert copy.pose
        names = [bone.name for bone in copy.pose.bones]
        at = [names.index(name) for name in JOINTS]
        poses, worlds = np.empty((len(frames), 24, 4, 4)), np.empty((len(frames), 4, 4))
        found = np.empty(16 * len(names), np.float32)
        for row, frame in enumerate(frames.tolist()):
            scene.frame_set(floor(frame), subframe=frame - floor(frame))
            depsgraph = scene.view_layers[0].depsgraph
            assert depsgraph
            seen = copy.evaluated_get(depsgraph)
            assert seen.pose
            seen.pose.bones.foreach_get("matrix", found)
            poses[row] = found.reshape(-1, 4, 4)[at].swapaxes(-1, -2)  # Blender has columns one after the other.
            worlds[row] = seen.matrix_world
    finally:
        bpy.data.objects.remove(copy)
        bpy.data.armatures.remove(skeleton)
        bpy.data.scenes.remove(scene)
    return poses, worlds
