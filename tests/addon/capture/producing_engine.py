# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine for tests that answers every capture with a take made by formulas, in the manner that it is told."""

import sys
import time
from pathlib import Path

from tests.addon.engine.pretended_engine import greet, hear, say, stay_alive
from tests.addon.take.example import seen_motion, write_body


def produce(request: dict, manner: str) -> None:
    take = Path(request["output"])
    for done in range(4):
        say("progress", job=request["job"], stage="keypoints", done=done, total=4, eta_s=4.0 - done)
        time.sleep(0.02)
    files = {"take": str(take), "body": str(take.with_suffix(".body.npz"))}
    if manner != "promises":
        seen_motion(request["footage"], frames=30).save(take)
        write_body(Path(files["body"]))
    if manner == "truncates":
        take.write_bytes(take.read_bytes()[:1000])
    say("done", job=request["job"], files=files, summary={"notes": ["Went on with the CPU."]})


if __name__ == "__main__":
    greet()
    stay_alive()
    while (message := hear())["type"] != "shutdown":
        if message["type"] == "capture":
            produce(message, sys.argv[1])
