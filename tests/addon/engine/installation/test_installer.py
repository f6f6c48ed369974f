# SPDX-License-Identifier: GPL-3.0-or-later
"""The installer with a real pip and a real environment, from an index of tiny wheels on this machine."""

import os
import pickle
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from reel_to_rig.addon.engine.installation import bundle as bundles
from reel_to_rig.addon.engine.installation.environment import State, python_of, site_packages, size_of, state_of
from reel_to_rig.addon.engine.installation.installer import Installer
from reel_to_rig.addon.engine.installation.plan import Plan, make_plan
from reel_to_rig.addon.engine.installation.work import Removal, understood

from tests.addon.engine.installation.tiny_index import CHECK, Index, serving

PATIENCE_S = 300
HOST = """
import pickle, sys
from pathlib import Path
import tests.conftest
from tests.addon.engine.installation import test_installer as here
folder, plan, url = pickle.loads(Path(sys.argv[1]).read_bytes())
here.installer(here.Index(Path(), url), Path(folder), plan).run()
"""
"""What a Blender does that will be killed."""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    with serving(tmp_path_factory.mktemp("index")) as index:
        yield index


@pytest.fixture(scope="module")
def plan(index: Index, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return make_plan("auto", index.requirements(tmp_path_factory.mktemp("requirements")))


@pytest.fixture(scope="module")
def installed(index: Index, plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An engine that was installed once; tests work on copies of its folder, or put right what they broke."""
    folder = tmp_path_factory.mktemp("user") / "engine"
    work = installer(index, folder, plan)
    index.stalled = {"beta"}
    work.start()
    assert index.waits.wait(PATIENCE_S)
    assert state_of(folder, plan) is State.INCOMPLETE
    work.cancel()
    work.wait(PATIENCE_S)
    assert work.cancelled
    assert work.failure is None
    assert state_of(folder, plan) is State.INCOMPLETE
    index.stalled = set()
    again = installer(index, folder, plan)
    again.run()
    assert again.failure is None
    return folder


def installer(index: Index, folder: Path, plan: Plan, online: bool = True, bundle: Path | None = None) -> Installer:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    environment |= {"PIP_INDEX_URL": index.url, "PIP_CONFIG_FILE": os.devnull, "NO_PROXY": "127.0.0.1"}
    environment["no_proxy"] = environment["NO_PROXY"]
    return Installer(folder, plan, CHECK, environment, online, bundle)


@pytest.mark.skipif(os.name == "nt", reason="shell paths")
def test_a_cancelled_installation_is_resumed_to_the_end_and_leaves_only_the_engine(installed: Path, plan: Plan):
    assert state_of(installed, plan) is State.READY
    assert {entry.name for entry in installed.iterdir()} == {"env", "state.json", "busy", "install.log"}
    assert not (installed / "work").exists()


def test_a_deleted_file_is_found_and_only_its_library_installed_again(index: Index, installed: Path, plan: Plan):
    packages = site_packages(installed, plan.version)
    ballast, untouched = packages / "beta/ballast.txt", packages / "alpha/ballast.txt"
    ballast.write_text("too short")
    before = untouched.stat().st_mtime_ns
    work = installer(index, installed, plan)
    work.run()
    assert work.failure is None
    assert ballast.stat().st_size > 10_000
    assert untouched.stat().st_mtime_ns == before


def test_a_record_that_a_power_cut_emptied_is_repaired(index: Index, installed: Path, plan: Plan):
    packages = site_packages(installed, plan.version)
    (record,) = packages.glob("beta-*.dist-info/RECORD")
    record.write_bytes(bytes(record.stat().st_size))
    work = installer(index, installed, plan)
    work.run()
    assert work.failure is None
    assert b"beta/ballast.txt" in record.read_bytes()
    assert state_of(installed, plan) is State.READY


def test_a_fault_of_ours_is_said_too(index: Index, installed: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch):
    work = installer(index, installed, plan)
    monkeypatch.setattr(work, "_do", lambda: 1 / 0)
    work.run()
    assert work.failure
    assert "ZeroDivisionError" in work.failure.message


def test_an_environment_without_its_python_is_broken_and_repaired_offline(index: Index, installed: Path, plan: Plan):
    python_of(installed).unlink()
    assert state_of(installed, plan) is State.BROKEN
    work = installer(index, installed, plan, online=False)
    work.run()
    assert work.failure is None
    assert state_of(installed, plan) is State.READY


def test_another_torch_makes_it_outdated_and_an_update_brings_it(
    index: Index, installed: Path, plan: Plan, tmp_path: Path
):
    newer = make_plan("auto", index.requirements(tmp_path, torch="8.0"))
    assert state_of(installed, newer) is State.OUTDATED
    refused = installer(index, installed, newer, online=False)
    refused.run()
    assert refused.failure
    assert "online" in refused.failure.message
    assert state_of(installed, newer) is State.OUTDATED
    for wanted in (newer, plan):
        work = installer(index, installed, wanted)
        work.run()
        assert work.failure is None
        assert state_of(installed, wanted) is State.READY
    names = [info.name for info in site_packages(installed, plan.version).glob("torch-*.dist-info")]
    assert names == ["torch-7.0+tiny.dist-info"]


@pytest.mark.parametrize("lacks", ["network", "room", "bundle"])
def test_what_cannot_be_installed_is_refused_before_the_ready_engine_is_touched(
    lacks: str, index: Index, installed: Path, plan: Plan, tmp_path: Path
):
    other = make_plan("auto", index.requirements(tmp_path / "requirements", torch="8.0"))
    bundle = tmp_path / "bundle.zip" if lacks == "bundle" else None
    if bundle:
        bundles.write_bundle(plan, tmp_path, bundle)
    if lacks == "room":
        other = replace(other, build=replace(other.build, size=10**15))
    work = installer(index, installed, other, online=lacks != "network", bundle=bundle)
    work.run()
    assert work.failure
    said = {"network": "not allowed to go online", "room": "of disk are needed", "bundle": "for another version"}
    assert said[lacks] in work.failure.message
    assert state_of(installed, plan) is State.READY


def test_what_does_not_run_is_broken_and_says_why(index: Index, installed: Path, plan: Plan):
    failing = Installer(installed, plan, ("-c", "raise SystemExit('no such device')"), dict(os.environ), True)
    failing.run()
    assert failing.failure
    assert "no such device" in failing.failure.message
    assert state_of(installed, plan) is State.BROKEN
    work = installer(index, installed, plan)
    work.run()
    assert state_of(installed, plan) is State.READY


def test_a_download_stops_when_blender_may_no_longer_go_online_and_goes_on_when_it_may(
    index: Index, installed: Path, plan: Plan
):
    shutil.rmtree(next(site_packages(installed, plan.version).glob("beta-*.dist-info")))
    index.stalled = {"beta"}
    index.waits.clear()
    work = installer(index, installed, plan)
    work.start()
    assert index.waits.wait(PATIENCE_S)
    work.keep_offline()
    work.wait(PATIENCE_S)
    assert work.failure
    assert not work.cancelled
    assert "no longer allowed to go online" in work.failure.message
    assert work.failure.message in (installed / "install.log").read_text()
    assert state_of(installed, plan) is State.INCOMPLETE
    index.stalled = set()
    again = installer(index, installed, plan)
    again.run()
    assert again.failure is None
    assert state_of(installed, plan) is State.READY


def test_two_at_a_time_are_refused(index: Index, installed: Path, plan: Plan):
    fcntl = pytest.importorskip("fcntl")
    with (installed / "busy").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        work = installer(index, installed, plan)
        work.run()
    assert work.failure
    assert "Another Blender" in work.failure.message
    assert state_of(installed, plan) is State.READY


def test_blender_may_die_while_it_installs(index: Index, installed: Path, plan: Plan, tmp_path: Path):
    """What it had started may outlive it, and is waited for; then the next installation goes on."""
    pytest.importorskip("fcntl")
    lost = site_packages(installed, plan.version) / "beta/__init__.py"
    lost.unlink()
    index.stalled = {"beta"}
    index.waits.clear()
    pickled = tmp_path / "installer.pickle"
    pickled.write_bytes(pickle.dumps((str(installed), plan, index.url)))
    host = subprocess.Popen([sys.executable, "-c", HOST, str(pickled)], cwd=Path(__file__).parents[4])
    assert index.waits.wait(PATIENCE_S)
    host.kill()
    host.wait()
    work = installer(index, installed, plan)
    work.run()
    assert work.failure
    assert "Another Blender" in work.failure.message
    assert state_of(installed, plan) is State.INCOMPLETE
    index.stalled = set()
    index.released.set()
    until = time.monotonic() + PATIENCE_S
    again = installer(index, installed, plan)
    again.run()
    while again.failure and time.monotonic() < until:
        time.sleep(0.2)
        again = installer(index, installed, plan)
        again.run()
    assert again.failure is None, again.failure
    assert state_of(installed, plan) is State.READY
    assert lost.is_file()


def test_removal_tells_how_far_it_is_and_can_be_interrupted(installed: Path, plan: Plan, tmp_path: Path):
    copy = tmp_path / "engine"
    shutil.copytree(installed, copy, symlinks=True)
    work = Removal(copy)
    told: list[float] = []

    def tell(line: str, fraction: float) -> None:
        told.append(fraction)
        if len(told) == 5:
            work.cancel()
        Removal._tell(work, line, fraction)

    work._tell = tell  # type: ignore[method-assign]
    work.run()
    assert work.cancelled
    assert state_of(copy, plan) is State.INCOMPLETE
    again = Removal(copy)
    again.run()
    assert again.fraction == 1.0
    assert told == sorted(set(told))
    assert not copy.exists()


def test_offline_from_a_bundle_and_away_to_the_last_byte(index: Index, installed: Path, plan: Plan, tmp_path: Path):
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for wheel in index.folder.rglob("*.whl"):
        if "8.0" not in wheel.name:
            shutil.copy(wheel, wheels)
    zip_file = tmp_path / "bundle.zip"
    bundles.write_bundle(plan, wheels, zip_file)
    assert bundles.build_of(zip_file) == "tiny"
    # The environment is kept: making one takes most of the time, and is tested above.
    packages = site_packages(installed, plan.version)
    for name in ("alpha", "beta", "torch"):
        for folder in (*packages.glob(f"{name}-*.dist-info"), packages / name):
            shutil.rmtree(folder)
    work = Installer(installed, plan, CHECK, os.environ | {"PIP_INDEX_URL": "http://127.0.0.1:9/"}, False, zip_file)
    tell = work._tell

    def tell_and_keep_offline(line: str, fraction: float) -> None:
        work.keep_offline()
        tell(line, fraction)

    work._tell = tell_and_keep_offline  # type: ignore[method-assign]
    work.run()
    assert work.failure is None, work.failure
    assert state_of(installed, plan) is State.READY
    assert size_of(installed) > 0
    Removal(installed).run()
    assert not installed.exists()
    assert state_of(installed, plan) is State.ABSENT


@pytest.mark.parametrize("harm", ["wheel", "index", "cut", "plan"])
def test_a_bundle_that_is_not_whole_or_for_another_plan_is_refused(harm: str, index: Index, plan: Plan, tmp_path: Path):
    import json

    folder = tmp_path / "bundle"
    folder.mkdir()
    wheel = shutil.copy(index.add("alpha", "1.0"), folder)
    bundles.write_bundle(plan, folder, tmp_path / "bundle.zip")
    shutil.unpack_archive(tmp_path / "bundle.zip", folder)
    bundle = folder
    if harm == "wheel":
        Path(wheel).write_bytes(Path(wheel).read_bytes()[:-1] + b"x")
    elif harm == "index":
        stated = json.loads((folder / "bundle.json").read_text())
        stated["wheels"] = {"../alpha.whl": "0"}
        (folder / "bundle.json").write_text(json.dumps(stated))
    elif harm == "cut":
        bundle = tmp_path / "bundle.zip"
        bundle.write_bytes(bundle.read_bytes()[:-100])
    wanted = replace(plan, torch="9.0+tiny") if harm == "plan" else plan
    with pytest.raises(bundles.InstallFailure, match="project's source" if harm == "plan" else "no whole bundle"):
        bundles.unpack(bundle, wanted, tmp_path / "out", lambda _: None)
    assert not list((tmp_path / "out").glob("*.whl"))


def test_a_python_that_a_distribution_has_taken_pip_from_is_told_by_name():
    failure = understood("/usr/bin/python3: No module named ensurepip")
    assert failure
    assert "python3-venv" in failure.hint
