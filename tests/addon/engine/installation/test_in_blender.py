# SPDX-License-Identifier: GPL-3.0-or-later
from pathlib import Path

import pytest

from tests.addon.blender import Blender

HERE = Path(__file__).parent


@pytest.mark.blender
def test_blender_installs_nothing_unasked_and_nothing_offline(blender: Blender, tmp_path: Path):
    bad = tmp_path / "bundle.zip"
    bad.write_bytes(b"PK no zip")
    found = blender.run(HERE / "blender_installation.py", bundle=str(bad)).result
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
    assert found["buttons at first"] == ["install_engine"]
    assert found["buttons then"] == ["install_engine", "open_install_log", "uninstall_engine"]
    assert (found["log at first"], found["log then"]) == (False, True)
    assert found["uninstalled"]
    assert found["at_last"] == "ABSENT"
    assert "no longer allowed to go online" in found["stopped"]
