# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes in real Blender, measured against the arrays they are made from."""

from pathlib import Path

import numpy as np
import pytest

from model.footage import write_video
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
    assert found["arms_moved"] < 1e-6 < 1e-3 < found["legs_moved"]
    assert found["reopened_raw"] == 0
    assert found["reopened"] == found["half"]
    for name in ("half_read", "none_read", "regions_read", "reopened_read", "second_read"):
        assert found[name] < 0.1, name
    assert found["actions"] == ["clip"]
    assert len(found["after_edit"]) == 2
    assert found["raw_kept"]
    assert found["parts"] == ["clip body", "clip camera"]
    assert found["second_frames"] == [1, 2, 3]
