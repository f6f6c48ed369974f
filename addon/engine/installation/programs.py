# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that other programs do; of it, the check whether an engine runs on this machine. No bpy."""

import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from ..log import EngineLog
from .plan import InstallFailure
from .work import Work

LINES_KEPT: Final = 60


class Programs(Work):
    """Work that programs do, one after the other, in `environment`; what they print goes into a log as well."""

    def __init__(self, folder: Path, line: str, log_file: Path, environment: Mapping[str, str]) -> None:
        super().__init__(folder, line)
        self.log = EngineLog(log_file)
        self._environment = dict(environment)
        self._inherited: tuple[int, ...] = ()
        self._process: subprocess.Popen[bytes] | None = None

    def cancel(self, why: InstallFailure | None = None) -> None:
        super().cancel(why)
        self._kill()

    def _run(self, command: Sequence[str | Path], hear: Callable[[str], None] | None = None) -> tuple[list[str], int]:
        """Run to the end; the last lines it printed and its status. Raises what `cancel` was told, OSError."""
        self.log.write(f"--- {' '.join(map(str, command))}")
        lines: deque[str] = deque(maxlen=LINES_KEPT)
        with subprocess.Popen(
            [str(word) for word in command],
            env=self._environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            creationflags=subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0,
            start_new_session=True,
            pass_fds=self._inherited,
        ) as process:
            self._process = process
            if self._stop.is_set():
                self._kill()
            assert process.stdout
            for raw in process.stdout:
                line = raw.decode(errors="replace").rstrip()
                if hear:
                    hear(line)
                if not line.startswith("Progress "):
                    lines.append(line)
                    self.log.write(line)
        self._process = None
        if self._stop.is_set():
            raise self._why
        return list(lines), process.returncode

    def _kill(self) -> None:
        process = self._process
        if process and process.poll() is None:
            with suppress(OSError):
                if sys.platform == "win32":
                    process.kill()
                else:
                    os.killpg(process.pid, signal.SIGKILL)


class Check(Programs):
    """Asks a Python whether it runs the engine: `told` is then what it says of device and network.

    `check`: arguments for it that end with 0 if it does, and print what was found.
    """

    def __init__(self, python: Path, check: Sequence[str], environment: Mapping[str, str], log_file: Path) -> None:
        super().__init__(python.parent, "Running the engine on this machine", log_file, environment)
        self.python = python
        self.told: list[str] = []
        self._check = list(check)

    def _do(self) -> None:
        try:
            lines, status = self._run([self.python, *self._check])
        except OSError as error:
            raise InstallFailure(
                f"{self.python} cannot be started: {error.strerror}.", "Choose another one."
            ) from error
        if why := why_not(lines, status):
            raise InstallFailure(
                f"The engine does not run there: {why}",
                "Install what it lacks, or choose another one; the log says all.",
            )
        self.told = told(lines)


def told(lines: Sequence[str]) -> list[str]:
    """What a check said that is for the user."""
    return [line for line in lines if line.startswith(("device:", "network:", "MISSING:"))]


def why_not(lines: Sequence[str], status: int) -> str:
    """Why the engine does not run, by what a check said and ended with; empty if it does.

    A program that is no engine may end well too, and says nothing of a device.
    """
    if told(lines) and not status:
        return ""
    last = lines[-1] if lines else "it said nothing"
    return next((line for line in lines if line.startswith("MISSING:")), last)
