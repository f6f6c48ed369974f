# SPDX-License-Identifier: GPL-3.0-or-later
"""The zip: what is in it, and that Blender installs, enables, runs, disables and uninstalls it without a trace."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.addon.blender import ROOT, Blender
from tests.addon.capture.engines import make_engine

HERE = Path(__file__).parent
LARGEST_ZIP = 60e6


@pytest.fixture(scope="module")
def zip_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, ROOT / "scripts/build_extension.py", "--output", folder], check=True, timeout=120)
    return next(folder.glob("reel_to_rig-*.zip"))


def test_the_zip_holds_what_the_extension_runs_on_and_nothing_else(zip_file: Path):
    with zipfile.ZipFile(zip_file) as archive:
        held = set(archive.namelist())
    parts = ("addon", "model", "requirements/lock")
    git = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", *parts]
    files = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    listed = {name for name in files if not name.startswith(("model/training/", "model/evaluation/"))}
    pins = {"requirements/engine.txt", "requirements/torch.toml"}
    assert held == {"__init__.py", "blender_manifest.toml", "LICENSE", *pins, *listed}
    assert zip_file.stat().st_size < LARGEST_ZIP
    assert not [name for name in held if name.endswith((".pyc", ".pt", ".part"))]


def test_the_manifest_and_the_engine_are_of_one_version_and_cover_the_blenders_we_name():
    from model.protocol import ENGINE_VERSION

    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text())
    assert manifest["version"] == ENGINE_VERSION
    assert (manifest["blender_version_min"], manifest["blender_version_max"]) == ("4.2.0", "5.3.0")
    assert manifest["license"] == ["SPDX:GPL-3.0-or-later"]
    assert set(manifest["tags"]) <= {"3D View", "Animation", "Camera", "Import-Export", "Rigging", "Tracking"}


@pytest.mark.blender
def test_install_start_run_disable_twice_uninstall(zip_file: Path, blender: Blender, tmp_path: Path):
    footage = tmp_path / "my clip.mp4"
    footage.write_bytes(b"not looked at by an engine that pretends")
    run = blender.run(
        HERE / "blender_extension.py",
        zip_file=str(zip_file),
        engine=str(make_engine(tmp_path, "good")),
        pid_file=str(tmp_path / "good.pid"),
        footage=str(footage),
    )
    found = run.result
    assert found["installed"]
    panels = ("footage", "mapping", "retarget", "take", "take_overlay", "take_regions")
    assert found["panels"] == [f"REEL_TO_RIG_PT_{name}" for name in panels]
    assert {f"reel_to_rig.{name}" for name in ("import_video", "cancel", "smooth", "bake")} <= set(found["operators"])
    assert found["in_menus"] == [
        "TOPBAR_MT_file_export: _draw_export",
        "TOPBAR_MT_file_import: _draw_import",
        "VIEW3D_MT_object_animation: _draw_menu",
    ]
    assert found["undocumented"] == []
    assert found["deeds"] == []
    assert found["wanting_numpy"] == [], "Blender starts without numpy, which takes longer to import than all of this"
    assert found["left_by_start"] == []
    once = {"ran": True, "engine_while_enabled": True, "engine_while_disabled": False, "left": []}
    assert found["rounds"] == [once, once]
    assert found["kept"] == ["my clip", "my clip.001"]
    assert found["left_when_uninstalled"] == []
    assert not found["folder_left"]
    for word in ("warn", "error", "traceback", "leak"):
        assert word not in run.output.lower(), run.output
