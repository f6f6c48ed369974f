# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a take after it was built: smoothing, edits by hand, saving, a second take, another mode."""

from typing import Any

import bpy
import numpy as np

from model.motion.motion import Motion, forward_kinematics
from model.motion.skeleton import JOINTS
from tests.addon.inside import empty_scene, enable_checkout, part
from tests.addon.take.blender_files import drawn


def main(motion_file: str, body_file: str, blend_file: str) -> dict[str, Any]:
    enable_checkout()
    empty_scene()
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.object.mode_set(mode="EDIT")  # an import must cope with whatever mode Blender is in
    motion, body = Motion.load(motion_file), part("addon.take.data").Body.load(body_file)
    build = part("addon.take.build").build
    armature = build(bpy.context, motion, body, "clip", 0.5)
    found: dict[str, Any] = {"half": jitter(armature), "half_read": difference_to_read(armature)}

    smooth(armature, 0.0)
    found |= {"none": jitter(armature), "none_read": difference_to_read(armature), "actions": action_names()}
    raw = rotations(armature)
    smooth(armature, 1.0)
    found |= {"full": jitter(armature)}
    smooth(armature, 0.0)
    found |= {"back": float(np.abs(rotations(armature) - raw).max())}

    # Arms as they were captured, all else smooth.
    take = part("addon.take.props").take_of(armature)
    take.regions[3] = 0.0
    smooth(armature, 1.0)
    moved = np.abs(rotations(armature) - raw).max((0, 2))
    found |= {"arms_moved": float(moved[[13, 16, 18]].max()), "legs_moved": float(moved[[1, 4]].max())}
    found |= {"regions_read": difference_to_read(armature)}
    take.regions[3] = 1.0
    smooth(armature, 0.0)

    # The animator turns a key by hand and then smooths: the edited keys stay in the file.
    armature.pose.bones["head"].rotation_quaternion = (0, 1, 0, 0)
    armature.pose.bones["head"].keyframe_insert("rotation_quaternion", frame=5)
    smooth(armature, 0.5)
    found |= {"after_edit": action_names(), "told": [told_of_edits(armature)]}
    edits, keyed = part("addon.take.props").take_of(armature).edits, armature.animation_data.action
    edits.name = "by hand"
    found["told"].append(told_of_edits(armature))
    armature.animation_data.action = edits
    found["told"].append(told_of_edits(armature))
    armature.animation_data.action = keyed

    second = build(bpy.context, motion, body, "clip", 0.2)
    smooth(second, 0.3)
    bpy.ops.wm.save_as_mainfile(filepath=blend_file)
    bpy.ops.wm.open_mainfile(filepath=blend_file)
    armature, second = bpy.data.objects["clip"], bpy.data.objects["clip.001"]
    take = part("addon.take.props").take_of(armature)
    found |= {
        "reopened": jitter(armature),
        "reopened_read": difference_to_read(armature),
        "second_read": difference_to_read(second),
        "raw_kept": bool((part("addon.take.data").raw(armature).poses == motion.poses).all()),
        "parts": [take.body.name, take.camera.name],
        "second_frames": part("addon.take.data").read(second).frames[:3].tolist(),
    }
    smooth(armature, 0.0)
    found["reopened_raw"] = float(np.abs(rotations(armature) - raw).max())
    return found


def smooth(armature: Any, strength: float) -> None:
    bpy.context.view_layer.objects.active = armature
    part("addon.take.props").take_of(armature).smoothing = strength
    assert bpy.ops.reel_to_rig.smooth() == {"FINISHED"}


def told_of_edits(armature: Any) -> list[str]:
    return [line for line in drawn(armature) if "edits" in line]


def action_names() -> list[str]:
    return sorted(action.name for action in bpy.data.actions)


def rotations(armature: Any) -> np.ndarray:
    """The pose channels (T, 24, 4) as Blender evaluates them at the frames of the take."""
    frames = part("addon.take.data").read(armature).frames
    values = np.empty((len(frames), 24, 4))
    for row, frame in zip(values, frames, strict=True):
        bpy.context.scene.frame_set(int(frame), subframe=frame - int(frame))
        row[:] = [armature.pose.bones[name].rotation_quaternion for name in JOINTS]
    return values


def jitter(armature: Any) -> float:
    """Mean second difference of the channels: what smoothing is to lower."""
    return float(np.abs(np.diff(rotations(armature), 2, axis=0)).mean())


def difference_to_read(armature: Any) -> float:
    """Millimetres between the bones as Blender poses them and the motion that data.read() gives."""
    motion = part("addon.take.data").read(armature)
    joints = forward_kinematics(motion.local, motion.rest)[1] + motion.trans[:, None]
    worst = 0.0
    for frame, expected in zip(motion.frames, joints, strict=True):
        bpy.context.scene.frame_set(int(frame), subframe=frame - int(frame))
        heads = np.array([armature.matrix_world @ armature.pose.bones[name].head for name in JOINTS])
        worst = max(worst, float(np.abs(heads - expected).max()) * 1000)
    return worst
