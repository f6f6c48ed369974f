# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine process: requests come in on stdin, one JSON object a line, and events go out on stdout.

The main thread works on jobs, one after the other. Another thread reads requests, so that a cancel is heard during a
job; a third says every second that the engine is alive.
"""

import ctypes
import errno
import importlib
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO, Final

from .devices import best_device, out_of_memory
from .protocol import (
    ALIVE_INTERVAL_S,
    ENGINE_VERSION,
    LONGEST_LINE,
    PROTOCOL_VERSION,
    Cancelled,
    CaptureSettings,
    Code,
    Failure,
    Message,
    decode,
    encode,
    failed,
    partial,
    progress,
)

LEAVE_WITHIN_S: Final = 3.0
PROGRESS_INTERVAL_S: Final = 0.1
PR_SET_PDEATHSIG: Final = 1
NICENESS: Final = 5


def main(pipeline: Any = None) -> int:
    """Serve until a shutdown request, the end of stdin or a signal to end; returns the exit status.

    `pipeline` has `capture` and `scan` as model.pipeline has them, which is taken when the first job needs it.
    """
    requests, events = _claim_pipes()
    engine = Engine(requests, events, pipeline)
    _heed_signals(engine.stop)
    if sys.platform == "linux":
        # If Blender dies, so does the engine, even where it does not come to read the end of stdin.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    _step_back()
    engine.run()
    return 0


def _heed_signals(stop: Callable[[], None]) -> None:
    """Have a thread of its own stop the engine when it is told to end.

    A handler of Python's waits for as long as the main thread is in one call of a library's; the byte that announces it
    is written at once.
    """
    told, announced = socket.socketpair()
    announced.setblocking(False)

    def wait() -> None:
        told.recv(1)
        stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(announced.detach())
    threading.Thread(target=wait, name="signals", daemon=True).start()


def _step_back() -> None:
    """Let Blender have the processor first. On Windows, whoever starts the engine sees to that."""
    if sys.platform != "win32":
        os.nice(NICENESS)
    with suppress(OSError):
        # Where Linux shares the processor among sessions first, a process's own niceness counts for nothing outside.
        Path("/proc/self/autogroup").write_text(str(NICENESS), encoding="ascii")


def _claim_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The process's stdin and stdout, for the protocol alone.

    Whatever else is printed, by Python or by a library in C, goes to stderr; whatever else reads finds nothing.
    """
    requests, events = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return requests, events


@dataclass
class Job:
    """A scan or a capture that was asked for."""

    name: str
    request: Message
    cancelled: threading.Event = field(default_factory=threading.Event)


class Engine:
    """Requests in, events out. `run` returns when all is done and cleaned up."""

    def __init__(self, requests: BinaryIO, events: BinaryIO, pipeline: Any = None) -> None:
        self._requests = requests
        self._events = events
        self._pipeline = pipeline
        self._sending = threading.Lock()
        self._leaving = threading.Event()
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._jobs: dict[str, Job] = {}
        self._thumbnails: Path | None = None

    def run(self) -> None:
        threading.Thread(target=self._stay_alive, name="alive", daemon=True).start()
        threading.Thread(target=self._read_requests, name="requests", daemon=True).start()
        try:
            while job := self._queue.get():
                self._work(job)
        finally:
            self._clean_up()

    def stop(self) -> None:
        """Cancel everything and leave: soon if the job at hand lets us, in a few seconds if it does not."""
        if self._leaving.is_set():
            return
        self._leaving.set()
        for job in list(self._jobs.values()):
            job.cancelled.set()
        self._queue.put(None)
        deadline = threading.Timer(LEAVE_WITHIN_S, self._leave_at_once)
        deadline.daemon = True
        deadline.start()

    def _leave_at_once(self) -> None:
        self._clean_up()
        os._exit(1)

    def _clean_up(self) -> None:
        if self._thumbnails:
            shutil.rmtree(self._thumbnails, ignore_errors=True)

    def _stay_alive(self) -> None:
        while not self._leaving.wait(ALIVE_INTERVAL_S):
            self._send({"type": "alive"})

    def _send(self, event: Message) -> None:
        line = encode(event)
        try:
            with self._sending:
                self._events.write(line)
                self._events.flush()
        except OSError:
            # Nobody is there to hear.
            self.stop()

    def _read_requests(self) -> None:
        try:
            while not self._leaving.is_set() and (line := self._requests.readline(LONGEST_LINE)):
                try:
                    request = decode(line)
                except (ValueError, RecursionError) as error:
                    self._refuse("", f"{error}.")
                else:
                    self._heed(request, request.get("job"))
        finally:
            # An engine that hears nothing is of no use, whatever the reason.
            self.stop()

    def _heed(self, request: Message, name: Any) -> None:
        match request["type"]:
            case "hello":
                self._send_ready()
            case "shutdown":
                self.stop()
            case "cancel":
                if job := self._jobs.get(str(name)):
                    job.cancelled.set()
            case "scan" | "capture" if isinstance(name, str) and name and name not in self._jobs:
                self._jobs[name] = job = Job(name, request)
                self._queue.put(job)
            case "scan" | "capture":
                self._refuse(str(name or ""), f"job = {name!r} is not the name of a new job.")
            case kind:
                self._refuse(str(name or ""), f"type = {kind!r} is not known.")

    def _refuse(self, name: str, why: str) -> None:
        self._send(failed(name, Failure(Code.REQUEST_INVALID, why)))

    def _send_ready(self) -> None:
        device = best_device()
        self._send(
            {
                "type": "ready",
                "protocol": PROTOCOL_VERSION,
                "engine": ENGINE_VERSION,
                "device": device.kind,
                "device_name": device.name,
                "memory_mb": device.memory_mb,
            }
        )

    def _work(self, job: Job) -> None:
        """Do one job; whatever happens, exactly one final event is sent."""
        try:
            event = self._result(job)
            encode(event)
        except Cancelled:
            event = {"type": "cancelled", "job": job.name}
        except (Exception, SystemExit) as error:
            # In full for the log; the user gets the code, the message and the hint.
            traceback.print_exception(error, file=sys.stderr)
            event = failed(job.name, as_failure(error))
        del self._jobs[job.name]
        self._send(event)

    def _result(self, job: Job) -> Message:
        settings = CaptureSettings.from_message(job.request)
        reporter = Reporter(job, self._send)
        if self._pipeline is None:
            reporter("loading", 0, 0)
            self._pipeline = importlib.import_module(".pipeline", __package__)
        if job.request["type"] == "scan":
            tracks = self._pipeline.scan(settings, reporter, job.cancelled.is_set)
            event = {"type": "people", "job": job.name, "tracks": self._described(tracks, reporter.done, job)}
        else:
            show = self._shown(job.name) if job.request.get("partial") is True else None
            result = self._pipeline.capture(settings, reporter, job.cancelled.is_set, show)
            if job.cancelled.is_set():  # It was heard when all was done.
                for path in result.files.values():
                    Path(path).unlink(missing_ok=True)
            event = {"type": "done", "job": job.name, "files": result.files, "summary": result.summary}
        if job.cancelled.is_set():
            raise Cancelled
        return event

    def _shown(self, name: str) -> Callable[[dict[str, str], float, float], None]:
        """What is to be called with each piece of a job's take."""
        return lambda files, first_s, last_s: self._send(partial(name, files, first_s, last_s))

    def _described(self, tracks: list[Any], frames: int, job: Job) -> list[Message]:
        """The tracks as they are sent, each with the path of a picture that lasts as long as this process."""
        import cv2  # noqa: PLC0415 - only here, and slow to load

        if self._thumbnails is None:
            self._thumbnails = Path(tempfile.mkdtemp(prefix="reel_to_rig_"))
        described: list[Message] = []
        for track in tracks:
            picture = self._thumbnails / f"{job.name}_{track.id}.png"
            # Not by imwrite, which fails on Windows where the user's name has letters that are not ASCII.
            picture.write_bytes(cv2.imencode(".png", track.thumbnail[..., ::-1])[1].tobytes())
            described.append(
                {
                    "id": int(track.id),
                    "first_s": float(track.time_s[0]),
                    "last_s": float(track.time_s[-1]),
                    "frames": len(track.time_s),
                    "share": len(track.time_s) / max(frames, len(track.time_s)),
                    "thumbnail": str(picture),
                }
            )
        return described


class Reporter:
    """Takes the pipeline's reports and sends progress: ten times a second at most, with the time left in the stage.

    A report raises Cancelled once the job has been cancelled. `total` 0 means that it is not known.
    """

    def __init__(self, job: Job, send: Callable[[Message], None], clock: Callable[[], float] = time.monotonic) -> None:
        self.done = 0
        self._job = job
        self._send = send
        self._clock = clock
        self._stage = ""
        self._began_s = 0.0
        self._began_at = 0
        self._sent_s = 0.0
        self._complete = False

    def __call__(self, stage: str, done: int, total: int) -> None:
        if self._job.cancelled.is_set():
            raise Cancelled
        now = self._clock()
        news = stage != self._stage
        if news:
            self._stage, self._complete = stage, False
        if news or self._began_at == 0:
            # The rate counts from the first piece of work done: what comes before is mostly the loading of a network.
            self._began_s, self._began_at = now, done
        self.done = done
        if total > 0:
            total = max(done, total)
            news |= done == total and not self._complete
            self._complete = done == total
        if news or now - self._sent_s >= PROGRESS_INTERVAL_S:
            self._sent_s = now
            self._send(progress(self._job.name, stage, done, total, self._eta_s(now, done, total)))

    def _eta_s(self, now: float, done: int, total: int) -> float | None:
        """Seconds left in this stage at the rate it has had so far; None while that is anybody's guess."""
        if total <= 0 or done <= self._began_at:
            return None
        return round((total - done) * (now - self._began_s) / (done - self._began_at), 2)


def as_failure(error: BaseException) -> Failure:
    """What the user is told about an error."""
    text = str(error)
    if isinstance(error, Failure):
        return error
    if isinstance(error, ModuleNotFoundError):
        return Failure(Code.ENGINE_MISSING, f"Its Python has no module named {error.name}.")
    if isinstance(error, ImportError):
        return Failure(Code.ENGINE_MISSING, text)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return Failure(Code.DISK_FULL)
    if out_of_memory(error):
        return Failure(Code.DEVICE_OUT_OF_MEMORY)
    return Failure(Code.ENGINE_INTERNAL, f"({type(error).__name__})")
