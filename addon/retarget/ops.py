# SPDX-License-Identifier: GPL-3.0-or-later

from typing import TYPE_CHECKING

import bpy

from ...model.protocol import Failure
from .mapping.props import absent, chosen, mapping_of, words
from .obstacles import obstacle_to_bake
from .options import FootLock, Options
from .props import retarget_of, source_take

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems


class Bake(bpy.types.Operator):
    bl_idname = "reel_to_rig.bake"
    bl_label = "Bake onto Rig"
    bl_description = (
        "Key the target so that it moves as the take is keyed, by hand or as captured, in a new action. "
        "The action that it has is kept. Limbs of a Rigify rig are switched to FK, or to IK if you choose so"
    )
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        obstacle = obstacle_to_bake(context)
        if obstacle:
            cls.poll_message_set(obstacle)
        return not obstacle

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        from ...model.motion.motion import MotionFileError
        from ..take import keys, seen
        from .bake import bake

        assert context.scene
        retarget = retarget_of(context.scene)
        mapping = mapping_of(retarget)
        take, target = source_take(context), retarget.target
        assert take
        try:
            match = chosen(mapping, target)
            options = Options(
                root=retarget.root,
                ik=retarget.ik and mapping.has_ik,
                feet=FootLock(retarget.feet),
                hands=retarget.hands,
                tolerance_rad=retarget.tolerance if retarget.sparse else 0.0,
            )
            motion = seen.motion(take)
            baked = bake(motion, target, f"{take.name} on {target.name}", match, options)
        except Failure as error:
            self.report({"ERROR"}, f"{error.message} {error.hint}")
            return {"CANCELLED"}
        except (MotionFileError, OSError, ValueError) as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        line = f"Baked {baked.action.name}: {baked.family}, {len(baked.bones)} bones, scale {baked.scale:.3f}"
        line += f", frames {motion.frames[0]:g} to {motion.frames[-1]:g}"
        line += ", with what was edited by hand" if keys.is_edited(take) else ""
        notes = [f"not found: {', '.join(map(words, baked.missing))}"] if baked.missing else []
        if absent(mapping):
            notes.append(f"the bone map {mapping.preset} is not on this machine, only the bones it named")
        doubts = [str(figure) for figure in baked.quality.figures() if figure.doubtful]
        notes += [*doubts, f"measured before {baked.quality.before}"] if doubts and baked.quality.before else doubts
        notes += [*motion.remarks, *baked.remarks]
        self.report({"WARNING" if notes else "INFO"}, "; ".join([line, *notes]))
        return {"FINISHED"}


class WorstFrame(bpy.types.Operator):
    bl_idname = "reel_to_rig.worst_frame"
    bl_label = "Go to Worst Frame"
    bl_description = "Go to the frame at which this measure of the bake is worst"

    frame: bpy.props.FloatProperty(options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        assert context.scene
        whole = int(self.frame // 1)
        context.scene.frame_set(whole, subframe=self.frame - whole)
        return {"FINISHED"}


CLASSES = (Bake, WorstFrame)
