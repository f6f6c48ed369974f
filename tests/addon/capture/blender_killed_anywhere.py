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
from tests.addon.capture.blender_killed import TICK, engine, queued_s
from tests.addon.inside import enable_checkout, part

LONGEST_S = 200
STAGES = ("Starting the engine", "loading", "opening", "people", "keypoints", "recovery", "camera", "fitting", "world")


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
    reached_before: list[Any] = []
    while len(killed) < kills:
        found = attempt(chance.uniform(0, longest_s), reached_before)
        if found["killed"]:
            found["as before"] = scene() == before
            killed.append(found)
            reached_before = max([reached_before, found["reached"]])
            continue
        found["same take"] = all(np.array_equal(a, b) for a, b in zip(motion, raw(), strict=True))
        through.append(found)
        longest_s = min(longest_s, found["worked_s"])  # Machines are not as busy all the time.
        fill()
        forget()
        reached_before = []
    # What the last kill has left is gone on with, too.
    found = attempt(None, reached_before)
    found["same take"] = all(np.array_equal(a, b) for a, b in zip(motion, raw(), strict=True))
    return {"whole": whole, "killed": killed, "through": [*through, found]}


def attempt(kill_after_s: float | None, reached_before: list[Any] | None = None) -> dict[str, Any]:
    """One import that somebody watches; its engine is killed after some time, if it is not through by then.

    Notes how far it got, and how long it took to get where the attempt before had been killed.
    """
    operator = start()
    for work in operator._works:
        work.watch()
    began, ticks, reached, caught_up_s, pieces = time.monotonic(), [0.0], [0, 0], None, 0
    folder, job, pid, died, loaded = operator._works[0].folder, operator._works[0].job, 0, None, None
    result = {"PASS_THROUGH"}
    while result == {"PASS_THROUGH"}:
        assert time.monotonic() - began < LONGEST_S
        at, under_way = time.monotonic() - queued_s(), not job.over
        result = operator.modal(bpy.context, TICK)
        if under_way:
            ticks.append(time.monotonic() - queued_s() - at)
        pieces = max(pieces, len(part("addon.take.props").growing()))
        if under_way and job.stage in STAGES:
            reached = [STAGES.index(job.stage), round(1000 * job.fraction)]
        if caught_up_s is None and reached_before and reached >= reached_before:
            caught_up_s = time.monotonic() - (loaded or began)
        if job.id and not pid:
            pid = engine()
        if loaded is None and job.stage in STAGES[2:]:
            loaded = time.monotonic()
        due = kill_after_s is not None and loaded is not None and time.monotonic() - loaded > kill_after_s
        if due and died is None and not job.over:
            os.kill(pid, signal.SIGKILL)
            died = time.monotonic()
        time.sleep(0.02)
    return {
        "result": sorted(result), "killed": died is not None, "reached": reached, "stage": STAGES[reached[0]],
        "took_s": time.monotonic() - began, "worked_s": time.monotonic() - (loaded or began),
        "caught_up_s": caught_up_s, "shown": pieces,
        "noticed_s": died and time.monotonic() - died, "slowest_tick_s": max(ticks), "reports": operator.reports,
        "cache": left_in_cache(), "folder": folder.exists(), "half files": half_files(),
        "alive": Path(f"/proc/{pid}").exists() and died is not None, "busy": bool(desk().works or running()),
    }  # fmt: skip


def raw() -> list[Any]:
    """What was captured."""
    motion = part("addon.take.data").raw(bpy.context.active_object)
    return [motion.poses, motion.trans, motion.time_s, motion.keypoints, motion.camera_translation]


def half_files() -> list[str]:
    return [path.name for path in cache().rglob("*.part")]


def forget() -> None:
    """As if nothing had been captured yet."""
    shutil.rmtree(cache() / "footage")
