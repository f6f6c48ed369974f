# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways to bake: what carries the person, and which controls are in command."""

from pathlib import Path

import pytest

from tests.addon.blender import Blender

pytestmark = pytest.mark.blender


def test_whatever_carries_the_person_it_moves_alike(blender: Blender) -> None:
    script = Path(__file__).parent / "blender_variants.py"
    done = blender.run(script, timeout_s=600, frames=16).result
    deltas = [name for name in done if "deltas" in name]
    for name in ("HIPS", "ROOT_BONE", "OBJECT", "IN_PLACE", *deltas):
        result, root = done[name], name.partition(",")[0]
        assert result["wrong"] == {}
        assert result["flips"] == 0
        assert result["root lift"] < 1e-4, root
        assert result["root tilt"] < 0.01, root
        if root != "IN_PLACE":
            assert result["worst"] < 0.1, root
            assert result["off_m"] < 1e-4, root
        if root in ("ROOT_BONE", "OBJECT"):
            assert result["root travel"] > 0.5 * result["travel"]
            assert result["pelvis under root"] < 0.3, root
        else:
            assert result["root travel"] < 1e-4
        assert (result["object still"] < 1e-5) == (root != "OBJECT")
    assert done["IN_PLACE"]["pelvis under root"] < 0.3
    for refused in ("no root bone", "no IK"):
        kind, text, untouched = done[refused]
        assert kind == "Failure"
        assert "root bone" in text or "IK controls" in text
        assert untouched

    assert done["rigify"].pop("metarig") == "Rigify metarig"
    for variant, result in done["rigify"].items():
        assert result["off_m"] < 5e-3, (variant, result["worst place"])
        assert result["line_deg"] < 0.5, variant
        assert result["end_deg"] < 0.1, variant
        assert result["switch"] == (0.0 if variant.endswith("IK") else 1.0)
        assert result["same scale"]
