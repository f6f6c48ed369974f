# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a rig of every family in Blender, sends some through files, bakes onto each and measures Blender's own pose."""

from pathlib import Path
from typing import Any

import bpy
import numpy as np

from model.motion.motion import forward_kinematics
from model.motion.rotations import angle_between
from model.motion.skeleton import JOINTS
from tests.addon.inside import empty_scene, enable_checkout, part
from tests.addon.retarget.corpus.rigs import Rig, make
from tests.addon.retarget.corpus.skeletons import LINES
from tests.addon.retarget.figures import Array, exercise, rest

LIMBS = (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
CENTIMETRES = {"mixamo", "unreal", "unreal_5", "reallusion", "biped", "daz_8", "daz_9"}
FILES = {
    "mixamo": "fbx",
    "unreal": "fbx",
    "reallusion": "fbx",
    "vroid": "glb",
    "vrm": "glb",
    "cmu": "bvh",
    "bvh": "bvh",
}


def main(folder: str, frames: int) -> dict[str, Any]:
    enable_checkout()
    rng = np.random.default_rng(11)
    local, trans = exercise(frames, rng)
    motion = motion_of(local, trans)
    results: dict[str, Any] = {}
    for name in LINES:
        rig = make(name, float(rng.uniform(0, 60)), rng)
        empty_scene()
        armature = armature_of(rig, rng)
        file = FILES.get(name)
        if file:
            through_file(armature, rig, Path(folder) / f"{name}.{file}")
            results[f"{name} from {file}"] = measure(bpy.context.object, rig, motion)
            empty_scene()
            armature = armature_of(rig, rng)
        results[name] = measure(armature, rig, motion)
    return results


def motion_of(local: Array, trans: Array) -> Any:
    """What the add-on reads from a take, with no contacts."""
    frames = np.arange(1.0, len(local) + 1)
    contacts = np.zeros((len(local), 4), np.float32)
    return part("addon.take.data").TakeMotion(frames, local, trans, rest(), contacts, frames / 30)


def armature_of(rig: Rig, rng: np.random.Generator) -> bpy.types.Object:
    """Bones with any roll, that point along their limb or anywhere else, in the family's units, standing anywhere."""
    size = 100.0 if rig.name in CENTIMETRES else 1.0
    odd = rng.random() < 0.5
    bpy.ops.object.armature_add()
    armature = bpy.context.object
    armature.name = rig.name
    bpy.ops.object.mode_set(mode="EDIT")
    bones = armature.data.edit_bones
    bones.remove(bones[0])
    for name, above in rig.parents.items():
        bone = bones.new(name)
        bone.head = size * rig.heads[name]
        below = [rig.heads[child] for child, parent in rig.parents.items() if parent == name]
        ahead = below[0] - rig.heads[name] if below else np.zeros(3)
        if odd or np.linalg.norm(ahead) < 0.01:
            ahead = rng.normal(0, 0.05, 3)
        bone.tail = size * (rig.heads[name] + ahead)
        bone.roll = rng.uniform(-np.pi, np.pi)
        bone.parent = bones[above] if above else None
    bpy.ops.object.mode_set(mode="OBJECT")
    armature.scale = [1 / size * rng.uniform(0.7, 1.5)] * 3
    armature.rotation_euler = (0, 0, rng.uniform(-3, 3))
    armature.location = rng.uniform(-2, 2, 3)
    for number, bone in enumerate(armature.pose.bones):
        bone.rotation_mode = ("QUATERNION", "QUATERNION", "XYZ", "ZYX")[number % 4]
    bpy.context.view_layer.update()
    return armature


def through_file(armature: bpy.types.Object, rig: Rig, file: Path) -> None:
    """Write an armature with a mesh on it, and read it again: the importer's armature becomes the active object."""
    size = 100.0 if rig.name in CENTIMETRES else 1.0
    mesh = bpy.data.meshes.new("skin")
    heads = [size * head for head in rig.heads.values()]
    mesh.from_pydata(
        [tuple(p + d) for p in heads for d in size * 0.01 * np.eye(3)],
        [],
        [(3 * k, 3 * k + 1, 3 * k + 2) for k in range(len(heads))],
    )
    skin = bpy.data.objects.new("skin", mesh)
    bpy.context.scene.collection.objects.link(skin)
    skin.parent = armature
    for number, bone in enumerate(rig.heads):
        skin.vertex_groups.new(name=bone).add([3 * number, 3 * number + 1, 3 * number + 2], 1.0, "REPLACE")
    skin.modifiers.new("Armature", "ARMATURE").object = armature
    bpy.context.view_layer.update()
    bpy.context.view_layer.objects.active = armature
    armature.select_set(True)
    if file.suffix == ".fbx":
        bpy.ops.export_scene.fbx(filepath=str(file), object_types={"ARMATURE", "MESH"}, add_leaf_bones=False)
    elif file.suffix == ".glb":
        bpy.ops.export_scene.gltf(filepath=str(file))
    else:
        bpy.ops.export_anim.bvh(filepath=str(file), frame_start=1, frame_end=1)
    empty_scene()
    if file.suffix == ".fbx":
        bpy.ops.wm.fbx_import(filepath=str(file)) if "fbx_import" in dir(bpy.ops.wm) else bpy.ops.import_scene.fbx(
            filepath=str(file)
        )
    elif file.suffix == ".glb":
        bpy.ops.import_scene.gltf(filepath=str(file))
    else:
        bpy.ops.import_anim.bvh(filepath=str(file))
    read = next(item for item in bpy.context.scene.objects if item.type == "ARMATURE")
    read.animation_data_clear()
    for bone in read.pose.bones:
        bone.matrix_basis.identity()
    bpy.context.view_layer.objects.active = read
    bpy.context.view_layer.update()


def measure(armature: bpy.types.Object, rig: Rig, motion: Any, options: Any = None) -> dict[str, Any]:
    """What was recognised, and how far limbs, by the corpus's own names, point from where the take's point."""
    match = part("addon.retarget.bake").recognise(armature)
    found = match.bone_map.roles()
    baked = part("addon.retarget.bake").bake(motion, armature, "take", match, options)
    heads = pose_heads(armature, [*rig.roles.values()], motion.frames)
    joints = forward_kinematics(motion.local, motion.rest)[1] + motion.trans[:, None]
    worst: dict[str, float] = {}
    for side in ("left", "right"):
        for start, end in LIMBS:
            line = heads[rig.roles[f"{side}_{end}"]] - heads[rig.roles[f"{side}_{start}"]]
            wanted = joints[:, JOINTS.index(f"{side}_{end}")] - joints[:, JOINTS.index(f"{side}_{start}")]
            worst[f"{side}_{start}"] = float(np.degrees(angle_between(line, wanted)).max())
        if f"{side}_wrist tip" in rig.roles:
            line = heads[rig.roles[f"{side}_wrist tip"]] - heads[rig.roles[f"{side}_wrist"]]
            wanted = joints[:, JOINTS.index(f"{side}_hand")] - joints[:, JOINTS.index(f"{side}_wrist")]
            worst[f"{side}_wrist"] = float(np.degrees(angle_between(line, wanted)).max())
    hips = (heads[rig.roles["left_hip"]] + heads[rig.roles["right_hip"]]) / 2
    wanted = baked.scale * joints[:, [1, 2]].mean(1)
    return {
        "family": match.bone_map.family,
        "expected": rig.family,
        "confidence": match.confidence,
        "wrong": {
            role: [bone, rig.roles.get(role)]
            for role, bone in found.items()
            if " twist " not in role and rig.roles.get(role) != bone
        },
        "unfound": [role for role in rig.roles if " twist " not in role and role not in found],
        "worst": max(worst.values()),
        "worst limb": max(worst, key=worst.__getitem__),
        "off_m": float(np.linalg.norm((hips - wanted)[:, :2], axis=-1).max()) / baked.scale,
        "flips": flips(armature),
        "remarks": baked.remarks,
    }


def pose_heads(armature: bpy.types.Object, bones: list[str], frames: Array) -> dict[str, Array]:
    """Where bones begin in the world (T, 3), as Blender plays them."""
    found = {bone: np.empty((len(frames), 3)) for bone in bones}
    for row, frame in enumerate(frames):
        bpy.context.scene.frame_set(int(frame))
        for bone, heads in found.items():
            heads[row] = armature.matrix_world @ armature.pose.bones[bone].head
    return found


def flips(armature: bpy.types.Object) -> int:
    """How often a quaternion changes its sign from one key to the next."""
    count = 0
    curves = part("addon.keyframes")._curves(armature)
    rows: dict[str, dict[int, Array]] = {}
    for curve in curves:
        if curve.data_path.endswith("rotation_quaternion"):
            values = np.empty(2 * len(curve.keyframe_points), np.float32)
            curve.keyframe_points.foreach_get("co", values)
            rows.setdefault(curve.data_path, {})[curve.array_index] = values[1::2]
    for parts in rows.values():
        q = np.stack([parts[k] for k in range(4)], -1)
        count += int((np.sum(q[1:] * q[:-1], -1) < 0).sum())
    return count
