# SPDX-License-Identifier: GPL-3.0-or-later
"""Import from Video in Blender, with engines of several manners. Every function here is one test."""

import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy

from tests.addon.inside import MODULE, empty_scene, enable_checkout, part


def main(test: str, engines: dict[str, str], footage: str) -> Any:
    enable_checkout()
    empty_scene()
    bpy.context.scene.reel_to_rig.footage = footage
    bpy.context.scene.reel_to_rig.smoothing = 0.25
    return globals()[test](engines)


def use(engine: str) -> None:
    bpy.context.preferences.addons[MODULE].preferences.engine_python = engine


def import_video() -> str:
    """Run the operator as a script would; what it reports, empty if it worked."""
    try:
        done = bpy.ops.reel_to_rig.import_video("EXEC_DEFAULT", True)
    except RuntimeError as error:
        return str(error).strip()
    assert done == {"FINISHED"}, done
    return ""


def names() -> list[str]:
    return sorted(item.name for item in bpy.data.objects)


def left_in_cache() -> list[str]:
    cache = part("addon.preferences").cache_folder(bpy.context)
    return sorted(path.name for path in cache.iterdir())


def desk() -> Any:
    return part("addon.capture.ops").Desk


def works_and_is_one_undo_step(engines: dict[str, str]) -> Any:
    use(engines["good"])
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.ed.undo_push(message="before")
    assert import_video() == ""
    take = part("addon.take.props").take_of(bpy.data.objects["my clip"])
    found = {"names": names(), "smoothing": take.applied, "cache": left_in_cache(), "summary": take.summary}
    bpy.ops.ed.undo()
    found["undone"] = names()
    bpy.ops.ed.redo()
    found["redone"] = names()
    found["moves"] = len(part("addon.take.data").read(bpy.data.objects["my clip"]).frames)
    found["first"] = part("addon.capture.ops").outcome(bpy.data.objects["my clip"])
    bpy.context.scene.render.fps = 24
    assert import_video() == ""
    found["twice"] = names()
    found["second"] = part("addon.capture.ops").outcome(bpy.data.objects["my clip.001"])
    return found


def every_misbehaviour_is_one_line(engines: dict[str, str]) -> Any:
    found = {}
    for manner, engine in engines.items():
        use(engine)
        began = time.monotonic()
        line = import_video()
        found[manner] = [line, names(), str(desk().problem or ""), time.monotonic() - began]
    use(engines["good"])
    found["afterwards"] = [import_video(), names(), str(desk().problem or ""), 0]
    found["cache"] = left_in_cache()
    return found


def bad_input_never_starts_the_engine(engines: dict[str, str]) -> Any:
    use(engines["good"])
    form, running = bpy.context.scene.reel_to_rig, part("addon.engine.running")
    good, found = form.footage, {}

    def attempt(name: str) -> None:
        found[name] = import_video()
        assert running.log_file() is None

    for name, footage in (("none", ""), ("missing", "/no/such/clip.mp4"), ("folder", str(Path(good).parent))):
        form.footage = footage
        attempt(name)
    form.footage = good
    form.start_s, form.end_s = 3, 2
    attempt("reversed")
    form.start_s = form.end_s = 0
    form.height_m = 0.1
    attempt("small")
    form.height_m = 0
    bpy.context.preferences.addons[MODULE].preferences.smpl_body = "/no/body.npz"
    attempt("body")
    bpy.context.preferences.addons[MODULE].preferences.smpl_body = ""
    use("/no/python")
    attempt("python")
    use("")
    attempt("no engine")
    os.environ["REEL_TO_RIG_PYTHON"] = engines["good"]
    found["environment"] = import_video()
    return found


class Stand:
    """In the place of the operator, which only Blender can make: the same methods, and it remembers reports."""

    def __init__(self) -> None:
        self.reports: list[str] = []

    def report(self, _kind: set[str], text: str) -> None:
        self.reports.append(text)


def follow(stand: Any, until_s: float = 20) -> set[str]:
    """What the modal operator does at each tick of its timer, until it is over."""
    deadline = time.monotonic() + until_s
    while time.monotonic() < deadline:
        result = stand.modal(bpy.context, SimpleNamespace(type="TIMER"))
        if result != {"PASS_THROUGH"}:
            return result
        time.sleep(0.02)
    raise TimeoutError


def start() -> Any:
    operator = vars(part("addon.capture.ops").ImportVideo)
    methods = {name: value for name, value in operator.items() if callable(value)}
    stand = type("Operator", (Stand,), methods)()
    assert stand._start(bpy.context), stand.reports
    return stand


def other_events_pass_while_it_runs(engines: dict[str, str]) -> Any:
    use(engines["good"])
    stand = start()
    assert stand.modal(bpy.context, SimpleNamespace(type="MOUSEMOVE")) == {"PASS_THROUGH"}
    assert not bpy.ops.reel_to_rig.import_video.poll()
    lines = []
    while (result := stand.modal(bpy.context, SimpleNamespace(type="TIMER"))) == {"PASS_THROUGH"}:
        lines.append(desk().job.line())
        time.sleep(0.005)
    return [sorted(result), list(dict.fromkeys(lines)), stand.reports, names(), bpy.ops.reel_to_rig.import_video.poll()]


def cancel(engines: dict[str, str]) -> Any:
    use(engines["patient"])
    stand = start()
    while not desk().job.fraction:
        stand.modal(bpy.context, SimpleNamespace(type="TIMER"))
    assert bpy.ops.reel_to_rig.cancel() == {"FINISHED"}
    assert not bpy.ops.reel_to_rig.cancel.poll()
    line = desk().job.line()
    result = follow(stand)
    return [line, sorted(result), stand.reports, names(), left_in_cache(), str(desk().problem or "")]


def undo_and_changes_of_scene_while_it_runs(engines: dict[str, str]) -> Any:
    use(engines["good"])
    bpy.ops.ed.undo_push(message="empty")
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.ed.undo_push(message="cube")
    stand = start()
    bpy.ops.ed.undo()
    found = [sorted(follow(stand)), names()]

    first = bpy.context.scene
    first.name = "First"
    stand = start()
    bpy.context.window.scene = bpy.data.scenes.new("Second")
    found += [sorted(follow(stand)), [len(scene.objects) for scene in (bpy.data.scenes["First"], bpy.context.scene)]]

    bpy.context.scene.reel_to_rig.footage = first.reel_to_rig.footage
    bpy.context.window.scene = first
    stand = start()
    bpy.context.window.scene = bpy.data.scenes["Second"]
    bpy.data.scenes.remove(first)
    found += [sorted(follow(stand)), [item.type for item in bpy.context.scene.objects]]
    return found


def another_file_is_opened_while_it_runs(engines: dict[str, str]) -> Any:
    blend = str(Path(engines["good"]).with_name("other.blend"))
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    footage = bpy.context.scene.reel_to_rig.footage
    use(engines["patient"])
    stand = start()
    while not desk().job.fraction:
        stand.modal(bpy.context, SimpleNamespace(type="TIMER"))
    bpy.ops.wm.open_mainfile(filepath=blend)
    assert desk().job is None
    stand.cancel(bpy.context)
    use(engines["good"])
    bpy.context.scene.reel_to_rig.footage = footage
    return [import_video(), names(), left_in_cache()]
