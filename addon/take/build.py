# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a take in the scene: arrays in, Blender's objects out."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Vector

from ...model.motion.motion import Motion
from ...model.motion.skeleton import JOINTS, PARENTS, REGIONS
from .. import keyframes
from ..steps import Steps, at_once
from . import data, following, footage, geometry, keys, lens, rate
from .data import Body
from .props import REPLACED, own, present, take_of, takes

BODY_COLOUR = (0.25, 0.6, 1.0)
OURS = "reel_to_rig"
"""Marks the material that is painted; an animator's own is left alone."""
BEGAN = "reel_to_rig_began"
"""Under this a scene keeps to which first frame a take set it, and at which frame time 0 of the footage is."""
RANGE = ("frame_start", "frame_end")
UP = Vector((0, 0, 1))
FORWARD = Vector((0, -1, 0))


@dataclass(frozen=True)
class Prepared:
    """What a take is made of, with all that is long to compute already computed."""

    motion: Motion
    body: Body
    smoothing: float
    file: bytes

    @staticmethod
    def of(motion: Motion, body: Body, smoothing: float) -> "Prepared":
        """Do the arithmetic. No bpy: any thread may call this while Blender goes on. smoothing is from 0 to 1."""
        file, strength = data.written(motion), float(np.float32(smoothing))  # as Blender will give it back
        data.smoothed(file, data.stored_joints(body.joints), strength, (1.0,) * len(REGIONS), _filmed(motion))
        return Prepared(motion, body, strength, file)


def build(context: bpy.types.Context, motion: Motion, body: Body, name: str, smoothing: float) -> bpy.types.Object:
    """Prepare and place a take at once."""
    assert context.scene
    assert context.view_layer
    return at_once(place(context.scene, context.view_layer, Prepared.of(motion, body, smoothing), name))


def place(scene: bpy.types.Scene, layer: bpy.types.ViewLayer, prepared: Prepared, name: str) -> Steps[bpy.types.Object]:
    """A collection called name with the armature, the body on it and the footage's camera; returns the armature.

    The first take of a scene sets its frame rate, range, resolution and camera by the footage; later ones keep to the
    scene's frame rate, widen its range if need be, and the same moment of the footage falls on the same frame. A motion
    that was not made from footage gets no camera. In object mode the armature becomes the active object; whoever is in
    another is at work.
    Whoever lets anything happen between the steps must expect a ReferenceError: what was made may be gone.
    """
    armature = yield from make(scene, layer, prepared, name)
    pick(layer, armature)
    return armature


def make(
    scene: bpy.types.Scene, layer: bpy.types.ViewLayer, prepared: Prepared, name: str, job: str = "", sets: bool = True
) -> Steps[bpy.types.Object]:
    """As `place`, but what is selected, and the mode that Blender is in, stay as they are.

    With a job the take is marked as one that this is still capturing, and so are its parts. Unless it `sets` the scene
    this stays as it is even for its first take.
    """
    motion, body = prepared.motion, prepared.body
    others, before, camera_before = takes(scene), scene_settings(scene), scene.camera
    began, fps = [*scene.get(BEGAN, ())], rate.of_scene(scene)
    sets = sets and not others
    if others:
        start = take_of(others[0]).start
        first, last = geometry.scene_range(geometry.scene_frames(motion.time_s, start, fps))
        scene.frame_start, scene.frame_end = min(scene.frame_start, first), max(scene.frame_end, last)
    elif not sets:
        start = float(scene.frame_start)
    else:
        # A scene whose range is still that of a take that was deleted begins where it began then.
        start = float(began[1] if began and began[0] == scene.frame_start else scene.frame_start)
        fps = motion.mocap_framerate
        _set_scene(scene, motion, start)

    collection = bpy.data.collections.new(name)
    scene.collection.children.link(collection)
    armature = _make_armature(collection, name, body)
    take = take_of(armature)
    if job:
        after = scene_settings(scene)
        take.growing = job
        settings = {key: [before[key], after[key]] for key in (after if sets else RANGE if others else ())}
        replaced = {"settings": json.dumps(settings), "collection": collection}
        replaced |= {"camera": camera_before} if camera_before else {}
        scene[REPLACED + job] = replaced | ({"began": began} if began else {})
    data.store(armature, prepared.file, body.joints)
    take.start, take.fps, take.smoothing, take.hold_feet = start, fps, prepared.smoothing, _filmed(motion)
    take.summary = _summary(motion)
    yield
    take.body = _make_body(collection, armature, body)
    take_of(take.body).growing = job
    paint(armature)
    yield
    if filmed := motion.provenance.get("footage"):
        camera = take.camera = _make_camera(collection, armature.name, motion, start, fps)
        take_of(camera).growing = job
        if sets:
            scene.camera = camera
        yield
        if Path(filmed["path"]).is_file():
            footage.show(camera.data, filmed["path"], filmed, round(start))
            yield
    layer.update()  # An armature must have been evaluated before its action changes.
    yield from keys.key(armature)
    return armature


def pick(layer: bpy.types.ViewLayer, armature: bpy.types.Object) -> None:
    """Select an armature and nothing else; not while somebody edits something, nor in a layer that leaves it out."""
    with bpy.context.temp_override(scene=layer.id_data, view_layer=layer):
        if bpy.context.mode != "OBJECT" or armature not in layer.objects[:]:
            return
    for item in layer.objects.selected:
        item.select_set(False, view_layer=layer)
    layer.objects.active = armature
    armature.select_set(True, view_layer=layer)


def extend(armature: bpy.types.Object, prepared: Prepared) -> Steps[None]:
    """Put a longer motion of the same body, seen by the same camera, on a take."""
    take = take_of(armature)
    data.store(armature, prepared.file, prepared.body.joints)
    if take.by_confidence:
        paint(armature)
    yield
    yield from following.key(armature)


def renew(armature: bpy.types.Object, prepared: Prepared) -> Steps[None]:
    """Put another motion on a take, with another body and camera; what was set for the take otherwise stays."""
    motion, body, take = prepared.motion, prepared.body, take_of(armature)
    collection, item = armature.users_collection[0], present(take.body)
    mesh = item.data if item else None
    _set_rest(armature, body)
    if isinstance(mesh, bpy.types.Mesh) and len(mesh.vertices) == len(body.vertices):
        mesh.vertices.foreach_set("co", _upright(body.vertices, body).astype(np.float32).ravel())
        mesh.update()
    else:  # Somebody edited it, or took it away.
        if take.body:
            bpy.data.objects.remove(take.body)
        take.body = _make_body(collection, armature, body)
        take_of(take.body).growing = take.growing
        paint(armature)
    take.summary = _summary(motion)
    yield
    if camera := present(take.camera):
        keys.place_camera(camera, motion, take.start, take.fps)
        yield
    yield from extend(armature, prepared)


def _filmed(motion: Motion) -> bool:
    """Whether a motion was made from footage; of others the feet are left where they are."""
    return "footage" in motion.provenance


def scene_settings(scene: bpy.types.Scene) -> dict[str, float]:
    """What the first take of a scene sets, beside the camera."""
    render = ("fps", "fps_base", "resolution_x", "resolution_y", "resolution_percentage")
    render += ("pixel_aspect_x", "pixel_aspect_y")
    own = ("frame_start", "frame_end", "frame_current")
    return {name: getattr(scene.render, name) for name in render} | {name: getattr(scene, name) for name in own}


def _set_scene(scene: bpy.types.Scene, motion: Motion, start: float) -> None:
    scene.render.fps, scene.render.fps_base = geometry.scene_rate(motion.mocap_framerate)
    if filmed := motion.provenance.get("footage"):
        scene.render.resolution_x, scene.render.resolution_y = filmed["width"], filmed["height"]
        scene.render.resolution_percentage = 100
        scene.render.pixel_aspect_x = scene.render.pixel_aspect_y = 1.0
    frames = geometry.scene_frames(motion.time_s, start, motion.mocap_framerate)
    scene.frame_start, scene.frame_end = geometry.scene_range(frames)
    scene[BEGAN] = [scene.frame_start, start]
    scene.frame_set(scene.frame_start)


def _make_armature(collection: bpy.types.Collection, name: str, body: Body) -> bpy.types.Object:
    """SMPL's bones in the T-pose, standing on the floor, each along its limb and rolled to face forward."""
    skeleton = bpy.data.armatures.new(name)
    armature = bpy.data.objects.new(name, skeleton)
    collection.objects.link(armature)
    armature.show_in_front = True
    skeleton.display_type = "STICK"
    _set_rest(armature, body)
    return armature


def _set_rest(armature: bpy.types.Object, body: Body) -> None:
    """Put the bones where a body has its joints, those that are missing as well."""
    skeleton = armature.data
    assert isinstance(skeleton, bpy.types.Armature)
    heads = _upright(body.joints, body)
    tails = _upright(geometry.bone_tails(body.joints), body)
    # Bones are only made in edit mode, and who is at work in the scene is in a mode already: it is done elsewhere.
    elsewhere, hidden = bpy.data.scenes.new(armature.name), armature.hide_viewport
    armature.hide_viewport = False  # Else it cannot be edited.
    try:
        elsewhere.collection.objects.link(armature)
        layer = elsewhere.view_layers[0]
        layer.objects.active = armature
        with bpy.context.temp_override(scene=elsewhere, view_layer=layer, active_object=armature, object=armature):
            bpy.ops.object.mode_set(mode="EDIT")
            for joint, bone_name in enumerate(JOINTS):
                bone = skeleton.edit_bones.get(bone_name) or skeleton.edit_bones.new(bone_name)
                bone.head, bone.tail = heads[joint].tolist(), tails[joint].tolist()
                bone.align_roll(UP if bone_name.endswith("foot") else FORWARD)
                if joint:
                    bone.parent = skeleton.edit_bones[JOINTS[PARENTS[joint]]]
            bpy.ops.object.mode_set(mode="OBJECT")
    finally:
        bpy.data.scenes.remove(elsewhere)
        armature.hide_viewport = hidden


def _make_body(collection: bpy.types.Collection, armature: bpy.types.Object, body: Body) -> bpy.types.Object:
    mesh = bpy.data.meshes.new(f"{armature.name} body")
    # What from_pydata does, for arrays: in half the time, which Blender stands still for.
    mesh.vertices.add(len(body.vertices))
    mesh.loops.add(body.faces.size)
    mesh.polygons.add(len(body.faces))
    mesh.vertices.foreach_set("co", _upright(body.vertices, body).astype(np.float32).ravel())
    mesh.loops.foreach_set("vertex_index", body.faces.astype(np.int32).ravel())
    mesh.polygons.foreach_set("loop_start", np.arange(0, body.faces.size, 3, np.int32))
    mesh.update(calc_edges=True)
    mesh.shade_smooth()
    mesh.materials.append(_material(mesh.name))
    item = bpy.data.objects.new(f"{armature.name} body", mesh)
    collection.objects.link(item)
    item.parent = armature
    for joint, name in enumerate(JOINTS):
        group = item.vertex_groups.new(name=name)
        weights = body.weights[:, joint]
        group.add(np.flatnonzero(weights == 1).tolist(), 1.0, "REPLACE")
        shared = np.flatnonzero((weights > 1e-4) & (weights != 1))
        for vertex, weight in zip(shared.tolist(), weights[shared].tolist(), strict=True):
            group.add([vertex], weight, "REPLACE")
    modifier = item.modifiers.new("Armature", "ARMATURE")
    assert isinstance(modifier, bpy.types.ArmatureModifier)
    modifier.object = armature
    return item


def _material(name: str) -> bpy.types.Material:
    """A material that can be seen through."""
    material = bpy.data.materials.new(name)
    material[OURS] = True
    material.surface_render_method = "BLENDED"
    if not material.node_tree:
        material.use_nodes = True  # 4.x; from 5.0 on there always are nodes
    return material


def paint(armature: bpy.types.Object) -> None:
    """Colour a take's own body by its settings: in one colour, or at every frame by how sure the capture is."""
    take, body = take_of(armature), own(armature, "body")
    slots = body.material_slots if body and not body.library else []
    slot: Any = next((slot for slot in slots if slot.material and OURS in slot.material), None)
    if not slot:
        return
    if slot.material.library or _painted_elsewhere(slot.material, body):
        # That of a library override or of a copy, which can be given one of its own.
        slot.link, slot.material = "OBJECT", slot.material.copy()
    material: bpy.types.Material = slot.material
    colour = (*BODY_COLOUR, take.opacity)
    # Seen in solid shading. (The stubs take this property for one that cannot be set.)
    material.diffuse_color = colour  # pyright: ignore[reportAttributeAccessIssue]
    tree: Any = material.node_tree
    for node in tree.nodes if tree else []:
        if node.type == "BSDF_PRINCIPLED":
            node.inputs["Base Color"].default_value = (*BODY_COLOUR, 1.0)
            node.inputs["Alpha"].default_value = take.opacity
    if material.animation_data:
        action = material.animation_data.action
        material.animation_data_clear()
        if action and not action.users:
            bpy.data.actions.remove(action)
    if take.by_confidence:
        motion = data.raw(armature)
        colours = geometry.confidence_colours(motion.confidence, motion.observed)
        frames = geometry.scene_frames(motion.time_s, take.start, take.fps)
        curves = [keyframes.Curve("diffuse_color", part, colours[:, part]) for part in range(3)]
        keyframes.write_action(material, material.name, curves, frames)


def _painted_elsewhere(material: bpy.types.Material, body: bpy.types.Object | None) -> bool:
    """Whether the body of another take has the same material."""
    armatures = [item for item in bpy.data.objects if item.type == "ARMATURE"] if material.users > 1 else []
    others = {take_of(item).body for item in armatures} - {body, None}
    return any(slot.material == material for other in others if other for slot in other.material_slots)


def _make_camera(
    collection: bpy.types.Collection, name: str, motion: Motion, start: float, fps: float
) -> bpy.types.Object:
    """The footage's camera."""
    filmed = motion.provenance["footage"]
    size = filmed["width"], filmed["height"]
    camera = bpy.data.cameras.new(f"{name} camera")
    lens.put(camera, geometry.lens(motion.camera_matrix, *size), *size)
    item = bpy.data.objects.new(camera.name, camera)
    collection.objects.link(item)
    keys.place_camera(item, motion, start, fps)
    return item


def _summary(motion: Motion) -> str:
    """What the capture assumed or lacked, a line each."""
    lines: list[str] = []
    if camera := motion.provenance.get("camera"):
        lines.append(f"Field of view: {camera['fov_deg']:.0f}\u00b0, {camera['fov_source']}")
    if scale := motion.provenance.get("scale"):
        lines.append(f"Scale: {scale}")
    unseen = int((~motion.observed).sum())
    if unseen:
        lines.append(f"Not seen in {unseen} of {len(motion)} pictures")
    return "\n".join(lines)


def _upright(points: np.ndarray, body: Body) -> np.ndarray:
    """Points (N, 3) of the body's canonical frame as an upright character, its soles on the floor."""
    return points @ geometry.UPRIGHT.T - [0, 0, body.vertices[:, 1].min()]
