# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine process, spoken to through its pipes as Blender does, with a scripted pipeline inside."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import cv2
import pytest

from model.protocol import PROTOCOL_VERSION, Cancelled
from model.serve import Job, Reporter

SCRIPT = Path(__file__).with_name("scripted_engine.py")
LIMIT_S = 120


class Spoken:
    """A started engine: `say` to it, `hear` its next event (alive left out), `everything` it says until it ends."""

    def __init__(self, tmp_path):
        self.temporary = tmp_path / "temporary"
        self.temporary.mkdir()
        self.log = tmp_path / "log"
        self.process = subprocess.Popen(
            [sys.executable, "-u", str(SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log.open("wb"),
            env={**os.environ, "TMPDIR": str(self.temporary)},
        )
        self.watchdog = threading.Timer(LIMIT_S, self.process.kill)
        self.watchdog.start()

    def say(self, kind, **fields):
        self.write(json.dumps({"type": kind, **fields}).encode() + b"\n")

    def write(self, line):
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def capture(self, footage, job="1", **fields):
        self.say("capture", job=job, footage=footage, output="take.npz", **fields)

    def hear(self, *kinds):
        """The next event of one of these kinds; of any kind but alive without."""
        while True:
            event = json.loads(self.process.stdout.readline())
            if event["type"] in kinds or (not kinds and event["type"] != "alive"):
                return event

    def ending(self):
        """Exit status and the rest of the events."""
        rest = [json.loads(line) for line in self.process.stdout]
        return self.process.wait(), rest


@pytest.fixture
def engine(tmp_path):
    spoken = Spoken(tmp_path)
    yield spoken
    spoken.watchdog.cancel()
    spoken.process.kill()
    spoken.process.wait()
    for pipe in (spoken.process.stdin, spoken.process.stdout):
        try:
            pipe.close()
        except BrokenPipeError:
            continue
    assert list(spoken.temporary.iterdir()) == []


def test_greeting_names_version_and_device(engine):
    engine.say("hello", protocol=PROTOCOL_VERSION)
    ready = engine.hear()
    assert ready["type"] == "ready"
    assert ready["protocol"] == PROTOCOL_VERSION
    assert ready["device"] in ("cpu", "cuda")
    assert ready["device_name"]
    assert ready["memory_mb"] > 100


def test_capture_reports_throttled_progress_and_ends_with_done(engine):
    engine.capture("good")
    events = []
    start = time.monotonic()
    while not events or events[-1]["type"] == "progress":
        events.append(engine.hear())
    assert events[-1] == {
        "type": "done", "job": "1", "files": {"take": "take.npz"}, "summary": {"frames": 400, "stdin": ""},
    }  # fmt: skip
    reports = events[:-1]
    assert len(reports) <= 10 * (time.monotonic() - start) + 5
    for stage in ("people", "network"):
        dones = [event["done"] for event in reports if event["stage"] == stage]
        assert dones == sorted(dones)
        assert (dones[0], dones[-1]) == (1, 400)
    assert {event["total"] for event in reports} == {400}
    assert reports[-1]["eta_s"] == 0


def test_pieces_are_told_of_where_they_are_asked_for(engine):
    engine.capture("good", "a")
    assert engine.hear("partial", "done")["type"] == "done"
    engine.capture("good", "b", partial=True)
    assert engine.hear("partial", "done") == {
        "type": "partial", "job": "b", "files": {"take": "piece.npz", "body": "piece.body.npz"},
        "first_s": 0.5, "last_s": 2.0,
    }  # fmt: skip
    assert engine.hear("partial", "done")["type"] == "done"


def test_jobs_wait_their_turn(engine):
    for job in "abc":
        engine.capture("failure" if job == "b" else "good", job)
    finals = [engine.hear("done", "failed") for _ in range(3)]
    assert [(final["job"], final["type"]) for final in finals] == [("a", "done"), ("b", "failed"), ("c", "done")]


def test_printing_libraries_do_not_garble_the_protocol(engine):
    engine.capture("prints")
    engine.say("shutdown")
    status, events = engine.ending()
    assert status == 0
    assert {event["type"] for event in events} <= {"progress", "cancelled", "done", "alive"}
    log = engine.log.read_text()
    for line in ("a library prints", "a library writes", "a library in C prints"):
        assert line in log


def test_alive_is_said_while_a_job_computes(engine):
    engine.capture("deaf")
    engine.hear("progress")
    for _ in range(3):
        engine.hear("alive")


@pytest.mark.parametrize("footage", ["slow", "slow_reporter"])
def test_cancel(engine, footage):
    engine.capture(footage)
    engine.capture("good", "waiting")
    engine.hear("progress")
    engine.say("cancel", job="waiting")
    engine.say("cancel", job="nonsense")
    engine.say("cancel", job="1")
    assert engine.hear("done", "cancelled", "failed") == {"type": "cancelled", "job": "1"}
    assert engine.hear("done", "cancelled", "failed") == {"type": "cancelled", "job": "waiting"}
    engine.capture("failure", "next")
    assert engine.hear("failed")["job"] == "next"


@pytest.mark.parametrize(
    ("footage", "code", "says"),
    [
        ("failure", "people.none", "Nobody."),
        ("bug", "engine.internal", "KeyError"),
        ("exits", "engine.internal", "SystemExit"),
        ("memory", "device.out_of_memory", ""),
        ("device_memory", "device.out_of_memory", ""),
        ("disk", "disk.full", ""),
        ("lacks", "engine.missing", "no_such_module"),
        ("unspeakable", "engine.internal", "ValueError"),
    ],
)
def test_errors_become_failures_and_the_engine_goes_on(engine, footage, code, says):
    engine.capture(footage)
    event = engine.hear("failed", "done")
    assert (event["type"], event["code"], event["job"]) == ("failed", code, "1")
    assert says in event["message"]
    assert "Traceback" not in event["message"] + event["hint"]
    engine.capture("good", "2")
    assert engine.hear("failed", "done")["type"] == "done"
    assert "Traceback" in engine.log.read_text()


def test_a_cancel_that_is_heard_when_all_is_written_leaves_no_files(engine):
    engine.capture("too_late", "1")
    engine.hear("progress")
    engine.say("cancel", job="1")
    assert engine.hear("cancelled", "done")["type"] == "cancelled"
    written = [Path(line) for line in engine.log.read_text().splitlines() if "too_late_" in line]
    assert len(written) == 1
    assert not written[0].exists()


def test_bad_requests_are_answered(engine):
    for line in (b"nonsense\n", b"[1, 2]\n", b'{"type": 3}\n', b"\xff\xfe\n", b"[" * 100_000 + b"\n"):
        engine.write(line)
        assert engine.hear()["code"] == "request.invalid"
    engine.say("dance", job="9")
    event = engine.hear()
    assert (event["type"], event["code"], event["job"]) == ("failed", "request.invalid", "9")
    engine.say("capture", footage="good", output="take.npz")
    assert "job" in engine.hear()["message"]
    for wrong in ({"quality": "best"}, {"start_s": -1}, {"start_s": float("nan")}, {"person": "me"}, {"footage": ""},
                  {"person": True}, {"hold_feet": 1}, {"hold_feet": None}):  # fmt: skip
        engine.say("capture", **{"job": "2", "footage": "good", "output": "take.npz", **wrong})
        event = engine.hear()
        assert (event["code"], event["job"]) == ("request.invalid", "2")
        assert next(iter(wrong)).partition("_")[0] in event["message"]


def test_scan_lists_people_with_thumbnails_that_last_while_it_runs(engine):
    engine.say("scan", job="s", footage="good")
    event = engine.hear("people", "failed")
    first, second = event["tracks"]
    assert (first["id"], first["first_s"], first["last_s"], first["frames"], first["share"]) == (7, 0, 4.9, 50, 0.5)
    assert (second["id"], second["frames"], second["share"]) == (9, 1, 0.01)
    picture = cv2.imread(first["thumbnail"])
    assert picture.shape == (4, 6, 3)
    assert picture[0, 0].tolist() == [0, 0, 200]
    assert Path(first["thumbnail"]).is_relative_to(engine.temporary)
    engine.say("shutdown")
    assert engine.ending()[0] == 0
    assert not Path(first["thumbnail"]).exists()


@pytest.mark.parametrize("way", ["shutdown", "end of input", "signal"])
@pytest.mark.parametrize("busy_with", [None, "slow", "deaf"])
def test_leaving(engine, way, busy_with):
    """A job that heeds the flag is cancelled; one that does not is left behind after a few seconds."""
    engine.say("hello", protocol=PROTOCOL_VERSION)
    engine.hear("ready")
    engine.say("scan", job="s", footage="good")
    engine.hear("people")
    if busy_with:
        engine.capture(busy_with)
        engine.capture("good", "2")
        engine.hear("progress")
        engine.say("dance", job="x")  # Once it refuses that, it has heard all that was said before.
        engine.hear("failed")
    if way == "shutdown":
        engine.say("shutdown")
    elif way == "signal":
        engine.process.send_signal(signal.SIGTERM)
    else:
        engine.process.stdin.close()
    status, events = engine.ending()
    assert status == (1 if busy_with == "deaf" else 0)
    cancelled = [event["job"] for event in events if event["type"] == "cancelled"]
    assert cancelled == (["1", "2"] if busy_with == "slow" else [])


def test_leaves_when_nobody_listens(engine):
    engine.process.stdout.close()
    assert engine.process.wait() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's signal on a parent's death is Linux's")
def test_dies_with_its_parent_even_if_the_pipe_stays_open():
    """The parent dies without a word while somebody else holds the engine's stdin open."""
    reader, writer = os.pipe()
    parent = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, {str(SCRIPT)!r}], stdin={reader}, stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, pass_fds=[reader])
    os.write(writer, b'{"type": "hello"}\n')
    pid = int(process.stdout.readline())
    process.kill()
    process.wait()
    process.stdout.close()
    end = time.monotonic() + LIMIT_S
    with suppress(FileNotFoundError, ProcessLookupError):
        while Path(f"/proc/{pid}/cmdline").read_bytes():
            assert time.monotonic() < end
            time.sleep(0.05)
    os.close(reader)
    os.close(writer)


def reported(calls, rate):
    """What a reporter sends for calls (stage, done, total) that come `1 / rate` seconds apart."""
    sent, now = [], [100.0]
    reporter = Reporter(Job("j", {}), sent.append, lambda: now[0])
    for call in calls:
        reporter(*call)
        now[0] += 1 / rate
    return sent


def test_time_left_is_that_of_the_running_stage():
    sent = reported([("load", 0, 1), ("load", 1, 1), *(("people", done, 100) for done in range(101))], rate=16)
    people = [event for event in sent if event["stage"] == "people"]
    assert [event["done"] for event in people] == list(range(0, 101, 2))
    assert people[0]["eta_s"] is None
    assert people[-1]["eta_s"] == 0
    for event in people[1:]:
        assert event["eta_s"] == pytest.approx((100 - event["done"]) / 16, abs=0.01)


def test_time_left_does_not_count_the_loading_before_the_first_piece():
    sent, now = [], [0.0]
    reporter = Reporter(Job("j", {}), sent.append, lambda: now[0])
    for now[0], done in ((0.0, 0), (30.0, 8), (32.0, 16), (34.0, 24)):
        reporter("keypoints", done, 40)
    assert [event["eta_s"] for event in sent] == [None, None, 6.0, 4.0]


def test_unknown_and_exceeded_totals_stay_honest():
    assert [(e["total"], e["eta_s"]) for e in reported([("a", done, 0) for done in range(5)], rate=1)] == [
        (0, None)
    ] * 5
    sent = reported([("a", done, 3) for done in range(6)], rate=1)
    assert [(event["done"], event["total"]) for event in sent][-3:] == [(3, 3), (4, 4), (5, 5)]


def test_report_of_a_cancelled_job_raises():
    job = Job("j", {})
    reporter = Reporter(job, SimpleNamespace)
    job.cancelled.set()
    with pytest.raises(Cancelled):
        reporter("people", 1, 2)
