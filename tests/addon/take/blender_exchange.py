# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a take in every format and reads it back with Blender's own importers: what comes back moves as it did."""

import json
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from model.motion.motion import Motion
from model.motion.skeleton import JOINTS
from tests.addon.inside import empty_scene, enable_checkout, part


def main(motion_file: str, body_file: str, folder: str) -> dict[str, Any]:
    enable_checkout()
    empty_scene()
    body = part("addon.take.data").Body.load(body_file)
    armature = part("addon.take.build").build(bpy.context, Motion.load(motion_file), body, "clip", 0.0)
    take = part("addon.take.props").take_of(armature)
    take.smoothing, take.floor_m = 0.3, 0.07
    expected = heads(armature)
    before = census()
    found: dict[str, Any] = {"applied": take.applied}
    for kind, suffix in (("FBX", "fbx"), ("GLTF", "glb"), ("BVH", "bvh"), ("NPZ", "npz"), ("CSV", "csv")):
        activate(armature)
        assert bpy.ops.reel_to_rig.export(format=kind, filepath=str(Path(folder, "take"))) == {"FINISHED"}
        assert Path(folder, f"take.{suffix}").stat().st_size > 1000
    found["left_behind"] = sorted(census() - before)

    # Read takes the floor and the smoothing with it.
    settled = part("addon.take.data").settled(armature)
    found["settled_mm"] = float(np.abs(settled.joints - expected).max() * 1000)
    seen = np.einsum("tab,tjb->tja", settled.camera_rotation, settled.joints) + settled.camera_translation[:, None]
    raw = part("addon.take.data").raw(armature)
    seen -= (
        np.einsum("tab,tjb->tja", raw.camera_rotation, settled.joints + [0, 0, 0.07]) + raw.camera_translation[:, None]
    )
    found["seen_mm"] = float(np.abs(seen).max() * 1000)

    importers = {
        "fbx": lambda file: bpy.ops.import_scene.fbx(filepath=file, anim_offset=0.0),
        "glb": lambda file: bpy.ops.import_scene.gltf(filepath=file),
        "bvh": lambda file: bpy.ops.import_anim.bvh(filepath=file, frame_start=1),
        "npz": lambda file: bpy.ops.reel_to_rig.import_motion(filepath=file),
    }
    for suffix, read in importers.items():
        had = set(bpy.data.objects)
        assert read(str(Path(folder, f"take.{suffix}"))) == {"FINISHED"}
        came = next(item for item in set(bpy.data.objects) - had if item.type == "ARMATURE")
        off = heads(came) - expected
        if suffix == "npz":  # It comes on the average body: only turns and the way of the pelvis are the same.
            off = off[:, :1] - off[:1, :1]
        found[suffix] = float(np.abs(off).max() * 1000)
        found[f"{suffix}_meshes"] = sum(item.type == "MESH" for item in came.children)
    found |= placed(armature, folder)
    second = part("addon.take.props").take_of(bpy.context.active_object)
    found["second"] = [second.is_take, second.camera is None, second.body is not None]
    return found


def placed(armature: Any, folder: str) -> dict[str, Any]:
    """One of several takes, hanging from something, while its bones are posed in a view layer of their own."""
    before, scene, window = bpy.context.active_object, bpy.context.scene, bpy.context.window
    armature.parent = bpy.data.objects.new("place", None)
    scene.collection.objects.link(armature.parent)
    first = window.view_layer
    window.view_layer = scene.view_layers.new("characters")
    activate(armature)
    bpy.ops.object.mode_set(mode="POSE")
    assert bpy.ops.reel_to_rig.export(format="GLTF", filepath=str(Path(folder, "placed"))) == {"FINISHED"}
    found = {"after": [window.view_layer.name, bpy.context.mode]}
    file = Path(folder, "placed.glb").read_bytes()
    content = json.loads(file[20 : 20 + int.from_bytes(file[12:16], "little")])
    found["glTF"] = [len(content["animations"]), len(content["meshes"]), len(content["skins"][0]["joints"])]
    try:
        found["nowhere"] = str(bpy.ops.reel_to_rig.export(format="FBX", filepath=str(Path(folder, "none", "take"))))
    except RuntimeError as error:
        found["nowhere"] = str(error)
    bpy.ops.object.mode_set(mode="OBJECT")
    armature.parent, window.view_layer = None, first
    activate(before)
    return found


def activate(armature: Any) -> None:
    bpy.context.view_layer.objects.active = armature


def census() -> set[str]:
    """Everything in the file, by kind and name."""
    kinds = ("objects", "scenes", "meshes", "armatures", "actions", "materials", "cameras", "collections")
    return {f"{kind}/{item.name}" for kind in kinds for item in getattr(bpy.data, kind)}


def heads(armature: Any) -> np.ndarray:
    """Where the bones are (T, 24, 3), world, at every frame of the scene."""
    scene, rows = bpy.context.scene, []
    for frame in range(1, 31):
        scene.frame_set(frame)
        rows.append([armature.matrix_world @ armature.pose.bones[name].head for name in JOINTS])
    return np.array(rows)
