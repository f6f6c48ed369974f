# SPDX-License-Identifier: GPL-3.0-or-later
"""From a real video to a take, with nothing pretended: Blender, the engine in a Python of its own, its networks."""

import sys
from pathlib import Path

import pytest

from tests.addon.blender import ROOT, Blender

DEMO_CLIP = ROOT / ".cache/sports2d/demo.mp4"


@pytest.mark.blender
@pytest.mark.engine
@pytest.mark.parametrize("watched", [False, True])
def test_a_real_video_becomes_a_take(blender: Blender, watched: bool):
    if not DEMO_CLIP.exists():
        pytest.skip("the demonstration clip has not been fetched")
    script = Path(__file__).with_name("blender_real.py")
    # A woman walks through the picture at this time, alone but for a man who stands.
    end_s, last = (4.5, 135) if watched else (3.0, 90)
    found = blender.run(
        script, python=sys.executable, footage=str(DEMO_CLIP), start_s=2.0, end_s=end_s, watched=watched
    ).result
    assert found["objects"] == ["demo", "demo body", "demo camera"]
    assert found["size"] == [1768, 994]
    assert found["fps"] == pytest.approx(30, rel=1e-3)
    assert found["frames"] == pytest.approx([61, last, 61, last], abs=1)
    assert found["clip"] == [1]
    assert found["vertices"] > 5000
    assert found["off_px"] < 50
    assert 1.0 < found["head_m"] < 2.2
    assert abs(found["foot_m"]) < 0.25
    assert "assumed" in found["summary"]
    if watched:
        # What was shown while the pose was still being read lay over the footage, too.
        first = found["grown"][0]
        assert first["frames"] == pytest.approx([61, 108, 61, 108], abs=1)
        assert (first["objects"], first["size"], first["clip"]) == (found["objects"], found["size"], found["clip"])
        assert first["off_px"] < 50
        assert 1.0 < first["head_m"] < 2.2
        assert "still being captured" in first["summary"]
        assert "still being captured" not in found["summary"]
