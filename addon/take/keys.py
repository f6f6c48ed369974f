# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a take's motion onto its armature and camera."""

from collections.abc import Callable

import bpy
import numpy as np
from numpy.typing import NDArray

from ...model.motion.motion import Motion
from ...model.motion.rotations import matrix_from_axis_angle
from ...model.motion.skeleton import JOINTS
from ...model.protocol import Code, Failure
from .. import keyframes
from ..steps import Steps, at_once
from . import data, geometry
from .props import settings, take_of

ROTATIONS_AT_ONCE = 60_000
"""After so many, some hundredths of a second, it is Blender's turn."""


def key(armature: bpy.types.Object) -> Steps[bpy.types.Action | None]:
    """Key a take's armature from its raw motion by the take's settings. Raises Failure(RIG_UNSUITABLE).

    The keys it had are replaced; if they were edited by hand, or are kept by a fake user or as an asset, they stay
    behind as an action of their own. Returns the action that keeps what was edited by hand, if anything was.
    """
    take = take_of(armature)
    wanted = settings(take)
    motion = data.settled(armature, wanted)
    turns = motion.poses.reshape(len(motion), 24, 3)
    yield
    curves = yield from _curves(
        armature, lambda joints: matrix_from_axis_angle(turns[:, joints]), motion.trans.astype(np.float64)
    )
    frames = geometry.scene_frames(motion.time_s, take.start, take.fps)
    action = yield from keyframes.made(armature, armature.name, curves, frames)
    made = action.session_uid
    try:
        yield
        written = yield from keyframes.fingerprinted(action)
        before = yield from keyframes.fingerprinted(armature)
        previous = _action(armature)
        edited = previous is not None and bool(take.written) and before != take.written
        kept = previous is not None and (previous.use_fake_user or bool(previous.asset_data))
    except BaseException:
        keyframes.give_up(made)
        raise
    for bone in _bones(armature):
        bone.rotation_mode = "QUATERNION"
    keyframes.assign(armature, action)
    if previous and not kept and not edited and previous.users == int(previous.use_fake_user):
        bpy.data.actions.remove(previous)
        previous = None
    if not previous:
        action.name = armature.name
    take.written, (take.applied, take.applied_regions, take.applied_hold) = written, wanted
    return previous if edited else None


def curves_of(armature: bpy.types.Object, motion: data.TakeMotion) -> list[keyframes.Curve]:
    """What moves a take's bones as a motion says. Raises as `key` does."""
    return at_once(_curves(armature, lambda joints: motion.local[:, joints], motion.trans))


def _curves(
    armature: bpy.types.Object, local: Callable[[slice], NDArray[np.floating]], trans: NDArray[np.float64]
) -> Steps[list[keyframes.Curve]]:
    """As `curves_of`, for what gives the rotations (T, J, 3, 3) of some joints, and for the way of the root (T, 3)."""
    axes, pelvis = rest_of(armature)
    raised = trans + [0, 0, take_of(armature).floor_m]  # The armature object goes down to the floor, not its bones.
    location = geometry.root_location(raised, data.rest_joints(armature), axes, pelvis)
    root = JOINTS[0]
    curves = [keyframes.Curve(f'pose.bones["{root}"].location', axis, location[:, axis], root) for axis in range(3)]
    together = max(ROTATIONS_AT_ONCE // len(trans), 1)
    for first in range(0, len(JOINTS), together):
        joints = slice(first, min(first + together, len(JOINTS)))
        quaternions = geometry.bone_turns(local(joints), axes, joints)
        curves += [
            keyframes.Curve(f'pose.bones["{name}"].rotation_quaternion', part, quaternions[:, number, part], name)
            for number, name in enumerate(JOINTS[joints])
            for part in range(4)
        ]
        yield
    return curves


def is_edited(armature: bpy.types.Object) -> bool:
    """Whether a take's action is another than was written for it, or not as it was written."""
    written = take_of(armature).written
    return _action(armature) is not None and bool(written) and keyframes.fingerprint(armature) != written


def _action(armature: bpy.types.Object) -> bpy.types.Action | None:
    return armature.animation_data.action if armature.animation_data else None


def rest_of(armature: bpy.types.Object) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The axes (24, 3, 3) of the bones at rest, in columns, and the head (3,) of the first. Raises as `key` does."""
    bones = [bone.bone for bone in _bones(armature)]
    return np.array([bone.matrix_local.to_3x3() for bone in bones]), np.array(bones[0].head_local)


def _bones(armature: bpy.types.Object) -> list[bpy.types.PoseBone]:
    """The bones of a take in the order of JOINTS. Raises Failure(RIG_UNSUITABLE) if one is missing."""
    assert armature.pose
    bones = armature.pose.bones
    if missing := [name for name in JOINTS if name not in bones]:
        raise Failure(
            Code.RIG_UNSUITABLE,
            f"The take {armature.name} has no bone {missing[0]}.",
            "Give its bones the names they came with, or import the take again.",
        )
    return [bones[name] for name in JOINTS]


def place_camera(camera: bpy.types.Object, motion: Motion, start: float, fps: float) -> None:
    """Put a camera where the footage's was: once if that stood still, with a key for every frame if it moved."""
    location, quaternion = geometry.camera_channels(motion.camera_rotation, motion.camera_translation)
    camera.rotation_mode = "QUATERNION"
    camera.location = location[0].tolist()
    camera.rotation_quaternion = quaternion[0].tolist()
    if (np.ptp(location, axis=0) > 1e-6).any() or (np.ptp(quaternion, axis=0) > 1e-6).any():
        frames = geometry.scene_frames(motion.time_s, start, fps)
        curves = [keyframes.Curve("location", axis, location[:, axis]) for axis in range(3)]
        curves += [keyframes.Curve("rotation_quaternion", part, quaternion[:, part]) for part in range(4)]
        keyframes.write_action(camera, camera.name, curves, frames)
