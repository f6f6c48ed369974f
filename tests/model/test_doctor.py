# SPDX-License-Identifier: GPL-3.0-or-later
import os
import subprocess
import sys
from pathlib import Path

import pytest

from model import doctor

ROOT = Path(__file__).resolve().parents[2]


def test_a_whole_engine_is_found_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.main() == 0
    said = capsys.readouterr().out
    for package in ("torch", "onnxruntime", "av", "scipy"):
        assert f"  {package} " in said
    assert "device: " in said
    assert "pose_landmark_heavy" in said


def test_what_is_missing_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "_required", lambda: [("no-such-package", "1.2.3"), ("numpy", "0.1")])
    assert doctor.main() == 1
    said = capsys.readouterr().out
    assert "MISSING: no-such-package 1.2.3: pip install no-such-package==1.2.3" in said
    assert "tested with 0.1" in said


def test_every_pinned_package_is_asked_for() -> None:
    names = [name for name, _ in doctor._required()]
    lines = (ROOT / "requirements/engine.txt").read_text().splitlines()
    # A package may be pinned twice, for different Pythons.
    assert len(names) == len({line.split("==")[0] for line in lines if line and not line.startswith("#")})


@pytest.mark.parametrize(("arguments", "status"), [([], 2), (["--help"], 0), (["dance"], 2)])
def test_the_command_line_explains_itself(arguments: list[str], status: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "model", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == status
    assert "capture CLIP -o TAKE.npz" in done.stdout + done.stderr


def test_a_reader_who_leaves_early_is_no_error() -> None:
    """`python -m model weights | head` with a head that is gone before the first line."""
    reads, writes = os.pipe()
    os.close(reads)
    command = [sys.executable, "-m", "model", "weights"]
    done = subprocess.run(command, cwd=ROOT, stdout=writes, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(writes)
    assert done.stderr == b""
    assert done.returncode == 141
