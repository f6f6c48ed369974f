# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes arrays into actions. The only file that knows how actions differ between Blender versions."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import bpy
import numpy as np
from numpy.typing import NDArray

LINEAR = 1  # BEZT_IPO_LIN: foreach_set takes an enum's number, not its name.


@dataclass(frozen=True)
class Curve:
    """One animated number: where it lives (`pose.bones["hips"].location`, 2), its values, its channel group.

    values (T,) has one for each frame, or (1,) one for all: that is keyed once, at the first frame.
    """

    data_path: str
    index: int
    values: NDArray[np.floating]
    group: str = ""


def write_action(
    target: bpy.types.Object, name: str, curves: Sequence[Curve], frames: NDArray[np.floating]
) -> bpy.types.Action:
    """A new action with the curves, keyed linearly and assigned to target.

    frames (T,) are scene frames, increasing, whole or not. The action that target had is kept, with a fake user.
    An armature must have been evaluated once since it was made (Blender itself crashes on changing its action else).
    Raises ValueError for arrays that do not fit, or hold values that are not finite: nothing is changed then.
    """
    frames = np.asarray(frames, np.float64)
    if frames.ndim != 1 or not len(frames) or not np.isfinite(frames).all() or (np.diff(frames) <= 0).any():
        raise ValueError("frames must be a row of increasing numbers")
    for curve in curves:
        if np.shape(curve.values) not in {(1,), frames.shape} or not np.isfinite(curve.values).all():
            raise ValueError(f"{curve.data_path}[{curve.index}] needs a finite value at each of {len(frames)} frames")

    animation = target.animation_data or target.animation_data_create()
    assert animation  # None only for data that cannot be animated, which objects can.
    if animation.action:
        animation.action.use_fake_user = True
    action = bpy.data.actions.new(name)
    animation.action = action
    channels = _channels(action, target, animation)

    groups: dict[str, bpy.types.ActionGroup] = {}
    points = np.empty((len(frames), 2), np.float32)
    points[:, 0] = frames
    linear = np.full(len(frames), LINEAR, np.int32)
    for curve in curves:
        count = len(curve.values)
        points[:count, 1] = curve.values
        fcurve = channels.fcurves.new(curve.data_path, index=curve.index)
        if curve.group:
            if curve.group not in groups:
                groups[curve.group] = channels.groups.new(curve.group)
            fcurve.group = groups[curve.group]
        fcurve.keyframe_points.add(count)
        fcurve.keyframe_points.foreach_set("co", points[:count].ravel())
        fcurve.keyframe_points.foreach_set("interpolation", linear[:count])
        fcurve.update()
    return action


def fingerprint(action: bpy.types.Action) -> str:
    """A text that becomes another one when a key of the action is moved, added or removed."""
    digest = hashlib.sha256()
    for fcurve in _curves(action):
        points = np.empty((len(fcurve.keyframe_points), 2), np.float32)
        fcurve.keyframe_points.foreach_get("co", points.reshape(-1))
        digest.update(f"{fcurve.data_path}[{fcurve.array_index}]".encode())
        digest.update(points.tobytes())
    return digest.hexdigest()


def _curves(action: bpy.types.Action) -> list[bpy.types.FCurve]:
    if not hasattr(action, "slots"):  # 4.2 and 4.3
        return list(cast(Any, action).fcurves)
    strips: list[Any] = [strip for layer in action.layers for strip in layer.strips]
    return [fcurve for strip in strips for bag in strip.channelbags for fcurve in bag.fcurves]


def _channels(action: bpy.types.Action, target: bpy.types.Object, animation: bpy.types.AnimData) -> Any:
    """What holds the curves of target in a new action: has `.fcurves` and `.groups`."""
    if not hasattr(action, "slots"):  # 4.2 and 4.3: the action itself
        return action
    slot = action.slots.new(target.id_type, target.name)
    animation.action_slot = slot
    strip: Any = action.layers.new("Layer").strips.new(type="KEYFRAME")
    return strip.channelbag(slot, ensure=True)
