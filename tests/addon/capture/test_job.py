# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs, their queue and the first look at footage, without Blender."""

import os
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from reel_to_rig.addon.capture.glance import Glance, Seen, Trim
from reel_to_rig.addon.capture.job import Job, Queue, State, findings
from reel_to_rig.addon.engine.client import engine_environment
from reel_to_rig.model.protocol import Code, Failure

from model.footage import write_video
from tests.addon.blender import ROOT


class Client:
    """Stands in for the engine: events are put in by hand."""

    def __init__(self) -> None:
        self.events, self.asked, self.cancelled = [], [], []

    def submit(self, request):
        self.asked.append(request["title"])
        return request["title"]

    def poll(self):
        events, self.events = self.events, []
        return events

    def cancel(self, job):
        self.cancelled.append(job)


@pytest.fixture
def client():
    return Client()


def job(client: Client, title: str, kind: str = "capture") -> Job:
    return Job(title, {"type": kind, "title": title}, lambda: client)


def test_jobs_go_one_after_the_other_and_scans_before_captures_that_wait(client):
    queue = Queue()
    for title, kind in (("a", "capture"), ("b", "capture")):
        queue.add(job(client, title, kind))
        queue.step()
    queue.add(job(client, "s", "scan"))
    assert [item.title for item in queue.jobs] == ["a", "s", "b"]
    assert client.asked == ["a"]
    client.events = [{"type": "failed", "job": "a", "code": "engine.died", "message": "It ended.", "hint": "Again."}]
    for expected in (["a", "s"], ["a", "s"]):
        queue.step()
        queue.step()
        assert client.asked == expected
    client.events = [{"type": "people", "job": "s", "tracks": []}]
    for _ in range(3):
        queue.step()
    assert client.asked == ["a", "s", "b"]
    assert queue.running.title == "b"


def test_a_job_that_waits_is_cancelled_at_once_and_never_asked_for(client):
    queue = Queue()
    first, second = job(client, "a"), job(client, "b")
    queue.add(first)
    queue.add(second)
    queue.step()
    second.cancel()
    first.cancel()
    assert (second.state, first.state, first.line()) == (State.CANCELLED, State.RUNNING, "Cancelling")
    client.events = [{"type": "cancelled", "job": "a"}]
    for _ in range(3):
        queue.step()
    assert (client.asked, client.cancelled, queue.jobs) == (["a"], ["a"], [])


def test_a_job_whose_engine_is_not_there_fails_and_the_next_one_runs(client):
    def nothing():
        raise Failure(Code.ENGINE_MISSING, "Not there.")

    queue = Queue()
    failing = Job("a", {"type": "capture"}, nothing)
    queue.add(failing)
    queue.add(job(client, "b"))
    queue.step()
    queue.step()
    assert failing.state is State.FAILED
    assert failing.problem.code == Code.ENGINE_MISSING
    assert client.asked == ["b"]


def test_progress_is_of_the_whole_job_and_never_goes_back(client):
    """People take 45 % of the time and poses 50: half of the people done after 9 s, 11 % of the rest are 2 s."""
    capture, scan = (
        Job("a", {"type": "capture", "title": "a", "quality": "full"}, lambda: client),
        job(client, "s", "scan"),
    )
    for one in (capture, scan):
        one.start()

    def told(one: Job, stage: str, done: int, total: int, eta_s: float | None) -> tuple[float, float | None]:
        one.hear({"type": "progress", "job": one.id, "stage": stage, "done": done, "total": total, "eta_s": eta_s})
        return one.fraction, one.eta_s

    assert told(capture, "loading", 0, 0, None) == (0, None)
    assert told(capture, "people", 50, 100, 9.0) == (pytest.approx(0.225), pytest.approx(31.0))
    assert told(capture, "people", 100, 100, 0.0) == (pytest.approx(0.45), None)
    assert told(capture, "keypoints", 0, 90, None) == (pytest.approx(0.45), None)
    assert told(capture, "keypoints", 45, 90, 10.0) == (pytest.approx(0.7), pytest.approx(12.0))
    assert told(capture, "opening", 0, 1, None) == (pytest.approx(0.7), None)
    assert told(capture, "writing", 1, 1, 0.0) == (1.0, None)
    assert told(scan, "people", 50, 100, 9.0) == (0.5, 9.0)


def test_findings_say_what_is_known_and_nothing_else():
    assert findings({}) == ""
    summary = {"people": 3, "person": 2, "gaps": 0, "fov_deg": 61.7, "fov_source": "given", "device": "cuda"}
    assert findings(summary) == "person 2 of 3, no gaps, field of view 62° given, on cuda"
    timed = {**summary, "people": 1, "gaps": 2, "frames": 90, "stages_s": {"people": 10, "keypoints": 20}}
    assert findings(timed) == "1 person, 2 gaps, field of view 62° given, on cuda, 3.0 pictures a second"
    assert findings({**timed, "cached": True}).endswith("given, captured before")


SEEN = Seen("clip.mp4", 640, 480, 25.0, 8.0, 0, False, Path("none.png"))


@pytest.mark.parametrize(
    ("trim", "expected"),
    [
        (Trim(200, 0, 200), (0, 0)),  # all of it
        (Trim(200, 50, 100), (2, 6)),  # one frame of the timeline for each of the footage
        (Trim(192, 48, 96), (2, 6)),  # the same in a timeline of 24 frames a second
        (Trim(100, 50, 50, 25, 75), (3, 5)),  # 1 s and 3 s are not in the strip at all; its second half is shown
        (Trim(200, -50, 250), (0, 0)),  # drawn out beyond its beginning
        (Trim(200, 50, 150, backwards=True), (0, 6)),  # what is cut off at the left is the footage's end
    ],
)
def test_a_strips_trim_in_seconds_of_the_footage(trim, expected):
    assert trim.range_s(SEEN) == pytest.approx(expected)


def looked(footage: Path, folder: Path, python: str = sys.executable) -> Seen:
    glance = Glance(Path(python), engine_environment(ROOT), str(footage), folder)
    deadline = time.monotonic() + 90
    while (seen := glance.result()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return seen


def test_a_glance_says_what_the_footage_holds_and_shows_its_middle(tmp_path):
    footage = tmp_path / "ein Clip ü.mp4"
    nobody, somebody = (np.full((96, 128, 3), colour, np.uint8) for colour in ((40, 40, 200), (200, 40, 40)))
    write_video(footage, [nobody] * 8 + [somebody] * 12, 10.0)
    seen = looked(footage, tmp_path)
    assert seen.line() == "128 × 96, 10 fps, 2.00 s"
    picture = cv2.imdecode(np.fromfile(seen.thumbnail, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert picture.shape[:2] == (240, 320)
    assert np.abs(picture.reshape(-1, 3).mean(0) - (200, 40, 40)).max() < 12


def test_a_glance_at_something_else_says_what_is_wrong(tmp_path):
    (tmp_path / "notes.mp4").write_text("no video")
    with pytest.raises(Failure) as failure:
        looked(tmp_path / "notes.mp4", tmp_path)
    assert failure.value.code == Code.FOOTAGE_UNREADABLE
    assert failure.value.message.count("could not be read") == 1


@pytest.mark.skipif(os.name == "nt", reason="the script is a shell's")
@pytest.mark.parametrize("says", ["", "nonsense", '{"type": "footage"}', "[]"])
def test_a_glance_by_something_that_is_no_engine(tmp_path, says):
    script = tmp_path / "python"
    script.write_text(f"#!/bin/sh\necho '{says}'\n")
    script.chmod(0o755)
    with pytest.raises(Failure) as failure:
        looked(tmp_path / "clip.mp4", tmp_path, str(script))
    assert failure.value.code == Code.ENGINE_MISSING
    with pytest.raises(Failure):
        looked(tmp_path / "clip.mp4", tmp_path, str(tmp_path / "nothing"))
