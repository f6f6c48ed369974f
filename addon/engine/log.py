# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's log: a file that cannot grow without end, and its last lines in memory. No bpy."""

import threading
from collections import deque
from pathlib import Path
from typing import Final

LARGEST_BYTES: Final = 1 << 20
LINES_KEPT: Final = 50


class EngineLog:
    """Appends lines to `path`; when it is full it becomes `path` + ".1" and a new one begins.

    A log that cannot be written is done without: the engine must run all the same.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tail: deque[str] = deque(maxlen=LINES_KEPT)
        self._lock = threading.Lock()

    def write(self, line: str) -> None:
        with self._lock:
            self.tail.append(line)
            try:
                self._append(line)
            except OSError as error:
                self.tail.append(f"(the log cannot be written: {error})")

    def _append(self, line: str) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
            full = file.tell() > LARGEST_BYTES
        if full:
            self.path.replace(self.path.with_name(self.path.name + ".1"))
