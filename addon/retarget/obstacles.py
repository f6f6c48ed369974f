# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the way of a bake."""

import bpy

from .mapping.props import mapping_of
from .props import retarget_of, source_take


def obstacle_to_bake(context: bpy.types.Context) -> str:
    """Why nothing can be baked now, for the user; empty if it can."""
    assert context.scene
    assert context.view_layer
    retarget, take = retarget_of(context.scene), source_take(context)
    if take is None:
        return "The chosen take was deleted; choose another" if retarget.source else "Import a take, or choose one"
    if retarget.target == take:
        return "The target is the take itself; choose another armature"
    if obstacle := obstacle_to_target(retarget.target, context.view_layer):
        return obstacle
    if not any(row.bone for row in mapping_of(retarget).rows):
        return "The bones of the target are not those of a person; name them in the list of bones"
    return ""


def obstacle_to_target(target: bpy.types.Object | None, view_layer: bpy.types.ViewLayer) -> str:
    """Why nothing can be baked onto an object, for the user; empty if it can."""
    if target is None:
        return "Choose the armature to bake onto"
    data = target.data
    if not isinstance(data, bpy.types.Armature):
        return "The target is no armature"
    if not target.users_scene:
        return "The target was deleted; choose another armature"
    if target.library:
        return "The target is linked from another file; make a library override of it first"
    if not data.bones:
        return "The target has no bones"
    if target.animation_data and target.animation_data.use_tweak_mode:
        return "A strip of the target's is being tweaked in the NLA editor; leave tweak mode first"
    if target.mode == "EDIT":
        return "The target is in edit mode; leave it first"
    if target.name not in view_layer.objects:
        return "The target is not in this view layer; include its collection first"
    if target.hide_viewport:
        return "The target is disabled in viewports; enable it first"
    if target.matrix_world.to_3x3().determinant() <= 0:
        return "The target's scale is mirrored or zero; apply its scale first"
    return ""
