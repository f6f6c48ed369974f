# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator and the job in real Blender, with engines that are scripts."""

from pathlib import Path
from typing import Any

import pytest

from tests.addon.blender import Blender
from tests.addon.capture.engines import make_engine

HERE = Path(__file__).parent
TAKE = ["my clip", "my clip body", "my clip camera"]

pytestmark = pytest.mark.blender


@pytest.fixture
def run(blender: Blender, tmp_path: Path) -> Any:
    """Run one function of blender_import.py with engines of the manners that are named."""
    footage = tmp_path / "my clip.mp4"
    footage.write_bytes(b"not looked at by an engine that pretends")

    def run(test: str, *manners: str) -> Any:
        engines = {manner: str(make_engine(tmp_path, manner)) for manner in ("good", *manners)}
        return blender.run(HERE / "blender_import.py", test=test, engines=engines, footage=str(footage)).result

    return run


def test_import_makes_a_take_and_is_one_undo_step(run):
    found = run("works_and_is_one_undo_step")
    assert found["names"] == found["redone"] == ["Cube", *TAKE]
    assert found["undone"] == ["Cube"]
    assert found["moves"] == 30
    assert found["smoothing"] == 0.25
    assert found["cache"] == ["engine.log"]
    assert "assumed" in found["summary"]
    assert "Went on with the CPU." in found["summary"]
    assert found["twice"] == sorted(["Cube", *TAKE, "my clip.001", "my clip.001 body", "my clip.001 camera"])
    assert found["first"] == "Imported my clip. The scene now runs at 29.97 frames per second, from 1 to 30"
    assert found["second"] == (
        "Imported my clip.001. The scene stays at 23.98 frames per second; "
        "the footage behind it, at 29.97, does not keep step"
    )


def test_every_misbehaviour_of_the_engine_is_one_line_and_the_next_job_runs(run):
    found = run(
        "every_misbehaviour_is_one_line",
        "reports_failure", "dies_mid_job", "lacks_torch", "garbage", "other_version", "promises", "truncates",
    )  # fmt: skip
    expected = {
        "reports_failure": "No person.",
        "dies_mid_job": "stopped unexpectedly",
        "lacks_torch": "torch",
        "garbage": "not part of the protocol",
        "other_version": "another version",
        "promises": "cannot be read",
        "truncates": "cannot be read",
    }
    good = found.pop("good")
    assert good[0] == ""
    assert found.pop("afterwards")[0] == ""
    assert found.pop("cache") == ["engine.log"]
    for manner, text in expected.items():
        line, names, problem, seconds = found[manner]
        assert text in line, manner
        assert "\n" not in line
        assert "Traceback" not in line
        assert line.removeprefix("Error: ") == problem
        assert names == TAKE  # of the good engine before
        assert seconds < 20
    assert found.keys() == expected.keys()


def test_bad_input_is_told_before_the_engine_starts(run):
    found = run("bad_input_never_starts_the_engine")
    assert "No file is chosen" in found["none"]
    assert "/no/such/clip.mp4 is not there" in found["missing"]
    assert "is a folder" in found["folder"]
    assert "end lies before the start" in found["reversed"]
    assert "height_m" in found["small"]
    assert "/no/body.npz is not there" in found["body"]
    assert "/no/python is not there" in found["python"]
    assert "No Python was chosen" in found["no engine"]
    assert found.pop("environment") == ""
    assert all("\n" not in line for line in found.values())


def test_blender_stays_usable_while_the_job_runs(run):
    result, lines, reports, names, can_import_again = run("other_events_pass_while_it_runs")
    assert result == ["FINISHED"]
    assert "Reading the pose, 50%, 2 s left" in lines
    assert "my clip" in reports[0]
    assert names == TAKE
    assert can_import_again


def test_cancel(run):
    line, result, reports, names, cache, problem = run("cancel", "patient")
    assert line == "Cancelling"
    assert result == ["CANCELLED"]
    assert reports == ["The capture was cancelled"]
    assert names == []
    assert cache == ["engine.log"]
    assert problem == ""


def test_undo_and_other_scenes_during_a_job_do_no_harm(run):
    after_undo, names, other_scene, objects, removed, types = run("undo_and_changes_of_scene_while_it_runs")
    assert after_undo == other_scene == removed == ["FINISHED"]
    assert names == TAKE  # the cube was undone meanwhile
    assert objects == [6, 0]  # into the scene that it was started in, though another one is shown
    assert sorted(types) == ["ARMATURE", "CAMERA", "MESH"]


def test_opening_another_file_ends_the_job_and_the_next_one_runs(run):
    assert run("another_file_is_opened_while_it_runs", "patient") == ["", TAKE, ["engine.log"]]
