# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs the zip as a user does, runs it, disables it, enables it again, and uninstalls it."""

import os
from pathlib import Path
from typing import Any

import bpy

from tests.addon.inside import MODULE


def main(zip_file: str, engine: str, pid_file: str, footage: str) -> dict[str, Any]:
    before = registered()
    installed = bpy.ops.extensions.package_install_files(filepath=zip_file, repo="user_default", enable_on_install=True)
    assert installed == {"FINISHED"}
    folder = Path(os.environ["BLENDER_USER_RESOURCES"]) / "extensions/user_default/reel_to_rig"
    found: dict[str, Any] = {
        "installed": folder.is_dir() and not folder.is_symlink(),
        "panels": sorted(name for name in registered()["types"] - before["types"] if "_PT_" in name),
        "operators": sorted(registered()["operators"] - before["operators"]),
    }
    found["undocumented"] = undocumented(found["operators"])
    bpy.context.scene.reel_to_rig.footage = footage
    bpy.context.preferences.addons[MODULE].preferences.engine_python = engine
    found["ran"] = bpy.ops.reel_to_rig.import_video() == {"FINISHED"} and "my clip" in bpy.data.objects
    pid = int(Path(pid_file).read_text())
    found["engine_while_enabled"] = runs(pid)
    bpy.ops.preferences.addon_disable(module=MODULE)
    found["engine_while_disabled"] = runs(pid)
    found["left_when_disabled"] = differences(before, registered())

    bpy.ops.preferences.addon_enable(module=MODULE)
    found["kept"] = bpy.data.objects["my clip"].reel_to_rig.is_take
    repositories = [repository.module for repository in bpy.context.preferences.extensions.repos]
    bpy.ops.extensions.package_uninstall(repo_index=repositories.index("user_default"), pkg_id="reel_to_rig")
    found["left_when_uninstalled"] = differences(before, registered())
    found["folder_left"] = folder.exists()
    return found


def registered() -> dict[str, set[str]]:
    """All that an extension could leave behind in Blender, by name."""
    handlers = (getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers))
    found = {
        "types": set(dir(bpy.types)),
        "operators": {f"{group}.{name}" for group in dir(bpy.ops) for name in dir(getattr(bpy.ops, group))},
        "handlers": {str(handler) for listed in handlers if isinstance(listed, list) for handler in listed},
    }
    for owner in (bpy.types.Scene, bpy.types.Object, bpy.types.WindowManager, bpy.types.Bone):
        found[owner.__name__] = set(dir(owner)) | set(owner.bl_rna.properties.keys())
    return found


def differences(before: dict[str, set[str]], after: dict[str, set[str]]) -> list[str]:
    return sorted(f"{kind}: {name}" for kind in before for name in before[kind] ^ after[kind])


def undocumented(operators: list[str]) -> list[str]:
    """Operators and fields without a tooltip."""
    scene, preferences = bpy.context.scene, bpy.context.preferences.addons[MODULE].preferences
    things = []
    for name in operators:
        group, operator = name.split(".")
        things.append(getattr(getattr(bpy.ops, group), operator).get_rna_type())
    for group in (scene.reel_to_rig, scene.reel_to_rig_retarget, scene.reel_to_rig_retarget.mapping, preferences):
        things += [field for field in group.bl_rna.properties if field.identifier in type(group).__annotations__]
    return [thing.identifier for thing in things if not thing.description]


def runs(pid: int) -> bool:
    try:
        return "zombie" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
