# SPDX-License-Identifier: GPL-3.0-or-later
"""A take that is seen while it is being captured: it grows, and in the end it is the take, or is gone without a trace.

All that is known of it is in the .blend itself, so undo and redo find it as it was.
"""

import json
from contextlib import suppress
from typing import Any

import bpy

from ..steps import Steps
from . import build, data, geometry
from .build import Prepared
from .props import growing, present, take_of, takes

STILL = "Rough, and still being captured"


def show(
    scene: bpy.types.Scene, layer: bpy.types.ViewLayer, prepared: Prepared, name: str, job: str, sets: bool = True
) -> Steps[bpy.types.Object]:
    """Show all that was captured so far, in the take that is there or in a new one. Expect a ReferenceError."""
    there = growing(job)
    if there:
        armature = there[0]
        yield from build.extend(armature, prepared)
    else:
        sweep(job)
        armature = yield from build.make(scene, layer, prepared, name, job, sets)
        take_of(armature).summary += f"\n{STILL}"
    yield
    first, last = _range(armature)
    _follow(armature, frame_start=first, frame_end=last, frame_current=last)
    return armature


def settle(layer: bpy.types.ViewLayer, armature: bpy.types.Object, prepared: Prepared) -> Steps[bpy.types.Object]:
    """Make of a growing take what was captured in the end, and select it if nobody is editing something else."""
    _leave(_parts(armature))
    yield from build.renew(armature, prepared)
    first, last = _range(armature)
    _follow(armature, frame_start=first, frame_end=last, frame_current=first)
    _let_be(layer, armature)
    return armature


def place(
    scene: bpy.types.Scene, layer: bpy.types.ViewLayer, prepared: Prepared, name: str, job: str, sets: bool = True
) -> Steps[bpy.types.Object]:
    """A take that nothing was seen of before; until it is whole it counts as growing."""
    sweep(job)
    armature = yield from build.make(scene, layer, prepared, name, job, sets)
    _let_be(layer, armature)
    return armature


def _let_be(layer: bpy.types.ViewLayer, armature: bpy.types.Object) -> None:
    """It is a take now."""
    job = take_of(armature).growing
    for item in _marked(job):  # It may have been copied.
        take_of(item).growing = ""
    for scene in _keepers(job):
        del scene[build.REPLACED + job]
    build.pick(layer, armature)


def remove(armature: bpy.types.Object) -> None:
    """Take a growing take away, and what was set for it in the scene, unless it was changed meanwhile.

    Of what it is made of, that which is used elsewhere stays; so do materials that were put on it.
    """
    job = take_of(armature).growing
    _discard(_parts(armature))
    if not growing(job):
        sweep(job)


def sweep(job: str) -> None:
    """Take away what is left of a growing take whose armature somebody deleted, and what was set for it in the scene.

    Does nothing to one that is there.
    """
    if growing(job):
        return
    _discard(_marked(job))
    for scene in _keepers(job):
        replaced: Any = scene[build.REPLACED + job]
        settings, camera, place = json.loads(replaced["settings"]), replaced.get("camera"), replaced.get("collection")
        began = [*replaced.get("began", ())]
        del scene[build.REPLACED + job]
        if place and not place.all_objects and not place.children:
            bpy.data.collections.remove(place)
        if not present(scene.camera):
            scene.camera = present(camera)
        if takes(scene) and "fps" in settings:
            continue  # One that came meanwhile keeps time by the same settings.
        for name, (before, after) in settings.items():
            owner = scene if hasattr(scene, name) else scene.render
            if getattr(owner, name) == after:
                setattr(owner, name, before)
        if began:
            scene[build.BEGAN] = began
        else:
            scene.pop(build.BEGAN, None)


def _discard(items: list[bpy.types.Object]) -> None:
    """Remove objects with all that nothing else uses of what they are made of, and collections of nothing else."""
    _leave(items)
    contents: list[Any] = [item.data for item in items]
    materials = [slot.material for item in items for slot in item.material_slots]
    contents += [material for material in materials if material and build.OURS in material]
    cameras = [item.data for item in items if isinstance(item.data, bpy.types.Camera)]
    clips = [image.clip for camera in cameras for image in camera.background_images if image.clip]
    animated = [thing.animation_data for thing in [*items, *contents] if thing.animation_data]
    contents += [animation.action for animation in animated if animation.action]
    around = {place for item in items for place in item.users_collection if set(place.all_objects) <= set(items)}
    bpy.data.batch_remove([*items, *(around & set(bpy.data.collections))])
    for thing in dict.fromkeys([*contents, *clips]):  # Each after what uses it.
        if not thing.users:
            bpy.data.batch_remove([thing])


def _marked(job: str) -> list[bpy.types.Object]:
    """All objects of what a job captures, also those whose armature is gone."""
    marked = [item for item in bpy.data.objects if take_of(item).growing == job]
    return [item for item in marked if not item.library and not item.override_library]


def _keepers(job: str) -> list[bpy.types.Scene]:
    """The scenes in which something was set for what a job captures."""
    return [scene for scene in bpy.data.scenes if build.REPLACED + job in scene]


def _parts(armature: bpy.types.Object) -> list[bpy.types.Object]:
    take = take_of(armature)
    return [item for item in (armature, take.body, take.camera) if item]


def _leave(items: list[bpy.types.Object]) -> None:
    """End the modes in which somebody edits these objects, in whatever scene."""
    for item in [item for item in items if item.mode != "OBJECT"]:
        layers = [layer for scene in item.users_scene for layer in scene.view_layers if item.name in layer.objects]
        for layer in layers:
            there: dict[str, Any] = {"scene": layer.id_data, "view_layer": layer, "object": item, "active_object": item}
            with suppress(RuntimeError), bpy.context.temp_override(**there):
                bpy.ops.object.mode_set(mode="OBJECT")


def _range(armature: bpy.types.Object) -> tuple[int, int]:
    take, motion = take_of(armature), data.raw(armature)
    return geometry.scene_range(geometry.scene_frames(motion.time_s, take.start, take.fps))


def _follow(armature: bpy.types.Object, **values: int) -> None:
    """Set what of the scene was set for the take and is still as it was left."""
    key = build.REPLACED + take_of(armature).growing
    for scene in armature.users_scene:
        replaced: Any = scene.get(key)
        if not replaced:
            continue
        settings = json.loads(replaced["settings"])
        if settings and "fps" not in settings:  # It is beside others, whose range stays in.
            values["frame_start"] = min(values["frame_start"], settings["frame_start"][0])
            values["frame_end"] = max(values["frame_end"], settings["frame_end"][0])
        for name, value in values.items():
            if name in settings and getattr(scene, name) == settings[name][1]:
                setattr(scene, name, value)
                settings[name][1] = value
        if "fps" in settings:
            scene[build.BEGAN] = [scene.frame_start, take_of(armature).start]
        replaced["settings"] = json.dumps(settings)
