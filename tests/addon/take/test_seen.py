# SPDX-License-Identifier: GPL-3.0-or-later
"""What is baked and exported is what is seen, whatever an animator did to a take."""

from pathlib import Path

import pytest

from tests.addon.blender import Blender
from tests.addon.take.example import seen_motion, write_body

HERE = Path(__file__).parent

pytestmark = pytest.mark.blender

RANGES = {
    "shift": [21, 65],
    "scale": [12, 122],
    "lead_in": [0, 65],
    "cut": [1, 30],
    "repeat": [0, 199],
    "push_down": [100, 144],
    "stretch": [100, 166],
    "constrain": [1, 45],
}
PLACES = {name: [1, 45] for name in ("move", "lift", "size", "carry", "hang")}


def changed(blender: Blender, tmp_path: Path, ranges: dict[str, list[int]]) -> str:
    """Check what is baked and exported after each of these changes; returns what Blender said."""
    motion_file, body_file = tmp_path / "m.npz", tmp_path / "b.npz"
    seen_motion(frames=45, fps=30.0).save(motion_file)
    write_body(body_file)
    run = blender.run(
        HERE / "blender_seen.py",
        motion_file=str(motion_file), body_file=str(body_file), folder=str(tmp_path), changes=[*ranges],
    )  # fmt: skip
    for change, found in run.result.items():
        assert found.pop("range") == ranges[change], change
        assert found.pop("left") == 0, change
        assert max(found.values()) < 0.1, (change, found)
    assert "Traceback" not in run.output
    return run.output


def test_what_was_moved_in_time_is_baked_and_exported_where_it_is_seen(blender: Blender, tmp_path: Path) -> None:
    output = changed(blender, tmp_path, RANGES)
    assert "frames 21 to 65, with what was edited by hand" in output
    assert output.count("given another speed") == 2


def test_what_was_moved_in_space_is_baked_and_exported_where_it_is_seen(blender: Blender, tmp_path: Path) -> None:
    changed(blender, tmp_path, PLACES)
