# SPDX-License-Identifier: GPL-3.0-or-later
"""What the add-on says to targets that are not as they should be, and what it does with them all the same."""

from pathlib import Path

import pytest

from tests.addon.blender import Blender
from tests.addon.take.example import seen_motion, write_body

pytestmark = pytest.mark.blender

OBSTACLES = {
    "mirrored": "mirrored", "flat": "mirrored or zero", "rope": "not those of a person", "edit mode": "edit mode",
    "another layer": "view layer", "deleted": "deleted", "disabled": "disabled", "tweaked": "tweaked",
}  # fmt: skip
MESSAGES = {
    "as it should be": "", "uneven": "unevenly", "one arm": "left_shoulder", "one leg": "left_knee",
    "no legs": "right_hip", "no feet": "left_ankle", "no head": "head", "strange names": "", "hidden": "hidden",
    "locked": "right_shoulder", "constrained": "",
}  # fmt: skip


def test_targets_of_every_kind_and_maps_of_the_users_own(blender: Blender, tmp_path: Path) -> None:
    motion, body = tmp_path / "take.npz", tmp_path / "take.body.npz"
    seen_motion(frames=30, noise=0.01).save(motion)
    write_body(body)
    script = Path(__file__).parent / "blender_targets.py"
    files = {"motion_file": str(motion), "body_file": str(body), "blend_file": str(tmp_path / "scene.blend")}
    run = blender.run(script, timeout_s=400, **files)
    done = run.result
    for kind, text in OBSTACLES.items():
        assert text in done["kinds"][kind]["obstacle"], kind
        assert done["kinds"][kind]["untouched"], kind
    for kind, text in MESSAGES.items():
        result = done["kinds"][kind]
        assert (result["obstacle"], result["refused"]) == ("", ""), kind
        assert text in " ".join(result["messages"]), kind
        assert bool(result["messages"]) == bool(text), (kind, result["messages"])
        assert result["arm_deg"] < (1.0 if kind == "uneven" else 0.05), kind
    assert done["kinds"]["strange names"]["family"] == "Unknown names"
    assert "extent" in done["kinds"]["point"]["refused"]
    assert done["kinds"]["point"]["untouched"]
    assert "linked" in done["linked"]
    assert "no armature" in done["no armature"]

    presets = done["presets"]
    assert presets["nothing yet"] == []
    assert presets["remove needs one"]
    assert presets["list"]["every"] == 2 * 59
    assert presets["list"]["usual"][:3] == ["Hips", "part 000", "Spine 1"]
    assert presets["list"]["thighs"][0::2] == ["Left thigh", "Right thigh"]
    assert presets["menu"] == ["reel_to_rig.detect_bones"]
    assert presets["menu with it"] == ["reel_to_rig.detect_bones", "reel_to_rig.load_bone_map"]
    assert presets["panel"][0] == "My   rig"
    assert presets["panel"][-2:] == ["Bones", "All Parts"]
    assert presets["saved"] == [presets["now"]] == ["My   rig"]
    assert presets["found again"][1:] == [1.0, []]
    assert presets["loaded"]
    assert presets["bones"] == 24
    assert presets["baked"]
    assert presets["arm_deg"] < 0.05
    assert "nobody" in presets["wrong name"]
    assert "part 000 stands for two" in presets["twice"]
    gone, twice, without = presets["ground"]
    assert "it has no nobody" in gone
    assert "part 000 stands for two" in twice
    assert without == "{'FINISHED'}"
    assert presets["elsewhere"] == ["{'FINISHED'}", True]
    assert "the bone map My   rig is not on this machine" in run.output
    assert "broken" in presets["broken"]
    assert presets["left"] == ["broken"]
    assert "Traceback" not in run.output
