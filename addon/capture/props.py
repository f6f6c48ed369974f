# SPDX-License-Identifier: GPL-3.0-or-later
"""The form: what to capture, and how."""

from math import degrees, radians
from pathlib import Path
from typing import Any, cast

import bpy

from ...model.protocol import CaptureSettings, Code, Failure
from ..preferences import cache_folder, preferences
from ..take.footage import absolute
from . import looking
from .found import found


def _footage_chosen(filled: "CaptureProperties", context: bpy.types.Context) -> None:
    from .desk import Desk  # It uses the form.

    Desk.problem = None  # It was about other footage.
    if not bpy.app.background:  # else nobody sees it, and no timer would run
        looking.begin(context, filled.footage)


KEPT = "footage"
"""The folder in the cache in which the engine keeps what it found in footage."""


RELATIVE: set[Any] = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()
"""From 4.5 on Blender paints a path red that begins at the .blend file, unless its property says that it may."""


class CaptureProperties(bpy.types.PropertyGroup):
    """Kept with the scene."""

    footage: bpy.props.StringProperty(
        name="Footage",
        description="The video to capture from. One camera, the whole person in the picture for most of it",
        subtype="FILE_PATH",
        options=RELATIVE,
        update=_footage_chosen,
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
        description="Whose motion to capture where nobody was looked for: a number as a scan gives them. "
        "0: the most prominent person",
        min=0,
        soft_max=20,
    )
    height_m: bpy.props.FloatProperty(
        name="Height",
        description="How tall the person stands, which sets the scale of everything. 0: not known, an average is taken",
        min=0.0,
        soft_max=3.0,
        unit="LENGTH",
        precision=2,
    )
    camera: bpy.props.EnumProperty(
        name="Camera",
        description="Whether the camera moves while it films",
        items=(
            ("auto", "Find Out", "See from the background whether it moves"),
            ("static", "Static", "It stands still, as on a tripod. The surest way, where it is true"),
            ("moving", "Moving", "It pans, or is carried along. Its way is found from the background"),
        ),
        default="auto",
    )
    fov: bpy.props.FloatProperty(
        name="Field of View",
        description="The lens's horizontal field of view, of the picture as it is seen upright. 0: not known, "
        "that of a usual phone camera is taken",
        min=0.0,
        max=radians(170),
        subtype="ANGLE",
    )
    camera_height_m: bpy.props.FloatProperty(
        name="Above the Floor",
        description="How high the camera is at first. With it the person's height is found, if that is not given. "
        "0: not known",
        min=0.0,
        max=100.0,
        unit="LENGTH",
        precision=2,
    )
    pitch_known: bpy.props.BoolProperty(
        name="Looks Down",
        description="Give how far the camera looks down at first, as a phone's level shows it, instead of letting the "
        "footage tell",
    )
    camera_pitch: bpy.props.FloatProperty(
        name="Looks Down",
        description="How far the camera looks down at first. Negative: up",
        min=radians(-85),
        max=radians(85),
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
    set_scene: bpy.props.BoolProperty(
        name="Set Scene",
        description="Have the first take of the scene set its frame rate, range, resolution and camera by the footage. "
        "Off: the scene stays as it is, and the take is keyed at its frame rate, from its first frame on",
        default=True,
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


def chosen_people(context: bpy.types.Context) -> list[int | None]:
    """The numbers of the people to capture; None is the most prominent person. Raises Failure if none is chosen."""
    assert context.scene
    if found(context).scanned != scan_key(context):
        return [form(context.scene).person or None]
    numbers: list[int | None] = [person.number for person in found(context).people if person.chosen]
    if not numbers:
        raise Failure(Code.REQUEST_INVALID, "Nobody is chosen.", "Choose somebody in the list of people.")
    return numbers


def scan_key(context: bpy.types.Context) -> str:
    """What the numbers of people depend on: a scan of other footage, or of another range, may number them otherwise."""
    assert context.scene
    filled = form(context.scene)
    return f"{absolute(filled.footage)} {filled.start_s:.4f} {filled.end_s:.4f}"


def footage_path(scene: bpy.types.Scene) -> Path:
    """The file of the form. Raises Failure if there is none."""
    filled = form(scene)
    if not filled.footage:
        raise Failure(Code.FOOTAGE_MISSING, "No file is chosen.")
    footage = absolute(filled.footage)
    if footage.is_dir():
        raise Failure(Code.FOOTAGE_NO_VIDEO, f"{footage} is a folder.")
    if not footage.is_file():
        raise Failure(Code.FOOTAGE_MISSING, f"{footage} is not there.")
    return footage


def capture_settings(context: bpy.types.Context, output: Path, person: int | None = None) -> CaptureSettings:
    """What the form asks for, with the result written to output. Raises Failure for what cannot work."""
    assert context.scene
    filled, chosen = form(context.scene), preferences(context)
    footage = footage_path(context.scene)
    if filled.end_s and filled.end_s <= filled.start_s:
        raise Failure(Code.REQUEST_INVALID, "The end lies before the start.", "Correct the start or the end.")
    body = bpy.path.abspath(chosen.smpl_body)
    if body and not Path(body).is_file():
        raise Failure(Code.BODY_INVALID, f"{body} is not there.")
    settings = CaptureSettings(
        footage=str(footage),
        output=str(output),
        person=person,
        start_s=filled.start_s,
        end_s=filled.end_s or None,
        fov_deg=degrees(filled.fov) or None,
        height_m=filled.height_m or None,
        quality=filled.quality,
        device=chosen.device,
        body=body or None,
        camera=filled.camera,
        camera_pitch_deg=degrees(filled.camera_pitch) if filled.pitch_known else None,
        camera_height_m=filled.camera_height_m or None,
        hold_feet=False,  # The take does that, after smoothing, for as long as it is wanted.
        cache=str(cache_folder(context) / KEPT),
    )
    settings.check()
    return settings
