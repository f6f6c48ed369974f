# SPDX-License-Identifier: GPL-3.0-or-later
"""The real engine process around a pipeline for tests, which does what the name of the footage says."""

import ctypes
import errno
import importlib
import os
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from model import serve
from model.protocol import Code, Failure


def result(**summary):
    return SimpleNamespace(files={"take": "take.npz"}, summary=summary)


def good(report, cancelled):
    for stage in ("people", "network"):
        for done in range(1, 401):
            report(stage, done, 400)
            time.sleep(0.0005)
    return result(frames=400, stdin=sys.stdin.read())


def prints(report, cancelled):
    print("a library prints")
    os.write(1, b"a library writes\n")
    ctypes.CDLL(None).puts(b"a library in C prints")
    ctypes.CDLL(None).fflush(None)
    return good(report, cancelled)


def slow(report, cancelled):
    """Looks at the flag, not through reports."""
    report("people", 1, 9)
    while not cancelled():
        time.sleep(0.01)
    return result()


def too_late(report, cancelled):
    """Hears of the cancel when all is written."""
    report("network", 1, 2)
    while not cancelled():
        time.sleep(0.01)
    written = Path(tempfile.gettempdir(), f"too_late_{os.getpid()}.npz")
    written.write_bytes(b"all of it")
    print(written, file=sys.stderr, flush=True)
    return SimpleNamespace(files={"take": str(written)}, summary={})


def slow_reporter(report, cancelled):
    while True:
        report("people", 1, 0)
        time.sleep(0.01)


def deaf(report, cancelled):
    report("people", 1, 9)
    time.sleep(60)


def failure(report, cancelled):
    raise Failure(Code.PEOPLE_NONE, "Nobody.")


def bug(report, cancelled):
    return {}["nothing"]


def exits(report, cancelled):
    sys.exit(3)


def memory(report, cancelled):
    raise MemoryError


def device_memory(report, cancelled):
    class OutOfMemoryError(RuntimeError):
        pass

    raise OutOfMemoryError


def disk(report, cancelled):
    raise OSError(errno.ENOSPC, "No space left on device")


def lacks(report, cancelled):
    importlib.import_module("no_such_module")


def unspeakable(report, cancelled):
    return result(error=float("nan"))


class Pipeline:
    @staticmethod
    def capture(settings, report, cancelled, show):
        if show:
            show({"take": "piece.npz", "body": "piece.body.npz"}, 0.5, 2.0)
        return globals()[settings.footage](report, cancelled)

    @staticmethod
    def scan(settings, report, cancelled):
        for done in range(101):
            report("people", done, 100)
        picture = np.zeros((4, 6, 3), np.uint8)
        picture[..., 0] = 200
        return [
            SimpleNamespace(id=7, time_s=np.arange(50) / 10, thumbnail=picture),
            SimpleNamespace(id=9, time_s=np.array([1.5]), thumbnail=picture),
        ]


if __name__ == "__main__":
    sys.exit(serve.main(None if sys.argv[1:] == ["real"] else Pipeline))
