# SPDX-License-Identifier: GPL-3.0-or-later
"""From a real video to a take, with nothing pretended: Blender, the engine in a Python of its own, its networks."""

import sys
from pathlib import Path

import pytest

from tests.addon.blender import ROOT, Blender

DEMO_CLIP = ROOT / ".cache/sports2d/demo.mp4"


@pytest.mark.blender
@pytest.mark.engine
def test_a_real_video_becomes_a_take(blender: Blender):
    if not DEMO_CLIP.exists():
        pytest.skip("the demonstration clip has not been fetched")
    script = Path(__file__).with_name("blender_real.py")
    # A woman walks through the picture at this time, alone but for a man who stands.
    found = blender.run(
        script, timeout_s=400, python=sys.executable, footage=str(DEMO_CLIP), start_s=2.0, end_s=3.0
    ).result
    assert found["objects"] == ["demo", "demo body", "demo camera"]
    assert found["size"] == [1768, 994]
    assert found["fps"] == pytest.approx(30, rel=1e-3)
    assert found["frames"] == pytest.approx([61, 90, 61, 90], abs=1)
    assert found["clip"] == [1]
    assert found["vertices"] > 5000
    assert found["off_px"] < 50
    assert 1.0 < found["head_m"] < 2.2
    assert abs(found["foot_m"]) < 0.25
    assert "assumed" in found["summary"]
