# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs to the animator while a take grows. Every function here is one test."""

from typing import Any

import bpy

from tests.addon.capture import blender_growth
from tests.addon.capture.blender_growth import NAME, Import, names, scene, take
from tests.addon.inside import part


def main(engines: dict[str, str], footage: str, tests: list[str]) -> dict[str, Any]:
    for test in tests:
        setattr(blender_growth, test, globals()[test])
    return blender_growth.main(engines, footage, tests)


def cancel(run: Import) -> None:
    bpy.ops.reel_to_rig.cancel()
    run.until(lambda: run.result != {"PASS_THROUGH"})


def a_camera_of_its_own(engines: dict[str, str]) -> Any:
    bpy.ops.object.camera_add()
    own = bpy.context.scene.camera = bpy.context.object
    before, run = scene(), Import()
    run.piece(1)
    during = bpy.context.scene.camera == take().camera
    cancel(run)
    found = [during, bpy.context.scene.camera == own, scene() == before]

    other = own.copy()
    bpy.context.collection.objects.link(other)
    run = Import()
    run.piece(1)
    bpy.context.scene.camera = other
    cancel(run)
    found.append(bpy.context.scene.camera == other)

    run = Import()
    run.piece(1)
    run.end()
    return [*found, bpy.context.scene.camera == take().camera, take().replaced_camera is None]


def what_was_put_on_it(engines: dict[str, str]) -> Any:
    run = Import()
    run.piece(1)
    body, materials = take().body, bpy.data.materials
    materials.new("mine").diffuse_color = (1, 0, 0, 1)
    body.data.materials.append(materials["mine"])
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    cube.animation_data_create().action = bpy.data.actions.new("walk")
    bpy.data.actions.remove(bpy.data.objects[NAME].animation_data.action)
    bpy.data.objects[NAME].animation_data.action = bpy.data.actions["walk"]
    body.data.name = "shared"
    cube.data = body.data
    cancel(run)
    return [names(), sorted(materials.keys()), sorted(bpy.data.actions.keys()), sorted(bpy.data.meshes.keys())]


def its_collection_is_excluded(engines: dict[str, str]) -> Any:
    run = Import()
    run.piece(1)
    bpy.context.view_layer.layer_collection.children[NAME].exclude = True
    run.piece(2)
    return [run.end(), names(), run.operator.reports]


def blender_renders(engines: dict[str, str]) -> Any:
    run, ops = Import(), part("addon.capture.ops")
    run.piece(1)
    before, rendering = scene(), ops.rendering
    ops.rendering = lambda: True
    try:
        for number in (2, 3, 4):
            run.go(number)
        run.until(lambda: run.job.over)
        for _ in range(20):
            run.tick()
        found = [rendering(), scene() == before, len(part("addon.take.data").raw(bpy.data.objects[NAME]))]
    finally:
        ops.rendering = rendering
    return [*found, run.end(), len(part("addon.take.data").raw(bpy.data.objects[NAME]))]


def deleted_by_hand(engines: dict[str, str]) -> Any:
    """As X does it: what a pointer leads to stays in the file."""
    run = Import()
    run.piece(1)
    take().body.select_set(True)
    bpy.ops.object.delete()
    run.piece(2)
    found = [sorted(item.name for item in bpy.context.scene.objects)]
    result = run.end()
    return [*found, result, sorted(item.name for item in bpy.context.scene.objects), names(), take().body.name]


def the_body_is_being_edited(engines: dict[str, str]) -> Any:
    run = Import()
    run.piece(1)
    bpy.context.view_layer.objects.active = take().body
    bpy.ops.object.mode_set(mode="EDIT")
    run.piece(2)
    slim = blender_growth.height()
    result = run.end()
    return [result, bpy.context.mode, bpy.context.active_object.name, blender_growth.height() > 1.05 * slim]
