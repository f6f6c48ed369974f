# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes in .blend files: saved without the extension, appended, linked, overridden, and without their footage."""

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy

from model.motion.motion import Motion
from tests.addon.inside import MODULE, empty_scene, enable_checkout, part

SETTINGS = {"smoothing": 0.75, "floor_m": 0.125, "opacity": 0.25, "by_confidence": True, "show_keypoints": True}
MADE_OF_THEM = ("applied", "written")


def main(motion_file: str, body_file: str, folder: str, footage: str, other: str) -> dict[str, Any]:
    enable_checkout()
    empty_scene()
    place = Path(folder)
    source = place / "capture.blend"
    body = part("addon.take.data").Body.load(body_file)
    armature = part("addon.take.build").build(bpy.context, Motion.load(motion_file), body, "clip", 0.5)
    known = {"source": str(source), "kept": motion_of(armature), "pose": pose(armature)}
    bpy.ops.wm.save_as_mainfile(filepath=str(source))
    return {
        "without": saved_without_the_extension(place / "without.blend", **known),
        "appended": appended(**known),
        "linked": linked(place, **known),
        "overridden": overridden(place / "shot.blend", **known),
        "footage": footage_moved(Path(footage), Path(other), **known),
    }


def motion_of(armature: Any) -> str:
    """A fingerprint of what was captured."""
    take = part("addon.take.props").take_of(armature)
    return hashlib.sha256(take.motion + take.rest).hexdigest()


def pose(armature: Any) -> list[list[float]]:
    """Where Blender puts the bones in the middle of the take."""
    bpy.context.scene.frame_set(20)
    bpy.context.view_layer.update()
    return [[round(value, 4) for value in armature.matrix_world @ bone.head] for bone in armature.pose.bones]


def active(armature: Any) -> Any:
    bpy.context.view_layer.objects.active = armature
    return part("addon.take.props").take_of(armature)


def attempt(operator: Any, **arguments: Any) -> str:
    try:
        return str(operator(**arguments))
    except RuntimeError as error:
        return str(error).strip()


def drawn(armature: Any) -> list[str]:
    """The texts and operators of the take's panel."""
    found: list[str] = []
    layout = SimpleNamespace(prop=lambda *_, **__: None, operator_menu_enum=lambda *_, **__: None)
    layout.label = lambda text="", **_: found.append(text)
    layout.operator = lambda name, **_: found.append(name)
    layout.column = layout.row = lambda **_: layout
    active(armature)
    context = SimpleNamespace(
        scene=bpy.context.scene,
        active_object=armature,
        region=SimpleNamespace(width=100_000),  # so that no text is broken
        preferences=SimpleNamespace(system=SimpleNamespace(ui_scale=1.0)),
    )
    part("addon.take.panel").TakePanel.draw(SimpleNamespace(layout=layout), context)
    return found


def saved_without_the_extension(blend: Path, source: str, kept: str, pose: Any) -> dict[str, Any]:
    bpy.ops.preferences.addon_disable(module=MODULE)
    bpy.ops.wm.open_mainfile(filepath=source)
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    bpy.ops.preferences.addon_enable(module=MODULE)
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    return same(bpy.data.objects["clip"], kept, pose)


def same(armature: Any, kept: str, expected: Any) -> dict[str, Any]:
    take = active(armature)
    return {
        "is_take": take.is_take,
        "motion": motion_of(armature) == kept,
        "pose": pose(armature) == expected,
        "parts": [take.body.name, take.camera.name],
        "current": part("addon.take.props").is_current(armature),
    }


def appended(source: str, kept: str, pose: Any) -> dict[str, Any]:
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.wm.append(directory=f"{source}/Collection/", filename="clip")
    armature = bpy.data.objects["clip"]
    found = same(armature, kept, pose)
    take = active(armature)
    take.smoothing = 0.9
    assert bpy.ops.reel_to_rig.find_floor() == {"FINISHED"}
    return found | {"changed": take.applied == take.smoothing, "clips": [clip.name for clip in bpy.data.movieclips]}


def link(source: str) -> Any:
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(source, link=True) as (_, wanted):
        wanted.collections = ["clip"]
    collection = bpy.data.collections["clip"]
    bpy.context.scene.collection.children.link(collection)
    return collection


def linked(place: Path, source: str, kept: str, pose: Any) -> dict[str, Any]:
    armature = link(source).all_objects["clip"]
    found = same(armature, kept, pose)
    operators = bpy.ops.reel_to_rig
    found["refused"] = [attempt(operators.smooth), attempt(operators.find_floor), attempt(operators.find_footage)]
    found["panel"] = drawn(armature)
    for kind, suffix in (("FBX", "fbx"), ("GLTF", "glb"), ("BVH", "bvh"), ("NPZ", "npz")):
        file = place / f"linked.{suffix}"
        assert operators.export(filepath=str(file), format=kind) == {"FINISHED"}
        found[suffix] = file.stat().st_size > 1000
    found["names"] = sorted(item.name for item in bpy.data.objects)
    found["read"] = len(part("addon.take.data").read(armature).frames)
    return found


def overridden(blend: Path, source: str, kept: str, pose: Any) -> dict[str, Any]:
    collection = link(source)
    collection.override_hierarchy_create(bpy.context.scene, bpy.context.view_layer)
    armature = own("ARMATURE")
    found = same(armature, kept, pose)
    take = active(armature)
    for name, value in SETTINGS.items():
        setattr(take, name, value)
    take.regions[2] = 0.5
    changed = state(armature)
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    armature = own("ARMATURE")
    take = active(armature)
    return found | {
        "lost": {
            name: [value, state(armature)[name]] for name, value in changed.items() if state(armature)[name] != value
        },
        "whole": [take.body == own("MESH"), take.camera == own("CAMERA"), motion_of(armature) == kept],
        "fingerprint": part("addon.keyframes").fingerprint(armature) == take.written,
    }


def own(kind: str) -> Any:
    return next(item for item in bpy.data.objects if item.override_library and item.type == kind)


def state(armature: Any) -> dict[str, Any]:
    take = active(armature)
    material = take.body.material_slots[0].material
    found = {name: getattr(take, name) for name in (*SETTINGS, *MADE_OF_THEM)}
    found |= {"regions": list(take.regions), "action": armature.animation_data.action.library is None}
    found |= {"down": [round(item.delta_location[2], 6) for item in (armature, take.camera)]}
    return found | {"colour": round(material.diffuse_color[3], 4), "coloured": bool(material.animation_data)}


def footage_moved(footage: Path, other: Path, source: str, kept: str, pose: Any) -> dict[str, Any]:
    moved = footage.with_name("elsewhere.mp4")
    footage.rename(moved)
    part("addon.take.footage")._is_there.cache_clear()  # as two seconds later
    bpy.ops.wm.open_mainfile(filepath=source)
    armature = bpy.data.objects["clip"]
    found = same(armature, kept, pose) | {"panel": drawn(armature)}
    find = bpy.ops.reel_to_rig.find_footage
    found["nowhere"] = attempt(find, filepath=str(footage))
    found["no video"] = attempt(find, filepath=__file__)
    found["still"] = drawn(armature)
    found["other"] = attempt(find, filepath=str(other))
    found["found"] = attempt(find, filepath=str(moved))
    found["panel at last"] = drawn(armature)
    shown = part("addon.take.footage").clip_of(armature)
    found["shown"] = [Path(shown.filepath).name, list(shown.size), len(bpy.data.movieclips)]
    bpy.data.objects["clip camera"].data.background_images.clear()
    found["picture removed"] = drawn(armature)
    found["found again"] = attempt(find, filepath=str(moved))
    bpy.data.objects.remove(bpy.data.objects["clip camera"])
    found["no camera"] = [drawn(armature), attempt(find, filepath=str(moved))]
    return found
