# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures for the panel: of the footage, and of the people in it. They never become part of a .blend file."""

from pathlib import Path
from typing import Any

import bpy.utils.previews


class _Kept:
    collection: Any = None


def keep(name: str, path: Path) -> None:
    """Read a picture, whose file may go away afterwards; it takes the place of one of the same name."""
    if _Kept.collection is None:
        _Kept.collection = bpy.utils.previews.new()
    if name in _Kept.collection:
        del _Kept.collection[name]
    if path.is_file():
        # To ask for its size is to read it now, and not when it is drawn.
        _ = tuple(_Kept.collection.load(name, str(path), "IMAGE").image_size)


def icon(name: str) -> int:
    """The number by which a layout draws a picture, 0 if there is none."""
    picture = _Kept.collection.get(name) if _Kept.collection is not None else None
    return picture.icon_id if picture else 0


def forget() -> None:
    """Free all pictures."""
    if _Kept.collection is not None:
        bpy.utils.previews.remove(_Kept.collection)
    _Kept.collection = None
