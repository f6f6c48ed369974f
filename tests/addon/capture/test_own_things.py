# SPDX-License-Identifier: GPL-3.0-or-later
"""A take that grows takes nothing from the animator."""

from pathlib import Path
from typing import Any

import pytest

from tests.addon.blender import Blender
from tests.addon.capture.engines import make_engine

pytestmark = pytest.mark.blender
TAKE = ["my clip", "my clip body", "my clip camera"]
FUNCTIONS = (
    "a_camera_of_its_own", "what_was_put_on_it", "its_collection_is_excluded", "deleted_by_hand",
    "the_body_is_being_edited", "blender_renders", "an_old_problem_goes", "what_goes_wrong_at_the_end",
    "the_engine_is_not_taken_away", "the_status_bar_tells_of_it", "saved_elsewhere",
)  # fmt: skip


@pytest.fixture(scope="module")
def found(blender_version: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the functions of blender_own_things.py found, in one Blender of each version."""
    folder = tmp_path_factory.mktemp("own")
    footage = folder / "my clip.mp4"
    footage.write_bytes(b"not looked at by an engine that pretends")
    engines = {"grows": str(make_engine(folder, "grows"))}
    script = Path(__file__).with_name("blender_own_things.py")
    blender = Blender(blender_version, folder / "resources")
    return blender.run(script, engines=engines, footage=str(footage), tests=FUNCTIONS).result


def result(found: dict[str, Any], function: str) -> Any:
    """What a function returned; an error in it is an error of its own test only."""
    assert not str(found[function]).startswith("Traceback"), found[function]
    return found[function]


def test_the_scenes_own_camera_comes_back(found):
    assert result(found, "a_camera_of_its_own") == [True] * 6


def test_only_what_was_made_is_removed(found):
    # The cube has the body's mesh now, and with it both materials.
    kept = [["Cube"], ["mine", "my clip body"], ["walk"], ["shared"]]
    names, materials, actions, meshes = result(found, "what_was_put_on_it")
    assert [names, materials, actions, [name for name in meshes if name != "Cube"]] == kept


def test_a_take_whose_collection_was_excluded_is_finished(found):
    ended, names, reports = result(found, "its_collection_is_excluded")
    assert (ended, names) == (["FINISHED"], TAKE)
    assert reports[0].startswith("Imported my clip.")


def test_a_body_that_was_deleted_is_made_anew(found):
    meanwhile, ended, shown, there, body = result(found, "deleted_by_hand")
    assert meanwhile == ["my clip", "my clip camera"]
    assert ended == ["FINISHED"]
    assert (shown, there, body) == (TAKE, TAKE, "my clip body")


def test_nothing_is_changed_while_blender_renders(found):
    assert result(found, "blender_renders") == [False, True, 10, ["FINISHED"], 30]


def test_an_old_message_goes_away(found):
    assert result(found, "an_old_problem_goes") == [None, None, None]


def test_a_fault_at_the_end_leaves_nothing_waiting(found):
    assert result(found, "what_goes_wrong_at_the_end") == [False, True, 0, 0, ["CANCELLED"]]


def test_the_engine_is_not_repaired_while_it_works(found):
    assert result(found, "the_engine_is_not_taken_away") == [[False, False], [True, True]]


def test_the_status_bar_tells_of_the_job_while_there_is_one(found):
    assert result(found, "the_status_bar_tells_of_it") == [["my clip: Reading the pose, 57%"], True]


def test_footage_is_found_from_wherever_the_file_is_saved(found):
    here = ["//clip.mp4", "/elsewhere/clip.mp4"]
    below = ["//../clip.mp4", "/elsewhere/clip.mp4"]
    assert result(found, "saved_elsewhere") == [here, here, below, "//../clip.mp4", [True, True]]


def test_an_edit_of_the_body_ends_with_the_capture(found):
    assert result(found, "the_body_is_being_edited") == [["FINISHED"], "OBJECT", "my clip", True]
