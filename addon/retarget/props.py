# SPDX-License-Identifier: GPL-3.0-or-later
"""What to bake, and onto what."""

from typing import Any, cast

import bpy

from ..take.data import active_take
from ..take.props import take_of


def _is_take(_owner: bpy.types.PropertyGroup, item: Any) -> bool:
    return item.type == "ARMATURE" and take_of(item).is_take


def _is_armature(_owner: bpy.types.PropertyGroup, item: Any) -> bool:
    return item.type == "ARMATURE"


class RetargetProperties(bpy.types.PropertyGroup):
    """Kept with the scene."""

    target: bpy.props.PointerProperty(
        name="Target",
        description="The armature that is to move as the person does, such as a human that Rigify generated",
        type=bpy.types.Object,
        poll=_is_armature,
    )
    source: bpy.props.PointerProperty(
        name="Take",
        description="The take whose motion is baked. Empty: the selected one, or the only one there is",
        type=bpy.types.Object,
        poll=_is_take,
    )


def retarget_of(scene: bpy.types.Scene) -> RetargetProperties:
    """What is to be baked in a scene."""
    return cast(RetargetProperties, scene.reel_to_rig_retarget)  # pyright: ignore[reportAttributeAccessIssue]


def source_take(context: bpy.types.Context) -> bpy.types.Object | None:
    """The take that would be baked now."""
    assert context.scene
    return retarget_of(context.scene).source or active_take(context)
