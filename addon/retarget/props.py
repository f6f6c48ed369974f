# SPDX-License-Identifier: GPL-3.0-or-later
"""What to bake, and onto what."""

from math import radians
from typing import Any, cast

import bpy

from ..take.props import active_take, present, take_of
from .mapping.props import MappingProperties, fill, mapping_of
from .options import FootLock


def _is_take(_owner: bpy.types.PropertyGroup, item: Any) -> bool:
    return item.type == "ARMATURE" and take_of(item).is_take


def _is_armature(_owner: bpy.types.PropertyGroup, item: Any) -> bool:
    return item.type == "ARMATURE"


def _on_target(owner: Any, _context: bpy.types.Context) -> None:
    fill(mapping_of(owner), owner.target)


class RetargetProperties(bpy.types.PropertyGroup):
    """Kept with the scene."""

    target: bpy.props.PointerProperty(
        name="Target",
        description="The armature that is to move as the person does, such as a human that Rigify generated",
        type=bpy.types.Object,
        poll=_is_armature,
        update=_on_target,
    )
    source: bpy.props.PointerProperty(
        name="Take",
        description="The take whose motion is baked. Empty: the selected one, or the only one there is",
        type=bpy.types.Object,
        poll=_is_take,
    )
    root: bpy.props.EnumProperty(
        name="Root",
        description="What carries the person over the ground",
        items=(
            ("HIPS", "Hips", "The bone of the hips travels, and everything with it"),
            ("ROOT_BONE", "Root Bone", "A bone on the ground travels and turns; the hips keep their height and tilt"),
            ("OBJECT", "Object", "The armature object travels and turns; the hips keep their height and tilt"),
            ("IN_PLACE", "In Place", "Nothing does: the person moves on the spot, where the object stands"),
        ),
    )
    ik: bpy.props.BoolProperty(
        name="IK Controls",
        description=(
            "Put the IK controls of arms and legs in command, with goals and poles, in rigs where they are known. "
            "The FK controls are keyed all the same"
        ),
    )
    feet: bpy.props.EnumProperty(
        name="Foot Lock",
        description="What is done with feet that slide, float or sink because the target's legs are others",
        items=(
            (FootLock.AUTO, "Auto", "Feet are held where they rest, by the take's contacts, and kept out of the floor"),
            (FootLock.ALWAYS, "Always", "Both feet stay flat in one place for the whole take: for people who stand"),
            (FootLock.GROUND, "Ground Only", "Feet are kept out of the floor and may slide: for skating and dancing"),
            (FootLock.NEVER, "Never", "Limbs point exactly as the take's do"),
        ),
    )
    hands: bpy.props.BoolProperty(
        name="Hold Hands", description="Hold hands in place while the take's are still, as when they lean on something"
    )
    sparse: bpy.props.BoolProperty(
        name="Sparse Keys", description="Key only the frames that are needed, with Bézier curves between them"
    )
    tolerance: bpy.props.FloatProperty(
        name="Tolerance",
        description="How far a bone may turn away from its motion where keys are left out",
        subtype="ANGLE",
        default=radians(0.25),
        min=radians(0.01),
        max=radians(10),
    )
    mapping: bpy.props.PointerProperty(
        name="Bones", description="Which bone of the target stands for which part of the body", type=MappingProperties
    )


def retarget_of(scene: bpy.types.Scene) -> RetargetProperties:
    """What is to be baked in a scene."""
    return cast(RetargetProperties, scene.reel_to_rig_retarget)  # pyright: ignore[reportAttributeAccessIssue]


def source_take(context: bpy.types.Context) -> bpy.types.Object | None:
    """The take that would be baked now; None if there is none, or the chosen one was deleted."""
    assert context.scene
    chosen = retarget_of(context.scene).source
    return present(chosen) if chosen else active_take(context)
