# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes arrays into actions. The only file that knows how actions differ between Blender versions."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, cast

import bpy
import numpy as np
from numpy.typing import NDArray

from .sparse_keys import handles, kept

# foreach_set takes an enum's number, not its name.
LINEAR, BEZIER = 1, 2
ALIGNED = 3

LEVERS = {"rotation_quaternion": 2.0, "rotation_euler": 3**0.5, "rotation_axis_angle": 5**0.5}
"""How far a rotation may turn, at most, for a change of its channels by 1 (Euclidean norm)."""


@dataclass(frozen=True)
class Tolerance:
    """How far a bone may be off its motion where keys are left out: radians for rotations, own units for all else."""

    rotation_rad: float
    other: float

    def of(self, data_path: str) -> float:
        """How far the channels of a path may be off, by their Euclidean norm."""
        lever = LEVERS.get(data_path.rpartition(".")[2])
        return self.rotation_rad / lever if lever else self.other


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
    target: bpy.types.Object | bpy.types.Material,
    name: str,
    curves: Sequence[Curve],
    frames: NDArray[np.floating],
    tolerance: Tolerance | None = None,
) -> bpy.types.Action:
    """A new action with the curves, assigned to target: keyed linearly at every frame or, with a tolerance, sparsely.

    frames (T,) are scene frames, increasing, whole or not. Sparse keys are Bézier ones, the same frames for all the
    channels of a path; at none of the frames is the curve farther off than the tolerance.
    The action that target had is kept, with a fake user.
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
    if animation.use_tweak_mode:
        animation.use_tweak_mode = False  # Else its action is that of a strip in the NLA, and cannot be set.
    if animation.action:
        animation.action.use_fake_user = True
    action = bpy.data.actions.new(name)
    animation.action = action
    channels = _channels(action, target, animation)

    groups: dict[str, bpy.types.ActionGroup] = {}
    for path, together in groupby(curves, key=lambda curve: curve.data_path):
        members = list(together)
        limit = tolerance.of(path) if tolerance else 0.0
        sparse = _sparse(members, frames, limit) if limit and len(members[0].values) > 1 else None
        for number, curve in enumerate(members):
            fcurve = channels.fcurves.new(path, index=curve.index)
            if curve.group:
                if curve.group not in groups:
                    groups[curve.group] = channels.groups.new(curve.group)
                fcurve.group = groups[curve.group]
            if sparse:
                keys, slopes = sparse
                _write_bezier(fcurve, frames[keys], np.asarray(curve.values, np.float64)[keys], slopes[:, number])
            else:
                _write_linear(fcurve, frames[: len(curve.values)], curve.values)
            fcurve.update()
    return action


def _sparse(
    curves: Sequence[Curve], frames: NDArray[np.float64], limit: float
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The frames (K,) at which curves of one path get keys, and their slopes (K, n) there."""
    return kept(frames, np.stack([curve.values for curve in curves], -1), limit)


def _write_linear(fcurve: bpy.types.FCurve, frames: NDArray[np.floating], values: NDArray[np.floating]) -> None:
    points = fcurve.keyframe_points
    points.add(len(frames))
    points.foreach_set("co", np.stack([frames, values], -1).astype(np.float32).ravel())
    points.foreach_set("interpolation", np.full(len(frames), LINEAR, np.int32))


def _write_bezier(
    fcurve: bpy.types.FCurve, frames: NDArray[np.float64], values: NDArray[np.float64], slopes: NDArray[np.float64]
) -> None:
    points = fcurve.keyframe_points
    points.add(len(frames))
    left, right = handles(frames, values, slopes)
    for name, rows in (("co", np.stack([frames, values], -1)), ("handle_left", left), ("handle_right", right)):
        points.foreach_set(name, rows.astype(np.float32).ravel())
    for name, kind in (("interpolation", BEZIER), ("handle_left_type", ALIGNED), ("handle_right_type", ALIGNED)):
        points.foreach_set(name, np.full(len(frames), kind, np.int32))


def keyed_frames(target: bpy.types.Object) -> NDArray[np.float64]:
    """The scene frames (N,), in no order, of all the keys that move target, and at which strips in the NLA end.

    Of a strip that repeats, the keys of the first time.
    """
    frames = [_frames_of(fcurve) for fcurve in _curves(target)] if not _is_tweaked(target) else []
    for strip in strips(target):
        frames.append(np.array([strip.frame_start, strip.frame_end]))
        for fcurve in _curves_in(strip.action, getattr(strip, "action_slot", None)):
            first, last, keys = strip.action_frame_start, strip.action_frame_end, _frames_of(fcurve)
            keys = keys[(keys >= first) & (keys <= last)]
            frames.append(strip.frame_start + strip.scale * (last - keys if strip.use_reverse else keys - first))
    return np.concatenate(frames).astype(np.float64) if frames else np.zeros(0)


def goes_on(target: bpy.types.Object) -> bool:
    """Whether target moves on before or after its keys: curves that repeat, tremble or run straight on."""
    return any(
        fcurve.extrapolation == "LINEAR" or any(not modifier.mute for modifier in fcurve.modifiers)
        for fcurve in _curves(target)
    )


def is_carried(target: bpy.types.Object) -> bool:
    """Whether target's action moves the object itself, and not only bones of it."""
    return any(not fcurve.data_path.startswith("pose.") for fcurve in _curves(target))


def strips(target: bpy.types.Object) -> list[bpy.types.NlaStrip]:
    """The strips in the NLA that move target."""
    animation = target.animation_data
    tracks = [track for track in animation.nla_tracks if not track.mute] if animation and animation.use_nla else []
    alone = [track for track in tracks if track.is_solo]
    return [strip for track in alone or tracks for strip in track.strips if not strip.mute]


def _is_tweaked(target: bpy.types.Object) -> bool:
    """Whether target's action is one of a strip's, whose keys are at other frames than the scene's."""
    return bool(target.animation_data and target.animation_data.use_tweak_mode)


def _frames_of(fcurve: bpy.types.FCurve) -> NDArray[np.float32]:
    values = np.empty(2 * len(fcurve.keyframe_points), np.float32)
    fcurve.keyframe_points.foreach_get("co", values)
    return values[::2]


def fingerprint(target: bpy.types.ID) -> str:
    """A text that becomes another one when the action of target is edited: its keys, or the curves between them.

    Of an action that several share, what moves the others does not count.
    """
    digest = hashlib.sha256()
    for fcurve in _curves(target):
        points, modifiers = fcurve.keyframe_points, [modifier.type for modifier in fcurve.modifiers]
        about = (fcurve.data_path, fcurve.array_index, fcurve.mute, fcurve.extrapolation, modifiers)
        digest.update(repr(about).encode())
        interpolation = np.empty(len(points), np.int32)
        points.foreach_get("interpolation", interpolation)
        digest.update(interpolation.tobytes())
        curved = ("handle_left", "handle_right") if (interpolation == BEZIER).any() else ()
        for name in ("co", *curved):
            values = np.empty(2 * len(points), np.float32)
            points.foreach_get(name, values)
            digest.update(values.tobytes())
    return digest.hexdigest()


def _curves(target: bpy.types.ID) -> list[bpy.types.FCurve]:
    """The curves that move target."""
    animation: Any = cast(Any, target).animation_data
    return _curves_in(animation.action, getattr(animation, "action_slot", None)) if animation else []


def _curves_in(action: Any, slot: Any) -> list[bpy.types.FCurve]:
    """The curves of an action, or none, in a slot of it."""
    if not action or not hasattr(action, "slots"):  # 4.2 and 4.3
        return list(action.fcurves) if action else []
    strips: list[Any] = [strip for layer in action.layers for strip in layer.strips]
    bags = [strip.channelbag(slot) for strip in strips if slot]
    return [fcurve for bag in bags if bag for fcurve in bag.fcurves]


def _channels(action: bpy.types.Action, target: bpy.types.ID, animation: bpy.types.AnimData) -> Any:
    """What holds the curves of target in a new action: has `.fcurves` and `.groups`."""
    if not hasattr(action, "slots"):  # 4.2 and 4.3: the action itself
        return action
    slot = action.slots.new(target.id_type, target.name)
    animation.action_slot = slot
    strip: Any = action.layers.new("Layer").strips.new(type="KEYFRAME")
    return strip.channelbag(slot, ensure=True)
