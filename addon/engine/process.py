# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine as a child process: threads that read and write its pipes, so that nobody else ever waits. No bpy."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import IO, Final

from ...model.protocol import LONGEST_LINE, Message, decode, encode
from .log import EngineLog

STRAY_LINES_ALLOWED: Final = 20
LINES_A_SECOND_ALLOWED: Final = 5000
MESSAGES_KEPT: Final = 10_000
PIPES_OUTLIVE_S: Final = 1.0

if sys.platform == "win32":
    # Without a window of its own, and behind Blender where both want the processor. Elsewhere it steps back by itself.
    BESIDE_BLENDER = subprocess.CREATE_NO_WINDOW | subprocess.BELOW_NORMAL_PRIORITY_CLASS
else:
    BESIDE_BLENDER = 0

FIELDS: Final[Mapping[str, Mapping[str, type | tuple[type, ...]]]] = {
    "ready": {"protocol": object},
    "progress": {"job": str, "stage": str, "done": int, "total": int, "eta_s": (int, float, type(None))},
    "people": {"job": str, "tracks": list},
    "partial": {"job": str, "files": dict},
    "done": {"job": str, "files": dict, "summary": dict},
    "cancelled": {"job": str},
    "failed": {"job": str, "code": str, "message": str, "hint": str},
    "alive": {},
}
"""What the client relies on in each event; anything else that arrives is not part of the protocol."""


class EngineProcess:
    """A started engine. Raises OSError or ValueError where it cannot be started.

    `trouble` says what it did against the protocol, None while it behaves. `heard_at` is the time of its last line.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: EngineLog,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.trouble: str | None = None
        self.heard_at = clock()
        self.log = log
        self._clock = clock
        self._messages: deque[Message] = deque()
        self._lock = threading.Lock()
        self._requests: SimpleQueue[bytes | None] = SimpleQueue()
        self._ended_at: float | None = None
        log.write(f"--- {time.strftime('%Y-%m-%d %H:%M:%S')} {' '.join(command)}")
        self._process = subprocess.Popen(
            list(command),
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            creationflags=BESIDE_BLENDER,
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._threads = [
            threading.Thread(target=work, args=(pipe,), name=f"engine {name}", daemon=True)
            for name, work, pipe in (
                ("requests", self._write_requests, self._process.stdin),
                ("events", self._read_events, self._process.stdout),
                ("log", self._read_log, self._process.stderr),
            )
        ]
        for thread in self._threads:
            thread.start()

    def send(self, message: Message) -> None:
        self._requests.put(encode(message))

    def take(self) -> list[Message]:
        """The messages that came since the last call."""
        with self._lock:
            messages = list(self._messages)
            self._messages.clear()
        return messages

    def gone(self) -> bool:
        """Whether the process has ended, even if not all it said has been read yet."""
        return self._process.poll() is not None

    def status(self) -> int | None:
        """The exit status (negative: the signal that ended it), None while it runs or there is more to read."""
        status = self._process.poll()
        if status is None:
            return None
        self._ended_at = self._ended_at or self._clock()
        # A grandchild may hold the pipes open for ever.
        return None if self._reading() and self._clock() - self._ended_at < PIPES_OUTLIVE_S else status

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        """End it and what it started, at once; `status` or `close` then reaps it."""
        self._requests.put(None)
        if sys.platform == "win32":
            self._process.kill()
        elif not self.gone() or self._reading():
            # Its group lives: the process itself, or a child that holds the pipes.
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def close(self, patience_s: float = 1.0) -> None:
        """Ask it to leave, then make it leave. Waits no longer than three times `patience_s`."""
        self.send({"type": "shutdown"})
        self._requests.put(None)
        for insist in (self.terminate, self.kill, self.kill):
            try:
                self._process.wait(patience_s)
                break
            except subprocess.TimeoutExpired:
                insist()
        for thread in self._threads:
            thread.join(0.1)

    def _reading(self) -> bool:
        return any(thread.is_alive() for thread in self._threads[1:])

    def _write_requests(self, pipe: IO[bytes]) -> None:
        if sys.platform != "win32":
            # Some Blenders leave SIGPIPE as it is, and would end themselves with an engine that has ended.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPIPE})
        try:
            with pipe:
                while (line := self._requests.get()) is not None:
                    pipe.write(line)
                    pipe.flush()
        except OSError as error:
            # It is gone or going: `status` tells.
            self.log.write(f"(a request could not be sent: {error})")

    def _read_events(self, pipe: IO[bytes]) -> None:
        stray = lines = 0
        second = self._clock()
        with pipe:
            while line := pipe.readline(LONGEST_LINE):
                now = self.heard_at = self._clock()
                if now - second > 1:
                    second, lines = now, 0
                lines += 1
                message = _message(line)
                if message is None:
                    stray += 1
                    self.log.write(f"stdout: {line[:500].decode(errors='replace').rstrip()}")
                elif not self._keep(message):
                    lines = LINES_A_SECOND_ALLOWED + 1
                if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                    self.trouble = f"It sent a line of more than {LONGEST_LINE} bytes."
                elif lines > LINES_A_SECOND_ALLOWED:
                    self.trouble = "It sent thousands of lines a second."
                elif stray > STRAY_LINES_ALLOWED:
                    self.trouble = f"It sent more than {STRAY_LINES_ALLOWED} lines that are no messages."
                if self.trouble:
                    return

    def _keep(self, message: Message) -> bool:
        """Keep a message for `take`; of progress only the newest. False if there are too many."""
        if message["type"] == "alive":
            return True
        with self._lock:
            last = self._messages[-1] if self._messages else {}
            if message["type"] == last.get("type") == "progress" and message["job"] == last["job"]:
                self._messages.pop()
            self._messages.append(message)
            return len(self._messages) <= MESSAGES_KEPT

    def _read_log(self, pipe: IO[bytes]) -> None:
        with pipe:
            while line := pipe.readline(LONGEST_LINE):
                self.log.write(line.decode(errors="replace").rstrip("\r\n"))


def _message(line: bytes) -> Message | None:
    try:
        message = decode(line)
    except (ValueError, RecursionError):
        return None
    fields = FIELDS.get(message["type"])
    if fields is None or not all(name in message and isinstance(message[name], kind) for name, kind in fields.items()):
        return None
    return message
