# SPDX-License-Identifier: GPL-3.0-or-later
"""Has the keys of a take follow its settings."""

from contextlib import suppress
from typing import Any

import bpy

from ...model.protocol import Failure
from ..steps import Steps, at_once
from .props import applied, is_current, take_of

SETTLED_S = 0.3
"""How long a setting must be left alone before the keys follow it: a slider that is dragged changes at every event."""

_waiting: set[str] = set()
"""The takes whose keys are to follow, by name: what else is known of them may not outlive an undo."""

_settling: set[str] = set()


def follow(armature: bpy.types.Object) -> None:
    """Key a take by its settings: at once in background mode, otherwise as soon as they are left alone."""
    if not take_of(armature).written or armature.name in _settling:
        return  # It is being made, or its settings follow its keys.
    if bpy.app.background:
        _key(armature)
        return
    _waiting.add(armature.name)
    if bpy.app.timers.is_registered(catch_up):
        bpy.app.timers.unregister(catch_up)
    bpy.app.timers.register(catch_up, first_interval=SETTLED_S)


def catch_up() -> None:
    """Key the takes whose settings have changed; harmless when it comes late, to a file that was closed meanwhile."""
    objects: Any = bpy.data.objects
    found = [objects.get((name, None)) for name in _waiting]  # None: those of this file, not linked ones
    _waiting.clear()
    behind = [item for item in found if item and take_of(item).is_take and not is_current(item)]
    for armature in behind:
        _key(armature)
    manager = bpy.context.window_manager
    if behind and manager:
        # The step that the slider made still has the old keys: undoing whatever comes next must not lead there.
        with bpy.context.temp_override(window=manager.windows[0]):
            bpy.ops.ed.undo_push(message="Smoothing")


@bpy.app.handlers.persistent
def on_other_step(*_: Any) -> None:
    """Something was undone or redone: between a slider's own step and the one with the keys, the keys are right."""
    for armature in bpy.data.objects:
        take = take_of(armature)
        if armature.type != "ARMATURE" or armature.library or not take.written or is_current(armature):
            continue
        _settling.add(armature.name)
        take.smoothing, take.regions, take.hold_feet = applied(take)
        _settling.clear()


def stop_following() -> None:
    """Leave the keys as they are."""
    _waiting.clear()
    if bpy.app.timers.is_registered(catch_up):
        bpy.app.timers.unregister(catch_up)


def key(armature: bpy.types.Object) -> Steps[None]:
    """Key a take by its settings, and note which action keeps what was edited by hand. Raises as `keys.key` does."""
    from . import keys

    edited = yield from keys.key(armature)
    if edited:
        take_of(armature).edits = edited


def _key(armature: bpy.types.Object) -> None:
    with suppress(Failure):  # The take is shown as behind its settings then, and the button to key it says why.
        at_once(key(armature))
