# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of the footage before anything is captured from it."""

from typing import cast

import bpy


class PersonProperties(bpy.types.PropertyGroup):
    """Somebody whom a scan found."""

    number: bpy.props.IntProperty()
    first_s: bpy.props.FloatProperty()
    last_s: bpy.props.FloatProperty()
    share: bpy.props.FloatProperty(description="Of the pictures looked at, how many show this person")
    chosen: bpy.props.BoolProperty(
        name="Capture",
        description="Capture this person's motion. Everybody who is chosen becomes a take of their own",
    )


class FoundProperties(bpy.types.PropertyGroup):
    """Kept with the window, so that neither undo nor saving touches it."""

    footage: bpy.props.StringProperty(description="The file that `line` tells of")
    line: bpy.props.StringProperty(description="What it holds, or why it cannot be used")
    usable: bpy.props.BoolProperty()
    scanned: bpy.props.StringProperty(description="The footage and range in which the people were found")
    people: bpy.props.CollectionProperty(type=PersonProperties)


def found(context: bpy.types.Context) -> FoundProperties:
    """What is known, of footage that need not be the form's any longer."""
    manager = context.window_manager
    return cast(FoundProperties, manager.reel_to_rig_found)  # pyright: ignore[reportAttributeAccessIssue, reportOptionalMemberAccess]


def person_picture(number: int) -> str:
    """The name of somebody's picture."""
    return f"person {number}"
