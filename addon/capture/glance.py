# SPDX-License-Identifier: GPL-3.0-or-later
"""A first look at footage by a short-lived process: no job of the engine waits for it. No bpy."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ...model.protocol import TEXTS, Code, Failure, decode

LONGEST_S: Final = 60.0


@dataclass(frozen=True)
class Seen:
    """What a file of footage holds: pixels of the upright picture, by how much it was turned, and a small picture."""

    footage: str
    width: int
    height: int
    fps: float
    duration_s: float
    rotation_deg: int
    variable_rate: bool
    thumbnail: Path

    def line(self) -> str:
        """All of it in one line."""
        varies = "about " if self.variable_rate else ""
        turned = f", turned by {self.rotation_deg}\u00b0" if self.rotation_deg else ""
        return f"{self.width} \u00d7 {self.height}, {varies}{self.fps:.4g} fps, {self.duration_s:.2f} s{turned}"


class Glance:
    """A look under way. The caller asks for the result now and then, and must `stop` what it no longer wants."""

    def __init__(self, python: Path, environment: Mapping[str, str], footage: str, folder: Path) -> None:
        """Start looking; the small picture is written into `folder`. Raises Failure(ENGINE_MISSING)."""
        self.footage = footage
        self._thumbnail = folder / "thumbnail.png"
        command = [str(python), "-m", "model", "probe", footage, "--thumbnail", str(self._thumbnail)]
        try:
            self._process = subprocess.Popen(
                command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                creationflags=subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0,
            )
        except OSError as error:
            raise Failure(Code.ENGINE_MISSING, f"{error}.") from error

    def result(self) -> Seen | None:
        """What was seen, None while it is being looked at. Never waits. Raises Failure."""
        return None if self._process.poll() is None else self._read(b"")

    def wait(self) -> Seen:
        """The same, but wait for it."""
        try:
            return self._read(self._process.communicate(timeout=LONGEST_S)[0])
        except subprocess.TimeoutExpired as error:
            self.stop()
            raise Failure(Code.FOOTAGE_UNREADABLE, f"{self.footage} takes too long to open.") from error

    def stop(self) -> None:
        """End the process if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def _read(self, said: bytes) -> Seen:
        """What the process said. One line, short enough for a pipe to hold it after the process's end."""
        if not said and self._process.stdout:
            said = self._process.stdout.read()
        self.stop()
        try:
            answer = decode(said.strip().splitlines()[-1])
            if answer["type"] == "failed":
                code = Code(answer["code"])
                raise Failure(code, answer["message"].removeprefix(TEXTS[code][0]), answer["hint"])
            fields = {name: answer[name] for name in Seen.__dataclass_fields__ if name not in ("footage", "thumbnail")}
        except (ValueError, KeyError, IndexError) as error:
            raise Failure(Code.ENGINE_MISSING, "It could not open the footage.") from error
        return Seen(self.footage, **fields, thumbnail=self._thumbnail)


@dataclass(frozen=True)
class Trim:
    """What a sequencer strip shows of its footage.

    length: of all that the strip could show, before `left` and beyond the `shown` part, in frames of the timeline;
    skipped, dropped: pictures of the footage itself that the strip leaves out at the beginning and at the end;
    backwards: whether it plays from the end, so that `left` is what it leaves out there.
    """

    length: float
    left: float
    shown: float
    skipped: int = 0
    dropped: int = 0
    backwards: bool = False

    def range_s(self, seen: Seen) -> tuple[float, float]:
        """From where to where it is shown, in seconds of the footage; an end of 0 is the footage's own."""
        # Shares of the length hold at whatever speed the strip plays.
        available_s = seen.duration_s - (self.skipped + self.dropped) / seen.fps
        left = self.length - self.left - self.shown if self.backwards else self.left
        start_s = self.skipped / seen.fps + left / self.length * available_s
        end_s = start_s + self.shown / self.length * available_s
        return max(start_s, 0.0), 0.0 if end_s > seen.duration_s - 0.5 / seen.fps else end_s
