# SPDX-License-Identifier: GPL-3.0-or-later
"""The scripted person of gui_test.py: runs inside Blender, as a generator that a timer moves on.

Between two steps Blender draws, and runs modal operators and timers as ever. A yielded number is a pause in seconds.
"""

import importlib
import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

MODULE = "bl_ext.user_default.reel_to_rig"
RESULT = "result.json"
FILE = "scene.blend"
MINUTES = 60.0
PROGRESS_STEPS = 10
BESIDE_THE_SIDEBAR = (11.0, (0.065, 0.0))
"""Zoom and offset that put the camera's picture where the sidebar does not hide it."""

Steps = Iterator[float]


class Person:
    """Hands, eyes and a notebook."""

    def __init__(self, bpy: Any, arguments: dict[str, Any]) -> None:
        self.bpy = bpy
        self.given = arguments
        self.folder = Path(arguments["folder"])
        self.notes: dict[str, Any] = {"blender": bpy.app.version_string}
        self.busy_s: dict[str, list[tuple[float, float]]] = {}

    def window(self) -> Any:
        return self.bpy.context.window_manager.windows[0]

    def viewport(self) -> Any:
        """The 3D viewport of the window."""
        return next(area for area in self.window().screen.areas if area.type == "VIEW_3D")

    def region(self, kind: str) -> Any:
        return next(region for region in self.viewport().regions if region.type == kind)

    def press(self, key: str, **modifiers: bool) -> Steps:
        """A key, with the mouse over the viewport."""
        region = self.region("WINDOW")
        at = {"x": region.x + region.width // 3, "y": region.y + region.height // 2}
        self.window().event_simulate(type="MOUSEMOVE", value="NOTHING", **at)
        yield 0.1
        for value in ("PRESS", "RELEASE"):
            self.window().event_simulate(type=key, value=value, **at, **modifiers)
            yield 0.1
        yield 0.8

    def call(self, operator: str, *mode: str, **properties: Any) -> set[str]:
        """What a button in the sidebar does."""
        group, name = operator.split(".")
        area = self.viewport()
        with self.bpy.context.temp_override(window=self.window(), area=area, region=self.region("WINDOW")):
            return getattr(getattr(self.bpy.ops, group), name)(*mode, **properties)

    def picture(self, name: str) -> Steps:
        """A picture of the whole screen, once it is drawn."""
        self.viewport().tag_redraw()
        yield 2.5  # Panels glide to their place.
        subprocess.run(
            ["import", "-window", "root", "-quality", "82", str(self.folder / f"{name}.jpg")], check=True, timeout=300
        )

    def scroll(self, clicks: int) -> Steps:
        """The mouse wheel, over the sidebar; downwards if positive."""
        region = self.region("UI")
        at = {"x": region.x + region.width // 3, "y": region.y + region.height // 2}
        self.window().event_simulate(type="MOUSEMOVE", value="NOTHING", **at)
        yield 0.1
        for _ in range(abs(clicks)):
            self.window().event_simulate(type="WHEELDOWNMOUSE" if clicks > 0 else "WHEELUPMOUSE", value="PRESS", **at)
            yield 0.1

    def until(self, ready: Callable[[], bool], what: str, limit_s: float = 15 * MINUTES) -> Steps:
        begun = time.monotonic()
        while not ready():
            if time.monotonic() - begun > limit_s:
                raise TimeoutError(what)
            yield 0.1

    def part(self, name: str) -> Any:
        return importlib.import_module(f"{MODULE}.addon.{name}")

    def note(self, **found: Any) -> None:
        self.notes |= found
        print(found, flush=True)


def day(me: Person) -> Steps:
    """Everything, in order."""
    yield 0.5
    yield from arrive(me)
    if not me.given["engine"]:
        yield from install_the_engine(me)
    yield from fill_in_the_form(me)
    yield from cancel_a_job(me)
    yield from run_a_job(me)
    yield from run_it_again(me)
    yield from look(me)
    yield from bake(me)
    yield from undo_and_redo(me)
    yield from save_and_reopen(me)


def arrive(me: Person) -> Steps:
    bpy = me.bpy
    installed = bpy.ops.extensions.package_install_files(
        filepath=me.given["zip_file"], repo="user_default", enable_on_install=True
    )
    assert installed == {"FINISHED"}, installed
    bpy.context.preferences.addons[MODULE].preferences.engine_python = me.given["engine"]
    bpy.ops.preferences.addon_enable(module="rigify")
    bpy.data.batch_remove(list(bpy.data.objects))
    objects = bpy.context.view_layer.objects
    me.call("object.armature_human_metarig_add")
    metarig = objects.active
    me.call("pose.rigify_generate")
    rig = objects.active
    metarig.hide_set(True)
    rig.name, rig.location = "Character", (1.5, 0, 0)
    yield 0.5
    yield from me.press("N")
    me.region("UI").active_panel_category = "Reel to Rig"
    yield 0.5
    assert me.region("UI").width > 100, "the sidebar did not open"
    yield from me.picture("1_sidebar")


def install_the_engine(me: Person) -> Steps:
    """By its button, from where it comes from: Blender is allowed to go online."""
    me.bpy.context.preferences.system.use_online_access = True
    current, begun = me.part("engine.installation.current"), time.monotonic()
    assert me.call("reel_to_rig.install_engine", "INVOKE_DEFAULT") == {"RUNNING_MODAL"}
    yield from me.picture("1_before_installing")
    yield from me.press("RET")
    yield from me.until(lambda: bool(current.work()), "the installation did not begin", 10.0)
    said: set[str] = set()
    while current.busy():
        said.add(current.work().line)
        if len(said) == PROGRESS_STEPS:
            yield from me.picture("1_installing")
        yield 0.1
    assert not current.work().failure, current.work().failure
    yield from me.picture("1_installed")
    me.note(installed_s=round(time.monotonic() - begun, 1), steps_said=len(said), engine=current.found())


def fill_in_the_form(me: Person) -> Steps:
    bpy = me.bpy
    bpy.ops.wm.save_as_mainfile(filepath=str(me.folder / FILE))
    form = bpy.context.scene.reel_to_rig
    watch(me)
    form.footage = bpy.path.relpath(me.given["footage"])
    form.start_s, form.end_s = me.given["start_s"], me.given["end_s"]
    form.quality = "draft"
    known = me.part("capture.found").found(bpy.context)
    yield from me.until(lambda: known.usable, "nobody looked at the footage")
    assert me.call("reel_to_rig.scan_people", "INVOKE_DEFAULT") == {"FINISHED"}
    yield from me.until(lambda: len(known.people) > 1 and not me.part("capture.desk").Desk.works, "nobody was found")
    yield from me.picture("2_people")


def cancel_a_job(me: Person) -> Steps:
    queue = me.part("capture.desk").Desk.queue
    assert me.call("reel_to_rig.import_video", "INVOKE_DEFAULT") == {"FINISHED"}
    yield from me.until(lambda: bool(queue.jobs) and queue.jobs[0].fraction > 0, "no progress")
    begun = time.monotonic()
    me.call("reel_to_rig.cancel")
    yield from me.until(lambda: not queue.jobs, "the job did not end")
    me.note(cancelled_after_s=round(time.monotonic() - begun, 2))
    assert not takes(me), "a cancelled job left a take"


def run_a_job(me: Person) -> Steps:
    desk, seen = me.part("capture.desk").Desk, set()
    me.bpy.data.objects["Character"].hide_set(True)
    me.viewport().spaces.active.overlay.show_relationship_lines = False
    memory, pictured, begun = [memory_mb()], set(), time.monotonic()

    def observe() -> float | None:
        """By a timer of its own, since pictures take their time."""
        if desk.queue.jobs:
            seen.add((desk.queue.jobs[0].stage, desk.queue.jobs[0].fraction))
            memory[1:] = [max(memory[-1], memory_mb())]
        return 0.05 if desk.works else None

    assert me.call("reel_to_rig.import_video", "INVOKE_DEFAULT") == {"FINISHED"}
    me.note(press_ms=round(1000 * (time.monotonic() - begun), 1))
    me.bpy.app.timers.register(observe)
    while desk.works and time.monotonic() - begun < 15 * MINUTES:
        if len(seen) >= PROGRESS_STEPS // 2 and "3_progress" not in pictured:
            pictured.add("3_progress")
            yield from me.picture("3_progress")
        keyed = any(me.part("take.props").take_of(take).written for take in takes(me))
        if keyed and desk.queue.jobs and "4_growing" not in pictured:
            pictured.add("4_growing")
            me.call("reel_to_rig.camera_view")
            view = me.viewport().spaces.active.region_3d
            view.view_camera_zoom, view.view_camera_offset = BESIDE_THE_SIDEBAR
            yield from me.picture("4_growing")
        yield 0.1
    imported_s = time.monotonic() - begun
    memory.append(memory_mb())
    assert desk.problem is None, desk.problem
    assert len(seen) >= PROGRESS_STEPS, f"progress moved {len(seen)} times"
    assert len(takes(me)) == 1, takes(me)
    me.note(
        import_s=round(imported_s, 1), progress_moved=len(seen), grew="4_growing" in pictured,
        memory_mb=dict(zip(("before", "at most meanwhile", "after"), map(round, memory), strict=True)),
        longest_ms={name: longest_ms(times) for name, times in me.busy_s.items() if times},
    )  # fmt: skip


def run_it_again(me: Person) -> Steps:
    """The same once more, which is known by now: all that it adds to what Blender holds is a take.

    Beside it, what Blender itself needs for a take more: it copies the one there is.
    """
    desk, begun = me.part("capture.desk").Desk, time.monotonic()
    memory, file = memory_mb(), saved_mb(me)
    assert me.call("reel_to_rig.import_video", "INVOKE_DEFAULT") == {"FINISHED"}
    yield from me.until(lambda: not desk.works, "the second import did not end")
    assert desk.problem is None, desk.problem
    assert len(takes(me)) == 2, takes(me)
    me.note(
        again_s=round(time.monotonic() - begun, 1), again_memory_mb=round(memory_mb() - memory, 1),
        take_in_file_mb=round(saved_mb(me) - file, 1),
    )  # fmt: skip
    memory = memory_mb()
    for item in me.bpy.data.objects:
        item.select_set(item in parts(me, takes(me)[-1]))
    me.call("object.duplicate")
    me.call("ed.undo_push", message="Duplicate")
    yield 2.0
    assert len(takes(me)) == 3, takes(me)
    me.note(copy_memory_mb=round(memory_mb() - memory, 1))
    for left in (2, 1):
        yield from me.press("Z", ctrl=True)
        yield 1.0
        assert len(takes(me)) == left, takes(me)


def parts(me: Person, armature: Any) -> list[Any]:
    take = me.part("take.props").take_of(armature)
    return [armature, take.body, take.camera]


def saved_mb(me: Person) -> float:
    """How large the file is that Blender saves now."""
    file = me.folder / "size.blend"
    me.bpy.ops.wm.save_as_mainfile(filepath=str(file), copy=True, compress=False)
    size = file.stat().st_size
    file.unlink()
    return size / 2**20


def watch(me: Person) -> None:
    """Measure whatever Blender calls of the add-on's from now on: by the clock, and by what this thread computed."""
    panels = [me.part(f"{room}.panel") for room in ("capture", "take", "retarget", "retarget.mapping")]
    watched = [
        (me.part("capture.desk").Errand, "step"),
        (me.part("capture.looking"), "_step"),
        (me.part("take.following"), "catch_up"),
    ]
    watched += [(kind, "draw") for panel in panels for kind in panel.CLASSES if issubclass(kind, me.bpy.types.Panel)]
    for owner, name in watched:
        times_s = me.busy_s.setdefault(f"{owner.__name__.rpartition('.')[2]}.{name}", [])
        setattr(owner, name, (measured_draw if name == "draw" else measured)(getattr(owner, name), times_s))


def measured(function: Callable[..., Any], times_s: list[tuple[float, float]]) -> Callable[..., Any]:
    """The function, with every call's time put into a list."""

    def timed(*given: Any) -> Any:
        clock, cpu = time.perf_counter(), time.thread_time()
        try:
            return function(*given)
        finally:
            times_s.append((time.perf_counter() - clock, time.thread_time() - cpu))

    return timed


def measured_draw(function: Callable[..., Any], times_s: list[tuple[float, float]]) -> Callable[..., Any]:
    """The same with two parameters: Blender counts those of a panel's function, and gives as many."""
    timed = measured(function, times_s)

    def draw(self: Any, context: Any) -> None:
        timed(self, context)

    return draw


def longest_ms(times_s: list[tuple[float, float]]) -> dict[str, Any]:
    """The three longest calls, by the clock and by what was computed."""
    clock, cpu = (
        [round(1000 * time_s, 1) for time_s in sorted(column)[:-4:-1]] for column in zip(*times_s, strict=True)
    )
    return {"calls": len(times_s), "clock": clock, "cpu": cpu}


def memory_mb() -> float:
    """What this process holds in memory, now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def look(me: Person) -> Steps:
    bpy, take = me.bpy, takes(me)[0]
    properties = me.part("take.props").take_of(take)
    bpy.context.scene.frame_set((bpy.context.scene.frame_start + bpy.context.scene.frame_end) // 2)
    view = me.viewport().spaces.active.region_3d
    if view.view_perspective != "CAMERA":
        me.call("reel_to_rig.camera_view")
    view.view_camera_zoom, view.view_camera_offset = BESIDE_THE_SIDEBAR
    for hidden in (True, False):
        properties.body.hide_viewport = hidden
        yield 0.5
        assert properties.body.visible_get() != hidden
    yield from me.picture("5_overlay")
    properties.show_keypoints = True
    properties.opacity = 0.3
    me.call("reel_to_rig.mark", what="CONTACTS")
    yield from me.picture("6_keypoints")
    properties.show_keypoints, properties.opacity, properties.by_confidence = False, 0.8, True
    yield from me.picture("7_confidence")
    properties.by_confidence = False
    properties.smoothing = 0.8
    yield from me.until(lambda: abs(properties.applied - 0.8) < 1e-6, "the smoothing did not follow")
    me.call("reel_to_rig.side_view")
    yield from me.picture("8_side")
    assert view.view_perspective == "ORTHO"


def bake(me: Person) -> Steps:
    bpy = me.bpy
    rig = bpy.data.objects["Character"]
    rig.hide_set(False)
    retarget = bpy.context.scene.reel_to_rig_retarget
    retarget.target = rig
    me.call("ed.undo_push", message="Choose the rig")
    yield 0.5
    assert me.call("reel_to_rig.bake", "EXEC_DEFAULT", True) == {"FINISHED"}
    yield 0.5
    assert rig.animation_data.action, "nothing was baked"
    me.note(baked=rig.animation_data.action.name)
    yield from me.scroll(30)
    yield from me.picture("9_baked")


def undo_and_redo(me: Person) -> Steps:
    def baked() -> bool:
        animation = me.bpy.data.objects["Character"].animation_data
        return bool(animation and animation.action)

    yield from me.press("Z", ctrl=True)
    yield 1.0
    assert not baked(), "Ctrl+Z left the bake"
    yield from me.press("Z", ctrl=True, shift=True)
    yield 1.0
    assert baked(), "Ctrl+Shift+Z did not bring the bake back"
    me.note(undone_and_redone=True)


def save_and_reopen(me: Person) -> Steps:
    bpy, file = me.bpy, str(me.folder / FILE)
    bpy.ops.wm.save_as_mainfile(filepath=file)
    frames = len(me.part("take.data").raw(takes(me)[0]))
    yield 0.5
    bpy.ops.wm.open_mainfile(filepath=file, use_scripts=True)  # Rigify's own
    yield 2.0
    assert len(me.part("take.data").raw(takes(me)[0])) == frames
    assert bpy.data.objects["Character"].animation_data.action
    me.note(reopened=True, frames=frames)
    yield from me.picture("10_reopened")


def takes(me: Person) -> list[Any]:
    return me.part("take.props").takes(me.bpy.context.scene)


def main() -> None:
    import bpy  # noqa: PLC0415 - gui_test.py reads this file without a Blender

    bpy.context.preferences.view.show_splash = False
    me = Person(bpy, json.loads(os.environ["GUI_TEST"]))
    steps = day(me)

    def move_on() -> float | None:
        try:
            return next(steps)
        except StopIteration:
            (me.folder / RESULT).write_text(json.dumps(me.notes, indent=1), encoding="utf-8")
            status = 0
        except BaseException:
            traceback.print_exc()
            status = 9
        me.part("engine.running").close()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)  # some versions of Blender hang or crash while they end

    bpy.app.timers.register(move_on, first_interval=1.0, persistent=True)


if __name__ == "__main__":
    main()
