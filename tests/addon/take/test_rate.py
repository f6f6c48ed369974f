# SPDX-License-Identifier: GPL-3.0-or-later
from pathlib import Path

import pytest

from tests.addon.blender import Blender
from tests.addon.take.example import seen_motion, write_body

HERE = Path(__file__).parent

pytestmark = pytest.mark.blender


def test_a_take_at_another_rate_than_its_scene_s_says_so_and_can_be_keyed_anew(blender: Blender, tmp_path: Path):
    motion_file, body_file = tmp_path / "m.npz", tmp_path / "b.npz"
    seen_motion(frames=45, fps=30.0, moving=True).save(motion_file)
    write_body(body_file)
    run = blender.run(
        HERE / "blender_rate.py", motion_file=str(motion_file), body_file=str(body_file), folder=str(tmp_path)
    )
    found, line = run.result, "Keyed at 30 fps; this scene has 60"
    said = ["Keyed at 30 fps; this scene", "reel_to_rig.match_rate"]  # The next line is that of its last words.
    assert found["lines"] == {
        "before": [], "as good as the same": [], "faster": said, "matched": [], "undone": said,
    }  # fmt: skip
    assert f"take.bvh; {line}" in run.output
    assert "take.npz; " not in run.output
    assert run.output.count(line) == 2  # and after the bake
    assert found["by hand"]
    assert found["ranges"] == [[1, 89], [1, 89]]
    assert found["off"] < 0.01
    assert found["undone"] == [[1, 45], [1, 45]]
    assert "Traceback" not in run.output
