# SPDX-License-Identifier: GPL-3.0-or-later
from pathlib import Path

import pytest

from tests.addon.blender import Blender

pytestmark = pytest.mark.blender


def test_blender_plays_what_was_written_and_keeps_what_was_there(blender: Blender) -> None:
    done = blender.run(Path(__file__).parent / "blender_keyframes.py").result
    assert done["off"] < 1e-4
    assert done["names"] == {"by hand": True, "dance": True, "dance.001": True, "dance.002": False}
    assert done["active"] == "dance.002"
    assert done["slot"] == "Armature"
    assert done["groups"] == ["hips"]
    assert done["range"] == pytest.approx([3.5, 3.5 + 0.8 * 999])
    assert done["same"]
    assert done["differs"]
    assert done["changed"] == [False, True, True, True, True, True]
    assert done["refused"] == dict.fromkeys(("length", "nan", "order", "twice", "empty"), True)
    assert done["actions"] == 4
    assert done["steps"] == [24_000, 240_000, 11, 1]
