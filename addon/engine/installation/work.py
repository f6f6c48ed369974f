# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done to an engine's folder, in a thread of its own and by one Blender at a time; its removal. No bpy."""

import re
import sys
import threading
import traceback
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from . import environment as disk
from .plan import InstallFailure

KNOWN_ERRORS: Final = (
    (r"No space left|Errno 28", "The disk is full.", "Make room and press the button again; what is there is kept."),
    (
        r"HASHES|do(es)? not match the hash",
        "A downloaded file is not the one it should be, and was not installed.",
        "Try again; if it happens again, something between here and the server changes files.",
    ),
    (
        r"NewConnectionError|ConnectionError|Max retries|ReadTimeout|getaddrinfo|SSLError|Failed to establish",
        "The server cannot be reached.",
        "Check the network, a proxy or a firewall, and press the button again; or install from a bundle.",
    ),
    (
        r"No matching distribution|Could not find a version",
        "The server does not offer a library of the version that is needed.",
        "Look into the log; a pip mirror in your settings may be out of date.",
    ),
    (
        r"No module named ensurepip",
        "The Python of this Blender comes without pip.",
        "Install your system's package python3-venv, or take the Blender from blender.org, and try again.",
    ),
    (r"Permission denied|Access is denied", "A file cannot be written.", "Close what may be using it, and try again."),
)
"""What the last lines of pip may say about why it failed."""


class InstallCancelled(Exception):
    pass


class Work:
    """Something that is done to an engine's folder in a thread of its own; every attribute here may be read meanwhile.

    `failure` says why it could not be done, None if it was, or was cancelled.
    """

    def __init__(self, folder: Path, line: str) -> None:
        self.folder = folder
        self.line, self.fraction = line, 0.0
        self.failure: InstallFailure | None = None
        self.cancelled = False
        self._stop = threading.Event()
        self._why: InstallFailure | InstallCancelled = InstallCancelled()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self.run, name="engine installation", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def cancel(self, why: InstallFailure | None = None) -> None:
        """Stop as soon as that can be; `why` becomes its failure where it was not the user who stopped it."""
        self._why = why or self._why
        self._stop.set()

    def wait(self, timeout_s: float | None = None) -> None:
        if self._thread:
            self._thread.join(timeout_s)

    def run(self) -> None:
        try:
            self._do()
        except InstallCancelled:
            self.cancelled = True
        except InstallFailure as failure:
            self.failure = failure
        except OSError as error:
            self.failure = understood(str(error)) or InstallFailure(
                f"{error.filename}: {error.strerror}.", "Close what may be using it, and try again."
            )
        except Exception as error:  # A fault of ours, of which nobody would hear from a thread.
            traceback.print_exc()
            self.failure = InstallFailure(
                f"{type(error).__name__}: {error}.", "Remove the engine, and install it anew."
            )

    def _do(self) -> None:
        raise NotImplementedError

    def _tell(self, line: str, fraction: float) -> None:
        if self._stop.is_set():
            raise self._why
        self.line, self.fraction = line, max(self.fraction, fraction)


class Removal(Work):
    """Takes an engine away, to the last byte. Cancelled, it leaves an installation that can be continued."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "Removing the engine")

    def _do(self) -> None:
        if not self.folder.exists():
            return
        with alone(self.folder / "busy"):
            state = disk.read_state(self.folder)
            disk.write_state(self.folder, {name: state[name] for name in state if name != "check"})
            folders = [path for path in self.folder.rglob("*") if path.is_dir() and not path.is_symlink()]
            # In this order what is inside a folder comes before it: each holds little when its turn comes.
            for number, path in enumerate(sorted(folders, reverse=True)):
                self._tell(self.line, number / len(folders))
                disk.remove(path)
        disk.remove(self.folder)
        self._tell("Done", 1.0)


@contextmanager
def alone(file: Path) -> Generator[int]:
    """One Blender at a time works on an engine; yields the lock's descriptor.

    The system lets go of the lock when Blender has died, and all to whom it handed the descriptor.
    """
    with file.open("a+b") as lock:
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InstallFailure("Another Blender is installing the engine.", "Wait until it has finished.") from error
        yield lock.fileno()


def understood(text: str) -> InstallFailure | None:
    """What the last lines of pip, or an error of the system, say in words of ours; None if they are not known."""
    return next((InstallFailure(said, hint) for known, said, hint in KNOWN_ERRORS if re.search(known, text)), None)
