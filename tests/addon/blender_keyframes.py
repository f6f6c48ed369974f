# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes actions in Blender and has Blender evaluate them."""

from typing import Any

import bpy
import numpy as np

from tests.addon.inside import empty_scene, enable_checkout, part


def main() -> dict[str, Any]:
    enable_checkout()
    empty_scene()
    keyframes = part("addon.keyframes")
    bpy.ops.object.armature_add()
    item = bpy.context.object
    bone = item.pose.bones[0]
    bone["switch"] = 0.0
    item.animation_data_create().action = bpy.data.actions.new("by hand")

    frames = 3.5 + 0.8 * np.arange(1000)
    wave = np.sin(np.arange(1000) * 0.1)
    path = f'pose.bones["{bone.name}"]'
    curves = [keyframes.Curve(f"{path}.location", axis, (axis + 1) * wave, "hips") for axis in range(3)]
    curves += [keyframes.Curve(f'{path}["switch"]', 0, np.array([0.75]), "hips")]
    curves += [keyframes.Curve("location", 2, 5 + wave)]
    first = keyframes.write_action(item, "dance", curves, frames)
    off = 0.0
    for index in range(0, 999, 37):
        for share in (0.0, 0.5):
            frame = frames[index] + share * 0.8
            bpy.context.scene.frame_set(int(frame), subframe=frame % 1)
            value = (1 - share) * wave[index] + share * wave[index + 1]
            off = max(
                off, abs(bone.location.z - 3 * value), abs(item.location.z - 5 - value), abs(bone["switch"] - 0.75)
            )

    kept = keyframes.fingerprint(item)
    keyframes.write_action(item, "dance", curves, frames)
    same = keyframes.fingerprint(item) == kept
    third = keyframes.write_action(item, "dance", curves[:3], frames)
    differs = keyframes.fingerprint(item) != kept
    changed = edits(keyframes, item)
    names = {action.name: action.use_fake_user for action in bpy.data.actions}

    refused = {}
    for reason, wrong_frames, values in (
        ("length", frames, wave[:-1]),
        ("nan", frames, np.where(np.arange(1000) == 500, np.nan, wave)),
        ("order", frames[::-1], wave),
        ("twice", np.repeat(frames[:500], 2), wave),
        ("empty", frames[:0], wave[:0]),
    ):
        try:
            keyframes.write_action(item, "wrong", [keyframes.Curve("location", 0, values)], wrong_frames)
        except ValueError:
            refused[reason] = item.animation_data.action == third
    return {
        "off": off,
        "names": names,
        "same": same,
        "differs": differs,
        "active": item.animation_data.action.name,
        "slot": item.animation_data.action_slot.name_display if hasattr(third, "slots") else item.name,
        "groups": [group.name for group in groups_of(first)],
        "range": list(first.frame_range),
        "refused": refused,
        "changed": changed,
        "actions": len(bpy.data.actions),
        "steps": steps(keyframes, item),
    }


def steps(keyframes: Any, item: bpy.types.Object) -> Any:
    """The most keys that one step of a long action writes, and reads; and what is left of one that is given up."""
    keyframes.KEYS_AT_ONCE = 20_000
    curves = [keyframes.Curve(f'["{name}"]', 0, np.arange(8000.0)) for name in range(30)]
    before, counts = len(bpy.data.actions), [0]
    work = keyframes.made(item, "long", curves, np.arange(8000.0))
    while next(work, True) is None:
        counts.append(keys_in(keyframes, bpy.data.actions["long"]))
    long = bpy.data.actions["long"]
    counts.append(keys_in(keyframes, long))
    read = 1 + sum(1 for _ in keyframes.fingerprinted(long))
    left = keyframes.made(item, "left", curves, np.arange(8000.0))
    next(left)
    left.close()
    keyframes.assign(item, long)
    return [max(np.diff(counts)).item(), counts[-1], read, len(bpy.data.actions) - before]


def keys_in(keyframes: Any, action: bpy.types.Action) -> int:
    return sum(len(curve.keyframe_points) for curve in keyframes._curves(action))


def edits(keyframes: Any, item: bpy.types.Object) -> list[bool]:
    """Whether each of the edits that an animator may make shows in the fingerprint."""
    curve = keyframes._curves(item)[0]
    found, before = [], keyframes.fingerprint(item)

    def look() -> None:
        nonlocal before
        now = keyframes.fingerprint(item)
        found.append(now != before)
        before = now

    look()
    curve.keyframe_points[5].co.y += 0.1
    look()
    curve.keyframe_points[5].interpolation = "BEZIER"
    look()
    curve.keyframe_points[5].handle_right_type = "FREE"
    curve.keyframe_points[5].handle_right.y += 0.1
    look()
    curve.modifiers.new("NOISE")
    look()
    curve.mute = True
    look()
    return found


def groups_of(action: bpy.types.Action) -> Any:
    return action.layers[0].strips[0].channelbags[0].groups if hasattr(action, "slots") else action.groups
