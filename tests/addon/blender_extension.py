# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs the zip as a user does, starts it, runs it and disables it twice, and uninstalls it."""

import contextlib
import importlib
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy

from tests.addon.inside import MODULE


def main(zip_file: str, engine: str, pid_file: str, footage: str) -> dict[str, Any]:
    before = registered()
    installed = bpy.ops.extensions.package_install_files(
        filepath=zip_file, repo="user_default", enable_on_install=False
    )
    assert installed == {"FINISHED"}
    folder = Path(os.environ["BLENDER_USER_RESOURCES"]) / "extensions/user_default/reel_to_rig"
    found: dict[str, Any] = {"installed": folder.is_dir() and not folder.is_symlink()}
    found |= start()
    found["left_by_start"] = differences(before, registered())
    found["rounds"] = []
    for number in range(2):
        bpy.ops.preferences.addon_enable(module=MODULE)
        if not number:
            found["panels"] = sorted(name for name in registered()["types"] - before["types"] if "_PT_" in name)
            found["in_menus"] = sorted(line for line in differences(before, registered()) if "_draw" in line)
            found["operators"] = sorted(registered()["operators"] - before["operators"])
            found["undocumented"] = undocumented(found["operators"])
        found["rounds"].append(run_once(engine, pid_file, footage) | {"left": differences(before, registered())})
    bpy.ops.preferences.addon_enable(module=MODULE)
    found["kept"] = sorted(item.name for item in bpy.data.objects if item.reel_to_rig.is_take)
    repositories = [repository.module for repository in bpy.context.preferences.extensions.repos]
    bpy.ops.extensions.package_uninstall(repo_index=repositories.index("user_default"), pkg_id="reel_to_rig")
    found["left_when_uninstalled"] = differences(before, registered())
    found["folder_left"] = folder.exists()
    return found


def run_once(engine: str, pid_file: str, footage: str) -> dict[str, bool]:
    """Import something with the enabled extension, and disable it."""
    bpy.context.scene.reel_to_rig.footage = footage
    bpy.context.preferences.addons[MODULE].preferences.engine_python = engine
    known = set(bpy.data.objects.keys())
    done = bpy.ops.reel_to_rig.import_video() == {"FINISHED"} and len(set(bpy.data.objects.keys()) - known) == 3
    pid = int(Path(pid_file).read_text())
    while_enabled = runs(pid)
    bpy.ops.preferences.addon_disable(module=MODULE)
    return {"ran": done, "engine_while_enabled": while_enabled, "engine_while_disabled": runs(pid)}


def start() -> dict[str, Any]:
    """What Blender does to the extension when it starts: what that does to the world, and whether it needs numpy."""
    with watched() as deeds:
        module = importlib.import_module(MODULE)
        module.register()
        module.unregister()
    ours = [(name, vars(module)) for name, module in sys.modules.items() if name.startswith(MODULE)]
    wanting_numpy = [name for name, content in ours if "numpy" in map(_module_name, content.values())]
    return {"wanting_numpy": wanting_numpy, "deeds": deeds}


def _module_name(thing: Any) -> str:
    return thing.__name__ if isinstance(thing, ModuleType) else ""


_deeds: list[str] | None = None


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    """Note what reaches beyond this process's memory, but for reading files."""
    if _deeds is None or not event.startswith(("open", "os.", "socket.", "subprocess.", "shutil.", "urllib.")):
        return
    reads = event == "open" and not (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    if not reads and event not in ("os.listdir", "os.scandir"):
        _deeds.append(f"{event} {arguments}")


@contextlib.contextmanager
def watched() -> Iterator[list[str]]:
    """What is done meanwhile: files written, processes and threads started, the network used."""
    global _deeds  # noqa: PLW0603 - a hook cannot be taken away again
    sys.addaudithook(_hook)
    threads, deeds = set(threading.enumerate()), []
    _deeds = deeds
    try:
        yield deeds
    finally:
        _deeds = None
        deeds += [f"thread {thread.name}" for thread in set(threading.enumerate()) - threads]


def registered() -> dict[str, set[str]]:
    """All that an extension could leave behind in Blender, by name."""
    handlers = (getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers))
    found = {
        "types": set(dir(bpy.types)),
        "operators": {f"{group}.{name}" for group in dir(bpy.ops) for name in dir(getattr(bpy.ops, group))},
        "handlers": {str(handler) for listed in handlers if isinstance(listed, list) for handler in listed},
    }
    for name in ("VIEW3D_MT_object_animation", "TOPBAR_MT_file_import", "TOPBAR_MT_file_export", "STATUSBAR_HT_header"):
        found[name] = {function.__name__ for function in getattr(bpy.types, name)._dyn_ui_initialize()}
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
