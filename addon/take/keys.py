# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a take's motion onto its armature and camera."""

from typing import Any

import bpy
import numpy as np

from ...model.motion.motion import Motion
from ...model.motion.skeleton import JOINTS
from .. import keyframes
from ..steps import Steps, at_once
from . import data, geometry
from .props import take_of

SETTLED_S = 0.3
"""How long a setting must be left alone before the keys follow it: a slider that is dragged changes at every event."""

_waiting: set[str] = set()
"""The takes whose keys are to follow, by name: what else is known of them may not outlive an undo."""


def follow(armature: bpy.types.Object) -> None:
    """Key a take by its settings: at once in background mode, otherwise as soon as they are left alone."""
    if not take_of(armature).written:
        return  # It is being made.
    if bpy.app.background:
        key_armature(armature, take_of(armature).smoothing)
        return
    _waiting.add(armature.name)
    if bpy.app.timers.is_registered(catch_up):
        bpy.app.timers.unregister(catch_up)
    bpy.app.timers.register(catch_up, first_interval=SETTLED_S)


def catch_up() -> None:
    """Key the takes whose settings have changed; harmless when it comes late, to a file that was closed meanwhile."""
    objects: Any = bpy.data.objects
    found = [objects.get((name, None)) for name in _waiting]  # None: those of this file, not linked ones
    _waiting.clear()
    behind = [item for item in found if item and take_of(item).is_take and not is_current(item)]
    for armature in behind:
        key_armature(armature, take_of(armature).smoothing)
    manager = bpy.context.window_manager
    if behind and manager:
        # The step that the slider made still has the old keys: undoing whatever comes next must not lead there.
        with bpy.context.temp_override(window=manager.windows[0]):
            bpy.ops.ed.undo_push(message="Smoothing")


def stop_following() -> None:
    """Leave the keys as they are."""
    _waiting.clear()
    if bpy.app.timers.is_registered(catch_up):
        bpy.app.timers.unregister(catch_up)


def is_current(armature: bpy.types.Object) -> bool:
    """Whether the keys of a take were written with the settings that it has."""
    take = take_of(armature)
    applied = (take.applied, tuple(take.applied_regions), take.applied_hold)
    return applied == (take.smoothing, tuple(take.regions), take.hold_feet)


def key_armature(armature: bpy.types.Object, strength: float) -> None:
    """Key a take's armature at once."""
    at_once(key(armature, strength))


def key(armature: bpy.types.Object, strength: float) -> Steps[None]:
    """Key a take's armature from its raw motion under a smoothing strength of 0 to 1 and the take's factors by region.

    The keys it had are replaced; if they were edited by hand, or are kept by a fake user or as an asset, they stay
    behind as an action of their own.
    """
    take = take_of(armature)
    take.applied, take.applied_regions, take.applied_hold = strength, tuple(take.regions), take.hold_feet
    motion = data.read(armature)
    yield
    bones = _armature_data(armature).bones
    location, quaternions = geometry.pose_channels(
        motion.local,
        motion.trans + [0, 0, take.floor_m],  # The armature object goes down to the floor, not its bones.
        motion.rest,
        axes=np.array([bones[name].matrix_local.to_3x3() for name in JOINTS]),
        pelvis=np.array(bones[JOINTS[0]].head_local),
    )
    curves = [
        keyframes.Curve(f'pose.bones["{JOINTS[0]}"].location', axis, location[:, axis], JOINTS[0]) for axis in range(3)
    ]
    curves += [
        keyframes.Curve(f'pose.bones["{name}"].rotation_quaternion', part, quaternions[:, joint, part], name)
        for joint, name in enumerate(JOINTS)
        for part in range(4)
    ]
    yield
    previous = armature.animation_data.action if armature.animation_data else None
    kept = previous is not None and (previous.use_fake_user or bool(previous.asset_data))
    edited = previous is not None and bool(take.written) and keyframes.fingerprint(previous) != take.written
    take.written = ""  # An undo may lead back to right after this step.
    action = keyframes.write_action(armature, armature.name, curves, motion.frames)
    if previous and not kept and not edited and previous.users == int(previous.use_fake_user):
        bpy.data.actions.remove(previous)
        action.name = armature.name
    yield
    take.written = keyframes.fingerprint(action)


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


def _armature_data(armature: bpy.types.Object) -> bpy.types.Armature:
    assert isinstance(armature.data, bpy.types.Armature)
    return armature.data
