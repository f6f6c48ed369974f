# SPDX-License-Identifier: GPL-3.0-or-later
"""A stranger retrains: every step of docs/training.md, as its commands, so small that it takes a minute."""

import os
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import cv2
import moderngl
import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from tests.model.training.convert.test_mapping import MIXAMO, names
from tests.model.training.convert.written import figure, write_bvh

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "LP_NUM_THREADS": "1"}
TOY = "--batch 4 --frames 16"


class Stranger:
    """Who has a folder of recordings, and types commands."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def start(self, command: str) -> subprocess.Popen[str]:
        arguments = [sys.executable, "-m", "model", *shlex.split(command.format(home=self.home))]
        return subprocess.Popen(
            arguments, cwd=ROOT, env=SETTINGS, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def types(self, command: str) -> str:
        process = self.start(command)
        said = process.communicate(timeout=900)[0]
        assert process.returncode == 0, said
        return said

    def interrupts(self, command: str, on: str) -> None:
        """Kill the command, without warning, as soon as it says `on`."""
        process = self.start(command)
        assert process.stdout
        said = ""
        while on not in said:
            letter = process.stdout.read(1)
            assert letter, said
            said += letter
        process.kill()
        process.communicate(timeout=60)

    def steps(self, stage: int) -> int:
        return int(torch.load(self.home / f"run/stage{stage}.pt", weights_only=True)["step"])


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stranger:
    """With two subjects in BVH, of whom the second is held out, and a room to film them in."""
    (tmp_path / "recordings").mkdir()
    (tmp_path / "rooms").mkdir()
    (tmp_path / "weights").mkdir()
    for subject in ("02", "03"):
        moved = figure(names(MIXAMO, "Left{}", "Right{}"), frames=90, seed=int(subject))
        write_bvh(tmp_path / f"recordings/{subject}_01.bvh", moved)
    monkeypatch.setenv("OPENCV_IO_ENABLE_OPENEXR", "1")
    assert cv2.imwrite(str(tmp_path / "rooms/grey.exr"), np.full((16, 32, 3), 0.5, np.float32))
    return Stranger(tmp_path)


@pytest.mark.engine
def test_every_step_from_recordings_to_weights(stranger: Stranger) -> None:
    try:
        moderngl.create_context(standalone=True, backend="egl").release()
    except Exception as error:  # moderngl has no exceptions of its own.
        pytest.skip(f"OpenGL through EGL is not to be had here ({error})")

    home = stranger.home
    said = stranger.types("motions --from {home}/recordings --out {home}/motion")
    assert [Path(line).name for line in said.splitlines()[-2:]] == ["cmu_train_0.npz", "cmu_val.npz"]
    stranger.types("pictures --motion {home}/motion --out {home}/pictures --windows 1 --panoramas {home}/rooms")
    assert len(list((home / "pictures").glob("*.npz"))) == 1

    first = f"train --motion {{home}}/motion --pictures {{home}}/pictures --out {{home}}/run --stage 1 {TOY} --steps "
    stranger.types(first + "2")
    stranger.interrupts(first + "100000", on="2/100000")
    assert stranger.steps(1) == 2
    stranger.types(first + "4")
    assert stranger.steps(1) == 4
    stranger.types(
        "train --motion {home}/motion --pictures {home}/pictures --out {home}/run --stage 2 "
        f"--start {{home}}/run/stage1.pt {TOY} --meshes 1 --steps 2"
    )
    assert stranger.steps(2) == 2

    checkpoint = "--checkpoint {home}/run/stage2.pt"
    said = stranger.types(f"evaluate --source projections --motion {{home}}/motion --windows 4 {checkpoint}")
    assert "mpjpe" in said.lower()
    stranger.types(
        f'export --motion {{home}}/motion --out {{home}}/weights --windows 4 --trained-with "{first}4" {checkpoint}'
    )
    card = tomllib.loads((home / "weights/product.toml").read_text())
    weights = load_file(home / "weights/product.safetensors")
    assert card["size"] == (home / "weights/product.safetensors").stat().st_size
    assert all(np.isfinite(values).all() for values in weights.values() if values.dtype.kind == "f")
