# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes an armature a take, stored with it in the .blend."""

from typing import Any, Literal, cast

import bpy

from ...model.motion.skeleton import REGIONS

REPLACED = "reel_to_rig_replaced_for_"
"""Under this and its job a scene keeps, while a take grows, what was there before it: whoever deletes the take does not
delete that. `settings` has each before and after (JSON), `camera` and `began` (see build.BEGAN) are the scene's before,
`collection` is the take's."""

Settings = tuple[float, tuple[float, ...], bool]
"""How strongly to smooth, the factors by region in REGIONS' order, and whether to hold the feet."""


def _on_smoothing(take: Any, _context: bpy.types.Context) -> None:
    """Have the keys follow the settings."""
    from . import following

    following.follow(take.id_data)


def _on_floor(take: Any, _context: bpy.types.Context) -> None:
    """Body and camera go up and down together, so they stay on top of each other in the picture."""
    for item in (take.id_data, own(take.id_data, "camera")):
        if item:
            item.delta_location[2] = -take.floor_m


def _on_look(take: Any, _context: bpy.types.Context) -> None:
    from . import build

    build.paint(take.id_data)


class TakeProperties(bpy.types.PropertyGroup):
    """Kept on every object; `is_take` is set on the armatures that an import made.

    A library override of a take has settings of its own, and keys; its captured motion stays the library's.
    """

    is_take: bpy.props.BoolProperty()
    motion: bpy.props.StringProperty(
        subtype="BYTE_STRING", description="The motion as it was captured, before any smoothing (an .npz file)"
    )
    rest: bpy.props.StringProperty(subtype="BYTE_STRING", description="The joints in the T-pose, 24 x 3 float32")
    start: bpy.props.FloatProperty(description="The scene frame of the footage's first picture")
    fps: bpy.props.FloatProperty(
        description="The scene frames per second at which the take is keyed", override={"LIBRARY_OVERRIDABLE"}
    )
    smoothing: bpy.props.FloatProperty(
        name="Smoothing",
        description="How strongly to smooth: 0 keeps every tremble of the capture, 1 also rounds off quick gestures",
        min=0.0,
        max=1.0,
        default=0.5,
        subtype="FACTOR",
        update=_on_smoothing,
        override={"LIBRARY_OVERRIDABLE"},
    )
    regions: bpy.props.FloatVectorProperty(
        name="Regions",
        description="How strongly to smooth each part of the body, beside the others",
        size=len(REGIONS),
        min=0.0,
        max=2.0,
        default=(1.0,) * len(REGIONS),
        update=_on_smoothing,
        override={"LIBRARY_OVERRIDABLE"},
    )
    hold_feet: bpy.props.BoolProperty(
        name="Hold Feet",
        description="Keep feet in their place while they rest, and out of the floor, by bending the legs: smoothing "
        "alone lets them slide a little",
        update=_on_smoothing,
        override={"LIBRARY_OVERRIDABLE"},
    )
    floor_m: bpy.props.FloatProperty(
        name="Floor",
        description="How high above the captured floor the real one lies. Body and camera move together, "
        "so the overlay stays as it is",
        unit="LENGTH",
        soft_min=-1.0,
        soft_max=1.0,
        step=1,
        precision=3,
        update=_on_floor,
        override={"LIBRARY_OVERRIDABLE"},
    )
    opacity: bpy.props.FloatProperty(
        name="Opacity",
        description="How much of the footage the body hides",
        min=0.0,
        max=1.0,
        default=0.55,
        subtype="FACTOR",
        update=_on_look,
        override={"LIBRARY_OVERRIDABLE"},
    )
    by_confidence: bpy.props.BoolProperty(
        name="Colour by Confidence",
        description="Colour the body at every moment by how sure the capture is: green where it is, "
        "red where it is not, grey where the person was not seen",
        update=_on_look,
        override={"LIBRARY_OVERRIDABLE"},
    )
    show_keypoints: bpy.props.BoolProperty(
        name="Keypoints",
        description="Draw over the footage, in camera view, what the capture was made from: the points that were "
        "found in the picture, coloured by how sure they are, and the person's box",
        override={"LIBRARY_OVERRIDABLE"},
    )
    applied: bpy.props.FloatProperty(
        description="The smoothing that the keys on the armature have", override={"LIBRARY_OVERRIDABLE"}
    )
    applied_regions: bpy.props.FloatVectorProperty(
        description="The factors by region that these keys have",
        size=len(REGIONS),
        default=(1.0,) * len(REGIONS),
        override={"LIBRARY_OVERRIDABLE"},
    )
    applied_hold: bpy.props.BoolProperty(
        description="Whether these keys hold the feet", override={"LIBRARY_OVERRIDABLE"}
    )
    written: bpy.props.StringProperty(
        description="Fingerprint of the keys as they were written", override={"LIBRARY_OVERRIDABLE"}
    )
    edits: bpy.props.PointerProperty(
        type=bpy.types.Action,
        description="The keys that were edited by hand when it was last keyed anew",
        override={"LIBRARY_OVERRIDABLE"},
    )
    body: bpy.props.PointerProperty(type=bpy.types.Object, override={"LIBRARY_OVERRIDABLE"})
    camera: bpy.props.PointerProperty(type=bpy.types.Object, override={"LIBRARY_OVERRIDABLE"})
    summary: bpy.props.StringProperty()
    marked_as: bpy.props.StringProperty(
        description="The name with which its markers on the timeline begin, though it may have another by now",
        override={"LIBRARY_OVERRIDABLE"},
    )
    growing: bpy.props.StringProperty(description="The job that captures it, as long as that is under way")


def present(item: bpy.types.Object | None) -> bpy.types.Object | None:
    """The object that a pointer leads to, unless it was deleted: it is in no scene then, but the pointer keeps it."""
    return item if item and item.users_scene else None


def own(armature: bpy.types.Object, part: Literal["body", "camera"]) -> bpy.types.Object | None:
    """What a take shows, if it is there and not that of another take of which somebody copied the armature alone."""
    item = present(getattr(take_of(armature), part))
    if not item:
        return None
    sharing = [other for scene in item.users_scene for other in takes(scene) if getattr(take_of(other), part) == item]
    return item if armature == min(sharing, key=_claim, default=armature) else None


def _claim(armature: bpy.types.Object) -> tuple[bool, str]:
    """The smaller, the more of what several takes show is this one's: a copy has its name after the original's."""
    body = take_of(armature).body
    return body is None or body.parent != armature, armature.name


def take_of(item: bpy.types.Object) -> TakeProperties:
    """The take properties of an object, whether it is a take or not."""
    return cast(TakeProperties, item.reel_to_rig)  # pyright: ignore[reportAttributeAccessIssue]


def takes(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The takes of a scene, oldest name first."""
    return [item for item in scene.objects if item.type == "ARMATURE" and take_of(item).is_take]


def active_take(context: bpy.types.Context) -> bpy.types.Object | None:
    """The take whose armature, body or camera is the active object; otherwise the scene's only take."""
    assert context.scene
    found, active = takes(context.scene), context.active_object
    if active in found:
        return active
    shown = [item for item in found if active and active in {take_of(item).body, take_of(item).camera}]
    if shown:
        return min(shown, key=_claim)
    return found[0] if len(found) == 1 else None


def growing(job: str = "") -> list[bpy.types.Object]:
    """The takes that a job captures; without one, all that are being captured. Not those of a library."""
    marked = [item for item in bpy.data.objects if item.type == "ARMATURE" and take_of(item).growing]
    own = [item for item in marked if not item.library and not item.override_library and item.users_collection]
    return [item for item in own if job in ("", take_of(item).growing)]


def is_current(armature: bpy.types.Object) -> bool:
    """Whether the keys of a take were written with the settings that it has."""
    return applied(take_of(armature)) == settings(take_of(armature))


def settings(take: TakeProperties) -> Settings:
    """As they are set on a take, whether it was keyed by them or not."""
    return take.smoothing, tuple(take.regions), take.hold_feet


def applied(take: TakeProperties) -> Settings:
    """Those that a take is keyed by."""
    return take.applied, tuple(take.applied_regions), take.applied_hold
