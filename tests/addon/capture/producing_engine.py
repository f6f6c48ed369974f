# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine for tests that answers every capture with a take made by formulas, in the manner that it is told."""

import base64
import sys
import time
from pathlib import Path

from tests.addon.engine.pretended_engine import greet, hear, say, stay_alive
from tests.addon.take.example import seen_motion, write_body

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR4nGM4YWSEFTEMLQkAc/tLAZi7j8gAAAAASUVORK5CYII="
)
"""8 by 8 pixels, red, as a PNG file."""


def produce(request: dict, manner: str) -> None:
    take = Path(request["output"])
    if manner == "chatty":
        print("UserWarning: the driver is old", flush=True)
    for done in range(4):
        say("progress", job=request["job"], stage="keypoints", done=done, total=4, eta_s=4.0 - done)
        time.sleep(0.2)
    files = {"take": str(take), "body": str(take.with_suffix(".body.npz"))}
    if manner != "promises":
        motion = seen_motion(request["footage"], frames=30)
        motion.with_provenance({**motion.provenance, "person": request["person"]}).save(take)
        write_body(Path(files["body"]))
    if manner == "truncates":
        take.write_bytes(take.read_bytes()[:1000])
    summary = {
        "people": 2, "person": 1, "gaps": 1, "fov_deg": 63.2, "fov_source": "assumed", "device": "cpu", "frames": 30,
        "stages_s": {"keypoints": 2.0}, "notes": ["Went on with the CPU."],
    }  # fmt: skip
    say("done", job=request["job"], files=files, summary=summary)


def answer_late(request: dict) -> None:
    """Say that it is done, after having said that it was cancelled."""
    say("progress", job=request["job"], stage="keypoints", done=1, total=4, eta_s=1.0)
    assert hear()["type"] == "cancel"
    say("cancelled", job=request["job"])
    say("progress", job=request["job"], stage="keypoints", done=2, total=4, eta_s=0.5)
    say("done", job=request["job"], files={"take": request["output"]}, summary={})


def find(request: dict) -> None:
    tracks = []
    for number, last_s in ((1, 4.9), (2, 3.0)):
        picture = Path(request["output"]).with_name(f"{number}.png")
        picture.write_bytes(PICTURE)
        times = {"first_s": 0.0, "last_s": last_s, "frames": 50, "share": last_s / 4.9}
        tracks.append({"id": number, **times, "thumbnail": str(picture)})
    say("people", job=request["job"], tracks=tracks)


if __name__ == "__main__":
    greet()
    stay_alive()
    if sys.argv[1] == "late":
        answer_late(hear())
    while (message := hear())["type"] != "shutdown":
        if message["type"] == "capture":
            produce(message, sys.argv[1])
        if message["type"] == "scan":
            find(message)
