# SPDX-License-Identifier: GPL-3.0-or-later
"""Real pictures of people, decoded once."""

import pytest

from model.footage import read


@pytest.fixture(scope="session")
def demo_frames(demo_clip):
    """Four frames of the demonstration clip by their number: a woman walks through them from right to left."""
    return {frame.index: frame for frame in read(demo_clip, end_s=5.1) if frame.index in (60, 90, 120, 150)}
