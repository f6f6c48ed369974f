# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the demonstration that happens inside Blender: what an animator would do, step by step.

Called by demo_run.py in a process of its own, with one JSON object as its argument; leaves the .blend, the take and
pictures of the rig, and prints one JSON object behind MARKER.
"""

import importlib
import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Vector

MODULE = "bl_ext.user_default.reel_to_rig"
MARKER = "DEMO "
THICKNESS = {"spine": 0.42, "pelvis": 0.3, "breast": 0.0, "shoulder": 0.3, "thigh": 0.2, "shin": 0.17, "foot": 0.22,
             "toe": 0.3, "upper_arm": 0.2, "forearm": 0.17, "hand": 0.4}  # fmt: skip
"""Radius of a mannequin's part as a share of its bone's length; bones that are not named stay bare."""


def main(zip_file: str, engine: str, footage: str, folder: str, moments: int) -> dict[str, Any]:
    out = Path(folder)
    installed = bpy.ops.extensions.package_install_files(filepath=zip_file, repo="user_default", enable_on_install=True)
    assert installed == {"FINISHED"}, "the zip could not be installed"
    bpy.context.preferences.addons[MODULE].preferences.engine_python = engine
    bpy.data.batch_remove(list(bpy.data.objects))
    scene = bpy.context.scene
    scene.reel_to_rig.footage = footage
    begun = time.perf_counter()
    assert bpy.ops.reel_to_rig.import_video() == {"FINISHED"}, "the import failed"
    seconds = time.perf_counter() - begun
    take = bpy.context.view_layer.objects.active
    take_data = importlib.import_module(f"{MODULE}.addon.take.data")
    raw = take_data.raw(take)
    raw.save(out / "take.npz")

    properties = importlib.import_module(f"{MODULE}.addon.take.props").take_of(take)
    height = max(v.co.z for v in properties.body.data.vertices) - min(v.co.z for v in properties.body.data.vertices)
    rig = rigify_human(height)
    character = mannequin(rig)
    scene.reel_to_rig_retarget.target = rig
    scene.reel_to_rig_retarget.source = take
    begun = time.perf_counter()
    assert bpy.ops.reel_to_rig.bake() == {"FINISHED"}, "the bake failed"
    baking = time.perf_counter() - begun

    look_through_camera()
    bpy.ops.wm.save_as_mainfile(filepath=str(out / "reel_to_rig.blend"), relative_remap=True, compress=True)
    frames = np.linspace(scene.frame_start, scene.frame_end, moments + 2).round().astype(int)[1:-1]
    pictures = render_rig(rig, character, frames.tolist(), out / "rig")
    start = properties.start
    return {
        "seconds": round(seconds, 2),
        "baking_s": round(baking, 2),
        "frames": len(raw),
        "stages_s": raw.provenance["stages_s"],
        "action": rig.animation_data.action.name,
        "times_s": [(frame - start) / raw.mocap_framerate for frame in frames.tolist()],
        "pictures": pictures,
    }


def rigify_human(height: float) -> bpy.types.Object:
    """Rigify's own human, as tall as the person, generated."""
    bpy.ops.preferences.addon_enable(module="rigify")
    bpy.ops.object.armature_human_metarig_add()
    metarig = bpy.context.object
    top = max(bone.tail_local.z for bone in metarig.data.bones)
    metarig.scale = (height / top,) * 3
    bpy.ops.object.transform_apply(scale=True)
    bpy.ops.object.mode_set(mode="POSE")
    bpy.ops.pose.rigify_generate()
    bpy.ops.object.mode_set(mode="OBJECT")
    metarig.hide_set(True)
    metarig.hide_render = True
    rig = bpy.context.object
    rig.name = "Character rig"
    return rig


def mannequin(rig: bpy.types.Object) -> bpy.types.Object:
    """A wooden-doll mesh on the rig: one ellipsoid for each of the larger deforming bones, bound to it."""
    rings, segments = 10, 14
    polar = np.linspace(0, np.pi, rings)[:, None]
    around = np.linspace(0, 2 * np.pi, segments, endpoint=False)[None]
    ball = np.stack([np.sin(polar) * np.cos(around), -np.cos(polar) + 0 * around, np.sin(polar) * np.sin(around)], -1)
    ball = ball.reshape(-1, 3)
    row, column = np.meshgrid(np.arange(rings - 1), np.arange(segments), indexing="ij")
    corner = row * segments + column
    along = row * segments + (column + 1) % segments
    quads = np.stack([corner, along, along + segments, corner + segments], -1).reshape(-1, 4)
    vertices, faces, groups = [], [], {}
    head = rig.data.bones["DEF-spine.006"]
    for bone in rig.data.bones:
        part = bone.name.removeprefix("DEF-").split(".")[0]
        share = THICKNESS.get(part, 0.0)
        if not bone.name.startswith("DEF-") or not share:
            continue
        length = bone.length
        radius = share * length * (1.6 if part in ("upper_arm", "forearm", "thigh", "shin") else 1.0)
        if bone == head:
            radius = 0.42 * length
        scaled = ball * [radius, 0.56 * length, radius] + [0, 0.5 * length, 0]
        matrix = np.array(bone.matrix_local)
        first = sum(map(len, vertices))
        vertices.append(scaled @ matrix[:3, :3].T + matrix[:3, 3])
        faces.append(quads + first)
        groups[bone.name] = range(first, first + len(ball))
    mesh = bpy.data.meshes.new("Character")
    mesh.from_pydata(np.concatenate(vertices).tolist(), [], np.concatenate(faces).tolist())
    mesh.shade_smooth()
    character = bpy.data.objects.new("Character", mesh)
    bpy.context.scene.collection.objects.link(character)
    for name, indices in groups.items():
        character.vertex_groups.new(name=name).add(list(indices), 1.0, "REPLACE")
    character.parent = rig
    modifier = character.modifiers.new("Armature", "ARMATURE")
    modifier.object = rig
    material = bpy.data.materials.new("Character")
    material.diffuse_color = (0.8, 0.5, 0.22, 1.0)
    mesh.materials.append(material)
    return character


def look_through_camera() -> None:
    """What the animator sees first: the shot, through the take's camera."""
    for screen in bpy.data.screens:
        for area in screen.areas:
            if area.type == "VIEW_3D":
                area.spaces[0].region_3d.view_perspective = "CAMERA"


def render_rig(rig: bpy.types.Object, character: bpy.types.Object, frames: list[int], folder: Path) -> list[str]:
    """Pictures of the character on a floor, from half way round to the side of the footage's camera."""
    folder.mkdir(exist_ok=True)
    scene = bpy.context.scene
    for item in bpy.data.objects:
        item.hide_render = item not in (rig, character)
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=40, y_subdivisions=40, size=40)
    floor = bpy.context.object
    checks = [bpy.data.materials.new(f"Floor {shade}") for shade in ("light", "dark")]
    for material, shade in zip(checks, (0.8, 0.68), strict=True):
        material.diffuse_color = (shade, shade, shade, 1)
        floor.data.materials.append(material)
    for number, polygon in enumerate(floor.data.polygons):
        polygon.material_index = (number + number // 40) % 2
    camera = bpy.data.objects.new("Second angle", bpy.data.cameras.new("Second angle"))
    scene.collection.objects.link(camera)
    scene.camera = camera
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.display.shading.light = "STUDIO"
    scene.display.shading.color_type = "MATERIAL"
    scene.display.shading.show_shadows = True
    scene.view_settings.view_transform = "Standard"
    scene.world.color = (0.72, 0.78, 0.85)
    scene.render.resolution_x, scene.render.resolution_y = 480, 480
    pictures = []
    for number, frame in enumerate(frames):
        scene.frame_set(frame)
        hips = rig.matrix_world @ rig.pose.bones["torso"].matrix.translation
        offset = Vector((1.9, -2.1, 0.5))
        camera.location = (hips.x + offset.x, hips.y + offset.y, 0.9 + offset.z)
        camera.rotation_euler = (Vector((hips.x, hips.y, 0.85)) - camera.location).to_track_quat("-Z", "Y").to_euler()
        scene.render.filepath = str(folder / f"{number}.png")
        bpy.ops.render.render(write_still=True)
        pictures.append(scene.render.filepath)
    return pictures


if __name__ == "__main__":
    try:
        print(f"\n{MARKER}{json.dumps(main(**json.loads(sys.argv[1])))}")
        status = 0
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # some versions of Blender hang or crash while they end
