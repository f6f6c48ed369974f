# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine that this Blender installs for itself: its folder, its state, and what is being done to it."""

import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import bpy

from ....model.protocol import Code, Failure
from ... import EXTENSION
from ...screen import redraw_panels
from .. import running
from ..client import engine_environment
from . import environment as disk
from .environment import State
from .installer import Installer
from .plan import InstallFailure, Plan, make_plan
from .programs import Check, Programs, told
from .work import Removal, Work

LOOK_AGAIN_S = 1.0
REDRAW_S = 0.2
CHECK = ("-m", "model", "doctor")


class _Current:
    work: Work | None = None
    state: State | None = None
    looked_at = 0.0


def folder() -> Path:
    return Path(bpy.utils.extension_path_user(EXTENSION, path="engine"))


def state() -> State:
    """As the disk says; looked up once a second at most, since panels ask whenever they are drawn."""
    now = time.monotonic()
    if _Current.state is None or now - _Current.looked_at > LOOK_AGAIN_S:
        _Current.state, _Current.looked_at = disk.state_of(folder(), _installed_plan()), now
    return _Current.state


def log_file() -> Path:
    """What the installer wrote down, or the check if that was last."""
    return _Current.work.log.path if isinstance(_Current.work, Programs) else folder() / "install.log"


def forget_state() -> None:
    """Look again at once: something has just been done to the engine."""
    _Current.state = None


def found() -> list[str]:
    """What the check at the end of the installation said of device and network."""
    return told(disk.read_state(folder()).get("check", {}).get("lines", []))


def python() -> Path:
    """The Python of the installed engine. Raises Failure(ENGINE_MISSING) unless it is ready."""
    if state() is not State.READY:
        raise Failure(Code.ENGINE_MISSING, f"{state().value}.")
    return disk.python_of(folder())


def installed_build() -> str:
    """The build of torch that is installed, or being installed; "auto" where there is none."""
    written: dict[str, Any] = disk.read_state(folder())
    return written.get("build", "auto")


def _installed_plan() -> Plan | None:
    build = installed_build()
    if build == "auto":
        return None
    for name in (build, "auto"):  # One that is offered no more is out of date.
        with suppress(InstallFailure):
            return cached_plan(name)
    return None


@lru_cache
def cached_plan(build: str) -> Plan:
    """The plan for a build; what it is made of does not change while Blender runs. Raises InstallFailure."""
    return make_plan(build)


def work() -> Work | None:
    """What is being done to the engine, or was done last."""
    return _Current.work


def busy() -> bool:
    return _Current.work is not None and _Current.work.running


def install(build: str, bundle: Path | None) -> Work:
    """Begin to install, go on, update or repair. Raises InstallFailure."""
    environment = engine_environment(running.ROOT)
    return _begin(Installer(folder(), cached_plan(build), CHECK, environment, _online(), bundle))


def check(python: Path, log_file: Path) -> Work:
    """Begin to see whether a Python runs the engine."""
    return _begin(Check(python, CHECK, engine_environment(running.ROOT), log_file))


def uninstall() -> Work:
    """Begin to take the engine away."""
    return _begin(Removal(folder()))


def _online() -> bool:
    return bool(getattr(bpy.app, "online_access", True))


def _begin(begun: Work) -> Work:
    # What runs from the folder would keep its files in use, or go on with half of them; or hold a check's memory.
    running.close()
    _Current.work = begun
    begun.start()
    if not bpy.app.background and not bpy.app.timers.is_registered(_watch):
        bpy.app.timers.register(_watch, persistent=True)
    return begun


def close() -> None:
    """Stop what is being done; the next installation goes on from there."""
    if _Current.work:
        _Current.work.cancel()
        _Current.work.wait(2.0)
    _Current.work = _Current.state = None
    if bpy.app.timers.is_registered(_watch):
        bpy.app.timers.unregister(_watch)


def _watch() -> float | None:
    """Draw the panels that show the progress, until there is none; the network may be forbidden meanwhile."""
    if isinstance(_Current.work, Installer) and not _online():
        _Current.work.keep_offline()
    if not busy():
        forget_state()
    redraw_panels()
    return REDRAW_S if busy() else None
