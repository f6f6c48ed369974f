# SPDX-License-Identifier: GPL-3.0-or-later

from typing import TYPE_CHECKING

import bpy

from ...model.motion.motion import MotionFileError
from ...model.protocol import Failure
from ..take import data
from .bake import bake
from .props import retarget_of, source_take

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems


class Bake(bpy.types.Operator):
    bl_idname = "reel_to_rig.bake"
    bl_label = "Bake onto Rig"
    bl_description = (
        "Key the target so that it moves as the take does, in a new action. "
        "The action that it has is kept. Limbs of a Rigify rig are switched to FK"
    )
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        obstacle = obstacle_to_bake(context)
        if obstacle:
            cls.poll_message_set(obstacle)
        return not obstacle

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        assert context.scene
        take, target = source_take(context), retarget_of(context.scene).target
        assert take
        try:
            baked = bake(data.read(take), target, f"{take.name} on {target.name}")
        except (Failure, MotionFileError) as error:
            self.report({"ERROR"}, f"{error.message} {error.hint}" if isinstance(error, Failure) else str(error))
            return {"CANCELLED"}
        line = f"Baked {baked.action.name}: {baked.family}, {len(baked.bones)} bones, scale {baked.scale:.3f}"
        if baked.missing:
            self.report({"WARNING"}, f"{line}; not found: {', '.join(baked.missing)}")
        else:
            self.report({"INFO"}, line)
        return {"FINISHED"}


def obstacle_to_bake(context: bpy.types.Context) -> str:
    """Why nothing can be baked now, for the user; empty if it can."""
    assert context.scene
    target, take = retarget_of(context.scene).target, source_take(context)
    if take is None:
        return "Import a take, or choose one"
    if target is None:
        return "Choose the armature to bake onto"
    if target == take:
        return "The target is the take itself; choose another armature"
    if target.library:
        return "The target is linked from another file; make a library override of it first"
    if target.mode == "EDIT":
        return "The target is in edit mode; leave it first"
    return ""


CLASSES = (Bake,)
