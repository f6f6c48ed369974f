# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes an armature a take, stored with it in the .blend."""

from typing import cast

import bpy


class TakeProperties(bpy.types.PropertyGroup):
    """Kept on every object; `is_take` is set on the armatures that an import made."""

    is_take: bpy.props.BoolProperty()
    motion: bpy.props.StringProperty(
        subtype="BYTE_STRING", description="The motion as it was captured, before any smoothing (an .npz file)"
    )
    rest: bpy.props.StringProperty(subtype="BYTE_STRING", description="The joints in the T-pose, 24 x 3 float32")
    start: bpy.props.FloatProperty(description="The scene frame of the footage's first picture")
    fps: bpy.props.FloatProperty(description="Scene frames per second when the take was made")
    smoothing: bpy.props.FloatProperty(
        name="Smoothing",
        description="How strongly to smooth: 0 keeps every tremble of the capture, 1 also rounds off quick gestures",
        min=0.0,
        max=1.0,
        default=0.5,
        subtype="FACTOR",
    )
    applied: bpy.props.FloatProperty(description="The smoothing that the keys on the armature have")
    written: bpy.props.StringProperty(description="Fingerprint of the keys as they were written")
    body: bpy.props.PointerProperty(type=bpy.types.Object)
    camera: bpy.props.PointerProperty(type=bpy.types.Object)
    summary: bpy.props.StringProperty()


def take_of(item: bpy.types.Object) -> TakeProperties:
    """The take properties of an object, whether it is a take or not."""
    return cast(TakeProperties, item.reel_to_rig)  # pyright: ignore[reportAttributeAccessIssue]
