# SPDX-License-Identifier: GPL-3.0-or-later
import os
from pathlib import Path

import pytest

from tests.addon.blender import Blender

ENGINE = "#!/bin/sh\necho device: pretended\n"
LACKING = "#!/bin/sh\necho MISSING: torch 9\necho so nothing can run\nexit 1\n"
SILENT = "#!/bin/sh\n"
TEXT = "No program at all"

HERE = Path(__file__).parent


@pytest.mark.blender
def test_blender_installs_nothing_unasked_and_nothing_offline(blender: Blender, tmp_path: Path):
    bad = tmp_path / "bundle.zip"
    bad.write_bytes(b"PK no zip")
    found = blender.run(HERE / "blender_installation.py", bundle=str(bad), pythons={}).result
    assert not found["online"]
    assert found["below"] == [".user", "user_default", "reel_to_rig", "engine"]
    assert found["at_first"] == "ABSENT"
    says = " ".join(found["says"])
    for part in (" MB to download", "GB of disk", "pypi.org", "download.pytorch.org/whl/cpu", "BSD-3-Clause", "MIT"):
        assert part in says
    assert "may not go online" in found["says"][-1]
    assert "no whole bundle" in found["says of a bad bundle"][0]
    assert "not allowed to go online" in found["refused"]
    assert not found["written"]
    assert "no whole bundle" in found["bad_bundle"]
    assert "not installed" in found["import_without"] or "footage" in found["import_without"]
    assert found["begun"] == "INCOMPLETE"
    assert "Only what is missing" in found["says then"][0]
    assert found["says then"][1:] == found["says"]
    assert found["buttons at first"] == ["Install Engine"]
    assert found["buttons then"] == ["Continue Installation", "open_install_log", "uninstall_engine"]
    assert (found["log at first"], found["log then"]) == (False, True)
    assert found["uninstalled"]
    assert found["at_last"] == "ABSENT"
    assert "no longer allowed to go online" in found["stopped"]


@pytest.mark.blender
@pytest.mark.skipif(os.name == "nt", reason="shell scripts")
def test_an_engine_elsewhere_is_not_believed_but_checked(blender: Blender, tmp_path: Path):
    programs = {"engine": ENGINE, "lacking": LACKING, "silent": SILENT, "text": TEXT, "plain": ENGINE}
    for name, text in programs.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600 if name == "plain" else 0o700)
    pythons = {name: str(tmp_path / name) for name in (*programs, "nowhere", "")}
    found = blender.run(HERE / "blender_installation.py", bundle=str(tmp_path / "none.zip"), pythons=pythons).result
    shown = found["elsewhere"]
    for name, why in (("nowhere", "not there"), ("plain", "no program"), ("", "no program")):
        assert shown[name]["icons"] == ["ERROR"]
        assert f"{why}. Name the engine's Python as Engine Elsewhere" in shown[name]["labels"]
        assert shown[name]["buttons"] == []
        assert why in shown[name]["check"]
    for name in ("engine", "lacking", "silent", "text"):
        assert shown[name]["icons"] == ["INFO"]
        assert "device:" not in shown[name]["labels"]
        assert shown[name]["buttons"] == ["check_engine"]
    assert shown["engine"]["check"] == "{'FINISHED'}"
    assert shown["engine"]["iconsafter"] == ["INFO"]
    assert "device: pretended" in shown["engine"]["labelsafter"]
    for name, why in (
        ("lacking", "does not run there: MISSING: torch 9"),
        ("silent", "does not run there: it said nothing"),
        ("text", "cannot be started: Exec format error"),
    ):
        assert why in shown[name]["check"]
        assert why in shown[name]["labelsafter"]
        assert shown[name]["iconsafter"] == ["INFO", "ERROR"]
        assert shown[name]["buttonsafter"] == ["check_engine", "open_install_log"]
