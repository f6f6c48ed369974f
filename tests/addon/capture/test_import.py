# SPDX-License-Identifier: GPL-3.0-or-later
"""The operators and the jobs in real Blender, with engines that are scripts."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model.footage import write_video
from tests.addon.blender import Blender
from tests.addon.capture.engines import make_engine

pytestmark = pytest.mark.blender
HERE = Path(__file__).parent
TAKE = ["my clip", "my clip body", "my clip camera"]
FUNCTIONS = (
    "bad_input_never_starts_the_engine", "works_and_is_one_undo_step", "every_misbehaviour_is_one_line",
    "an_answer_after_a_cancel_is_dropped", "progress_is_told", "cancel",
    "jobs_queue_and_the_form_stays_usable",
    "everybody_who_is_chosen_becomes_a_take", "undo_and_changes_of_scene_while_it_runs",
    "another_file_is_opened_while_it_runs", "failures_offer_what_helps",
    "footage_comes_from_files_clips_and_trimmed_strips",
)  # fmt: skip
MANNERS = (
    "good", "reports_failure", "dies_at_start", "dies_mid_job", "silent_at_start", "silent_mid_job", "lacks_torch",
    "floods", "garbage", "half_a_line", "half_a_line_and_dies", "other_version", "no program", "promises", "truncates",
    "chatty", "late", "patient",
)  # fmt: skip


@pytest.fixture(scope="module")
def found(blender_version: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the functions of blender_import.py found, in one Blender of each version."""
    folder = tmp_path_factory.mktemp("import")
    footage = folder / "my clip.mp4"
    footage.write_bytes(b"not looked at by an engine that pretends")
    write_video(folder / "real.mp4", [np.full((96, 128, 3), (200, 40, 40), np.uint8)] * 20, 10.0)
    engines = {manner: str(make_engine(folder, manner)) for manner in MANNERS} | {"real": sys.executable}
    blender = Blender(blender_version, folder / "resources")
    return blender.run(HERE / "blender_import.py", engines=engines, footage=str(footage), tests=FUNCTIONS).result


def result(found: dict[str, Any], function: str) -> Any:
    """What a function returned; an error in it is an error of its own test only."""
    assert not str(found[function]).startswith("Traceback"), found[function]
    return found[function]


def test_import_makes_a_take_and_is_one_undo_step(found):
    found = result(found, "works_and_is_one_undo_step")
    assert found["names"] == found["redone"] == ["Cube", *TAKE]
    assert found["undone"] == ["Cube"]
    assert found["moves"] == 30
    assert found["smoothing"] == 0.25
    assert found["cache"] == ["engine.log"]
    assert "assumed" in found["summary"]
    assert "Went on with the CPU." in found["summary"]
    assert found["twice"] == sorted(["Cube", *TAKE, "my clip.001", "my clip.001 body", "my clip.001 camera"])
    assert found["first"] == "Imported my clip. The scene now has 29.97 fps, frames 1 to 30"
    assert found["second"] == (
        "Imported my clip.001. The scene stays at 23.98 fps, frames 1 to 30; "
        "the footage behind it, at 29.97, does not keep step"
    )


def test_every_misbehaviour_of_the_engine_is_one_line_and_the_next_job_runs(found):
    found = result(found, "every_misbehaviour_is_one_line")
    expected = {
        "reports_failure": "No person.",
        "dies_at_start": "stopped unexpectedly. It ended with status 3 while it was starting",
        "dies_mid_job": "stopped unexpectedly. It ended with status 7",
        "silent_at_start": "no longer answers",
        "silent_mid_job": "no longer answers",
        "lacks_torch": "torch",
        "floods": "thousands of lines a second",
        "garbage": "not part of the protocol",
        "half_a_line": "no longer answers",
        "half_a_line_and_dies": "stopped unexpectedly",
        "other_version": "another version",
        "no program": "is no program",
        "promises": "cannot be read",
        "truncates": "cannot be read",
    }
    assert found["cache"] == ["engine.log"]
    found = found["each"]
    for manner in ("good", "chatty"):
        line, names, problem = found.pop(manner)
        assert (line, problem, len(names)) == ("", "", len(TAKE)), manner
    for manner, text in expected.items():
        line, names, problem = found[manner]
        assert text in line, manner
        assert "\n" not in line
        assert "Traceback" not in line
        assert line.removeprefix("Error: ") == problem
        assert names == []
    assert found.keys() == expected.keys()


def test_an_answer_after_a_cancel_is_dropped_and_the_next_job_runs(found):
    ended, reports, nothing, line, names = result(found, "an_answer_after_a_cancel_is_dropped")
    assert ended == ["CANCELLED"]
    assert reports == ["my clip: cancelled"]
    assert (nothing, line, names) == ([], "", TAKE)


def test_bad_input_is_told_before_the_engine_starts(found):
    found = result(found, "bad_input_never_starts_the_engine")
    assert "No file is chosen" in found["none"]
    assert "/no/such/clip.mp4 is not there" in found["missing"]
    assert "is a folder" in found["folder"]
    assert "end lies before the start" in found["reversed"]
    assert "person's height is 0.1 m" in found["small"]
    assert "/no/body.npz is not there" in found["body"]
    assert "/no/python is not there" in found["python"]
    assert "The engine is not installed" in found["no engine"]
    assert found.pop("environment") == ""
    assert all("\n" not in line for line in found.values())


def test_blender_stays_usable_while_the_job_runs(found):
    ended, lines, reports, names = result(found, "progress_is_told")
    assert ended == ["FINISHED"]
    assert [line for line in lines if line.startswith("Reading the pose, ") and line.endswith(" s left")]
    assert reports == [
        "Imported my clip. The scene now has 29.97 fps, frames 1 to 30. "
        "Person 1 of 2, 1 gap, field of view 63\u00b0 assumed, on cpu, 15.0 pictures a second"
    ]
    assert names == TAKE


def test_cancel_ends_the_running_job_and_those_that_wait(found):
    lines, results, reports, names, cache, problem = result(found, "cancel")
    assert lines[1:] == ["Waiting", "Waiting", "Cancelling"]
    assert results == [["CANCELLED"]] * 3
    assert reports == ["my clip: cancelled"]
    assert names == []
    assert cache == ["engine.log"]
    assert problem == ""


def test_jobs_queue_and_one_that_fails_harms_no_other(found):
    queued, results, reports, smoothing = result(found, "jobs_queue_and_the_form_stays_usable")
    assert queued == [["my clip", "RUNNING"], ["other clip", "WAITING"]]
    assert results == [["FINISHED"], ["CANCELLED"], ["FINISHED"]]
    assert len(reports) == 1
    assert "stopped unexpectedly" in reports[0]
    assert smoothing == {"my clip": 0.25, "other clip": 0.75}  # as the form was when each was asked for


def test_everybody_who_is_chosen_becomes_a_take_of_their_own(found):
    people, sizes, cache, first, takes, undone, kept, nobody, other_range = result(
        found, "everybody_who_is_chosen_becomes_a_take"
    )
    assert people == [[1, True, 4.9], [2, False, 3.0]]
    assert sizes == {"person 1": [8, 8], "person 2": [8, 8]}
    assert cache == ["engine.log"]
    assert first == [1]
    assert takes == {"my clip person 1": 1, "my clip person 2": 2}
    assert undone == [f"my clip person 1{part}" for part in ("", " body", " camera")]  # one take a step
    assert kept == 2  # undo does not touch what was found
    assert "Nobody is chosen" in nobody
    assert other_range == [3]  # numbers of another range are not those of this one


def test_undo_and_other_scenes_during_a_job_do_no_harm(found):
    after_undo, names, other_scene, objects, removed, types = result(found, "undo_and_changes_of_scene_while_it_runs")
    assert after_undo == other_scene == removed == ["FINISHED"]
    assert names == TAKE  # the cube was undone meanwhile
    assert objects == [6, 0]  # into the scene that it was started in, though another one is shown
    assert sorted(types) == ["ARMATURE", "CAMERA", "MESH"]


def test_opening_another_file_ends_the_job_if_that_opens_and_the_next_one_runs(found):
    refused, problem, line, names, cache = result(found, "another_file_is_opened_while_it_runs")
    assert refused == [True, True]
    assert problem.startswith("Another file was opened")
    assert (line, names, cache) == ("", TAKE, ["engine.log"])


def test_failures_offer_what_helps(found):
    missing, device, problem, people = result(found, "failures_offer_what_helps")
    assert missing == []
    assert device == "cpu"
    assert problem == ""
    assert people


def test_footage_comes_from_files_clips_and_trimmed_strips(found):
    found = result(found, "footage_comes_from_files_clips_and_trimmed_strips")
    assert found["offered"] == [False, False]
    assert found["file"] == found["strip"] == [True, 0, 0]
    assert found["clip"]
    assert found["trimmed"] == [0.4, 1.4]  # of 20 pictures, 10 a second: 4 left out before, 6 after
    assert found["known"] == ["128 × 96, 10 fps, 2.00 s", True, [256, 192]]  # as large as Blender keeps them
    assert found["drop"] == ["reel_to_rig.drop_file", True]
