# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs for the engine, and what becomes of their results in Blender.

numpy, and what needs it, is imported by the thread that prepares a result: on Blender's own it would be felt.
"""

import shutil
import tempfile
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import bpy

from ...model.protocol import Code, Failure, Message
from .. import preferences
from ..engine import running
from ..steps import Steps
from ..take.footage import close_ahead, open_ahead
from ..take.props import growing, take_of, takes
from . import pictures
from .found import found, person_picture
from .growth import Growth, layer_of, scene_of
from .job import Job, State, findings
from .props import capture_settings, form, scan_key

if TYPE_CHECKING:
    from ..take.build import Prepared

LEFT_S: Final = 2 * 24 * 3600.0
"""How old a job's folder is that nobody uses any more."""


class Work:
    """A job and what to do with its result. Of Blender's data only what outlives undo and renaming is kept."""

    def __init__(self, context: bpy.types.Context, title: str) -> None:
        """Make a folder for the job. Raises Failure(OUTPUT_UNWRITABLE)."""
        assert context.scene
        self.scene = context.scene.session_uid
        self.title = title
        cache = preferences.cache_folder(context)
        _sweep(cache)
        try:
            self.folder = Path(tempfile.mkdtemp(prefix="capture-", dir=cache))
        except OSError as error:
            raise Failure(Code.OUTPUT_UNWRITABLE, f"{cache}: {error.strerror}.") from error
        try:
            self.job = Job(title, self.request(context), connect)
        except Failure:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def request(self, context: bpy.types.Context) -> dict[str, Any]:
        """What to ask the engine for. Raises Failure for what cannot work."""
        raise NotImplementedError

    def watch(self) -> None:
        """Somebody sees what happens meanwhile. To be called before the job starts."""

    def step(self) -> None:
        """Show a little of what there is to see before the job is over. Never waits."""

    def settle(self) -> None:
        """Bring what is half done in the scene to its end, and wait for it."""

    def ready(self) -> bool:
        """Whether the result can be taken in without keeping Blender waiting. Never waits itself."""
        return True

    def finish(self, context: bpy.types.Context) -> Steps[str]:
        """Take the result in; returns a line about it. Raises Failure."""
        raise NotImplementedError

    def close(self) -> None:
        """Remove what the job left on the disk."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _sweep(cache: Path) -> None:
    """Remove what a Blender that crashed has left. Younger folders may be another Blender's, which is at work."""
    for folder in cache.glob("capture-*"):
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > LEFT_S:
                shutil.rmtree(folder, ignore_errors=True)


class Capture(Work):
    """Makes a take in the scene that it was started in, if that is still there."""

    def __init__(self, context: bpy.types.Context, person: int | None, title: str) -> None:
        assert context.scene
        self.person = person
        self.smoothing, self.sets = form(context.scene).smoothing, form(context.scene).set_scene
        self._prepared: Future[Prepared] | None = None
        self._growth: Growth | None = None
        self._opened = False
        super().__init__(context, title)

    def watch(self) -> None:
        self._opened = open_ahead(Path(self.job.request["footage"]))
        self.job.request["partial"] = True
        self._growth = Growth(self.job, self.scene, self.title, self.smoothing, self.sets)

    def step(self) -> None:
        if self._growth:
            self._growth.step()

    def request(self, context: bpy.types.Context) -> dict[str, Any]:
        settings = capture_settings(context, self.folder / "take.npz", self.person)
        return {"type": "capture", **settings.to_message()}

    def ready(self) -> bool:
        """Have the arithmetic done beside Blender, as soon as there is a result."""
        if self.job.state is not State.DONE:
            return True
        if self._prepared is None:
            smoothing = self._growth.smoothing() if self._growth else self.smoothing
            helper = ThreadPoolExecutor(1)
            self._prepared = helper.submit(prepare, self.job.result, smoothing)
            helper.shutdown(wait=False)
        return self._prepared.done() and not (self._growth and self._growth.busy)

    def settle(self) -> None:
        if self._growth:
            self._growth.end()

    def close(self) -> None:
        self.settle()
        for armature in growing(self.job.id) if self.job.id else []:  # It has not become a take.
            from ..take.growth import remove

            remove(armature)
        if self._opened:  # Else that belongs to the form.
            close_ahead(Path(self.job.request["footage"]))
        super().close()

    def finish(self, context: bpy.types.Context) -> Steps[str]:
        while True:
            with suppress(ReferenceError):  # Whoever undid something meanwhile took away what was made so far.
                return (yield from self._make())
            yield

    def _make(self) -> Steps[str]:
        from ..take.growth import place, remove, settle

        summary = self.job.result["summary"]
        assert self._prepared
        scene = scene_of(self.scene) or bpy.context.scene
        assert scene
        layer, prepared = layer_of(scene), self._prepared.result()
        there = growing(self.job.id)
        if there and not there[0].users_scene:  # It was taken out of its scene, or that is gone.
            remove(there[0])
            there = []
        if there:
            armature = yield from settle(layer, there[0], prepared)
        else:
            armature = yield from place(scene, layer, prepared, self.title, self.job.id, self.sets)
        take = take_of(armature)
        take.summary = "\n".join([take.summary, *summary.get("notes", [])])
        yield
        line = ". ".join(filter(None, [outcome(armature, self.sets), findings(summary).capitalize()]))
        bpy.ops.ed.undo_push(message=f"Import {armature.name}")
        return line


class Scan(Work):
    """Lists the people in the footage."""

    def __init__(self, context: bpy.types.Context, title: str) -> None:
        self.key = scan_key(context)
        super().__init__(context, title)

    def request(self, context: bpy.types.Context) -> dict[str, Any]:
        return {"type": "scan", **capture_settings(context, self.folder / "unused").to_message()}

    def finish(self, context: bpy.types.Context) -> Steps[str]:
        known, tracks = found(context), self.job.result["tracks"]
        if not tracks:
            raise Failure(Code.PEOPLE_NONE)
        known.people.clear()
        known.scanned = self.key
        try:
            for index, track in enumerate(tracks):
                person = known.people.add()
                person.number, person.share, person.chosen = track["id"], track["share"], index == 0
                person.first_s, person.last_s = track["first_s"], track["last_s"]
                pictures.keep(person_picture(person.number), Path(track["thumbnail"]))
                yield
        except (KeyError, TypeError) as error:
            known.people.clear()
            known.scanned = ""
            raise Failure(Code.ENGINE_GARBLED, "It lists people in a way that is not known.") from error
        count = len(tracks)
        return f"{count} people found" if count > 1 else "1 person found"


def prepare(result: Message, smoothing: float) -> "Prepared":
    """The take in the files that the engine names. Raises Failure if they are not what it promised. No bpy."""
    from ...model.motion.motion import Motion, MotionFileError
    from ..take.build import Prepared
    from ..take.data import Body

    try:
        files = result["files"]
        return Prepared.of(Motion.load(files["take"]), Body.load(files["body"]), smoothing)
    except (KeyError, OSError, MotionFileError) as error:
        raise Failure(Code.ENGINE_INTERNAL, f"Its result cannot be read: {error}.") from error


def connect() -> Any:
    """The engine's client as the preferences are now. Raises Failure if no engine is set up."""
    python = preferences.engine_python(bpy.context)
    return running.client(python, preferences.cache_folder(bpy.context) / "engine.log")


def outcome(armature: bpy.types.Object, sets: bool) -> str:
    """What an import, which may set the scene, did to that, in one line."""
    from ..take import data

    scene, footage_fps = armature.users_scene[0], data.raw(armature).mocap_framerate
    fps, frames = scene.render.fps / scene.render.fps_base, f"frames {scene.frame_start} to {scene.frame_end}"
    line = f"Imported {armature.name}. The scene"
    if sets and len(takes(scene)) == 1:
        return f"{line} now has {fps:.4g} fps, {frames}"
    line = f"{line} stays at {fps:.4g} fps, {frames}"
    if abs(fps / footage_fps - 1) < 1e-3:
        return line
    return f"{line}; the footage behind it, at {footage_fps:.4g}, does not keep step"
