# SPDX-License-Identifier: GPL-3.0-or-later
"""The footage behind a take: shown by its camera, and found again where it was moved."""

import os.path
import time
from functools import lru_cache
from math import radians
from pathlib import Path
from typing import Any, Final

import bpy

from . import lens
from .props import present, take_of

LOOK_AGAIN_S: Final = 2.0
AHEAD: Final = "reel_to_rig_ahead"
"""Marks a clip that was opened before anything showed it."""


def open_ahead(path: Path) -> bool:
    """Have Blender open footage when somebody chooses it: that takes too long for a moment at which nobody waits.

    Returns whether it was opened now; it may have been before, and what Blender cannot open is left to `show`.
    """
    there = _open(path)
    for clip in _unused():
        if clip not in there:
            bpy.data.movieclips.remove(clip)
    try:
        if not there:
            bpy.data.movieclips.load(_named(str(path)))[AHEAD] = True
    except RuntimeError:
        return False
    return not there


def close_ahead(path: Path) -> None:
    """Close footage again that was opened ahead, if it is shown nowhere."""
    for clip in _unused():
        if clip in _open(path):
            bpy.data.movieclips.remove(clip)


def _unused() -> list[bpy.types.MovieClip]:
    return [clip for clip in bpy.data.movieclips if AHEAD in clip and not clip.users]


def show(camera: Any, path: str, filmed: dict[str, Any], start: int) -> None:
    """Show a clip behind the scene, its first picture at frame start; filmed is what the capture noted of it.

    Blender takes its time to open it, unless it was opened ahead. Raises RuntimeError if it cannot.
    """
    there = _open(Path(path))
    clip = next((clip for clip in there if (clip.frame_start, clip.frame_offset) == (start, 0)), None)
    if not clip:  # One that begins elsewhere is used by somebody else.
        clip = next((clip for clip in _unused() if clip in there), None)
        clip = clip or bpy.data.movieclips.load(_named(path))
        clip.frame_start = start
    background = camera.background_images.new()
    background.source = "MOVIE_CLIP"
    background.clip = clip
    background.alpha = 1.0
    background.frame_method = "FIT"
    camera.show_background_images = True
    width, height = filmed["width"], filmed["height"]
    if width != height and size_of(clip) == (height, width):
        # Blender 4 leaves a portrait clip of a phone lying on its side.
        background.rotation = radians(filmed.get("rotation_deg", 0))  # clockwise, here as there
        lens.put_upright(camera, len(camera.background_images) - 1, width, height)


def absolute(name: str, library: bpy.types.Library | None = None) -> Path:
    """The file that Blender means by a name, which may begin where the .blend lies, or that of a library."""
    return Path(os.path.normpath(bpy.path.abspath(name, library=library)))


def _named(path: str) -> str:
    """As Blender itself would name a file: from where the .blend lies, if that is how it is to be done."""
    assert bpy.context.preferences
    if not bpy.data.filepath or not bpy.context.preferences.filepaths.use_relative_paths:
        return path
    try:
        return bpy.path.relpath(path)
    except ValueError:  # It is on another drive.
        return path


def _open(path: Path) -> list[bpy.types.MovieClip]:
    """The clips of a file that are open in this .blend."""
    own = [clip for clip in bpy.data.movieclips if not clip.library]
    return [clip for clip in own if absolute(clip.filepath) == path]


def missing(armature: bpy.types.Object) -> str:
    """Where the footage of a take should be and is not; empty if it is there, or the take has none."""
    path = path_of(armature)
    return str(path) if path and not _is_there(path, int(time.monotonic() / LOOK_AGAIN_S)) else ""


@lru_cache(maxsize=8)
def _is_there(path: Path, _moment: int) -> bool:
    return path.is_file()


def path_of(armature: bpy.types.Object) -> Path | None:
    """The file that a take's camera shows or, if it shows none, the one that the take was captured from."""
    camera, clip = present(take_of(armature).camera), clip_of(armature)
    if clip:
        return absolute(clip.filepath, clip.library)
    filmed = _filmed(armature) if camera else {}
    return Path(filmed["path"]) if filmed else None


def clip_of(armature: bpy.types.Object) -> bpy.types.MovieClip | None:
    """The clip behind a take."""
    camera = present(take_of(armature).camera)
    if not camera or not isinstance(camera.data, bpy.types.Camera):
        return None
    return next((shown.clip for shown in camera.data.background_images if shown.clip), None)


def find(armature: bpy.types.Object, path: Path) -> str:
    """Have a take's camera show a file; returns what is odd about it, empty if nothing is.

    Raises RuntimeError if it cannot be shown, OSError if it is not there.
    """
    path.stat()
    camera, clip, filmed = present(take_of(armature).camera), clip_of(armature), _filmed(armature)
    if not camera or not camera.data:
        raise RuntimeError("the take has no camera")
    if camera.data.library:
        raise RuntimeError("open the file that the take is linked from, and find it there")
    trial = bpy.data.movieclips.load(_named(str(path)))
    (width, height), pictures = size_of(trial), trial.frame_duration
    bpy.data.movieclips.remove(trial)
    if not pictures:
        raise RuntimeError("Blender cannot read it")
    if clip:
        clip.filepath = str(path)  # The same clip: whatever else it is used for stays.
    else:
        show(camera.data, str(path), filmed, round(take_of(armature).start))
    _is_there.cache_clear()
    if filmed and (width, height) not in {(filmed["width"], filmed["height"]), (filmed["height"], filmed["width"])}:
        return f"It has {width} × {height} pixels, the footage of the take {filmed['width']} × {filmed['height']}"
    return ""


def size_of(clip: bpy.types.MovieClip) -> tuple[int, int]:
    """Width and height in pixels, as Blender reads them."""
    stored: Any = clip.size
    return stored[0], stored[1]


def _filmed(armature: bpy.types.Object) -> dict[str, Any]:
    """What the capture noted of its footage."""
    from ...model.motion.motion import MotionFileError
    from . import data

    try:
        return data.raw(armature).provenance.get("footage", {})
    except MotionFileError:
        return {}
