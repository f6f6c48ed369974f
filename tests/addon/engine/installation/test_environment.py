# SPDX-License-Identifier: GPL-3.0-or-later
"""States of an engine's folder that an interruption may leave, made by hand."""

import json
from pathlib import Path

import pytest
from reel_to_rig.addon.engine.installation import environment as disk
from reel_to_rig.addon.engine.installation.environment import State
from reel_to_rig.addon.engine.installation.plan import Plan, make_plan


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan("cpu")


@pytest.fixture
def engine(tmp_path: Path, plan: Plan) -> Path:
    """What an installation leaves that went well, with one library of one module."""
    folder = tmp_path / "engine"
    packages = disk.site_packages(folder, plan.version)
    (packages / "thing-1.0.dist-info").mkdir(parents=True)
    (packages / "thing.py").write_text("1234")
    (packages / "thing-1.0.dist-info/RECORD").write_text("thing.py,sha256=x,4\nthing-1.0.dist-info/RECORD,,\n")
    disk.python_of(folder).parent.mkdir(parents=True)
    disk.python_of(folder).touch()
    state = {"key": plan.key, "build": "cpu", "site": str(packages.relative_to(folder / "env"))}
    disk.write_state(folder, state | {"packages": ["thing-1.0.dist-info"], "check": {"passed": True, "lines": []}})
    return folder


def test_what_is_whole_is_ready(engine: Path, plan: Plan):
    assert disk.state_of(engine, plan) is State.READY
    assert disk.damaged(disk.site_packages(engine, plan.version)) == []


def test_nothing_is_absent(tmp_path: Path, plan: Plan):
    assert disk.state_of(tmp_path / "none", plan) is State.ABSENT
    assert disk.state_of(tmp_path, plan) is State.ABSENT


@pytest.mark.parametrize("written", ["", "{", '{"key": "x"}'])
def test_without_the_last_words_it_is_incomplete(engine: Path, plan: Plan, written: str):
    (engine / "state.json").write_text(written)
    assert disk.state_of(engine, plan) is State.INCOMPLETE


def test_with_another_key_it_is_outdated_unless_no_plan_is_known(engine: Path, plan: Plan):
    state = json.loads((engine / "state.json").read_text())
    disk.write_state(engine, state | {"key": "another"})
    assert disk.state_of(engine, plan) is State.OUTDATED
    assert disk.state_of(engine, None) is State.READY


@pytest.mark.parametrize("lost", ["python", "record", "check"])
def test_what_lacks_a_part_is_broken(engine: Path, plan: Plan, lost: str):
    if lost == "python":
        disk.python_of(engine).unlink()
    elif lost == "record":
        (disk.site_packages(engine, plan.version) / "thing-1.0.dist-info/RECORD").unlink()
    else:
        state = json.loads((engine / "state.json").read_text())
        disk.write_state(engine, state | {"check": {"passed": False, "lines": []}})
    assert disk.state_of(engine, plan) is State.BROKEN


@pytest.mark.parametrize("harm", ["deleted", "cut"])
def test_a_file_that_is_missing_or_short_damages_its_library(engine: Path, plan: Plan, harm: str):
    packages = disk.site_packages(engine, plan.version)
    if harm == "deleted":
        (packages / "thing.py").unlink()
    else:
        (packages / "thing.py").write_text("12")
    assert disk.damaged(packages) == [packages / "thing-1.0.dist-info"]


@pytest.mark.parametrize("record", [b"\0\0\0\0", b"thing.py,,3\nn\xf6\xff.py,,1\n", b"thing.py", b"thing.py,,many"])
def test_a_record_that_cannot_be_read_damages_its_library(engine: Path, plan: Plan, record: bytes):
    packages = disk.site_packages(engine, plan.version)
    (packages / "thing-1.0.dist-info/RECORD").write_bytes(record)
    assert disk.damaged(packages) == [packages / "thing-1.0.dist-info"]


def test_what_an_interrupted_pip_leaves_is_swept_away(engine: Path, plan: Plan):
    packages = disk.site_packages(engine, plan.version)
    (packages / "~hing-0.9.dist-info").mkdir()
    (packages / "torn-2.0.dist-info").mkdir()
    (packages / "torn-2.0.dist-info/METADATA").touch()
    assert disk.installed(packages) == {"thing": "1.0"}
    disk.sweep(packages)
    assert sorted(path.name for path in packages.iterdir()) == ["thing-1.0.dist-info", "thing.py"]


def test_what_is_read_only_is_removed_too(tmp_path: Path):
    inside = tmp_path / "engine/deep"
    inside.mkdir(parents=True)
    (inside / "file").touch()
    (inside / "file").chmod(0o400)
    inside.chmod(0o500)
    disk.remove(tmp_path / "engine")
    assert not (tmp_path / "engine").exists()
