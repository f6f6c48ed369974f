# SPDX-License-Identifier: GPL-3.0-or-later
"""Undo and redo of a slider, whose keys follow in a step of their own, as they do in a Blender with a window."""

from types import SimpleNamespace
from typing import Any

import bpy

from model.motion.motion import Motion
from tests.addon.inside import empty_scene, enable_checkout, part


def main(motion_file: str, body_file: str) -> dict[str, Any]:
    enable_checkout()
    empty_scene()
    body = part("addon.take.data").Body.load(body_file)
    part("addon.take.build").build(bpy.context, Motion.load(motion_file), body, "clip", 0.5)
    bpy.ops.ed.undo_push(message="take")
    following, props = part("addon.take.following"), part("addon.take.props")
    app = SimpleNamespace(background=False, timers=bpy.app.timers)
    following.bpy = SimpleNamespace(app=app, context=bpy.context, data=bpy.data, ops=bpy.ops, types=bpy.types)

    def state() -> list[Any]:
        take = props.take_of(bpy.data.objects["clip"])
        keyed = round(take.applied, 2), [round(value, 2) for value in take.applied_regions], take.applied_hold
        return [round(take.smoothing, 2), [round(value, 2) for value in take.regions], take.hold_feet, *keyed]

    def change(**settings: Any) -> None:
        take = props.take_of(bpy.data.objects["clip"])
        for name, value in settings.items():
            setattr(take, name, value)
        bpy.ops.ed.undo_push(message="slider")
        following.catch_up()

    change(smoothing=0.75)
    change(regions=(0.5,) * 7, hold_feet=False)
    found = [state()]
    for step in ("undo", "undo", "undo", "undo", "redo", "redo", "redo", "redo"):
        getattr(bpy.ops.ed, step)()
        found.append(state())
    waiting = bpy.app.timers.is_registered(following.catch_up)
    following.catch_up()
    return {"states": [[state[:3], state[3:]] for state in found], "after": state() == found[-1], "waiting": waiting}
