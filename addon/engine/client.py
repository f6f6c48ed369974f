# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's side of the engine: jobs go in, events come out, and nothing here ever waits unless asked to. No bpy.

One engine process works on one job at a time; further jobs wait here. Whatever becomes of the process, every job ends
with exactly one final event: people, done, cancelled or failed.
"""

import os
import re
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from ...model.protocol import FINAL_EVENTS, PROTOCOL_VERSION, Code, Failure, Message, failed
from .log import EngineLog
from .process import EngineProcess

TERMINATE_AFTER_S: Final = 5.0
KILL_AFTER_S: Final = 10.0
LOADING_FACTOR: Final = 3.0
POLL_INTERVAL_S: Final = 0.05

KILLED: Final = 9

KNOWN_ERRORS: Final = (
    (re.compile(r"No module named '?([\w.]+)"), Code.ENGINE_MISSING, "Its Python has no module named {}."),
    (re.compile(r"ImportError: (.+)"), Code.ENGINE_MISSING, "{}"),
    (re.compile(r"(error while loading shared libraries: .+)"), Code.ENGINE_MISSING, "{}"),
    (re.compile(r"No space left on device()"), Code.DISK_FULL, ""),
    (re.compile(r"MemoryError|out of memory()", re.IGNORECASE), Code.DEVICE_OUT_OF_MEMORY, ""),
)
"""What the last lines of the log may say about why the engine ended."""


def engine_command(python: Path) -> list[str]:
    return [str(python), "-u", "-m", "model", "serve"]


def engine_environment(root: Path) -> dict[str, str]:
    """The environment in which the engine's Python finds `model` in `root`, and nothing of Blender's own Python."""
    blenders = {"PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"}
    environment = {name: value for name, value in os.environ.items() if name not in blenders}
    # Safe path: a folder named model where Blender happens to run must not be taken for ours.
    return environment | {"PYTHONPATH": str(root), "PYTHONSAFEPATH": "1", "PYTHONNOUSERSITE": "1", "PYTHONUTF8": "1"}


class EngineClient:
    """Starts the engine when there is a job, hands it one job after the other, and watches it.

    Call `poll` regularly (several times a second) from one thread; on Linux that must be a thread that lives as long
    as the engine shall live, since the engine ends with the thread that started it. `silence_s`: how long the engine
    may take to start, and be silent while it works; three times that while it loads its libraries for the first job,
    when a disk may be slow and one library holds up all of Python.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        log_file: Path,
        silence_s: float = 9.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._command = list(command)
        self._environment = dict(environment)
        self._log = EngineLog(log_file)
        self._silence_s = silence_s
        self._clock = clock
        self._waiting: deque[Message] = deque()
        self._running: Message | None = None
        self._cancelled_at: float | None = None
        self._events: list[Message] = []
        self._process: EngineProcess | None = None
        self._ready = False
        self._loaded = False
        self._polled_at = self._watched_from = clock()
        self._leaving: list[EngineProcess] = []

    def submit(self, request: Message) -> str:
        """Queue a scan or a capture; returns the job's name, which all its events carry."""
        job = uuid.uuid4().hex
        self._waiting.append({**request, "job": job})
        self._advance()
        return job

    def cancel(self, job: str) -> None:
        """Ask for a job's end. Its `cancelled` event comes from `poll`, in ten seconds at the latest."""
        if self._running and self._running["job"] == job:
            if self._cancelled_at is None and self._process:
                self._cancelled_at = self._clock()
                self._process.send({"type": "cancel", "job": job})
            return
        for request in [request for request in self._waiting if request["job"] == job]:
            self._waiting.remove(request)
            self._events.append({"type": "cancelled", "job": job})

    def poll(self) -> list[Message]:
        """The events since the last call. Never blocks."""
        self._receive()
        self._watch()
        self._advance()
        self._leaving = [process for process in self._leaving if process.status() is None]
        events, self._events = self._events, []
        return events

    def wait(
        self, job: str, on_event: Callable[[Message], None] | None = None, timeout_s: float | None = None
    ) -> Message:
        """Block until a job ends; returns its final event, hands each other one to `on_event`.

        Events of other jobs stay for `poll`. Raises TimeoutError (the job goes on), ValueError for an unknown job.
        """
        deadline = None if timeout_s is None else self._clock() + timeout_s
        others: list[Message] = []
        try:
            while True:
                events = self.poll()
                others += [event for event in events if event["job"] != job]
                for event in events:
                    if event["job"] == job and event["type"] in FINAL_EVENTS:
                        return event
                    if event["job"] == job and on_event:
                        on_event(event)
                if job not in self._pending():
                    raise ValueError(f"there is no job {job}")
                if deadline is not None and self._clock() > deadline:
                    raise TimeoutError(f"job {job} has not ended after {timeout_s} s")
                time.sleep(POLL_INTERVAL_S)
        finally:
            self._events = others + self._events

    def close(self) -> None:
        """End the engine; pending jobs are cancelled. Blocks three seconds at most. A new job starts a new engine."""
        for job in self._pending():
            self._events.append({"type": "cancelled", "job": job})
        self._waiting.clear()
        self._running = self._cancelled_at = None
        if self._process:
            self._process.close()
        for process in self._leaving:
            process.close(0.1)
        self._process = None
        self._leaving = []

    @property
    def busy(self) -> bool:
        """Whether a job is under way, or waits here."""
        return bool(self._pending())

    def _pending(self) -> list[str]:
        running = [self._running] if self._running else []
        return [request["job"] for request in [*running, *self._waiting]]

    def _advance(self) -> None:
        """Start a process if there is work and none, and hand it the next job when it is free."""
        if self._process and self._ready and self._running is None and self._process.gone():
            # It ended while it had nothing to do: no job is hurt.
            self._dismiss()
        if self._waiting and self._process is None:
            self._ready = self._loaded = False
            try:
                self._process = EngineProcess(self._command, self._environment, self._log, self._clock)
            except (OSError, ValueError, IndexError) as error:
                self._end_jobs(Failure(Code.ENGINE_MISSING, f"{error}."))
                return
            self._watched_from = self._clock()
            self._process.send({"type": "hello", "protocol": PROTOCOL_VERSION})
        if self._waiting and self._process and self._ready and self._running is None:
            self._running = self._waiting.popleft()
            self._watched_from = self._clock()
            self._process.send(self._running)

    def _receive(self) -> None:
        for message in self._process.take() if self._process else []:
            if message["type"] == "ready":
                self._greet(message)
            elif self._running and message["job"] == self._running["job"]:
                self._loaded |= message["type"] != "progress" or message["done"] > 0
                self._pass_on(message)

    def _greet(self, ready: Message) -> None:
        self._ready = True
        if ready["protocol"] != PROTOCOL_VERSION:
            spoken = f"It speaks version {ready['protocol']} of the protocol, the add-on version {PROTOCOL_VERSION}."
            self._abandon(Failure(Code.ENGINE_VERSION, spoken))

    def _pass_on(self, event: Message) -> None:
        final = event["type"] in FINAL_EVENTS
        if event["type"] == "failed" and not event.get("log"):
            event = {**event, "log": str(self._log.path)}
        if self._cancelled_at is not None and final:
            # The user was told that it will be cancelled, even if it was done in the same moment.
            event = {"type": "cancelled", "job": event["job"]}
        self._events.append(event)
        if final:
            if self._cancelled_at is not None and self._clock() - self._cancelled_at > TERMINATE_AFTER_S:
                self._dismiss()  # It was told to end, and must not be given the next job while it does.
            self._running = self._cancelled_at = None

    def _watch(self) -> None:
        now = self._clock()
        if now - self._polled_at > self._silence_s / 2:
            # Nobody looked for a while (Blender was busy, or the machine slept): the engine gets its time again.
            self._watched_from = now
        self._polled_at = now
        process = self._process
        if process is None:
            return
        status = process.status()
        if process.trouble:
            self._abandon(Failure(Code.ENGINE_GARBLED, process.trouble))
        elif status is not None:
            self._receive()
            self._abandon(_failure_of_exit(status, self._ready, list(self._log.tail)))
        elif self._cancelled_at is not None and now - self._cancelled_at > KILL_AFTER_S:
            process.kill()
        elif self._cancelled_at is not None and now - self._cancelled_at > TERMINATE_AFTER_S:
            process.terminate()
        elif self._running or not self._ready:
            # To be alive is not enough while it starts: it must also get ready.
            silent_s = now - (max(process.heard_at, self._watched_from) if self._ready else self._watched_from)
            loading = self._ready and not self._loaded
            if silent_s > self._silence_s * (LOADING_FACTOR if loading else 1.0):
                self._abandon(Failure(Code.ENGINE_SILENT, f"Nothing came from it for {silent_s:.0f} seconds."))

    def _abandon(self, failure: Failure) -> None:
        """Give up the process and every job with it, but for those that wait behind a job that was being cancelled."""
        self._dismiss()
        if self._running and self._cancelled_at is not None:
            self._events.append({"type": "cancelled", "job": self._running["job"]})
            self._running = self._cancelled_at = None
        else:
            self._end_jobs(failure)

    def _dismiss(self) -> None:
        if self._process:
            self._process.kill()
            self._leaving.append(self._process)
            self._process = None

    def _end_jobs(self, failure: Failure) -> None:
        for job in self._pending():
            self._events.append(failed(job, failure, str(self._log.path)))
        self._waiting.clear()
        self._running = self._cancelled_at = None


def _failure_of_exit(status: int, was_ready: bool, log_tail: Sequence[str]) -> Failure:
    """Why the engine ended, from its exit status and the last lines it logged."""
    for line in reversed(log_tail[-3:]):
        for pattern, code, detail in KNOWN_ERRORS:
            if found := pattern.search(line):
                return Failure(code, detail.format(*found.groups()))
    when = "" if was_ready else " while it was starting"
    if status >= 0:
        return Failure(Code.ENGINE_DIED, f"It ended with status {status}{when}.")
    memory = ", perhaps because memory ran out" if -status == KILLED else ""
    return Failure(Code.ENGINE_DIED, f"It was ended by signal {-status}{when}{memory}.")
