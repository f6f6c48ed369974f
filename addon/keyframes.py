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
from .steps import Steps, at_once

# foreach_set takes an enum's number, not its name.
LINEAR, BEZIER = 1, 2
ALIGNED = 3

KEYS_AT_ONCE = 100_000
"""After about so many keys, a few hundredths of a second, it is Blender's turn."""

UNFINISHED = "reel_to_rig_unfinished"
"""Marks an action that is being made. An undo to between two steps brings it back when nobody works on it any more."""

_at_work: set[int] = set()
"""The actions that are being made now, by session_uid."""

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
    """An action as `made` makes it, assigned to target at once, as `assign` does."""
    action = at_once(made(target, name, curves, frames, tolerance))
    assign(target, action)
    return action


def made(
    target: bpy.types.Object | bpy.types.Material,
    name: str,
    curves: Sequence[Curve],
    frames: NDArray[np.floating],
    tolerance: Tolerance | None = None,
) -> Steps[bpy.types.Action]:
    """A new action with the curves, for target: keyed linearly at every frame or, with a tolerance, sparsely.

    frames (T,) are scene frames, increasing, whole or not. Sparse keys are Bézier ones, the same frames for all the
    channels of a path; at none of the frames is the curve farther off than the tolerance.
    Raises ValueError for arrays that do not fit, or hold values that are not finite: nothing is changed then.
    """
    frames = np.asarray(frames, np.float64)
    if frames.ndim != 1 or not len(frames) or not np.isfinite(frames).all() or (np.diff(frames) <= 0).any():
        raise ValueError("frames must be a row of increasing numbers")
    for curve in curves:
        if np.shape(curve.values) not in {(1,), frames.shape} or not np.isfinite(curve.values).all():
            raise ValueError(f"{curve.data_path}[{curve.index}] needs a finite value at each of {len(frames)} frames")

    action = bpy.data.actions.new(name)
    action[UNFINISHED] = True
    known = action.session_uid
    _at_work.add(known)
    try:
        if hasattr(action, "slots"):
            action.slots.new(target.id_type, target.name)
            action.layers.new("Layer").strips.new(type="KEYFRAME")
        written = 0
        for path, together in groupby(curves, key=lambda curve: curve.data_path):
            if written > KEYS_AT_ONCE:
                yield
                written = 0
            members = list(together)
            _fill(action, path, members, frames, tolerance.of(path) if tolerance else 0.0)
            written += sum(len(curve.values) for curve in members)
    except BaseException:
        give_up(known)
        raise
    return action


def give_up(made: int) -> None:
    """Take away an action that was made and is not to be assigned, by its session_uid: it may be gone after a step."""
    _at_work.discard(made)
    bpy.data.batch_remove([action for action in bpy.data.actions if action.session_uid == made])


def assign(target: bpy.types.Object | bpy.types.Material, action: bpy.types.Action) -> None:
    """Have target move by an action that was made for it; the one that it had is kept, with a fake user.

    An armature must have been evaluated once since it was made (Blender itself crashes on changing its action else).
    """
    animation = target.animation_data or target.animation_data_create()
    assert animation  # None only for data that cannot be animated, which objects can.
    if animation.use_tweak_mode:
        animation.use_tweak_mode = False  # Else its action is that of a strip in the NLA, and cannot be set.
    if animation.action:
        animation.action.use_fake_user = True
    animation.action = action
    if hasattr(action, "slots"):
        animation.action_slot = action.slots[0]
    del action[UNFINISHED]
    _at_work.discard(action.session_uid)
    left = [other for other in bpy.data.actions if UNFINISHED in other and not other.users]
    bpy.data.batch_remove([other for other in left if other.session_uid not in _at_work])


def _fill(
    action: bpy.types.Action, path: str, curves: Sequence[Curve], frames: NDArray[np.float64], limit: float
) -> None:
    """Write the curves of one path, sparsely if they may be off by a limit."""
    channels = _channels(action)
    sparse = _sparse(curves, frames, limit) if limit and len(curves[0].values) > 1 else None
    for number, curve in enumerate(curves):
        fcurve = channels.fcurves.new(path, index=curve.index)
        if curve.group:
            fcurve.group = channels.groups.get(curve.group) or channels.groups.new(curve.group)
        if sparse:
            keys, slopes = sparse
            _write_bezier(fcurve, frames[keys], np.asarray(curve.values, np.float64)[keys], slopes[:, number])
        else:
            _write_linear(fcurve, frames[: len(curve.values)], curve.values)
        fcurve.update()


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
    return at_once(fingerprinted(target))


def fingerprinted(target: bpy.types.ID) -> Steps[str]:
    """As `fingerprint`; of an action that was made and not assigned yet as well."""
    digest = hashlib.sha256()
    done = read = 0
    while True:
        for fcurve in _curves(target)[done:]:  # Anew after each step, which may have seen others take their place.
            _digest(digest, fcurve)
            done, read = done + 1, read + len(fcurve.keyframe_points)
            if read > KEYS_AT_ONCE:
                break
        else:
            return digest.hexdigest()
        yield
        read = 0


def _digest(digest: Any, fcurve: bpy.types.FCurve) -> None:
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


def _curves(target: bpy.types.ID) -> list[bpy.types.FCurve]:
    """The curves that move target, or those of an action that was made here."""
    if isinstance(target, bpy.types.Action):
        return list(_channels(target).fcurves)
    animation: Any = cast(Any, target).animation_data
    return _curves_in(animation.action, getattr(animation, "action_slot", None)) if animation else []


def _curves_in(action: Any, slot: Any) -> list[bpy.types.FCurve]:
    """The curves of an action, or none, in a slot of it."""
    if not action or not hasattr(action, "slots"):  # 4.2 and 4.3
        return list(action.fcurves) if action else []
    strips: list[Any] = [strip for layer in action.layers for strip in layer.strips]
    bags = [strip.channelbag(slot) for strip in strips if slot]
    return [fcurve for bag in bags if bag for fcurve in bag.fcurves]


def _channels(action: bpy.types.Action) -> Any:
    """What holds the curves in an action that was made here: has `.fcurves` and `.groups`."""
    if not hasattr(action, "slots"):  # 4.2 and 4.3: the action itself
        return action
    strip: Any = action.layers[0].strips[0]
    return strip.channelbag(action.slots[0], ensure=True)
