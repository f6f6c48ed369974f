# SPDX-License-Identifier: GPL-3.0-or-later
"""Every family of rigs in a real Blender, some of them after a trip through a file of a common format."""

from pathlib import Path

import pytest

from tests.addon.blender import Blender

pytestmark = pytest.mark.blender
HERE = Path(__file__).parent


def test_every_rig_is_recognised_and_follows_the_take(blender: Blender, tmp_path: Path) -> None:
    done = blender.run(HERE / "blender_corpus.py", timeout_s=600, folder=str(tmp_path), frames=12).result
    assert len(done) > 30
    for rig, result in done.items():
        assert result["family"] == result["expected"], rig
        assert result["wrong"] == {}, rig
        assert result["unfound"] == [], rig
        assert result["worst"] < 0.1, (rig, result["worst limb"])
        assert result["off_m"] < 1e-4, rig
        assert result["flips"] == 0, rig
