# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes that somebody has copied, the armature alone or with what it shows."""

from typing import Any

import bpy

from model.motion.motion import Motion
from tests.addon.inside import empty_scene, enable_checkout, part


def main(motion_file: str, body_file: str) -> dict[str, Any]:
    enable_checkout()
    empty_scene()
    props, body = part("addon.take.props"), part("addon.take.data").Body.load(body_file)
    armature = part("addon.take.build").build(bpy.context, Motion.load(motion_file), body, "walk", 0.0)
    take = props.take_of(armature)

    def looks(of: Any) -> list[float]:
        """How low armature and camera stand, and the body's opacity."""
        items = of.id_data, of.camera
        alpha = of.body.material_slots[0].material.diffuse_color[3]
        return [round(value, 3) for value in (*(-item.delta_location.z for item in items), alpha)]

    def change(of: Any, floor_m: float, opacity: float) -> list[list[float]]:
        of.floor_m, of.opacity, of.by_confidence = floor_m, opacity, True
        return [looks(take), looks(of)]

    alone = copied([armature], armature)
    found: dict[str, Any] = {"alone": change(alone, 0.5, 0.125), "active": []}
    for item in (armature, alone.id_data, take.body, take.camera):
        bpy.context.view_layer.objects.active = item
        found["active"].append(props.active_take(bpy.context).name)
    found["original"] = change(take, 0.25, 0.75)[0]
    whole = copied([armature, take.body, take.camera], armature)
    found["whole"] = change(whole, 0.75, 0.25)
    found["again"] = [*change(take, 0.0, 0.5), looks(whole)]
    linked = copied([armature, take.body, take.camera], armature, linked=True)
    found["linked"] = change(linked, 0.5, 0.875)

    for item in (armature, whole.id_data, linked.id_data):
        bpy.data.objects.remove(item)
    alone.floor_m, alone.opacity = 0.125, 0.375
    found["heir"] = looks(alone)
    return found


def copied(items: list[Any], active: Any, linked: bool = False) -> Any:
    """The take that comes of Shift+D, or Alt+D, of these objects."""
    bpy.context.view_layer.update()
    for item in bpy.context.view_layer.objects:
        item.select_set(item in items)
    bpy.context.view_layer.objects.active = active
    bpy.ops.object.duplicate(linked=linked)
    return part("addon.take.props").take_of(bpy.context.active_object)
