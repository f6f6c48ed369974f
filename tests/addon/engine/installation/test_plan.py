# SPDX-License-Identifier: GPL-3.0-or-later
"""The locks against the pins, and which build of torch is proposed for which machine."""

import ast
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from reel_to_rig.addon.engine.installation import plan as plans
from reel_to_rig.addon.engine.installation.environment import State
from reel_to_rig.addon.engine.installation.plan import REQUIREMENTS, InstallFailure, make_plan
from reel_to_rig.addon.engine.installation.work import KNOWN_ERRORS

LOCKS = sorted((REQUIREMENTS / "lock").glob("*.txt"))


def test_there_is_a_lock_for_every_python_of_blender_on_every_platform():
    assert {lock.stem for lock in LOCKS} == {f"{py}-{os}" for py in ("3.11", "3.13") for os in plans.PLATFORMS.values()}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_holds_every_pin_with_a_hash_a_size_and_a_licence(lock: Path):
    python = lock.stem.partition("-")[0]
    pins = [Requirement(line) for line in (REQUIREMENTS / "engine.txt").read_text().splitlines() if "==" in line]
    wanted = {
        (canonicalize_name(pin.name), str(pin.specifier).removeprefix("=="))
        for pin in pins
        if pin.name != "torch" and (pin.marker is None or pin.marker.evaluate({"python_version": python}))
    }
    wheels = list(plans.read_lock(lock))
    assert wanted <= {(canonicalize_name(wheel.name), wheel.version) for wheel in wheels}
    assert len(wheels) == len([line for line in lock.read_text().splitlines() if "==" in line]), "each line is read"
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}  #", wheel.line) for wheel in wheels)
    assert all(wheel.size > 1000 and wheel.licence for wheel in wheels)
    assert {"sympy", "networkx", "jinja2", "filelock", "fsspec"} <= {wheel.name for wheel in wheels}, "what torch needs"


@pytest.mark.parametrize(
    ("system", "driver", "capability", "amd", "proposed"),
    [
        ("linux", 13.0, 8.9, False, "cu130"),
        ("linux", 13.1, 6.1, False, "cu126"),  # a Pascal card: the newer build has no code for it
        ("linux", 12.4, 8.9, False, "cu126"),  # an older driver
        ("linux", 11.0, 8.9, False, "cpu"),
        ("linux", 12.8, 12.0, False, "cpu"),  # a Blackwell card with a driver too old for the build that knows it
        ("linux", 0.0, 0.0, True, "rocm7.2"),
        ("linux", 0.0, 0.0, False, "cpu"),
        ("windows", 13.0, 7.5, False, "cu130"),
        ("windows", 0.0, 0.0, True, "cpu"),  # no ROCm there
        ("macos", 0.0, 0.0, False, "mps"),
    ],
)
def test_the_build_that_fits_the_machine_is_proposed(
    monkeypatch: pytest.MonkeyPatch, system, driver, capability, amd, proposed
):
    monkeypatch.setattr(plans, "cuda", lambda: (driver, capability))
    monkeypatch.setattr(plans.os, "access", lambda *_: amd)
    assert plans.builds(system)[0]["name"] == proposed


def test_the_statement_says_how_much_from_where_and_under_which_licences():
    plan = make_plan("cpu")
    text = " ".join(plan.statement())
    assert f"{plan.download_size / 1e6:.0f} MB" in text
    assert "download.pytorch.org/whl/cpu" in text
    assert "BSD-3-Clause" in text
    assert plan.torch == "2.13.0+cpu"
    bundled = " ".join(plan.statement(bundled=True))
    assert "to download" not in bundled
    assert "nothing is downloaded" in bundled
    assert "BSD-3-Clause" in bundled


def test_the_key_changes_with_the_torch_and_with_any_wheel_but_not_with_a_comment(tmp_path: Path):
    import shutil

    shutil.copytree(REQUIREMENTS, tmp_path / "requirements")
    first = make_plan("cpu")
    lock = plans.lock_file(tmp_path / "requirements", first.version, first.platform)
    lock.write_text(lock.read_text().replace(" MIT", " MIT licence"))
    assert make_plan("cpu", tmp_path / "requirements").key == first.key
    lock.write_text(re.sub("sha256:.", "sha256:0", lock.read_text()))
    assert make_plan("cpu", tmp_path / "requirements").key != first.key
    assert make_plan("cu130").key != first.key


def test_a_machine_for_which_there_is_no_torch_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(plans.platform, "machine", lambda: "riscv64")
    with pytest.raises(InstallFailure, match="riscv64"):
        make_plan()


def test_another_python_on_the_path_serves_where_blenders_own_has_no_wheels(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(plans.sys, "version_info", _Version(3, 14))
    monkeypatch.setattr(plans.shutil, "which", lambda name: f"/usr/bin/{name}" if name == "python3.11" else None)
    assert plans.find_python("linux", REQUIREMENTS) == (Path("/usr/bin/python3.11"), "3.11")
    monkeypatch.setattr(plans.shutil, "which", lambda _: None)
    with pytest.raises(InstallFailure, match=r"3\.14"):
        plans.find_python("linux", REQUIREMENTS)


class _Version(tuple):
    def __new__(cls, major: int, minor: int):
        return super().__new__(cls, (major, minor))

    major = property(lambda self: self[0])
    minor = property(lambda self: self[1])


def test_the_guide_knows_whatever_an_installation_says():
    said = [state.value for state in State if state not in (State.ABSENT, State.READY)]
    said += [message for _, message, _ in KNOWN_ERRORS]
    for file in Path(plans.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "InstallFailure":
                # Of a message with names in it, the longest part that is the same each time.
                texts = [part.value for part in ast.walk(node.args[0]) if isinstance(part, ast.Constant)]
                said.append(max((text for text in texts if isinstance(text, str)), key=len, default=""))
    said = [text.strip(" .:,(") for text in said]
    assert "cannot make a virtual environment" in said
    guide = (REQUIREMENTS.parent / "docs/guide.md").read_text(encoding="utf-8")
    assert [text for text in said if text not in guide] == []
