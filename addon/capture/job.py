# SPDX-License-Identifier: GPL-3.0-or-later
"""One capture under way, seen from Blender's side. No bpy: what is kept here survives undo."""

from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import Any

from ...model.protocol import CaptureSettings, Failure, Message
from ..engine.client import EngineClient

STAGES = {
    "opening": "Opening the footage",
    "people": "Looking for people",
    "keypoints": "Reading the pose",
    "recovery": "Recovering the body",
    "fitting": "Fitting the bones",
    "world": "Placing it in the world",
    "overlay": "Drawing the overlay",
}
"""What the engine's stages are called in the panel."""


class State(Enum):
    RUNNING = auto()
    DONE = auto()
    CANCELLED = auto()
    FAILED = auto()


@dataclass(frozen=True)
class Problem:
    """Why there is no result: one line, and what can be done about it."""

    message: str
    hint: str

    @staticmethod
    def of(failure: Failure) -> "Problem":
        return Problem(failure.message, failure.hint)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}"


@dataclass
class Job:
    """A capture, from its request to its result. Scenes and objects are known by name only."""

    client: EngineClient
    settings: CaptureSettings
    folder: Path
    scene: str
    smoothing: float
    state: State = State.RUNNING
    stage: str = "Starting the engine"
    fraction: float = 0.0
    eta_s: float | None = None
    cancelling: bool = False
    problem: Problem | None = None
    files: dict[str, str] = field(default_factory=dict[str, str])
    summary: dict[str, Any] = field(default_factory=dict[str, Any])
    id: str = ""

    def start(self) -> None:
        """Hand the request to the engine."""
        self.client.poll()  # An engine that ended since the last job is noticed here, and a new one is started.
        self.id = self.client.submit({"type": "capture", **self.settings.to_message()})

    def step(self) -> State:
        """Take in what the engine has said since the last step. Never waits."""
        for event in self.client.poll():
            self.hear(event)
        return self.state

    def wait(self) -> State:
        """Take in what the engine says until the job has ended."""
        self.hear(self.client.wait(self.id, self.hear))
        return self.state

    def cancel(self) -> None:
        """Ask the engine to stop; the job ends when it has."""
        self.cancelling = True
        self.client.cancel(self.id)

    def hear(self, event: Message) -> None:
        """Take in one event of the engine; those of other jobs are ignored."""
        if event.get("job") != self.id:
            return
        match event["type"]:
            case "progress":
                self.stage = event["stage"]
                self.fraction = event["done"] / event["total"] if event["total"] else 0.0
                self.eta_s = event["eta_s"]
            case "done":
                self.state, self.files, self.summary = State.DONE, event["files"], event.get("summary", {})
            case "cancelled":
                self.state = State.CANCELLED
            case "failed":
                self.state, self.problem = State.FAILED, Problem(event["message"], event["hint"])
            case _:
                pass

    def line(self) -> str:
        """What is going on, in one short line."""
        if self.cancelling:
            return "Cancelling"
        parts = [STAGES.get(self.stage, self.stage.capitalize())]
        if self.fraction:
            parts.append(f"{self.fraction:.0%}")
        if self.eta_s is not None:
            parts.append(f"{duration(self.eta_s)} left")
        return ", ".join(parts)


def duration(seconds: float) -> str:
    """A length of time as people say it: 8 s, 2 min 05 s, 1 h 10 min."""
    whole = max(round(seconds), 1)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
