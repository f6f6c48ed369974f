# SPDX-License-Identifier: GPL-3.0-or-later
"""What a take does in the scene: its keys, wherever in time they are by now, and whatever else moves it."""

from dataclasses import replace
from math import floor

import bpy
import numpy as np
from numpy.typing import NDArray

from ...model.motion.contacts import contacts, soles_under
from ...model.motion.motion import forward_kinematics
from ...model.motion.skeleton import JOINTS
from .. import keyframes
from . import data, geometry, keys, rate
from .props import take_of


def motion(armature: bpy.types.Object) -> data.TakeMotion:
    """The motion of a take as it is seen now.

    One that nobody touched is exactly what was captured. Of others it is sampled what Blender makes of them, with keys
    that were edited or moved in time, strips in the NLA, constraints and parents. Raises Failure(RIG_UNSUITABLE) if the
    take lacks a bone.
    """
    taken = data.read(armature)
    keyed = keyframes.keyed_frames(armature)
    if not len(keyed):
        return replace(taken, remarks=("The take has no keys, so it was put on as it was captured",))
    scene = bpy.context.scene
    off = rate.mismatch(armature, scene) if scene else ""
    taken = replace(taken, remarks=(off,) if off else ())
    if not (keys.is_edited(armature) or is_led(armature)):
        return taken
    frames, known = _frames(armature, taken.frames, keyed)
    axes, _ = keys.rest_of(armature)
    poses, _ = _sampled(armature, frames)
    local, trans = geometry.motion_of_poses(poses, taken.rest, axes)
    trans = trans - [0, 0, take_of(armature).floor_m]
    time_s = taken.time_s[0] + (frames - frames[0]) / take_of(armature).fps
    if len(known) == len(taken.frames) and (known >= 0).all():
        return replace(taken, frames=frames, local=local, trans=trans)
    remarks = (
        () if (known >= 0).any() else ("The take was given another speed, so what rests on the ground is a guess",)
    )
    found = _contacts(local, trans, taken, time_s, known)
    return data.TakeMotion(frames, local, trans, taken.rest, found, time_s, remarks)


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
    return bool(constraints or drivers or armature.parent or keyframes.strips(armature) or keyframes.goes_on(armature))


def _frames(
    armature: bpy.types.Object, taken: NDArray[np.float64], keyed: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """As geometry.moved_frames, as far as the scene goes for what repeats for ever."""
    ends = [*keyed]
    scene = next(iter(armature.users_scene), None)
    if scene and keyframes.goes_on(armature):
        ends += [scene.frame_start, scene.frame_end]
    return geometry.moved_frames(taken, keyed, float(min(ends)), float(max(ends)))


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
