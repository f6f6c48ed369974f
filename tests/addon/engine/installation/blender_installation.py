# SPDX-License-Identifier: GPL-3.0-or-later
"""The installer as Blender sees it: what it refuses, where it writes, and what its panel draws."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy

from tests.addon.inside import enable_checkout, part


def main(bundle: str, pythons: dict[str, str]) -> dict[str, Any]:
    enable_checkout()
    current = part("addon.engine.installation.current")
    environment = part("addon.engine.installation.environment")
    folder: Path = current.folder()
    found: dict[str, Any] = {
        "online": bpy.app.online_access,
        "below": folder.parts[-4:],
        "at_first": current.state().name,
        "says": said(""),
        "says of a bad bundle": said(bundle),
        "refused": attempt(bpy.ops.reel_to_rig.install_engine),
        "written": folder.exists(),
        "buttons at first": buttons(),
        "log at first": bpy.ops.reel_to_rig.open_install_log.poll(),
        "bad_bundle": attempt(lambda: bpy.ops.reel_to_rig.install_engine(bundle=bundle)),
        "import_without": attempt(bpy.ops.reel_to_rig.import_video),
    }
    folder.mkdir(parents=True)
    environment.write_state(folder, {"build": "cpu"})
    current.forget_state()
    found["begun"] = current.state().name
    found["says then"] = said("")
    current.log_file().touch()
    found["buttons then"] = buttons()
    found["log then"] = bpy.ops.reel_to_rig.open_install_log.poll()
    found["uninstalled"] = bpy.ops.reel_to_rig.uninstall_engine() == {"FINISHED"} and not folder.exists()
    current.forget_state()
    found["at_last"] = current.state().name
    found["stopped"] = stopped()
    found["elsewhere"] = {name: elsewhere(Path(python)) for name, python in pythons.items()}
    return found


def stopped() -> str:
    """What becomes of a download once Blender may not go online, which here it may not."""
    current = part("addon.engine.installation.current")
    installer = part("addon.engine.installation.installer").Installer
    work = installer(current.folder(), current.cached_plan("cpu"), (), {}, True)
    work._needs_network = True
    current._Current.work = work
    current._watch()
    work._do = lambda: work._tell("", 0)
    work.run()
    return str(work.failure)


def said(bundle: str) -> list[str]:
    """What the dialogue shows before anything is done."""
    found: list[str] = []
    layout = SimpleNamespace(prop=lambda *_: None, label=lambda text, **_: found.append(text))
    layout.column = lambda **_: layout
    operator = part("addon.engine.installation.ops").InstallEngine
    dialogue = SimpleNamespace(layout=layout, bundle=bundle, build="cpu")
    dialogue._build = lambda: operator._build(dialogue)
    operator.draw(dialogue, bpy.context)
    return found


def buttons() -> list[str]:
    """The buttons that the engine's panel offers."""
    layout = Layout()
    part("addon.engine.installation.panel").draw_engine(layout, bpy.context)
    return layout.buttons


def elsewhere(python: Path) -> dict[str, Any]:
    """What the preferences say of a Python that is named there, before the check and after it."""
    preferences = part("addon.preferences")
    preferences.preferences(bpy.context).engine_python = str(python)
    shown: dict[str, Any] = {}
    for when in ("", "after"):
        layout = Layout()
        preferences.ReelToRigPreferences.draw(SimpleNamespace(layout=layout), bpy.context)
        shown["icons" + when], shown["labels" + when] = layout.icons, " ".join(layout.labels)
        shown["buttons" + when] = layout.buttons
        if not when:
            shown["check"] = attempt(bpy.ops.reel_to_rig.check_engine)
    preferences.preferences(bpy.context).engine_python = ""
    return shown


class Layout:
    """Keeps what is drawn: the icons of labels, their texts, the buttons."""

    def __init__(self) -> None:
        self.icons: list[str] = []
        self.labels: list[str] = []
        self.buttons: list[str] = []

    def label(self, text: str, icon: str = "NONE") -> None:
        self.labels.append(text)
        self.icons += [icon] if icon not in ("NONE", "BLANK1") else []

    def operator(self, name: str, text: str | None = None, **_: Any) -> None:
        self.buttons.append(text or name.partition(".")[2])

    def prop(self, *_: Any) -> None:
        pass

    def box(self, **_: Any) -> "Layout":
        return self

    row = column = box


def attempt(operator: Any) -> str:
    try:
        return str(operator())
    except RuntimeError as error:
        return str(error)
