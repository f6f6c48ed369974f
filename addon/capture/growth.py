# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows the take that a job captures, as far as it has come."""

import traceback
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import bpy

from ...model.protocol import Failure, Message
from ..steps import Steps
from ..take.props import growing, take_of
from .job import Job

if TYPE_CHECKING:
    from ..take.build import Prepared


class Growth:
    """Call `step` at every tick: it puts the pieces that the engine has sent into the scene. It never waits.

    Whatever is undone or removed meanwhile: with the next piece everything so far is shown again.
    """

    def __init__(self, job: Job, scene: int, title: str, smoothing: float, sets: bool) -> None:
        self._job, self._scene, self._title, self._smoothing, self._sets = job, scene, title, smoothing, sets
        self._prepared: Future[Prepared | None] | None = None
        self._known: Prepared | None = None
        self._steps: Steps[bpy.types.Object] | None = None
        self._given_up = False

    @property
    def busy(self) -> bool:
        """Whether there is something half done in the scene."""
        return self._steps is not None

    def step(self) -> None:
        """Do a little of what there is to do. No error in here ends the job: it is logged, and no more is shown."""
        try:
            self._step()
        except ReferenceError:  # What was being made was undone.
            self._steps = None
        except Exception:
            traceback.print_exc()
            self._steps, self._given_up = None, True

    def _step(self) -> None:
        if self._steps:
            if next(self._steps, True):
                self._steps = None
        elif self._prepared is None:
            if self._job.pieces and not self._job.over and not self._given_up:
                pieces, self._job.pieces = self._job.pieces, []
                helper = ThreadPoolExecutor(1)
                self._prepared = helper.submit(_joined, self._known, pieces, self.smoothing())
                helper.shutdown(wait=False)
        elif self._prepared.done():
            prepared, self._prepared = self._prepared.result(), None
            scene = scene_of(self._scene)
            if prepared and scene and not self._job.over:
                from ..take import growth

                self._known = prepared
                self._steps = growth.show(scene, layer_of(scene), prepared, self._title, self._job.id, self._sets)

    def smoothing(self) -> float:
        """How strongly to smooth: as the form said, or as it was set since on the take that is there."""
        there = growing(self._job.id) if self._job.id else []
        return take_of(there[0]).smoothing if there else self._smoothing

    def end(self) -> None:
        """Bring what is half done in the scene to its end, and take away what a deleted take has left."""
        while self._steps:
            self.step()
        if self._known:
            from ..take import growth

            growth.sweep(self._job.id)


def scene_of(uid: int) -> bpy.types.Scene | None:
    """The scene of that session_uid, whatever it is called by now; None if it is gone."""
    return next((scene for scene in bpy.data.scenes if scene.session_uid == uid), None)


def layer_of(scene: bpy.types.Scene) -> bpy.types.ViewLayer:
    """The view layer in which somebody looks at a scene."""
    layer = bpy.context.view_layer if scene == bpy.context.scene else None
    return layer or scene.view_layers[0]


def _joined(known: "Prepared | None", pieces: Sequence[Message], smoothing: float) -> "Prepared | None":
    """All that is known so far, and the pieces; None if these are gone, as they are after the job's end. No bpy."""
    from ...model.motion.motion import Motion, MotionFileError
    from ..take.build import Prepared
    from ..take.data import Body

    motion, body = (known.motion, known.body) if known else (None, None)
    try:
        for piece in pieces:
            later = Motion.load(piece["files"]["take"])
            motion = motion.and_then(later) if motion else later
            body = body or Body.load(piece["files"]["body"])
    except (KeyError, OSError, MotionFileError, Failure):
        return None
    return Prepared.of(motion, body, smoothing) if motion and body else None
