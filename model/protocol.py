# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages between Blender and the engine. Standard library only: both wings import this file.

One JSON object a line, UTF-8. Requests go to the engine's stdin, events come from its stdout, and nothing else is
ever written to either. Arrays travel as files. Every message has a `type`; all that belong to a job carry its `job`.

Requests: hello, scan, capture, cancel, shutdown.
Events:   ready, progress, people, partial, done, cancelled, failed, alive.
"""

import json
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

PROTOCOL_VERSION = 1
ENGINE_VERSION = "0.1.0"
ALIVE_INTERVAL_S = 1.0
LONGEST_LINE = 1 << 20
FINAL_EVENTS = ("people", "done", "cancelled", "failed")
"""With exactly one of these every job ends: a scan with people, a capture with done, either as cancelled or failed."""

Message = dict[str, Any]


class Code(StrEnum):
    """Every way in which a job can fail."""

    FOOTAGE_MISSING = "footage.missing"
    FOOTAGE_UNREADABLE = "footage.unreadable"
    FOOTAGE_NO_VIDEO = "footage.no_video"
    FOOTAGE_TOO_SMALL = "footage.too_small"
    PEOPLE_NONE = "people.none"
    PEOPLE_UNKNOWN = "people.unknown"
    WEIGHTS_MISSING = "weights.missing"
    WEIGHTS_CORRUPT = "weights.corrupt"
    DEVICE_UNAVAILABLE = "device.unavailable"
    DEVICE_OUT_OF_MEMORY = "device.out_of_memory"
    BODY_INVALID = "body.invalid"
    DISK_FULL = "disk.full"
    OUTPUT_UNWRITABLE = "output.unwritable"
    REQUEST_INVALID = "request.invalid"
    RIG_UNSUITABLE = "rig.unsuitable"
    ENGINE_MISSING = "engine.missing"
    ENGINE_DIED = "engine.died"
    ENGINE_SILENT = "engine.silent"
    ENGINE_GARBLED = "engine.garbled"
    ENGINE_VERSION = "engine.version"
    ENGINE_INTERNAL = "engine.internal"


TEXTS: dict[Code, tuple[str, str]] = {
    Code.FOOTAGE_MISSING: ("The footage was not found.", "Choose the file again; it may have been moved or renamed."),
    Code.FOOTAGE_UNREADABLE: (
        "The footage could not be read.",
        "Play it in a video player; if it stops there too, copy or export it again.",
    ),
    Code.FOOTAGE_NO_VIDEO: ("The file holds no video.", "Choose a video file, such as .mp4, .mov, .avi or .webm."),
    Code.FOOTAGE_TOO_SMALL: (
        "The picture is too small to see a person in it.",
        "Use footage of at least 64 pixels on the shorter side.",
    ),
    Code.PEOPLE_NONE: (
        "No person was found in the footage.",
        "Check the frame range; the whole body should be in the picture for most of it.",
    ),
    Code.PEOPLE_UNKNOWN: ("There is no person with that number.", "Choose one of the people listed by the scan."),
    Code.WEIGHTS_MISSING: ("A file of network weights is missing.", "Install the extension again."),
    Code.WEIGHTS_CORRUPT: ("A file of network weights is damaged.", "Install the extension again."),
    Code.DEVICE_UNAVAILABLE: ("The chosen device is not available.", "Choose another device in the preferences."),
    Code.DEVICE_OUT_OF_MEMORY: (
        "The device ran out of memory.",
        "Close other programs that use it, or choose the CPU in the preferences.",
    ),
    Code.BODY_INVALID: (
        "The body file is not a body model that can be used.",
        "Choose an SMPL model file (.npz or .pkl), or leave the field empty for the body shipped with the extension.",
    ),
    Code.DISK_FULL: ("The disk is full.", "Free some space, or choose another folder, and try again."),
    Code.OUTPUT_UNWRITABLE: ("The result could not be written.", "Choose a folder in which you may write."),
    Code.REQUEST_INVALID: ("The request could not be understood.", "Correct the setting that is named."),
    Code.RIG_UNSUITABLE: (
        "The motion cannot be baked onto this armature.",
        "Choose the armature of a person, or name its bones in the list of bones.",
    ),
    Code.ENGINE_MISSING: (
        "The engine could not be started.",
        "Install or repair it in the preferences of this extension.",
    ),
    Code.ENGINE_DIED: ("The engine stopped unexpectedly.", "Try again; the log says what happened."),
    Code.ENGINE_SILENT: ("The engine no longer answers and was stopped.", "Try again; the log says what happened."),
    Code.ENGINE_GARBLED: (
        "The engine sent something that is not part of the protocol and was stopped.",
        "Check that the preferences name the engine's own Python; the log says what was sent.",
    ),
    Code.ENGINE_VERSION: (
        "The engine is of another version than this add-on.",
        "The extension was replaced meanwhile: start Blender again; if it comes back, install the extension again.",
    ),
    Code.ENGINE_INTERNAL: ("The engine met an error of its own.", "The log says what happened; please report it."),
}


class Failure(Exception):
    """A failure that the user is told about: a code, what in particular, and what to do."""

    def __init__(self, code: Code, detail: str = "", hint: str = "") -> None:
        message, usual_hint = TEXTS[code]
        self.code = code
        # A file's name or another library's words may hold line breaks; a failure is one line.
        self.message = " ".join(f"{message} {detail}".splitlines()).strip()
        self.hint = hint or usual_hint
        super().__init__(f"{code}: {self.message} {self.hint}")


class Cancelled(Exception):
    """The user no longer wants the result."""


@dataclass(frozen=True)
class CaptureSettings:
    """What a capture is asked to do, or a scan, which writes no `output`.

    `fov_deg` is the horizontal field of view of the upright picture, None to assume one. `height_m` is the person's
    standing height, None to take the body shape's own. `person` is a track's number, None for the most prominent.
    `camera` is "static", "moving" or "auto": see whether it moves. `camera_pitch_deg` is how far it looks down in the
    first picture, `camera_height_m` how high above the floor it is there, None to find out. `hold_feet` holds feet
    where they rest; whoever does that after smoothing wants them as they were solved. `cache` is a folder in which the
    engine keeps what its stages found, None to keep nothing.
    """

    footage: str
    output: str = ""
    overlay: str | None = None
    person: int | None = None
    start_s: float = 0.0
    end_s: float | None = None
    fov_deg: float | None = None
    height_m: float | None = None
    quality: str = "full"
    device: str = "auto"
    body: str | None = None
    camera: str = "auto"
    camera_pitch_deg: float | None = None
    camera_height_m: float | None = None
    hold_feet: bool = True
    cache: str | None = None

    @staticmethod
    def from_message(message: Message) -> "CaptureSettings":
        """The settings in a `capture` or `scan` request. Raises Failure(REQUEST_INVALID)."""
        kinds: dict[str, tuple[type, ...]] = {
            "footage": (str,), "output": (str,), "overlay": (str,), "quality": (str,), "device": (str,),
            "body": (str,), "person": (int,), "start_s": (int, float), "end_s": (int, float),
            "fov_deg": (int, float), "height_m": (int, float), "camera": (str,), "camera_pitch_deg": (int, float),
            "camera_height_m": (int, float), "hold_feet": (bool,), "cache": (str,),
        }  # fmt: skip
        optional = {field.name for field in fields(CaptureSettings) if field.default is None}
        given = {name: message[name] for name in kinds if name in message}
        for name, value in given.items():
            wrong = isinstance(value, bool) != (kinds[name] == (bool,)) or not isinstance(value, kinds[name])
            if wrong and not (value is None and name in optional):
                raise Failure(Code.REQUEST_INVALID, f"{name} = {value!r}.")
        for name in ("footage",) if message.get("type") == "scan" else ("footage", "output"):
            if not given.get(name):
                raise Failure(Code.REQUEST_INVALID, f"{name} is missing.")
        settings = CaptureSettings(**given)
        settings.check()
        return settings

    def check(self) -> None:
        """Raise Failure(REQUEST_INVALID) for a value out of range."""
        limits = (
            ("start", self.start_s, 0.0, 1e6, " s"),
            ("end", self.end_s, self.start_s, 1e6, " s"),
            ("field of view", self.fov_deg, 5.0, 170.0, "°"),
            ("person's height", self.height_m, 0.3, 3.0, " m"),
            ("camera's pitch", self.camera_pitch_deg, -85.0, 85.0, "°"),
            ("camera's height", self.camera_height_m, 0.05, 100.0, " m"),
        )
        for name, value, low, high, unit in limits:
            if value is not None and not low <= value <= high:
                wrong = f"The {name} is {value:.4g}{unit}, which is not between {low:g} and {high:g}{unit}."
                raise Failure(Code.REQUEST_INVALID, wrong)
        for name, value, choices in (
            ("quality", self.quality, ("full", "draft")),
            ("device", self.device, ("auto", "cpu", "cuda", "mps")),
            ("camera", self.camera, ("auto", "static", "moving")),
        ):
            if value not in choices:
                raise Failure(Code.REQUEST_INVALID, f"{name} = {value!r} is not one of {', '.join(choices)}.")

    def to_message(self) -> Message:
        return asdict(self)


def encode(message: Message) -> bytes:
    """One line, ready to be written."""
    return json.dumps(message, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> Message:
    """The message in one line. Raises ValueError if it is none."""
    message = json.loads(line)
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise ValueError("not a message: an object with a type was expected")
    return message


def progress(job: str, stage: str, done: int, total: int, eta_s: float | None) -> Message:
    return {"type": "progress", "job": job, "stage": stage, "done": done, "total": total, "eta_s": eta_s}


def partial(job: str, files: dict[str, str], first_s: float, last_s: float) -> Message:
    """A piece of the take under way, from when to when in the footage: files "take" and "body", as of a take.

    Sent only where the request has `"partial": true`. The files go when the job ends.
    """
    return {"type": "partial", "job": job, "files": files, "first_s": first_s, "last_s": last_s}


def failed(job: str, failure: Failure, log: str = "") -> Message:
    return {
        "type": "failed",
        "job": job,
        "code": str(failure.code),
        "message": failure.message,
        "hint": failure.hint,
        "log": log,
    }
