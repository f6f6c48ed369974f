# SPDX-License-Identifier: GPL-3.0-or-later
"""One piece of work for the engine, seen from Blender's side. No bpy: what is kept here survives undo."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from ...model.protocol import Code, Failure, Message
from ..engine.client import EngineClient

STAGES = {
    "loading": "Loading the engine's libraries",
    "opening": "Opening the footage",
    "people": "Looking for people",
    "keypoints": "Reading the pose",
    "recovery": "Recovering the body",
    "camera": "Following the camera",
    "fitting": "Fitting the bones",
    "world": "Placing it in the world",
    "overlay": "Drawing the overlay",
    "writing": "Writing the result",
}
"""What the engine's stages are called in the panel, in the order in which they come."""

SHARES = {
    "scan": {"people": 1.0},
    "full": {"people": 0.45, "keypoints": 0.5, "recovery": 0.02, "fitting": 0.03},
    "draft": {"people": 0.65, "keypoints": 0.3, "recovery": 0.02, "fitting": 0.03},
}
"""How much of a job's time its stages take, as measured on a processor: by kind of job, and a capture's quality."""


class State(Enum):
    WAITING = auto()
    RUNNING = auto()
    DONE = auto()
    CANCELLED = auto()
    FAILED = auto()


@dataclass(frozen=True)
class Problem:
    """Why there is no result: one line, and what can be done about it."""

    message: str
    hint: str
    code: str = Code.ENGINE_INTERNAL

    @staticmethod
    def of(failure: Failure) -> "Problem":
        return Problem(failure.message, failure.hint, failure.code)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}"


@dataclass(eq=False)
class Job:
    """A request to the engine, from its place in the queue to its final event.

    `connect` gives the client when the job's turn has come and may raise Failure: then the job has failed.
    """

    title: str
    request: Message
    connect: Callable[[], EngineClient]
    state: State = State.WAITING
    stage: str = "Starting the engine"
    fraction: float = 0.0
    """Of the whole job."""
    eta_s: float | None = None
    """Seconds until the job is done; None while that is anybody's guess."""
    cancelling: bool = False
    problem: Problem | None = None
    result: Message = field(default_factory=dict[str, Any])
    """The final event of a job that is done."""
    pieces: list[Message] = field(default_factory=list[Message])
    """The `partial` events that nobody has taken from here yet."""
    id: str = ""
    _client: EngineClient | None = None

    @property
    def over(self) -> bool:
        return self.state not in (State.WAITING, State.RUNNING)

    def start(self) -> None:
        """Hand the request to the engine."""
        try:
            self._client = self.connect()
        except Failure as failure:
            self.state, self.problem = State.FAILED, Problem.of(failure)
            return
        self._client.poll()  # An engine that ended since the last job is noticed here, and a new one is started.
        self.id = self._client.submit(self.request)
        self.state = State.RUNNING

    def step(self) -> None:
        """Take in what the engine has said since the last step. Never waits."""
        for event in self._client.poll() if self._client else []:
            self.hear(event)

    def cancel(self) -> None:
        """Ask the engine to stop; the job ends when it has. One that only waits ends at once."""
        if self.state is State.WAITING:
            self.state = State.CANCELLED
        elif self._client:
            self.cancelling = True
            self._client.cancel(self.id)

    def hear(self, event: Message) -> None:
        """Take in one event of the engine; those of other jobs are ignored."""
        if event.get("job") != self.id:
            return
        match event["type"]:
            case "progress":
                self._advance(event["stage"], event["done"] / event["total"] if event["total"] else 0.0, event["eta_s"])
            case "partial":
                self.pieces.append(event)
            case "done" | "people":
                self.state, self.result = State.DONE, event
            case "cancelled":
                self.state = State.CANCELLED
            case "failed":
                self.state = State.FAILED
                self.problem = Problem(event["message"], event["hint"], event["code"])
            case _:
                pass

    def _advance(self, stage: str, done: float, eta_s: float | None) -> None:
        """Reckon from how far a stage is, and the seconds that it still takes, how far the job is."""
        self.stage, self.eta_s = stage, None
        if stage not in STAGES:
            return
        shares = SHARES[self.request.get("quality", "full") if self.request["type"] == "capture" else "scan"]
        share, names = shares.get(stage, 0.0), list(STAGES)
        before = sum(shares.get(name, 0.0) for name in names[: names.index(stage)])
        self.fraction = max(self.fraction, min(before + share * done, 1.0))
        if share and eta_s is not None and done < 1:
            self.eta_s = eta_s + max(1 - before - share, 0.0) / share * eta_s / (1 - done)

    def line(self) -> str:
        """What is going on, in one short line."""
        if self.state is State.WAITING:
            return "Waiting"
        if self.cancelling:
            return "Cancelling"
        parts = [STAGES.get(self.stage, self.stage.capitalize())]
        if self.fraction:
            parts.append(f"{self.fraction:.0%}")
        if self.eta_s is not None:
            parts.append(f"{duration(self.eta_s)} left")
        return ", ".join(parts)


class Queue:
    """Jobs in the order in which the engine gets them, one after the other: what ends one harms no other."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    @property
    def running(self) -> Job | None:
        return next((job for job in self.jobs if job.state is State.RUNNING), None)

    def add(self, job: Job) -> None:
        """To the end; a scan, for which somebody waits with an empty form, before the captures that wait."""
        waiting = [index for index, other in enumerate(self.jobs) if other.state is State.WAITING]
        place = waiting[0] if waiting and job.request["type"] == "scan" else len(self.jobs)
        self.jobs.insert(place, job)

    def step(self) -> None:
        """Follow the first job, or start it. Jobs that are over leave the queue. Never waits."""
        self.jobs = [job for job in self.jobs if not job.over]
        if not self.jobs:
            return
        first = self.jobs[0]
        if first.state is State.WAITING:
            first.start()
        first.step()
        if first.over:
            self.jobs.remove(first)


def findings(summary: Mapping[str, Any]) -> str:
    """What a capture found, in one line, from the summary of its `done` event; empty where that says nothing."""
    parts: list[str] = []
    if people := summary.get("people"):
        parts.append("1 person" if people == 1 else f"person {summary.get('person')} of {people}")
    if "gaps" in summary:
        parts.append({0: "no gaps", 1: "1 gap"}.get(summary["gaps"], f"{summary['gaps']} gaps"))
    if "fov_deg" in summary:
        parts.append(f"field of view {summary['fov_deg']:.0f}\u00b0 {summary.get('fov_source', '')}".rstrip())
    seconds = sum(summary.get("stages_s", {}).values())
    if summary.get("cached"):
        parts.append("captured before")
    elif "device" in summary:
        speed = f", {summary['frames'] / seconds:.1f} pictures a second" if seconds and "frames" in summary else ""
        parts.append(f"on {summary['device']}{speed}")
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """A length of time as people say it: 8 s, 2 min 05 s, 1 h 10 min."""
    whole = max(round(seconds), 1)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
