# SPDX-License-Identifier: GPL-3.0-or-later
"""A take is seen while it is captured, gets in nobody's way, and leaves nothing behind but the take."""

from pathlib import Path
from typing import Any

import pytest

from tests.addon.blender import PYTHONS, Blender
from tests.addon.capture.engines import make_engine

pytestmark = pytest.mark.blender
HERE = Path(__file__).parent
TAKE = ["my clip", "my clip body", "my clip camera"]
FUNCTIONS = (
    "it_grows_and_becomes_the_take", "cancelled", "cancelled_in_the_middle_of_a_step", "the_engine_dies",
    "what_was_set_meanwhile_stays", "a_change_of_the_scene_outlives_a_cancel", "undo_and_redo_while_it_grows",
    "undone_in_the_middle_of_a_step", "back_to_the_middle_of_a_step", "deleted_while_it_grows",
    "deleted_and_cancelled",
    "saved_and_opened_while_it_grows", "beside_another_take", "the_extension_is_disabled_while_it_grows",
    "its_scene_is_renamed", "its_scene_is_deleted", "it_is_disabled_in_viewports", "another_take_comes_meanwhile",
    "cancelled_while_somebody_edits_elsewhere", "the_scene_is_left_alone", "dropped_before_it_is_whole",
)  # fmt: skip


@pytest.fixture(scope="module", params=sorted(PYTHONS))
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the functions of blender_growth.py found, in one Blender of each version."""
    folder = tmp_path_factory.mktemp("growth")
    footage = folder / "my clip.mp4"
    footage.write_bytes(b"not looked at by an engine that pretends")
    engines = {manner: str(make_engine(folder, manner)) for manner in ("grows", "grows_and_dies")}
    blender = Blender(request.param, folder / "resources")
    return blender.run(HERE / "blender_growth.py", engines=engines, footage=str(footage), tests=FUNCTIONS).result


def result(found: dict[str, Any], function: str) -> Any:
    """What a function returned; an error in it is an error of its own test only."""
    assert not str(found[function]).startswith("Traceback"), found[function]
    return found[function]


def test_it_grows_beside_what_the_animator_does_and_becomes_the_take(found):
    found = result(found, "it_grows_and_becomes_the_take")
    slim = found["steps"][0][4]
    for number, (keys, first, last, now, height, mode, same, noted) in enumerate(found["steps"], 1):
        assert keys == [10 * number, 1, 10 * number]
        assert (first, last, now) == (1, 10 * number, 10 * number)  # the newest frame is shown
        assert height == slim
        assert mode == ["EDIT_MESH", "Cube", ["Cube"]]
        assert same == found["same"]
        assert noted == [1, "Rough, and still being captured"]
    assert found["result"] == ["FINISHED"]
    assert found["as imported at once"]
    assert found["chosen"] == ["EDIT_MESH", "Cube", ["Cube"]]
    assert found["marks"][:2] == ["", []]
    assert "Rough" not in found["marks"][2]
    assert found["cache"] == ["engine.log"]
    assert found["undone"] == ["Cube"]


def test_cancelled_the_scene_is_as_before(found):
    assert result(found, "cancelled") == [["CANCELLED"], True, True, ["engine.log"]]
    assert result(found, "cancelled_in_the_middle_of_a_step") == [[True] * 3, True, ["engine.log"]]
    assert result(found, "the_extension_is_disabled_while_it_grows")


def test_when_the_engine_dies_the_scene_is_as_before(found):
    ended, as_before, cache, reports = result(found, "the_engine_dies")
    assert ended == ["CANCELLED"]
    assert as_before
    assert cache == ["engine.log"]
    assert "stopped unexpectedly" in reports[0]


def test_what_the_animator_sets_meanwhile_stays(found):
    last, now, applied, ended, *after = result(found, "what_was_set_meanwhile_stays")
    assert [last, now, applied, ended] == [500, 3, 0.875, ["FINISHED"]]
    assert after == [500, 3, 0.875, 0.25, 0.5, True, 1]
    assert result(found, "a_change_of_the_scene_outlives_a_cancel") == [12, 1920]


def test_undo_and_redo_do_no_harm(found):
    steps = result(found, "undo_and_redo_while_it_grows")
    assert steps["undone"] == []
    assert steps["shown again"] == [TAKE, [30, 1, 30]]
    assert steps["redone"] == [["Cube", *TAKE], [10, 1, 10]]  # as it was then; what comes next brings the rest
    assert steps["result"] == ["FINISHED"]
    assert steps["ended"] == [["Cube", *TAKE], [30, 1, 30], ["my clip"]]
    assert steps["import undone"] == [["Cube"], []]  # nothing of what was shown while it was captured
    assert steps["cube undone"] == []
    assert steps["all redone"] == [["Cube", *TAKE], [30, 1, 30]]
    for ended, names, keys, actions, undone in result(found, "undone_in_the_middle_of_a_step"):
        assert ended == ["FINISHED"]
        assert (names, keys, actions) == (TAKE, [30, 1, 30], ["my clip"])
        assert undone == []


def test_undo_to_between_two_steps_leaves_no_actions_behind(found):
    for ended, names, keys, actions, undone, none in result(found, "back_to_the_middle_of_a_step"):
        assert ended == ["FINISHED"]
        assert (names, keys, actions) == (TAKE, [30, 1, 30], ["my clip"])
        assert (undone, none) == ([], [])


def test_what_is_deleted_meanwhile_does_no_harm(found):
    without_body, again, ended, last = result(found, "deleted_while_it_grows")
    assert without_body == ["my clip"]
    assert again == ["ARMATURE", "CAMERA", "MESH"]
    assert ended == ["FINISHED"]
    assert last == ["ARMATURE", "CAMERA", "MESH"]


def test_cancelled_nothing_is_left_of_what_was_deleted(found):
    cancelled, ended, names, kept = result(found, "deleted_and_cancelled")
    assert cancelled == [[True, []]] * 5
    assert (ended, names, kept) == (["FINISHED"], TAKE, [])


def test_saving_and_opening_do_no_harm(found):
    as_before, idle, cache, ended, names, keys = result(found, "saved_and_opened_while_it_grows")
    assert as_before  # what was saved half grown is gone: its import is not under way
    assert idle
    assert cache == ["engine.log"]
    assert (ended, names, keys) == (["FINISHED"], TAKE, [30, 1, 30])


def test_beside_another_take_nothing_of_the_scene_is_set(found):
    names, scene_stays, as_before, ended, both, range_stays = result(found, "beside_another_take")
    assert names == sorted(TAKE + [name.replace("clip", "clip.001") for name in TAKE]) == both
    assert scene_stays
    assert as_before
    assert ended == ["FINISHED"]
    assert range_stays


def test_it_stays_in_its_scene_or_comes_to_the_one_that_is_left(found):
    assert result(found, "its_scene_is_renamed") == [["FINISHED"], ["renamed"], True]
    ended, scenes, names, reports = result(found, "its_scene_is_deleted")
    assert (ended, scenes, names) == (["FINISHED"], ["other"], TAKE), reports


def test_one_that_is_disabled_in_viewports_is_finished_all_the_same(found):
    assert result(found, "it_is_disabled_in_viewports") == [["FINISHED"], TAKE, [30, 1, 30], True]


def test_cancelled_it_changes_nothing_for_other_takes_and_other_scenes(found):
    assert result(found, "another_take_comes_meanwhile") == [True, ["other", "other body", "other camera"], ""]
    assert result(found, "cancelled_while_somebody_edits_elsewhere") == ["EDIT_MESH", ["Cube"]]


def test_dropped_before_it_is_whole_nothing_is_left(found):
    steps, cache = result(found, "dropped_before_it_is_whole")
    assert sum(during for during, _ in steps) > 2
    assert all(as_before for _, as_before in steps)
    assert cache == ["engine.log"]


def test_a_scene_that_is_not_to_be_set_stays_as_it_is(found):
    """Keyed at the scene's 24 frames a second, not at the footage's 29.97, from the first frame on."""
    during, after, camera, (count, first, last), ended, line = result(found, "the_scene_is_left_alone")
    assert (during, after, camera, count, first, ended) == (True, True, None, 30, 10, ["FINISHED"])
    assert last == pytest.approx(10 + 29 * 24 * 1.001 / 30, abs=1e-3)
    assert "The scene stays at 24 fps, frames 10 to 20; the footage behind it, at 29.97, does not keep step" in line
