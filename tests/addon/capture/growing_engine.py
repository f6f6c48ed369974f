# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine for tests that sends its take in pieces, each when a file named go1, go2, ... appears beside the result.

In the end it is done ("grows"), or dies ("grows_and_dies"). It hears a cancel at any time. One that was not asked for
pieces sends none, and goes straight to its end.
"""

import os
import sys
import threading
import time
from pathlib import Path
from queue import SimpleQueue

import numpy as np

from tests.addon.capture.producing_engine import produce
from tests.addon.engine.pretended_engine import greet, hear, say, stay_alive
from tests.addon.take.example import seen_motion, write_body

PIECES = 3
FRAMES = 30


def grow(request: dict, messages: SimpleQueue) -> bool:
    """Send the pieces; False if the job was cancelled meanwhile."""
    take = Path(request["output"])
    whole = seen_motion(request["footage"], frames=FRAMES)
    for number in range(1, PIECES + 2):
        say("progress", job=request["job"], stage="keypoints", done=number, total=PIECES + 1, eta_s=None)
        while not take.with_name(f"go{number}").exists():
            if not messages.empty() and messages.get()["type"] == "cancel":
                say("cancelled", job=request["job"])
                return False
            time.sleep(0.01)
        if number <= PIECES:
            frames = slice((number - 1) * FRAMES // PIECES, number * FRAMES // PIECES)
            files = {"take": str(take.with_name(f"piece{number}.npz")), "body": str(take.with_name("piece.body.npz"))}
            whole.part(frames).save(files["take"])
            slim(Path(files["body"]))
            first_s, last_s = whole.time_s[frames][[0, -1]]
            say("partial", job=request["job"], files=files, first_s=first_s, last_s=last_s)
    return True


def slim(path: Path) -> None:
    """A body that is thinner and shorter than the one that comes in the end."""
    write_body(path)
    with np.load(path) as body:
        np.savez(path, **{**body, "vertices": body["vertices"] * 0.9, "joints": body["joints"] * 0.9})


def listen(messages: SimpleQueue) -> None:
    """Hear everything, until nobody is there any more."""
    while (message := hear())["type"] != "shutdown":
        messages.put(message)
    os._exit(0)


if __name__ == "__main__":
    greet()
    stay_alive()
    messages: SimpleQueue = SimpleQueue()
    threading.Thread(target=listen, args=(messages,), daemon=True).start()
    while message := messages.get():
        if message["type"] == "capture" and (not message.get("partial") or grow(message, messages)):
            if sys.argv[1] == "grows_and_dies":
                os._exit(7)
            produce(message, "good")
