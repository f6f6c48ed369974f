# SPDX-License-Identifier: GPL-3.0-or-later
"""Bakes motions onto an armature in Blender and measures how Blender's own evaluation follows them."""

from typing import Any

import bpy
import numpy as np

from tests.addon.inside import empty_scene, enable_checkout, part
from tests.addon.retarget.blender_rigs import (
    carried,
    disturb,
    person_armature,
    place,
    rigify_human,
    spine_errors,
    take_motion,
)

SHIFT = 0.25


def main(rig: str, motions: list[str], seed: int, arms_deg: float = 0.0, height: float = 1.0) -> dict[str, Any]:
    enable_checkout()
    empty_scene()
    rng = np.random.default_rng(seed)
    with np.load(motions[0], allow_pickle=False) as data:
        rest = data["rest"]
    armature = person_armature(rest, rng) if rig == "person" else rigify_human(arms_deg, height)
    for bone in armature.pose.bones:
        if rig == "person":
            bone.rotation_mode = str(rng.choice(["QUATERNION", "AXIS_ANGLE", "XYZ", "YXZ", "ZXY", "ZYX"]))
    if rig == "rigify":
        disturb(armature, rng)
    place(armature, rng)
    results: list[dict[str, Any]] = []
    for file in motions:
        with np.load(file, allow_pickle=False) as data:
            frames = 1 + SHIFT + np.arange(len(data["local"]))
        results.append(measure(armature, take_motion(part("addon.take.data"), file, frames)))
    return {"motions": results, "actions": sorted([a.name, a.use_fake_user] for a in bpy.data.actions)}


def measure(armature: bpy.types.Object, motion: Any) -> dict[str, Any]:
    baked = part("addon.retarget.bake").bake(motion, armature, "take")
    recognised = part("addon.retarget.bake").recognise(armature)
    target = part("addon.retarget.target").describe(armature, recognised.bone_map)
    moved = carried(armature, baked.bones, motion.frames)
    errors = part("addon.retarget.quality").direction_errors(target, moved, motion.local, motion.rest)
    hips = [target.at[joint] for joint in (1, 2)]
    heads = np.array([target.world @ [*target.bones[hip].head, 1] for hip in hips])
    middle = np.einsum("tkij,kj->tki", moved[:, hips], heads)[..., :3].mean(1)
    sources = part("model.motion.motion").forward_kinematics(motion.local, motion.rest)[1] + motion.trans[:, None]
    return {
        "spine": spine_errors(armature, motion.frames) if baked.family == "Rigify" else {},
        "family": baked.family,
        "missing": baked.missing,
        "bones": len(baked.bones),
        "scale": baked.scale,
        "worst": {name: float(error.max()) for name, error in errors.items()},
        "mean": {name: float(error.mean()) for name, error in errors.items()},
        "travel": float(np.linalg.norm(np.diff(middle, axis=0), axis=-1).sum()),
        "source_travel": float(np.linalg.norm(np.diff(sources[:, [1, 2]].mean(1), axis=0), axis=-1).sum()),
        "hips_off": float(np.linalg.norm((middle - baked.scale * sources[:, [1, 2]].mean(1))[:, :2], axis=-1).max()),
    }
