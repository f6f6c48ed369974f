# SPDX-License-Identifier: GPL-3.0-or-later
"""Real pictures of people, decoded once."""

from pathlib import Path

import pytest

from model.footage import read

DEMO_CLIP = Path(__file__).resolve().parents[3] / ".cache" / "sports2d" / "demo.mp4"


@pytest.fixture(scope="session")
def demo_clip():
    if not DEMO_CLIP.exists():
        pytest.skip("the demonstration clip has not been fetched")
    return DEMO_CLIP


@pytest.fixture(scope="session")
def demo_frames(demo_clip):
    """Four frames of the demonstration clip by their number: a woman walks through them from right to left."""
    return {frame.index: frame for frame in read(demo_clip, end_s=5.1) if frame.index in (60, 90, 120, 150)}
