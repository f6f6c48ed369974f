# SPDX-License-Identifier: GPL-3.0-or-later
"""The form: what to capture, and how."""

from math import degrees, radians
from pathlib import Path
from typing import cast

import bpy

from ...model.protocol import CaptureSettings, Code, Failure
from ..preferences import preferences


class CaptureProperties(bpy.types.PropertyGroup):
    """Kept with the scene."""

    footage: bpy.props.StringProperty(
        name="Footage",
        description="The video to capture from. One camera, the whole person in the picture for most of it",
        subtype="FILE_PATH",
    )
    start_s: bpy.props.FloatProperty(
        name="Start",
        description="Where in the footage to begin, in seconds as a video player shows them",
        min=0.0,
        precision=2,
        subtype="TIME_ABSOLUTE",
    )
    end_s: bpy.props.FloatProperty(
        name="End",
        description="Where in the footage to stop, in seconds as a video player shows them. 0: at its end",
        min=0.0,
        precision=2,
        subtype="TIME_ABSOLUTE",
    )
    person: bpy.props.IntProperty(
        name="Person",
        description="Whose motion to capture where there are several people. 0: the most prominent one",
        min=0,
        soft_max=20,
    )
    height_m: bpy.props.FloatProperty(
        name="Height",
        description="How tall the person stands, which sets the scale of everything. 0: not known, an average is taken",
        min=0.0,
        max=3.0,
        unit="LENGTH",
        precision=2,
    )
    fov: bpy.props.FloatProperty(
        name="Field of View",
        description="The lens's horizontal field of view, of the picture as it is seen upright. 0: not known, "
        "that of a usual phone camera is taken",
        min=0.0,
        max=radians(170),
        subtype="ANGLE",
    )
    quality: bpy.props.EnumProperty(
        name="Quality",
        description="How much work goes into every picture",
        items=(
            ("full", "Full", "The more careful pose network; left and right are told apart reliably"),
            ("draft", "Draft", "The faster pose network, for a first look"),
        ),
        default="full",
    )
    smoothing: bpy.props.FloatProperty(
        name="Smoothing",
        description="How strongly the take is smoothed to begin with. It can be changed at any time afterwards",
        min=0.0,
        max=1.0,
        default=0.5,
        subtype="FACTOR",
    )


def form(scene: bpy.types.Scene) -> CaptureProperties:
    """The form as it is filled in for a scene."""
    return cast(CaptureProperties, scene.reel_to_rig)  # pyright: ignore[reportAttributeAccessIssue]


def capture_settings(context: bpy.types.Context, output: Path) -> CaptureSettings:
    """What the form asks for, with the result written to output. Raises Failure for what cannot work."""
    assert context.scene
    filled, chosen = form(context.scene), preferences(context)
    if not filled.footage:
        raise Failure(Code.FOOTAGE_MISSING, "No file is chosen.")
    footage = Path(bpy.path.abspath(filled.footage))
    if footage.is_dir():
        raise Failure(Code.FOOTAGE_NO_VIDEO, f"{footage} is a folder.")
    if not footage.is_file():
        raise Failure(Code.FOOTAGE_MISSING, f"{footage} is not there.")
    if filled.end_s and filled.end_s <= filled.start_s:
        raise Failure(Code.REQUEST_INVALID, "The end lies before the start.", "Correct the start or the end.")
    body = bpy.path.abspath(chosen.smpl_body)
    if body and not Path(body).is_file():
        raise Failure(Code.BODY_INVALID, f"{body} is not there.")
    settings = CaptureSettings(
        footage=str(footage),
        output=str(output),
        person=filled.person or None,
        start_s=filled.start_s,
        end_s=filled.end_s or None,
        fov_deg=degrees(filled.fov) or None,
        height_m=filled.height_m or None,
        quality=filled.quality,
        device=chosen.device,
        body=body or None,
    )
    settings.check()
    return settings
