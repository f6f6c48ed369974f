# SPDX-License-Identifier: GPL-3.0-or-later
"""The client against engines that behave and engines that do not: every job ends, with its own code."""

import inspect
import os
import random
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from reel_to_rig.addon.engine import client as client_module
from reel_to_rig.addon.engine.client import EngineClient, engine_command, engine_environment

from model.footage import write_video

SCRIPT = Path(__file__).with_name("pretended_engine.py")
SILENCE_S = 1.0
"""After this the client gives up an engine that is meant to say nothing; all others get PATIENCE_S."""
PATIENCE_S = 60
REQUEST = {"type": "capture", "footage": "clip.mp4", "output": "take.npz"}


@pytest.fixture
def engine(tmp_path):
    clients = []

    def make(manner, silence_s=PATIENCE_S, **kwargs):
        command = manner if isinstance(manner, list) else [sys.executable, "-S", "-u", str(SCRIPT), manner]
        clients.append(EngineClient(command, dict(os.environ), tmp_path / "logs" / "engine.log", silence_s, **kwargs))
        return clients[-1]

    yield make
    for client in clients:
        client.close()
    left = [thread for thread in threading.enumerate() if thread.name.startswith("engine ")]
    for thread in left:
        thread.join(2)  # a process that was killed a moment ago takes its threads with it a moment later
    assert not [thread for thread in left if thread.is_alive()]


def be(client, manner):
    client._command[-1] = manner


def until(client, condition, timeout_s=PATIENCE_S):
    """Poll as Blender's timer does until an event meets the condition; all events so far."""
    events, end = [], time.monotonic() + timeout_s
    while not any(condition(event) for event in events):
        assert time.monotonic() < end, events
        events += client.poll()
        time.sleep(0.01)
    return events


def progress_came(event):
    return event["type"] == "progress"


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_job_yields_its_events_and_one_process_serves_several(engine):
    client = engine("good")
    jobs = [client.submit(REQUEST) for _ in range(3)]
    heard = []
    finals = [client.wait(job, heard.append, PATIENCE_S) for job in jobs]
    assert [final["type"] for final in finals] == ["done"] * 3
    assert [final["job"] for final in finals] == jobs
    assert finals[0]["files"] == {"take": "take.npz"}
    assert len({final["summary"]["pid"] for final in finals}) == 1
    assert heard
    assert {event["type"] for event in heard} == {"progress"}
    assert heard[-1]["done"] == 3


def test_events_of_another_job_are_kept_while_waiting(engine):
    client = engine("good")
    first, second = client.submit(REQUEST), client.submit(REQUEST)
    assert client.wait(second, None, PATIENCE_S)["job"] == second
    kept = client.poll()
    assert [event["type"] for event in kept if event["job"] == first][-1] == "done"


def test_waiting_for_an_unknown_job_is_refused(engine):
    with pytest.raises(ValueError, match="no job"):
        engine("good").wait("nonsense", None, PATIENCE_S)


def test_waiting_has_its_limit(engine):
    client = engine("patient")
    job = client.submit(REQUEST)
    with pytest.raises(TimeoutError):
        client.wait(job, None, 0.5)
    client.cancel(job)
    assert client.wait(job, None, PATIENCE_S)["type"] == "cancelled"


@pytest.mark.parametrize(
    ("manner", "code", "says"),
    [
        ("dies_at_start", "engine.died", "status 3 while it was starting"),
        ("lacks_torch", "engine.missing", "no module named torch"),
        ("dies_mid_job", "engine.died", "status 7."),
        ("killed_mid_job", "engine.died", "signal 9"),
        ("silent_at_start", "engine.silent", "Nothing came"),
        ("never_ready", "engine.silent", "Nothing came"),
        ("silent_while_it_loads", "engine.silent", "Nothing came"),
        ("silent_mid_job", "engine.silent", "Nothing came"),
        ("half_a_line", "engine.silent", "Nothing came"),
        ("half_a_line_and_dies", "engine.died", "status 0"),
        ("floods", "engine.garbled", "thousands of lines"),
        ("garbage", "engine.garbled", "no messages"),
        ("wrong_fields", "engine.garbled", "no messages"),
        ("endless_line", "engine.garbled", "bytes"),
        ("deep", "engine.garbled", "no messages"),
        ("other_version", "engine.version", "version 2 of the protocol, the add-on version 1"),
        ("with_a_child", "engine.died", "status 5"),
        (["/no/such/python", "x"], "engine.missing", "No such file"),
        ([str(Path(__file__).parent), "x"], "engine.missing", "Permission denied"),
        ([__file__, "x"], "engine.missing", "Permission denied"),
        (["bad\0name", "x"], "engine.missing", "null"),
        ([sys.executable, "-c", "print('hello')"], "engine.died", "status 0 while"),
        ([sys.executable, "-m", "no_such_module"], "engine.missing", "no module named no_such_module"),
    ],
)
def test_misbehaviour_ends_every_job_with_its_code_and_the_next_one_runs(engine, manner, code, says):
    client = engine(manner, SILENCE_S if code == "engine.silent" else PATIENCE_S)
    jobs = [client.submit(REQUEST), client.submit(REQUEST)]
    events = until(client, lambda event: event["job"] == jobs[1])
    finals = [event for event in events if event["type"] != "progress"]
    assert [final["job"] for final in finals] == jobs
    for final in finals:
        assert (final["type"], final["code"]) == ("failed", code)
        assert says in final["message"]
        assert final["hint"]
        assert Path(final["log"]).name == "engine.log"
    client._command, client._silence_s = [sys.executable, "-S", "-u", str(SCRIPT), "good"], PATIENCE_S
    assert client.wait(client.submit(REQUEST), None, PATIENCE_S)["type"] == "done"


def test_silence_is_noticed_within_ten_seconds():
    assert inspect.signature(EngineClient).parameters["silence_s"].default < 10


def test_script_that_is_no_program_is_a_missing_engine(engine, tmp_path):
    script = tmp_path / "python"
    script.write_bytes(b"\0\1\2 not a program")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    client = engine([str(script), "x"])
    final = client.wait(client.submit(REQUEST), None, PATIENCE_S)
    assert final["code"] == "engine.missing"


def test_warnings_among_the_events_go_to_the_log(engine, tmp_path):
    client = engine("chatty")
    assert client.wait(client.submit(REQUEST), None, PATIENCE_S)["type"] == "done"
    client.close()
    log = (tmp_path / "logs" / "engine.log").read_text()
    assert "stdout: WARNING: 2 devices found" in log
    assert "UserWarning: deprecated" in log


def test_death_after_the_job_hurts_nobody(engine):
    client = engine("done_then_dies")
    for _ in range(3):
        job, process = client.submit(REQUEST), client._process._process
        assert client.wait(job, None, PATIENCE_S)["type"] == "done"
        process.wait(PATIENCE_S)


def test_idle_engine_that_was_killed_is_replaced(engine):
    client = engine("good")
    pids = []
    for _ in range(3):
        pids.append(client.wait(client.submit(REQUEST), None, PATIENCE_S)["summary"]["pid"])
        client._process._process.kill()
        client._process._process.wait(PATIENCE_S)
    assert len(set(pids)) == 3


def test_failure_from_the_engine_gets_the_log(engine):
    final = (client := engine("reports_failure")).wait(client.submit(REQUEST), None, PATIENCE_S)
    assert (final["type"], final["code"]) == ("failed", "people.none")
    assert final["log"].endswith("engine.log")


def test_cancel_of_a_running_job(engine):
    client = engine("patient")
    job, after = client.submit(REQUEST), client.submit(REQUEST)
    until(client, progress_came)
    client.cancel(job)
    client.cancel(job)
    assert until(client, lambda event: event["job"] == job)[-1] == {"type": "cancelled", "job": job}
    until(client, lambda event: progress_came(event) and event["job"] == after)


def test_cancel_of_a_waiting_job_and_of_one_that_the_engine_has_not_seen(engine):
    client = engine("patient")
    first, second = client.submit(REQUEST), client.submit(REQUEST)
    client.cancel(second)
    client.cancel(first)
    client.cancel("nonsense")
    assert client.poll() == [{"type": "cancelled", "job": second}, {"type": "cancelled", "job": first}]
    third = client.submit(REQUEST)
    assert {event["job"] for event in until(client, progress_came)} == {third}


def test_result_that_crosses_a_cancel_is_a_cancel(engine):
    client = engine("done_at_cancel")
    job = client.submit(REQUEST)
    until(client, progress_came)
    client.cancel(job)
    assert client.wait(job, None, PATIENCE_S)["type"] == "cancelled"


def test_late_events_of_a_cancelled_job_are_dropped(engine):
    client = engine("late")
    job = client.submit(REQUEST)
    until(client, progress_came)
    client.cancel(job)
    assert client.wait(job, None, PATIENCE_S)["type"] == "cancelled"
    following = client.submit(REQUEST)
    events = until(client, lambda event: event["type"] == "done")
    assert {event["job"] for event in events} == {following}


def test_cancel_insists_with_terminate_then_kill(engine, monkeypatch):
    """Timing by the client's own clock, moved forward by the test; the engine resists all but a kill."""
    now_s = [0.0]
    client = engine("stubborn", clock=lambda: now_s[0])
    job, waiting = client.submit(REQUEST), client.submit(REQUEST)
    until(client, progress_came)
    process = client._process
    signals = []
    for name in ("terminate", "kill"):
        original = getattr(process, name)
        monkeypatch.setattr(process, name, lambda name=name, original=original: (signals.append(name), original()))
    client.cancel(job)
    for now_s[0], expected in ((4.5, set()), (5.5, {"terminate"}), (9.5, {"terminate"})):
        assert client.poll() == []
        assert set(signals) == expected
    be(client, "good")
    now_s[0] = 10.5
    events = until(client, lambda event: event["type"] == "done")
    assert signals.count("kill") >= 1
    assert [event for event in events if event["job"] == job] == [{"type": "cancelled", "job": job}]
    assert events[-1]["job"] == waiting


def test_an_engine_that_was_told_to_end_gets_no_further_job(engine):
    """It obeyed in the end, and is still on its way out: the next job needs another one."""
    now_s = [0.0]
    client = engine("slow_to_leave", clock=lambda: now_s[0])
    job = client.submit(REQUEST)
    until(client, progress_came)
    client.cancel(job)
    now_s[0] = 5.5
    until(client, lambda event: event == {"type": "cancelled", "job": job})
    be(client, "good")
    following = client.submit(REQUEST)
    events = until(client, lambda event: event["job"] == following and event["type"] in {"done", "failed"})
    assert events[-1]["type"] == "done", events


def test_pause_of_blender_is_not_taken_for_silence(engine):
    """Nobody polls for longer than the limit while the machine, and so the engine, stands still."""
    now_s = [0.0]
    client = engine("patient", clock=lambda: now_s[0])
    job = client.submit(REQUEST)
    until(client, progress_came)
    pid = client._process._process.pid
    os.kill(pid, signal.SIGSTOP)
    now_s[0] = 2 * PATIENCE_S
    assert client.poll() == []
    now_s[0] += PATIENCE_S / 3
    assert client.poll() == []
    os.kill(pid, signal.SIGCONT)
    client.cancel(job)
    assert client.wait(job, None, PATIENCE_S)["type"] == "cancelled"


def test_log_stays_small(engine, tmp_path):
    client = engine("noisy_log")
    for _ in range(2):
        assert client.wait(client.submit(REQUEST), None, PATIENCE_S)["type"] == "done"
    client.close()
    sizes = {path.name: path.stat().st_size for path in (tmp_path / "logs").iterdir()}
    assert set(sizes) == {"engine.log", "engine.log.1"}
    assert max(sizes.values()) < 1.1 * 2**20


def test_unwritable_log_does_not_stop_the_engine(tmp_path):
    (tmp_path / "logs").write_text("a file where the folder should be")
    client = EngineClient(
        [sys.executable, "-S", "-u", str(SCRIPT), "chatty"], dict(os.environ), tmp_path / "logs" / "engine.log"
    )
    assert client.wait(client.submit(REQUEST), None, PATIENCE_S)["type"] == "done"
    client.close()


@pytest.mark.parametrize("manner", ["good", "patient", "stubborn", "silent_at_start"])
def test_close_ends_the_process_and_the_jobs(engine, manner):
    client = engine(manner)
    job = client.submit(REQUEST)
    pid = client._process._process.pid
    if manner != "silent_at_start":
        until(client, progress_came)
    client.close()
    client.close()
    assert not alive(pid)
    if manner in ("patient", "stubborn"):
        assert client.poll() == [{"type": "cancelled", "job": job}]
    be(client, "good")
    assert client.wait(client.submit(REQUEST), None, PATIENCE_S)["type"] == "done"


def test_killed_at_random_moments(engine):
    """Whenever the kill falls, the job ends, as done or as died, and the next one runs."""
    client = engine("good")
    moments = random.Random(1)
    seen = set()
    begun = time.monotonic()
    client.wait(client.submit(REQUEST), None, PATIENCE_S)
    client._process._process.kill()
    longest_s = 1.5 * (time.monotonic() - begun)
    for _ in range(25):
        job = client.submit(REQUEST)
        process = client._process._process
        timer = threading.Timer(moments.uniform(0, longest_s), process.kill)
        timer.start()
        final = client.wait(job, None, PATIENCE_S)
        timer.join()
        assert final["type"] == "done" or final["code"] == "engine.died"
        seen.add(final["type"])
        longest_s *= 1.3 if final["type"] == "failed" else 0.7  # The machine may become as busy as it likes.
    assert seen == {"done", "failed"}
    be(client, "good")
    assert client.wait(client.submit(REQUEST), None, PATIENCE_S)["type"] == "done"


def test_engine_finds_our_package_whatever_lies_in_the_working_folder(tmp_path, monkeypatch):
    root = Path(client_module.__file__).parents[2]
    (tmp_path / "model.py").write_text("raise SystemExit('the wrong model')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONHOME", "/nonsense")
    command = engine_command(Path(sys.executable))
    assert command[1:] == ["-u", "-m", "model", "serve"]
    code = "import model.protocol; print(model.protocol.__file__)"
    output = subprocess.run(
        [command[0], "-c", code], env=engine_environment(root), capture_output=True, text=True, timeout=20, check=True
    )
    assert Path(output.stdout.strip()) == root / "model" / "protocol.py"


@pytest.fixture
def real_engine(tmp_path):
    """The client of the real engine in this Python, with flags for it."""
    clients = []

    def make(*flags):
        python, *rest = engine_command(Path(sys.executable))
        environment = engine_environment(Path(client_module.__file__).parents[2])
        clients.append(EngineClient([python, *flags, *rest], environment, tmp_path / "engine.log"))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def test_python_without_the_libraries_is_a_missing_engine_that_names_one(real_engine):
    final = (client := real_engine("-S")).wait(client.submit(REQUEST), None, PATIENCE_S)
    assert (final["type"], final["code"]) == ("failed", "engine.missing")
    assert "no module named numpy" in final["message"]


@pytest.mark.engine
def test_real_engine_killed_at_any_moment_leaves_nothing_half_done(real_engine, tmp_path):
    """While it starts, loads its libraries, looks for people; then it finds that there is nobody."""
    footage = tmp_path / "nobody, niemand, никто.mp4"
    write_video(footage, (np.full((240, 320, 3), shade, np.uint8) for shade in range(60)), 25)
    output = tmp_path / "out"
    output.mkdir()
    request = {**REQUEST, "footage": str(footage), "output": str(output / "take.npz")}
    client = real_engine()
    for stage in (None, "loading", "people"):
        job = client.submit(request)
        if stage:
            until(client, lambda event, stage=stage: event.get("stage") == stage, 60)
        client._process._process.kill()
        assert client.wait(job, None, PATIENCE_S)["code"] == "engine.died"
    stages = []
    final = client.wait(client.submit(request), lambda event: stages.append(event["stage"]), 120)
    assert final["code"] == "people.none"
    assert "people" in stages
    assert list(output.iterdir()) == []


@pytest.mark.engine
def test_real_engine_is_cancelled_while_it_loads_and_works_on(real_engine, tmp_path):
    client = real_engine()
    job = client.submit(REQUEST)
    until(client, lambda event: event.get("stage") == "loading", 20)
    client.cancel(job)
    assert client.wait(job, None, 15)["type"] == "cancelled"
    final = client.wait(client.submit({**REQUEST, "footage": str(tmp_path / "nothing.mp4")}), None, 60)
    assert final["code"] == "footage.missing"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals of this kind")
def test_a_host_that_does_not_ignore_broken_pipes_outlives_its_engine(tmp_path):
    host = f"""
import signal, sys, tests.conftest
from pathlib import Path
from reel_to_rig.addon.engine.client import EngineClient
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
for attempt in range(20):
    # It closes its input at once, so that even the greeting meets a broken pipe.
    client = EngineClient(["sh", "-c", "exec <&-; sleep 0.1; exit 3"], {{}}, Path({str(tmp_path)!r}, "log"))
    assert client.wait(client.submit({REQUEST!r}), timeout_s=10)["code"] == "engine.died"
print("still here")
"""
    root = Path(__file__).resolve().parents[3]
    command = [sys.executable, "-c", host]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "still here\n"), done.stderr
