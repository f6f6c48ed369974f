# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine for tests, well behaved or not. Run as a script with the name of a manner: it is what the client starts.

Standard library only and independent of the project's code, so that both sides of the protocol are not wrong together.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time

VERSION = 1


def say(kind, **fields):
    sys.stdout.write(json.dumps({"type": kind, **fields}) + "\n")
    sys.stdout.flush()


def hear():
    line = sys.stdin.readline()
    return json.loads(line) if line else {"type": "shutdown"}


def greet(version=VERSION):
    assert hear()["type"] == "hello"
    say("ready", protocol=version, engine="0", device="cpu", device_name="pretended", memory_mb=1)


def stay_alive():
    def beat():
        while True:
            time.sleep(0.1)
            say("alive")

    threading.Thread(target=beat, daemon=True).start()


def jobs():
    while (request := hear())["type"] != "shutdown":
        if request["type"] == "capture":
            yield request["job"]


def finish(job):
    say("done", job=job, files={"take": "take.npz"}, summary={"pid": os.getpid()})


def good():
    greet()
    for job in jobs():
        for done in range(1, 4):
            say("progress", job=job, stage="people", done=done, total=3, eta_s=0.1)
        finish(job)


def patient():
    """Works until it is cancelled."""
    greet()
    stay_alive()
    while (request := hear())["type"] != "shutdown":
        if request["type"] == "capture":
            say("progress", job=request["job"], stage="people", done=1, total=100, eta_s=None)
        if request["type"] == "cancel":
            say("cancelled", job=request["job"])


def slow_to_leave():
    """Hears of a cancel only by the polite signal, says so, and takes its time to go."""
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    greet()
    stay_alive()
    job = hear()["job"]
    say("progress", job=job, stage="people", done=1, total=100, eta_s=None)
    told.wait()
    say("cancelled", job=job)
    time.sleep(1)


def stubborn():
    """Takes no notice of a cancel, of a polite signal, of the end of its input."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    greet()
    stay_alive()
    say("progress", job=hear()["job"], stage="people", done=1, total=100, eta_s=None)
    while True:
        time.sleep(1)


def late():
    """Answers a cancel, then goes on talking about the cancelled job."""
    greet()
    job = hear()["job"]
    say("progress", job=job, stage="people", done=1, total=9, eta_s=None)
    assert hear() == {"type": "cancel", "job": job}
    say("cancelled", job=job)
    say("progress", job=job, stage="people", done=2, total=9, eta_s=None)
    finish(job)
    for job in jobs():
        finish(job)


def done_at_cancel():
    greet()
    job = hear()["job"]
    say("progress", job=job, stage="people", done=9, total=9, eta_s=None)
    hear()
    finish(job)


def dies_at_start():
    sys.exit(3)


def lacks_torch():
    sys.stderr.write("Traceback (most recent call last):\nModuleNotFoundError: No module named 'torch'\n")
    sys.exit(1)


def dies_mid_job():
    greet()
    say("progress", job=hear()["job"], stage="people", done=1, total=3, eta_s=None)
    os._exit(7)


def killed_mid_job():
    greet()
    hear()
    os.kill(os.getpid(), signal.SIGKILL)


def done_then_dies():
    greet()
    finish(hear()["job"])
    os._exit(1)


def silent_at_start():
    time.sleep(60)


def never_ready():
    stay_alive()
    time.sleep(60)


def silent_while_it_loads():
    greet()
    say("progress", job=hear()["job"], stage="loading", done=0, total=0, eta_s=None)
    time.sleep(60)


def silent_mid_job():
    greet()
    say("progress", job=hear()["job"], stage="people", done=1, total=3, eta_s=None)
    time.sleep(60)


def half_a_line():
    greet()
    job = hear()["job"]
    say("progress", job=job, stage="people", done=1, total=3, eta_s=None)
    sys.stdout.write(json.dumps({"type": "done", "job": job})[:20])
    sys.stdout.flush()
    time.sleep(60)


def half_a_line_and_dies():
    greet()
    sys.stdout.write('{"type": "done", "jo')
    sys.stdout.flush()
    os._exit(0)


def floods():
    greet()
    job = hear()["job"]
    while True:
        say("progress", job=job, stage="people", done=1, total=3, eta_s=None)


def garbage():
    greet()
    hear()
    while True:
        sys.stdout.buffer.write(bytes(range(128, 256)) + b"\n")


def wrong_fields():
    greet()
    job = hear()["job"]
    while True:
        say("progress", job=job, stage="people", done="most of it")
        time.sleep(0.001)


def endless_line():
    greet()
    hear()
    while True:
        sys.stdout.write("x" * 4096)


def deep():
    greet()
    hear()
    while True:
        sys.stdout.write("[" * 100_000 + "\n")
        sys.stdout.flush()


def other_version():
    greet(VERSION + 1)
    stay_alive()
    for job in jobs():
        finish(job)


def chatty():
    """A library prints warnings where events belong."""
    print("WARNING: 2 devices found")
    greet()
    for job in jobs():
        print("UserWarning: deprecated", flush=True)
        finish(job)


def with_a_child():
    """Dies, but a process that it had started keeps the pipes open."""
    greet()
    hear()
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(20)"])
    os._exit(5)


def reports_failure():
    greet()
    for job in jobs():
        say("failed", job=job, code="people.none", message="No person.", hint="Look again.", log="")


def noisy_log():
    greet()
    for job in jobs():
        for number in range(30_000):
            sys.stderr.write(f"line {number} {'.' * 80}\n")
        finish(job)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
