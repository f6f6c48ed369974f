# SPDX-License-Identifier: GPL-3.0-or-later

from typing import TYPE_CHECKING

import bpy

from . import keys
from .data import active_take
from .props import take_of

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems


class Smooth(bpy.types.Operator):
    bl_idname = "reel_to_rig.smooth"
    bl_label = "Apply Smoothing"
    bl_description = (
        "Key the take anew from its captured motion with the chosen smoothing. "
        "Keys that you edited by hand are kept as an action of their own"
    )
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        cls.poll_message_set("Select a take")
        return active_take(context) is not None

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        armature = active_take(context)
        assert armature
        keys.key_armature(armature, take_of(armature).smoothing)
        return {"FINISHED"}


class CameraView(bpy.types.Operator):
    bl_idname = "reel_to_rig.camera_view"
    bl_label = "Camera View"
    bl_description = "Look through the camera of the take, with the footage behind the body, and back again"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        cls.poll_message_set("Select a take, in a 3D viewport")
        take = active_take(context)
        return bool(take and take_of(take).camera and isinstance(context.space_data, bpy.types.SpaceView3D))

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        armature, space = active_take(context), context.space_data
        assert armature
        assert isinstance(space, bpy.types.SpaceView3D)
        assert space.region_3d
        assert context.scene
        camera = take_of(armature).camera
        if space.region_3d.view_perspective == "CAMERA" and context.scene.camera == camera:
            space.region_3d.view_perspective = "PERSP"
        else:
            context.scene.camera = camera
            space.region_3d.view_perspective = "CAMERA"
        return {"FINISHED"}


CLASSES = (Smooth, CameraView)
