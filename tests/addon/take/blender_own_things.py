# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs to the animator beside a take: materials, clips, markers, what was deleted by hand, edited keys."""

import shutil
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from model.motion.motion import Motion, forward_kinematics
from model.motion.skeleton import JOINTS
from tests.addon.inside import empty_scene, enable_checkout, part


def main(motion_file: str, body_file: str, footage: str) -> dict[str, Any]:
    enable_checkout()
    empty_scene()
    ahead = opened_ahead(Path(footage))
    clip = bpy.data.movieclips.load(footage)
    clip.frame_start = 101
    motion, body = Motion.load(motion_file), part("addon.take.data").Body.load(body_file)
    build = part("addon.take.build").build
    armature = build(bpy.context, motion, body, "clip", 0.5)
    second = build(bpy.context, motion, body, "clip", 0.5)
    shown = part("addon.take.footage").clip_of
    found: dict[str, Any] = {
        "clips": [clip.frame_start, shown(armature).frame_start, shown(second) == shown(armature)],
        "opened ahead": ahead,
        "materials": own_material(armature),
    }
    found["edited"] = edited(second)
    found["kept"] = kept_actions(second)
    found["odd"] = odd(build(bpy.context, motion, body, "odd", 0.5), Path(body_file))
    bpy.data.objects.remove(bpy.data.objects["odd"])
    found["without the add-on"] = exported(armature)
    found["deleted"] = deleted(armature)
    return found


def opened_ahead(footage: Path) -> Any:
    """Footage that was chosen: what is open after each step, and from which frame on a take shows it."""
    clips, module = bpy.data.movieclips, part("addon.take.footage")
    other, own = (Path(shutil.copy(footage, footage.with_name(name))) for name in ("other.mp4", "own.mp4"))
    clips.load(str(own))
    steps: list[Any] = []
    for chosen in (footage, footage, other, own, footage.with_name("none.mp4"), footage):
        module.open_ahead(chosen)
        steps.append([clip.name for clip in clips])
    camera = bpy.data.cameras.new("camera")
    module.show(camera, str(footage), {"width": 1, "height": 1}, 101)
    for path in (footage, own):
        module.close_ahead(path)
    steps.append([(clip.name, clip.frame_start) for clip in clips])
    bpy.data.batch_remove([camera, *clips])
    return steps


def take_of(armature: Any) -> Any:
    return part("addon.take.props").take_of(armature)


def own_material(armature: Any) -> Any:
    """Of the animator's own in slot 0, and of ours behind it."""
    take = take_of(armature)
    ours, own = take.body.data.materials[0], bpy.data.materials.new("own")
    take.body.data.materials.clear()
    take.body.data.materials.append(own)
    own.diffuse_color = (1, 0, 0, 1)
    own.keyframe_insert("roughness", frame=1)
    take.opacity = 0.25
    take.by_confidence = True
    found = [list(own.diffuse_color), own.animation_data is not None]
    take.body.data.materials.append(ours)
    take.opacity = 0.5
    take.by_confidence = False
    return [*found, list(own.diffuse_color), own.animation_data is not None, ours.diffuse_color[3]]


def edited(armature: Any) -> Any:
    """How far what is keyed lies from where Blender poses the bones, metres, before and after edits; baked as well."""
    keys, seen, read = part("addon.take.keys"), part("addon.take.seen"), part("addon.take.data").read
    take_of(armature).floor_m = 0.25
    found = [keys.is_edited(armature), off(armature, seen.motion(armature))]
    pose = armature.pose.bones
    pose["head"].rotation_mode, pose["left_elbow"].rotation_mode = "ZXY", "AXIS_ANGLE"
    pose["head"].rotation_euler = (0.3, 0.2, 0.1)  # without keys
    for frame, angle in ((1, 0.3), (20, 1.2)):
        pose["left_elbow"].rotation_axis_angle = (angle, 1, 2, 3)
        pose["left_elbow"].keyframe_insert("rotation_axis_angle", frame=frame)
    pose["right_hip"].rotation_quaternion = (1, 1, 0, 0)
    pose["right_hip"].keyframe_insert("rotation_quaternion", frame=10)
    pose["pelvis"].location = (0.5, 1, 2)
    pose["pelvis"].keyframe_insert("location", frame=12)
    found += [keys.is_edited(armature), off(armature, seen.motion(armature)), off(armature, read(armature))]

    target = armature.copy()
    target.data = armature.data.copy()
    target.animation_data_clear()
    bpy.context.collection.objects.link(target)
    bpy.context.view_layer.update()
    retarget = bpy.context.scene.reel_to_rig_retarget
    retarget.source, retarget.target, retarget.feet = armature, target, "NEVER"
    assert bpy.ops.reel_to_rig.bake() == {"FINISHED"}
    found.append(off(target, seen.motion(armature)))
    bpy.data.objects.remove(target)
    return found


def off(armature: Any, motion: Any) -> float:
    joints = forward_kinematics(motion.local, motion.rest)[1] + motion.trans[:, None]
    worst = 0.0
    for frame, expected in zip(motion.frames, joints, strict=True):
        bpy.context.scene.frame_set(int(frame), subframe=frame - int(frame))
        heads = np.array([armature.matrix_world @ armature.pose.bones[name].head for name in JOINTS])
        worst = max(worst, float(np.abs(heads - expected).max()))
    return worst


def kept_actions(armature: Any) -> Any:
    """Keys nobody edited, but kept as an asset and by a fake user; and keys that are tweaked in the NLA."""
    take, known = take_of(armature), {*bpy.data.actions}

    def action() -> Any:
        return armature.animation_data.action

    action().name = "marked"
    action().asset_mark()
    take.smoothing = 0.6
    action().name = "shared"
    action().use_fake_user = True
    take.smoothing = 0.7
    found = [sorted(item.name for item in bpy.data.actions if item.name in {"marked", "shared"})]

    track = armature.animation_data.nla_tracks.new()
    track.strips.new("strip", 1, action())
    armature.animation_data.action = None
    armature.animation_data.use_tweak_mode = True
    take.smoothing = 0.8
    found += [armature.animation_data.use_tweak_mode, take.applied == take.smoothing]
    return [*found, sorted(item.name for item in bpy.data.actions if not item.users and item not in known)]


def odd(armature: Any, body_file: Path) -> Any:
    """What is done to a take that it was not made for."""
    keys, take, bones = part("addon.take.keys"), take_of(armature), armature.pose.bones
    bpy.context.view_layer.objects.active = armature
    for bone in bones:
        bone.rotation_mode = "XYZ"
    take.smoothing = 0.25
    turns = []
    for frame in (1, 25):
        bpy.context.scene.frame_set(frame)
        turns.append(bones["left_shoulder"].matrix.to_quaternion())
    found: dict[str, Any] = {"turned": turns[0].rotation_difference(turns[1]).angle}
    if hasattr(armature.animation_data.action, "slots"):
        other = bpy.data.objects.new("other", armature.data)
        bpy.context.collection.objects.link(other)
        action = armature.animation_data.action
        other.animation_data_create().action = action
        other.animation_data.action_slot = action.slots.new("OBJECT", "other")
        other.keyframe_insert("location", frame=3)
    found["shared"] = keys.is_edited(armature)
    bones["left_hip"].name = "thigh"
    take.smoothing = 0.75
    try:
        found["without a bone"] = str(bpy.ops.reel_to_rig.smooth())
    except RuntimeError as error:
        found["without a bone"] = str(error)
    found["behind"] = not part("addon.take.props").is_current(armature)
    found["bodies"] = []
    for harm in ("cut", "array"):
        harmed = body_file.with_name(f"{harm}.body.npz")
        harmed.write_bytes(body_file.read_bytes()[:-40])
        if harm == "array":
            with harmed.open("wb") as file:
                np.save(file, np.zeros(3))
        try:
            part("addon.take.data").Body.load(harmed)
        except Exception as error:
            found["bodies"].append(str(getattr(error, "code", error)))
    return found


def exported(armature: Any) -> Any:
    """To BVH, while the add-on that Blender has for it is disabled."""
    assert part("addon.text").file_name("Übung 3/4: a.b.") == "Übung 3 4  a.b"
    bpy.context.view_layer.objects.active = armature
    bpy.ops.preferences.addon_disable(module="io_anim_bvh")
    try:
        return str(bpy.ops.reel_to_rig.export(filepath="/nowhere/take.bvh", format="BVH"))
    except RuntimeError as error:
        return str(error)
    finally:
        bpy.ops.preferences.addon_enable(module="io_anim_bvh")


def deleted(armature: Any) -> Any:
    """As X does it: the objects stay in the file, since the take points to them."""
    take, layer = take_of(armature), bpy.context.view_layer
    layer.update()
    for item in layer.objects:
        item.select_set(item in {take.body, take.camera})
    bpy.ops.object.delete()
    take.opacity = take.floor_m = 0.75
    footage = part("addon.take.footage")
    found = [take.body is not None, take.camera is not None]
    found += [take.camera.delta_location.z, footage.clip_of(armature) is None, footage.missing(armature)]
    target = armature.copy()
    bpy.context.collection.objects.link(target)
    retarget = bpy.context.scene.reel_to_rig_retarget
    retarget.source, retarget.target = armature, target
    layer.update()
    for item in layer.objects:
        item.select_set(item in {armature, target})
    bpy.ops.object.delete()
    props = part("addon.retarget.props")
    layer.objects.active = next(item for item in layer.objects if item.type == "ARMATURE")
    found += [retarget.source.name, props.source_take(bpy.context)]
    obstacle = part("addon.retarget.obstacles").obstacle_to_bake
    found.append(obstacle(bpy.context))
    retarget.source = None
    return [*found, obstacle(bpy.context)]
