# SPDX-License-Identifier: GPL-3.0-or-later
"""Import from Video with the real engine, which is killed again and again at random moments, until it is through.

A moment is so many seconds after the engine has loaded its libraries: those take longest where a machine is busy.
"""

import os
import random
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from tests.addon.capture.blender_growth import scene
from tests.addon.capture.blender_import import cache, desk, left_in_cache, running, start, use
from tests.addon.capture.blender_killed import engine
from tests.addon.inside import enable_checkout, part

LONGEST_S = 200
STAGES = ("opening", "people", "keypoints", "recovery", "camera", "fitting", "world")


def main(
    python: str, footage: str, start_s: float, end_s: float, kills: int, seed: int, quality: str = "draft"
) -> dict[str, Any]:
    enable_checkout()
    use(python)

    def fill() -> None:
        """A new file, with the form as it is wanted."""
        bpy.ops.wm.read_homefile(use_empty=True)
        form = bpy.context.scene.reel_to_rig
        form.footage, form.start_s, form.end_s, form.quality = footage, start_s, end_s, quality

    fill()
    before = scene()
    whole = attempt(None)
    assert whole["result"] == ["FINISHED"], whole["reports"]
    motion = raw()
    fill()
    forget()
    chance, killed, through, longest_s = random.Random(seed), [], [], whole["worked_s"]
    while len(killed) < kills:
        found = attempt(chance.uniform(0, longest_s))
        if found["killed"]:
            found["as before"] = scene() == before
            killed.append(found)
            continue
        found["same take"] = all(np.array_equal(a, b) for a, b in zip(motion, raw(), strict=True))
        through.append(found)
        longest_s = min(longest_s, found["worked_s"])  # Machines are not as busy all the time.
        fill()
        forget()
    # What the last kill has left is gone on with, too.
    found = attempt(None)
    found["same take"] = all(np.array_equal(a, b) for a, b in zip(motion, raw(), strict=True))
    return {"whole": whole, "killed": killed, "through": [*through, found]}


def attempt(kill_after_s: float | None) -> dict[str, Any]:
    """One import that somebody watches; its engine is killed after some time, if it is not through by then."""
    operator = start()
    for work in operator.errand.works:
        work.watch()
    folder, job, pid, killed, loaded = operator.errand.works[0].folder, operator.errand.works[0].job, 0, False, None
    began = time.monotonic()
    result = {"PASS_THROUGH"}
    while result == {"PASS_THROUGH"}:
        assert time.monotonic() - began < LONGEST_S
        result = operator.tick()
        if job.id and not pid:
            pid = engine()
        if loaded is None and job.stage in STAGES:
            loaded = time.monotonic()
        due = kill_after_s is not None and loaded is not None and time.monotonic() - loaded > kill_after_s
        if due and not killed and not job.over:
            os.kill(pid, signal.SIGKILL)
            killed = True
        time.sleep(0.02)
    killed = killed and job.state.name == "FAILED"  # It may have been done in that moment.
    return {
        "result": sorted(result), "killed": killed, "worked_s": time.monotonic() - (loaded or began),
        "reports": operator.reports, "cache": left_in_cache(), "folder": folder.exists(),
        "alive": Path(f"/proc/{pid}").exists() and killed, "busy": bool(desk().works or running()),
    }  # fmt: skip


def raw() -> list[Any]:
    """What was captured."""
    motion = part("addon.take.data").raw(bpy.context.active_object)
    return [motion.poses, motion.trans, motion.time_s, motion.keypoints, motion.camera_translation]


def forget() -> None:
    """As if nothing had been captured yet."""
    shutil.rmtree(cache() / "footage")
