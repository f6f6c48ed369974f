# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes in real Blender, measured against the arrays they are made from."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model.footage import write_video
from model.motion.contacts import soles_of
from model.motion.skeleton import JOINTS
from tests.addon.blender import Blender
from tests.addon.take.example import seen_motion, write_body

HERE = Path(__file__).parent

pytestmark = pytest.mark.blender


@pytest.mark.parametrize("moving", [False, True])
def test_a_take_lies_where_the_motion_says_in_the_world_and_in_the_picture(
    blender: Blender, tmp_path: Path, moving: bool
):
    footage = tmp_path / "a clip ä.mp4"
    write_video(footage, iter(np.zeros((10, 72, 128, 3), np.uint8)), 30000 / 1001)
    motion_file, body_file = tmp_path / "m.npz", tmp_path / "b.npz"
    seen_motion(str(footage), moving=moving).save(motion_file)
    write_body(body_file)

    found = blender.run(HERE / "blender_build.py", motion_file=str(motion_file), body_file=str(body_file)).result

    assert found["held_mm"] < 0.1
    assert found["loose_mm"] > 10
    assert found["bone_mm"] < 0.1
    assert found["mesh_mm"] < 0.1
    assert found["pixel"] < 0.05
    assert found["frames"] == [1, 45, 1 + 7 * 6]
    assert found["rate"] == [30, pytest.approx(1.001)]
    assert found["size"] == [1280, 720]
    assert sorted(found["bones"]) == sorted(JOINTS)
    assert abs(found["lowest_rest"]) < 1e-6
    assert found["moving"] is moving
    assert found["camera"]
    assert found["active"]
    assert found["mode"] == "OBJECT"
    assert found["collection"] == ["clip", "clip body", "clip camera"]
    assert found["backgrounds"] == [["MOVIE_CLIP", "a clip ä.mp4", 1]]


def test_the_body_is_over_the_footage_whatever_the_shape_of_clip_and_scene(blender: Blender, tmp_path: Path):
    footage, motion_file, body_file = tmp_path / "clip.mp4", tmp_path / "m.npz", tmp_path / "b.npz"
    write_video(footage, iter(np.zeros((10, 72, 128, 3), np.uint8)), 30000 / 1001)
    seen_motion(frames=3).save(motion_file)
    write_body(body_file)

    found = blender.run(
        HERE / "blender_shapes.py", motion_file=str(motion_file), body_file=str(body_file), footage=str(footage)
    ).result

    for clip, (pixels, focal) in found["off"].items():
        assert pixels < 0.05, clip
        assert abs(focal) < 0.01, clip
    assert found["method"] == "FIT"
    for turned, upright in found["lying"]:
        assert turned == pytest.approx(upright, rel=1e-4)


def test_a_scene_shows_all_of_its_takes_and_they_do_not_drift(blender: Blender, tmp_path: Path):
    motion_file, body_file = tmp_path / "m.npz", tmp_path / "b.npz"
    seen_motion(frames=30, fps=30.0).save(motion_file)
    write_body(body_file)

    found = blender.run(HERE / "blender_range.py", motion_file=str(motion_file), body_file=str(body_file)).result

    assert found["again"] == [[[46, 75], [46, 75]]] * 3
    assert found["grew"] == [[91, 120], [46, 75], [46, 75]]
    assert found["moved"] == [[101, 130], [101, 130]]
    assert found["later"] == [[401, 430], [101, 430]]
    assert found["grew later"] == [[101, 730], [101, 430]]
    assert found["within"] == [[251, 280], [101, 430]]


def test_smoothing_can_be_changed_again_and_again_and_after_reopening(blender: Blender, tmp_path: Path):
    motion_file, body_file = tmp_path / "m.npz", tmp_path / "b.npz"
    seen_motion(frames=40, noise=0.03).save(motion_file)
    write_body(body_file)

    found = blender.run(
        HERE / "blender_life.py",
        motion_file=str(motion_file),
        body_file=str(body_file),
        blend_file=str(tmp_path / "saved.blend"),
    ).result

    assert found["full"] < found["half"] < 0.5 * found["none"]
    assert found["back"] == 0
    assert found["arms_moved"] < 1e-6
    assert found["legs_moved"] > 1e-3
    assert found["reopened_raw"] == 0
    assert found["reopened"] == found["half"]
    for name in ("half_read", "none_read", "regions_read", "reopened_read", "second_read"):
        assert found[name] < 0.1, name
    assert found["actions"] == ["clip"]
    assert found["after_edit"] == ["clip", "clip.001"]
    assert found["told"] == [["Your edits are kept in action clip"], ["Your edits are kept in action by hand"], []]
    assert found["raw_kept"]
    assert found["parts"] == ["clip body", "clip camera"]
    assert found["second_frames"] == [1, 2, 3]


def test_a_take_goes_out_in_every_format_and_comes_back_as_it_was(blender: Blender, tmp_path: Path):
    motion_file, body_file = tmp_path / "m.npz", tmp_path / "b.npz"
    seen_motion(frames=30, fps=30.0, noise=0.02, moving=True).save(motion_file)
    write_body(body_file)

    found = blender.run(
        HERE / "blender_exchange.py", motion_file=str(motion_file), body_file=str(body_file), folder=str(tmp_path)
    ).result

    assert found["applied"] == pytest.approx(0.3)
    assert found["left_behind"] == []
    assert found["settled_mm"] < 0.1
    assert found["seen_mm"] < 0.1
    assert found["fbx"] < 0.5
    assert found["glb"] < 0.5
    assert found["bvh"] < 0.5
    assert found["npz"] < 0.1
    assert [found[f"{suffix}_meshes"] for suffix in ("fbx", "glb", "bvh", "npz")] == [1, 1, 0, 1]
    assert found["second"] == [True, True, True]
    assert found["after"] == ["characters", "POSE"]
    assert found["glTF"] == [1, 1, 24]
    assert "could not be written" in found["nowhere"]
    assert "Traceback" not in found["nowhere"]
    table = np.genfromtxt(tmp_path / "take.csv", delimiter=",", names=True)
    assert table.dtype.names[:4] == ("time_s", "pelvis_x", "pelvis_y", "pelvis_z")
    assert len(table) == 30


def test_looks_markers_and_floor_follow_the_settings(blender: Blender, tmp_path: Path):
    motion_file, body_file = tmp_path / "m.npz", tmp_path / "b.npz"
    motion = seen_motion(frames=30, fps=30.0)
    confidence = np.ones((30, 24), np.float32)
    confidence[10:20] = 0
    observed = np.ones(30, bool)
    observed[20:25] = False
    contacts = np.zeros((30, 4), np.float32)
    contacts[5:15, 1] = 0.9
    replace(motion, confidence=confidence, observed=observed, contacts=contacts).save(motion_file)
    write_body(body_file)

    found = blender.run(HERE / "blender_looks.py", motion_file=str(motion_file), body_file=str(body_file)).result

    assert found["alpha"] == pytest.approx(0.2)
    assert [colour[:3] for colour in found["colours"]] == [[0.1, 0.8, 0.2], [1.0, 0.1, 0.05], [0.35, 0.35, 0.35]]
    assert found["plain"]
    assert found["actions_left"] == 0
    gaps, steps = [[21, "clip: Gap"], [26, "clip: Seen"]], [[6, "clip: L down"], [16, "clip: L up"]]
    own = [[3, "Gap"], [4, "other: L down"]]
    assert found["BOTH"] == own + steps + gaps
    assert found["GAPS"] == own + gaps
    assert found["CONTACTS"] == own + steps
    assert found["NONE"] == own
    renamed = [[frame, name.replace("clip", "hero")] for frame, name in gaps]
    assert [found["renamed GAPS"], found["renamed NONE"], found["copy"]] == [own + renamed, own, own + renamed]
    soles = soles_of(motion)[5:15, 1, 2]
    assert found["floor_m"] == pytest.approx(float(np.median(soles)), abs=1e-5)
    assert found["down_m"] == pytest.approx([found["floor_m"]] * 2, abs=1e-5)
    assert found["drawn_in_background"] == 0


def test_a_take_lives_on_in_other_files_and_without_its_footage(blender: Blender, tmp_path: Path):
    footage, other = tmp_path / "clip.mp4", tmp_path / "other.mp4"
    write_video(footage, iter(np.zeros((10, 72, 128, 3), np.uint8)), 30000 / 1001)
    write_video(other, iter(np.zeros((10, 96, 96, 3), np.uint8)), 30000 / 1001)
    motion_file, body_file = tmp_path / "m.npz", tmp_path / "b.npz"
    motion = seen_motion(str(footage), frames=40, noise=0.03)
    filmed = motion.provenance["footage"] | {"width": 128, "height": 72}
    motion.with_provenance(motion.provenance | {"footage": filmed}).save(motion_file)
    write_body(body_file)

    run = blender.run(
        HERE / "blender_files.py", motion_file=str(motion_file), body_file=str(body_file), folder=str(tmp_path),
        footage=str(footage), other=str(other),
    )  # fmt: skip

    found = run.result
    for name in ("without", "appended", "linked", "overridden", "footage"):
        same = {key: found[name].pop(key) for key in ("is_take", "motion", "pose", "parts", "current")}
        assert same == {
            "is_take": True, "motion": True, "pose": True, "parts": ["clip body", "clip camera"], "current": True
        }, name  # fmt: skip
    assert found["appended"] == {"changed": True, "clips": ["clip.mp4"]}

    linked = found["linked"]
    assert all("append it or make a library override" in line for line in linked["refused"])
    assert "linked from another file" in linked["panel"][1]
    assert [linked[suffix] for suffix in ("fbx", "glb", "bvh", "npz")] == [True] * 4
    assert linked["names"] == ["clip", "clip body", "clip camera"]
    assert linked["read"] == 40

    assert found["overridden"] == {"lost": {}, "whole": [True] * 3, "fingerprint": True}

    moved = found["footage"]
    told = [f"The footage is not there: {footage}. The motion is all here", "reel_to_rig.find_footage"]
    assert [line for line in moved["panel"] if "ootage" in line] == told
    assert [line for line in moved["still"] if "ootage" in line] == told
    assert "No such file" in moved["nowhere"]
    assert "Blender cannot read it" in moved["no video"]
    assert moved["other"] == moved["found"] == moved["found again"] == "{'FINISHED'}"
    assert "It has 96 × 96 pixels, the footage of the take 128 × 72" in run.output
    assert not [line for line in moved["panel at last"] if "ootage" in line]
    assert moved["shown"] == ["elsewhere.mp4", [128, 72], 1]
    assert [line for line in moved["picture removed"] if "ootage" in line] == told
    assert not [line for line in moved["no camera"][0] if "ootage" in line]
    assert "has no camera" in moved["no camera"][1]
    assert "Traceback" not in run.output


def test_a_copy_of_a_take_leaves_the_original_as_it_looks(blender: Blender, tmp_path: Path):
    motion_file, body_file = tmp_path / "m.npz", tmp_path / "b.npz"
    seen_motion(frames=3).save(motion_file)
    write_body(body_file)

    found = blender.run(HERE / "blender_copies.py", motion_file=str(motion_file), body_file=str(body_file)).result

    # How low armature and camera stand, and how opaque the body is: of the original, and of what was changed.
    assert found["alone"] == [[0, 0, 0.55], [0.5, 0, 0.55]]
    assert found["active"] == ["walk", "walk.001", "walk", "walk"]
    assert found["original"] == [0.25, 0.25, 0.75]
    assert found["whole"] == [[0.25, 0.25, 0.75], [0.75, 0.75, 0.25]]
    assert found["again"] == [[0, 0, 0.5], [0, 0, 0.5], [0.75, 0.75, 0.25]]
    assert found["linked"] == [[0, 0, 0.5], [0.5, 0.5, 0.875]]
    assert found["heir"] == [0.125, 0.125, 0.375]


def test_looking_through_a_take_s_camera_leaves_the_scene_s_alone(blender: Blender, tmp_path: Path):
    motion_file, body_file = tmp_path / "m.npz", tmp_path / "b.npz"
    seen_motion(frames=3).save(motion_file)
    write_body(body_file)

    found = blender.run(HERE / "blender_views.py", motion_file=str(motion_file), body_file=str(body_file)).result

    # How the viewport looks, through which camera if through one, and which camera the scene renders with.
    assert found["first"] == [["CAMERA", "walk camera", "walk camera"], ["PERSP", "walk camera", "walk camera"]]
    back = ["PERSP", "shot", "shot"]
    assert found["in and out"] == [["CAMERA", "walk camera", "shot"], back]
    assert found["one after the other"] == [["CAMERA", "walk camera", "shot"], ["CAMERA", "run camera", "shot"], back]
    assert found["aside"] == [["CAMERA", "run camera", "shot"], ["ORTHO", "shot", "shot"]]


def test_one_undo_takes_back_a_slider_with_its_keys(blender: Blender, tmp_path: Path):
    motion_file, body_file = tmp_path / "m.npz", tmp_path / "b.npz"
    seen_motion(frames=10, noise=0.03).save(motion_file)
    write_body(body_file)

    found = blender.run(HERE / "blender_undo.py", motion_file=str(motion_file), body_file=str(body_file)).result

    assert all(shown == keyed for shown, keyed in found["states"])
    first, second, third = [0.5, [1.0] * 7, True], [0.75, [1.0] * 7, True], [0.75, [0.5] * 7, False]
    # What an undo leads to has the keys of the step before; the slider's own step looks like that, too.
    undone, redone = [third, second, second, first, first], [first, second, second, third]
    assert [shown for shown, _ in found["states"]] == undone + redone
    assert found["after"]


def test_what_is_the_animators_own_is_left_alone(blender: Blender, tmp_path: Path):
    footage, motion_file, body_file = tmp_path / "clip.mp4", tmp_path / "m.npz", tmp_path / "b.npz"
    write_video(footage, iter(np.zeros((10, 72, 128, 3), np.uint8)), 30000 / 1001)
    seen_motion(str(footage), frames=30).save(motion_file)
    write_body(body_file)

    run = blender.run(
        HERE / "blender_own_things.py", motion_file=str(motion_file), body_file=str(body_file), footage=str(footage)
    )

    found = run.result
    assert found["clips"] == [101, 1, True]
    chosen, other, own = footage.name, "other.mp4", "own.mp4"
    *steps, shown = found["opened ahead"]
    assert steps == [[chosen, own], [chosen, own], [other, own], [own], [own], [chosen, own]]
    assert shown == [[chosen, 101], [own, 1]]
    assert found["materials"] == [[1, 0, 0, 1], True, [1, 0, 0, 1], True, 0.5]
    before, exact, after, still_exact, otherwise, baked = found["edited"]
    assert (before, after) == (False, True)
    assert max(exact, still_exact, baked) < 1e-4
    assert otherwise > 0.1
    assert "with what was edited by hand" in run.output
    assert "enable the add-on BioVision Motion Capture (BVH) format" in found["without the add-on"]
    assert found["kept"] == [["marked", "shared"], False, True, []]
    odd = found["odd"]
    assert odd["turned"] > 0.1
    assert not odd["shared"]
    assert "has no bone left_hip" in odd["without a bone"]
    assert odd["behind"]
    assert odd["bodies"] == ["body.invalid"] * 2
    kept, down, no_clip, missing, source, other, no_take, obstacle = found["deleted"][1:]
    assert [found["deleted"][0], kept, down, no_clip, missing] == [True, True, 0, True, ""]
    assert (source, other) == ("clip", None)
    assert no_take == "The chosen take was deleted; choose another"
    assert obstacle == "The target was deleted; choose another armature"
    assert "Traceback" not in run.output
