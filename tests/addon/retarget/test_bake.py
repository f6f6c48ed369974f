# SPDX-License-Identifier: GPL-3.0-or-later
"""Bakes in a real Blender."""

from pathlib import Path

import numpy as np
import pytest

from tests.addon.blender import Blender
from tests.addon.retarget.figures import MOCAP, exercise, recorded, rest
from tests.addon.take.example import seen_motion, write_body

pytestmark = pytest.mark.blender
HERE = Path(__file__).parent


@pytest.fixture
def exercise_file(tmp_path: Path) -> str:
    """A made-up motion that uses every joint."""
    local, trans = exercise(60, np.random.default_rng(7))
    return write(tmp_path / "exercise.npz", local, trans, rest())


def write(file: Path, local: np.ndarray, trans: np.ndarray, joints: np.ndarray) -> str:
    np.savez(file, local=local, trans=trans, rest=joints)
    return str(file)


def test_a_copy_of_the_takes_armature_moves_exactly_alike(blender: Blender, exercise_file: str) -> None:
    """Any roll, any rotation mode, placed anywhere."""
    done = blender.run(HERE / "blender_bake.py", rig="person", motions=[exercise_file], seed=1).result
    (result,) = done["motions"]
    assert (result["family"], result["missing"], result["bones"]) == ("Take", [], 24)
    assert max(result["worst"].values()) < 0.01, result["worst"]
    assert result["travel"] == pytest.approx(result["scale"] * result["source_travel"], rel=1e-4)
    assert result["hips_off"] < 1e-3


@pytest.mark.parametrize(("arms_deg", "height"), [(-30.0, 0.6), (45.0, 1.4)])
def test_a_rigify_human_follows_every_limb(
    blender: Blender, exercise_file: str, arms_deg: float, height: float
) -> None:
    """However it stands at rest, wherever it is, and whatever pose, switches and keys it was left with."""
    done = blender.run(
        HERE / "blender_bake.py", rig="rigify", motions=[exercise_file], seed=2, arms_deg=arms_deg, height=height
    ).result
    (result,) = done["motions"]
    assert (result["family"], result["missing"], result["bones"]) == ("Rigify", [], 22)
    assert max(result["worst"].values()) < 3, result["worst"]
    assert max(result["spine"].values()) < 3, result["spine"]
    assert result["travel"] == pytest.approx(result["scale"] * result["source_travel"], rel=1e-3)
    assert result["hips_off"] < 1e-3


@pytest.mark.skipif(not MOCAP.exists(), reason="no recorded motion on this machine")
def test_a_rigify_human_follows_recorded_motion(blender: Blender, tmp_path: Path) -> None:
    files = [write(tmp_path / f"{clip}.npz", *recorded(clip, 120)) for clip in (0, 12, 25, 38)]
    done = blender.run(HERE / "blender_bake.py", rig="rigify", motions=files, seed=3).result
    for result in done["motions"]:
        assert max(result["worst"].values()) < 3, result["worst"]
        assert max(result["spine"].values()) < 3, result["spine"]
    assert done["actions"] == [
        ["by hand", True],
        ["take", True],
        ["take.001", True],
        ["take.002", True],
        ["take.003", False],
    ]


def test_the_operator_bakes_can_be_undone_and_says_what_it_lacks(blender: Blender, tmp_path: Path) -> None:
    motion, body = tmp_path / "take.npz", tmp_path / "take.body.npz"
    seen_motion(frames=30, noise=0.01).save(motion)
    write_body(body)
    done = blender.run(
        HERE / "blender_operator.py",
        motion_file=str(motion),
        body_file=str(body),
        blend_file=str(tmp_path / "scene.blend"),
    )
    result = done.result
    assert "take" in result["without a take"]
    assert "armature" in result["without a target"]
    assert "itself" in result["take itself"]
    assert result["ready"] == ""
    assert result["baked"] == "clip on copy"
    assert result["earlier kept"]
    assert result["undone"] == "earlier"
    assert result["error_deg"] < 0.01
    assert result["error_m"] < 1e-4
    assert result["reopened_deg"] < 0.01
    assert result["reopened target"]
    assert result["actions"] == 1
    assert "Baked clip on copy: Take, 24 bones, scale 1.000" in done.output
    options = ["Root", "Foot Lock", "Hold Hands", "Sparse Keys"]
    assert result["panel"] == ["Take", "Target", "Take (100%)", *options, "reel_to_rig.bake"]
    assert "Traceback" not in done.output
