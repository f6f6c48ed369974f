# SPDX-License-Identifier: GPL-3.0-or-later
"""The real engine is killed while Blender waits for it: Blender goes on, the job fails, the next one runs."""

import sys
from pathlib import Path

import pytest

from model.protocol import TEXTS, Code
from tests.addon.blender import Blender

SCRIPT = Path(__file__).with_name("blender_killed.py")
STAGES = ["", "loading", "people", "keypoints", "shown", "fitting"]
TAKE = ["demo", "demo body", "demo camera"]


@pytest.mark.blender
@pytest.mark.engine
def test_engine_killed_at_any_moment(blender: Blender, demo_clip: Path):
    found = blender.run(
        SCRIPT, timeout_s=900, python=sys.executable, footage=str(demo_clip), start_s=2.0, end_s=4.5, stages=STAGES
    ).result
    message, hint = TEXTS[Code.ENGINE_DIED]
    for stage in STAGES:
        killed = found["killed"][stage]
        assert killed["result"] == ["CANCELLED"], stage
        assert killed["problem"][0].startswith(message)
        assert "signal 9" in killed["problem"][0]
        assert killed["problem"][1] == hint
        assert killed["reports"] == [killed["shown"]] == [" ".join(killed["problem"])]
        assert not killed["busy"]
        assert set(killed["cache"]) <= {"engine.log", "footage"}
        assert killed["objects"] == []
        assert not killed["alive"]
    for again, objects in (
        ("afterwards", TAKE),
        ("after a kill between jobs", sorted(TAKE + [name.replace("demo", "demo.001") for name in TAKE])),
    ):
        assert found[again]["result"] == ["FINISHED"]
        assert found[again]["cache"] == ["engine.log", "footage"]
        assert found[again]["objects"] == objects
    # Killed in its last stages, it had kept those before; captured once, it is there at once.
    assert found["kept when killed"] == ["observations", "people"]
    assert "captured before" not in found["afterwards"]["reports"][0]
    assert "captured before" in found["after a kill between jobs"]["reports"][0]


@pytest.mark.blender
@pytest.mark.engine
def test_engine_killed_at_random_moments_until_the_import_is_through(blender: Blender, demo_clip: Path):
    """Twenty times, half of them in each Blender; each import goes on where the one before was killed."""
    found = blender.run(
        Path(__file__).with_name("blender_killed_anywhere.py"), timeout_s=3600, python=sys.executable,
        footage=str(demo_clip), start_s=1.2, end_s=4.2, kills=10, seed=int(blender.version[2:]),
    ).result  # fmt: skip
    assert len(found["killed"]) == 10
    for attempt in found["killed"]:
        assert attempt["result"] == ["CANCELLED"]
        assert "signal 9" in attempt["reports"][0]
        assert attempt["as before"]
        assert set(attempt["cache"]) <= {"engine.log", "footage"}
        assert not attempt["folder"]
        assert not attempt["alive"]
        assert not attempt["busy"]
    for attempt in found["through"]:
        assert attempt["result"] == ["FINISHED"]
        assert attempt["same take"]
        assert attempt["cache"] == ["engine.log", "footage"]
        assert not attempt["folder"]
        assert not attempt["busy"]
