# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows a take while it is being made: piece by piece, as far as the person has been looked at.

A piece is rough. It is solved for itself, in the world that the first piece found, as if the camera stood still, and no
foot is put on the floor; over the footage it lies where the final take will. Nothing of it goes into that.
"""

import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from .assembly import Shot, assemble, body_arrays
from .body.fit import Fit
from .body.model import BodyModel
from .camera.world import World
from .files import written_beside
from .motion.motion import Motion
from .people import Observations
from .protocol import Code, Failure
from .recovery import WINDOW, Recovery
from .solving import Solver

CONTEXT: Final = 8
"""Frames before and after a piece that are solved with it: at the ends of a window the network knows least."""
PIECE: Final = WINDOW - 2 * CONTEXT
SHARE: Final = 0.1
"""Of the time since the start that may go into what is only shown. Where a graphics card does the rest in no time, the
pieces lag behind."""

Show = Callable[[dict[str, str], float, float], None]
"""Is given the files of a piece, "take" and "body", and from when to when in the footage it goes, in seconds."""


@dataclass
class Growing:
    """A take that grows: `look` is to be called again and again, `close` at the end, which removes the files.

    `take` is the take's final name; the pieces lie beside it. begun_s: when the capture began, by time.perf_counter.
    """

    solver: Solver
    own_body: BodyModel | None
    fps: float
    height_m: float | None
    provenance: dict[str, Any]
    take: Path
    compute: Callable[[Callable[[str, int], Recovery]], Recovery]
    show: Show
    begun_s: float
    _spent_s: float = 0.0
    _last_s: float = 0.0
    _next: int = 0
    _first: tuple[Fit, Motion] | None = None
    _files: list[Path] = field(default_factory=list[Path])
    _failed: bool = False

    def look(self, time_s: Sequence[float], part: Callable[[int, int], Observations]) -> None:
        """Solve and show the next piece, if all of it was seen and there is time for it.

        time_s (T,) are the times of the frames seen so far, part(first, end) what was seen in some of them. No error in
        here ends a capture: it is logged, and no more is shown.
        """
        end, now_s = self._next + PIECE, time.perf_counter()
        if self._failed or len(time_s) < end + CONTEXT:
            return
        if self._spent_s + self._last_s > SHARE * (now_s - self.begun_s):
            return
        try:
            self._add(part(max(self._next - CONTEXT, 0), end + CONTEXT), time_s[self._next], time_s[end - 1])
        except Exception as error:
            # Nobody to be seen in this piece is no mistake.
            if not (isinstance(error, Failure) and error.code is Code.PEOPLE_NONE):
                traceback.print_exc(file=sys.stderr)
                self._failed = True
        self._next = end
        self._last_s = time.perf_counter() - now_s
        self._spent_s += self._last_s

    def close(self) -> None:
        """Remove the pieces' files."""
        for path in self._files:
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def _add(self, seen: Observations, first_s: float, last_s: float) -> None:
        shot = self._solved(seen)
        frames = (shot.motion.time_s >= first_s - 1e-6) & (shot.motion.time_s <= last_s + 1e-6)
        if not frames.any():
            return
        motion = shot.motion.part(frames).with_provenance(self.provenance)
        stem = self.take.with_suffix("").name
        body = self.take.with_name(f"{stem}.growing.body.npz")
        if not self._files:
            with written_beside(body) as part, part.open("wb") as file:
                np.savez(file, **body_arrays(shot))
            self._files.append(body)
        take = self.take.with_name(f"{stem}.growing{len(self._files)}.npz")
        with written_beside(take) as part, part.open("wb") as file:
            motion.write(file)
        self._files.append(take)
        self.show({"take": str(take), "body": str(body)}, float(motion.time_s[0]), float(motion.time_s[-1]))

    def _solved(self, seen: Observations) -> Shot:
        recovery = self.compute(lambda device, batch: self.solver.recover(seen, device, batch, _unheard))
        before = self._first and self._first[0]
        fit = self.solver.fit(seen, recovery, self.height_m, _unheard, like=before)

        def placed(world: World | None) -> Shot:
            matrix, body = self.solver.camera_matrix.numpy(), self.solver.body
            return assemble(seen, recovery, fit, body, self.own_body, matrix, self.fps, world=world)

        if self._first is None:
            self._first = fit, placed(None).motion
        return placed(_world_of(self._first[1], len(seen.time_s)))


def _world_of(first: Motion, T: int) -> World:
    """The world in which the first piece stands, for T frames of which nothing else is known."""
    where = np.tile(first.camera_translation[0], (T, 1))
    return World(first.camera_rotation[0], where, np.zeros((T, 3)), np.zeros((T, 4)))


def _unheard(_done: int) -> None:
    """In the place of a report of progress: that is told of by those who call."""
