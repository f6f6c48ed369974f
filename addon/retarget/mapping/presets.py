# SPDX-License-Identifier: GPL-3.0-or-later
"""Bone maps of the user's own, as files in the folder that Blender keeps for the extension."""

from pathlib import Path

import bpy

from ...text import file_name
from ..bone_maps.bone_map import BoneMap
from ..bone_maps.files import Family, read, write


def folder(*, create: bool = False) -> Path:
    """Where they are kept. Updates of the extension leave it alone."""
    package = (__package__ or "").removesuffix(".addon.retarget.mapping")
    return Path(bpy.utils.extension_path_user(package, path="bone_maps", create=create))


def names() -> list[str]:
    """The names of all presets."""
    return sorted(file.stem for file in folder().glob("*.toml"))


def load(name: str) -> Family:
    """A preset. Raises OSError, or ValueError if the file is no bone map."""
    return read(_file(name))


def load_all() -> list[Family]:
    """All presets that can be read."""
    found: list[Family] = []
    for name in names():
        try:
            found.append(load(name))
        except (OSError, ValueError):
            continue  # Choosing it by name says what is wrong with it.
    return found


def save(name: str, bone_map: BoneMap) -> str:
    """Keep a map, in place of the one of that name; its name as kept. Raises OSError, or ValueError without a name."""
    kept = file_name(name)
    if not kept:
        raise ValueError("the preset needs a name")
    folder(create=True)
    write(_file(kept), bone_map)
    return kept


def remove(name: str) -> None:
    """Forget a preset. Raises OSError."""
    _file(name).unlink()


def _file(name: str) -> Path:
    return folder() / f"{name}.toml"
