# SPDX-License-Identifier: GPL-3.0-or-later
"""Import from Video with the real engine, which is killed at several moments; then with one that lives."""

import os
import signal
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy

from tests.addon.capture.blender_import import cache, desk, left_in_cache, names, running, start, use
from tests.addon.inside import empty_scene, enable_checkout, part

TICK = SimpleNamespace(type="TIMER")
LONGEST_S = 120


def main(python: str, footage: str, start_s: float, end_s: float, stages: list[str]) -> dict[str, Any]:
    enable_checkout()
    empty_scene()
    use(python)
    form = bpy.context.scene.reel_to_rig
    form.footage, form.start_s, form.end_s, form.quality = footage, start_s, end_s, "draft"
    found: dict[str, Any] = {"killed": {stage: killed_in(stage) for stage in stages}}
    found["kept when killed"] = sorted(path.name.split("-")[0] for path in cache().joinpath("footage").glob("*.npz"))
    found["afterwards"] = imported()
    pid = engine()
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    found["after a kill between jobs"] = imported()
    return found


def engine() -> int:
    """The process of the engine."""
    return part("addon.engine.running")._Running.client._process._process.pid


def killed_in(stage: str) -> dict[str, Any]:
    """Import, kill the engine as soon as it is in a stage, and see how that ends.

    Empty is a stage, too: as soon as it runs. "shown": as soon as some of the take is in the scene.
    """
    operator = start()
    (work,) = operator.errand.works
    if stage == "shown":
        work.watch()
    operator.tick()
    job, pid = running(), engine()
    part("addon.engine.running")._Running.client._silence_s = LONGEST_S  # It is stopped before it is killed.
    if stage == "shown":
        follow(operator, lambda: work._growth._prepared is not None)
        os.kill(pid, signal.SIGSTOP)  # It is not to be done before all of that is there.
        follow(operator, lambda: names() and not work._growth.busy)
        assert names() == ["demo", "demo body", "demo camera"]
    elif stage:
        stop_at(stage, pid)
        follow(operator, lambda: job.stage == stage)
    # What a kill in the middle of writing leaves behind.
    Path(job.request["output"] + ".0123abcd.part").write_bytes(b"half a take")
    os.kill(pid, signal.SIGKILL)
    result = follow(operator)
    return {
        "result": sorted(result),
        "problem": [job.problem.message, job.problem.hint],
        "shown": str(desk().problem),
        "reports": operator.reports,
        "busy": bool(desk().queue.jobs),
        "cache": left_in_cache(),
        "objects": names(),
        "alive": Path(f"/proc/{pid}").exists(),
    }


def stop_at(stage: str, pid: int) -> None:
    """Stop the engine as soon as it says that it is in a stage, however late Blender hears of it."""
    process = part("addon.engine.running")._Running.client._process
    keep = process._keep

    def told(event: Any) -> Any:
        if event.get("stage") == stage:
            os.kill(pid, signal.SIGSTOP)
        return keep(event)

    process._keep = told


def imported() -> dict[str, Any]:
    operator = start()
    result = follow(operator)
    return {
        "result": sorted(result),
        "reports": operator.reports,
        "cache": left_in_cache(),
        "objects": names(),
    }


def follow(operator: Any, until: Any = lambda: False) -> set[str]:
    """Tick as Blender's timer does until the operator or `until` says stop."""
    deadline = time.monotonic() + LONGEST_S
    result = {"PASS_THROUGH"}
    while result == {"PASS_THROUGH"} and not until():
        assert time.monotonic() < deadline
        result = operator.tick()
        time.sleep(0.01)
    return result
