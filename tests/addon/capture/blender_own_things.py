# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs to the animator while a take grows. Every function here is one test."""

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy

from tests.addon.capture import blender_growth
from tests.addon.capture.blender_growth import NAME, Import, names, scene, take
from tests.addon.capture.blender_import import cache, desk
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
    return [*found, bpy.context.scene.camera == take().camera, blender_growth.replaced() == []]


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
    run, ops = Import(), part("addon.capture.desk")
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


def an_old_problem_goes(engines: dict[str, str]) -> Any:
    form, problem = bpy.context.scene.reel_to_rig, part("addon.capture.job").Problem("Something.", "Do something.")
    found = []
    desk().problem = problem
    form.footage = "other.mp4"
    found.append(desk().problem)
    desk().problem = problem
    bpy.ops.reel_to_rig.dismiss_problem()
    found.append(desk().problem)
    desk().problem = problem
    bpy.ops.wm.read_homefile(use_empty=True)
    return [*found, desk().problem]


def what_goes_wrong_at_the_end(engines: dict[str, str]) -> Any:
    """A fault while a job is tidied up after; jobs that are dropped; folders that a crash has left."""
    old, young = cache() / "capture-old", cache() / "capture-young"
    for folder in (old, young):
        folder.mkdir()
        (folder / "take.npz").touch()
    os.utime(old, (time.time() - 3 * 24 * 3600,) * 2)
    run = Import()
    found = [old.exists(), young.exists()]
    run.operator.errand.works[0].close = lambda: 1 / 0
    cancel(run)
    found += [len(desk().works), len(desk().queue.jobs)]
    run = Import()
    part("addon.capture.desk").drop_jobs()
    found.append(sorted(run.operator.tick()))
    for folder in cache().glob("capture-*"):
        shutil.rmtree(folder)
    return found


def the_engine_is_not_taken_away(engines: dict[str, str]) -> Any:
    def offered() -> list[bool]:
        return [bpy.ops.reel_to_rig.install_engine.poll(), bpy.ops.reel_to_rig.uninstall_engine.poll()]

    run = Import()
    during = offered()
    cancel(run)
    return [during, offered()]


def saved_elsewhere(engines: dict[str, str]) -> Any:
    """Footage named from where the .blend lies, in two scenes; a copy is saved, the file itself, and nothing at all."""
    folder, form = cache() / "project", bpy.context.scene.reel_to_rig
    footage = form.footage
    (folder / "shots").mkdir(parents=True)
    other = bpy.data.scenes.new("other").reel_to_rig
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "a.blend"))
    form.footage, other.footage = "//clip.mp4", "/elsewhere/clip.mp4"
    names = []

    def saved(name: str, **options: Any) -> None:
        with suppress(RuntimeError):
            bpy.ops.wm.save_as_mainfile(filepath=str(folder / name), **options)
        names.append([form.footage, other.footage])

    saved("shots/copy.blend", copy=True)
    saved("no such folder/a.blend")
    saved("shots/b.blend")
    with bpy.data.libraries.load(str(folder / "shots/copy.blend")) as (_, appended):
        appended.scenes = ["Scene"]
    names.append(appended.scenes[0].reel_to_rig.footage)
    form.footage = footage
    run = Import()
    run.piece(1)
    (shown,) = bpy.data.movieclips
    names.append([shown.filepath.startswith("//"), Path(bpy.path.abspath(shown.filepath)).samefile(footage)])
    cancel(run)
    bpy.ops.wm.read_homefile(use_empty=True)
    shutil.rmtree(folder)
    return names


def the_status_bar_tells_of_it(engines: dict[str, str]) -> Any:
    ops, shown = part("addon.capture.desk"), []
    header = SimpleNamespace(layout=SimpleNamespace(label=lambda **text: shown.append(text["text"])))
    ops.draw_status(header, bpy.context)
    run = Import()
    ops.draw_status(header, bpy.context)
    cancel(run)
    ops.draw_status(header, bpy.context)
    return [shown, ops.draw_status in bpy.types.STATUSBAR_HT_header._dyn_ui_initialize()]


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
