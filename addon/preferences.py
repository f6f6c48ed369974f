# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every capture on this machine: the engine's Python, the device, folders, licences."""

import os
from pathlib import Path
from typing import cast

import bpy

from ..model.protocol import Code, Failure
from . import EXTENSION
from .engine.installation import current
from .engine.installation.panel import draw_elsewhere, draw_engine
from .text import draw_text

PYTHON_VARIABLE = "REEL_TO_RIG_PYTHON"

LICENCES = (
    ("Code", "GPL-3.0-or-later."),
    ("Body", "Built from MakeHuman's CC0 data, free for any use."),
    ("Person detectors", "MoveNet and BlazePose by Google, Apache-2.0."),
    (
        "Training data",
        "The data used in this project was obtained from mocap.cs.cmu.edu. "
        "The database was created with funding from NSF EIA-0196217.",
    ),
    (
        "SMPL files",
        "Never part of this extension. A file of your own is for non-commercial use unless you hold a licence.",
    ),
)


class ReelToRigPreferences(bpy.types.AddonPreferences):
    bl_idname = EXTENSION

    engine_python: bpy.props.StringProperty(
        name="Engine Elsewhere",
        description="Optional: a Python that has the engine's libraries (requirements/engine.txt). Empty: the one that "
        f"the environment variable {PYTHON_VARIABLE} names, otherwise the one that is installed here",
        subtype="FILE_PATH",
    )
    device: bpy.props.EnumProperty(
        name="Device",
        description="Where the networks run",
        items=(
            ("auto", "Automatic", "The graphics card if it can be used, otherwise the processor"),
            ("cpu", "Processor", "Runs everywhere, and is slower"),
            ("cuda", "Graphics Card", "Fails with a message if the card cannot be used"),
        ),
        default="auto",
    )
    cache: bpy.props.StringProperty(
        name="Cache Folder",
        description="Where the engine keeps its log and what it is working on. Empty: the extension's own folder",
        subtype="DIR_PATH",
    )
    smpl_body: bpy.props.StringProperty(
        name="SMPL Body",
        description="Optional: an SMPL model file of your own (.npz or .pkl) to use in place of the body that comes "
        "with the extension. Non-commercial use only, unless you hold a licence",
        subtype="FILE_PATH",
    )

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        assert layout
        box = layout.box().column()
        if engine_elsewhere(context):
            try:
                draw_elsewhere(box, context, engine_python(context))
            except Failure as failure:
                draw_text(box, context, failure.message, "ERROR")
                draw_text(box, context, failure.hint, "BLANK1")
        else:
            draw_engine(box, context)
        layout.use_property_split = True
        layout.prop(self, "engine_python")
        layout.prop(self, "device")
        layout.prop(self, "cache")
        layout.prop(self, "smpl_body")
        box = layout.box().column(align=True)
        box.label(text="Licences")
        for title, text in LICENCES:
            draw_text(box, context, f"{title}: {text}")


def preferences(context: bpy.types.Context) -> ReelToRigPreferences:
    """The extension's preferences."""
    assert context.preferences
    return cast(ReelToRigPreferences, context.preferences.addons[EXTENSION].preferences)


def engine_python(context: bpy.types.Context) -> Path:
    """The Python that runs the engine. Raises Failure(ENGINE_MISSING) if there is none, or it is not where it was."""
    chosen = engine_elsewhere(context)
    if not chosen:
        return current.python()
    # Never resolved: a virtual environment is known by the path of its link.
    path = Path(bpy.path.abspath(chosen))
    # In this order: of what lies in a folder that may not be entered, only the first question can be asked.
    if not (os.access(path, os.X_OK) and path.is_file()):
        named = "Engine Elsewhere" if preferences(context).engine_python else PYTHON_VARIABLE
        raise Failure(
            Code.ENGINE_MISSING,
            f"{path} is {'no program' if os.access(path, os.F_OK) else 'not there'}.",
            f"Name the engine's Python as {named}, or nothing to install the engine here.",
        )
    return path


def engine_elsewhere(context: bpy.types.Context) -> str:
    """The Python of an engine that was installed by hand, empty if none is named."""
    return preferences(context).engine_python or os.environ.get(PYTHON_VARIABLE, "")


def cache_folder(context: bpy.types.Context) -> Path:
    """The cache folder, made if need be. Raises Failure(OUTPUT_UNWRITABLE)."""
    chosen = preferences(context).cache
    try:
        folder = Path(bpy.path.abspath(chosen) if chosen else bpy.utils.extension_path_user(EXTENSION, path="cache"))
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(Code.OUTPUT_UNWRITABLE, f"{error.filename}: {error.strerror}.") from error
    return folder
