# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at the footage of the form as soon as it is chosen, beside Blender: a picture, its size, rate and length."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import bpy

from ...model.protocol import Failure
from ..engine.client import engine_environment
from ..engine.running import ROOT
from ..preferences import engine_python
from ..screen import redraw_panels
from ..take.footage import absolute, open_ahead
from . import pictures
from .found import found
from .glance import Glance, Seen

STEP_S: Final = 0.1
PICTURE: Final = "footage"

Then = Callable[[Seen], None]


class _Looking:
    glance: Glance | None = None
    folder: Path | None = None
    then: Then | None = None
    asked: dict[int, tuple[Path, Path | None]] = {}
    """By scene: the file that was looked at last, and by which Python; None if there was no engine."""


def begin(context: bpy.types.Context, footage: str, then: Then | None = None) -> None:
    """Start to look at a file; what was looked at before is forgotten.

    `then` is called with what was seen: if there is no engine yet, as soon as there is one.
    """
    assert context.scene
    path, python = _asked(context, footage)
    _Looking.asked[context.scene.session_uid] = path, python
    _begin(context, path, python, then)


def keep_up(context: bpy.types.Context, footage: str) -> None:
    """Look, a moment later, at a file that is shown and was not looked at: one of a file that was opened, or undone."""
    assert context.scene
    path, python = now = _asked(context, footage)
    before = _Looking.asked.get(context.scene.session_uid)
    if before == now:
        return
    _Looking.asked[context.scene.session_uid] = now
    then = _Looking.then if before and before[0] == path else None
    bpy.app.timers.register(lambda: _begin(bpy.context, path, python, then))


def _asked(context: bpy.types.Context, footage: str) -> tuple[Path, Path | None]:
    try:
        return absolute(footage), engine_python(context)
    except Failure:
        return absolute(footage), None


def _begin(context: bpy.types.Context, path: Path, python: Path | None, then: Then | None) -> None:
    end()
    found(context).footage = ""
    if not path.is_file():
        return
    _Looking.then = then
    if not python:
        return  # The panel says already that there is no engine.
    _start(python, path)
    if not bpy.app.timers.is_registered(_step):
        bpy.app.timers.register(_step, first_interval=STEP_S)


def known(context: bpy.types.Context, footage: str) -> bool:
    """Whether what was found is of this file."""
    return bool(found(context).footage) and Path(found(context).footage) == absolute(footage)


def now(context: bpy.types.Context, footage: str) -> Seen:
    """Look at a file and wait for the answer. Raises Failure."""
    end()
    try:
        seen = _start(engine_python(context), absolute(footage)).wait()
        _show(context, seen)
        return seen
    finally:
        end()


def end() -> None:
    """Stop looking."""
    if _Looking.glance:
        _Looking.glance.stop()
    if _Looking.folder:
        shutil.rmtree(_Looking.folder, ignore_errors=True)
    _Looking.glance = _Looking.folder = _Looking.then = None
    if bpy.app.timers.is_registered(_step):
        bpy.app.timers.unregister(_step)


def _start(python: Path, footage: Path) -> Glance:
    _Looking.folder = Path(tempfile.mkdtemp(prefix="reel_to_rig_"))
    _Looking.glance = Glance(python, engine_environment(ROOT), str(footage), _Looking.folder)
    return _Looking.glance


def _step() -> float | None:
    """One tick of Blender's timer."""
    glance, then = _Looking.glance, _Looking.then
    if glance is None:
        return None
    try:
        seen = glance.result()
        if seen is None:
            return STEP_S
        _show(bpy.context, seen)
        open_ahead(Path(seen.footage))
        if then:
            then(seen)
    except Failure as failure:
        known = found(bpy.context)
        known.footage, known.line, known.usable = glance.footage, failure.message, False
    redraw_panels()
    end()
    return None


def _show(context: bpy.types.Context, seen: Seen) -> None:
    pictures.keep(PICTURE, seen.thumbnail)
    known = found(context)
    known.footage, known.line, known.usable = seen.footage, seen.line(), True
