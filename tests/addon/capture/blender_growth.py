# SPDX-License-Identifier: GPL-3.0-or-later
"""A take that grows while it is captured. Every function here is one test, in a file of its own."""

import time
import traceback
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy

from tests.addon.capture.blender_import import cache, desk, import_video, left_in_cache, running, start, use
from tests.addon.inside import enable_checkout, part

TICK = SimpleNamespace(type="TIMER")
KINDS = ("objects", "meshes", "armatures", "cameras", "materials", "actions", "collections", "movieclips", "scenes")
NAME = "my clip"
LONGEST_S = 120


def main(engines: dict[str, str], footage: str, tests: list[str]) -> dict[str, Any]:
    enable_checkout()
    found = {}
    for test in tests:
        bpy.ops.wm.read_homefile(use_empty=True)
        part("addon.engine.running").close()
        for path in cache().iterdir():
            path.unlink()
        bpy.context.scene.reel_to_rig.footage = footage
        use(engines["grows"])
        try:
            found[test] = globals()[test](engines)
        except Exception:
            found[test] = traceback.format_exc()
    return found


class Import:
    """An import that somebody watches, ticked by hand."""

    def __init__(self) -> None:
        self.operator = start()
        for work in self.operator.errand.works:
            work.watch()
        self.result = {"PASS_THROUGH"}
        self.until(lambda: running() is not None and running().stage == "keypoints")
        self.job = running()

    def tick(self) -> None:
        self.result = self.operator.tick()

    def until(self, reached: Any) -> None:
        deadline = time.monotonic() + LONGEST_S
        while not reached():
            assert time.monotonic() < deadline
            assert self.result == {"PASS_THROUGH"}, self.operator.reports
            self.tick()
            time.sleep(0.01)

    def go(self, number: int) -> None:
        """Let the engine take its next step."""
        Path(self.job.request["output"]).with_name(f"go{number}").touch()

    def piece(self, number: int) -> None:
        """Have the next piece come, and wait until it is in the scene."""
        growth = self.operator.errand.works[0]._growth
        self.go(number)
        self.until(lambda: growth._known is not None and len(growth._known.motion) == 10 * number)
        self.until(lambda: not growth.busy)

    def begun(self) -> None:
        """Wait until a piece is being put into the scene."""
        self.until(lambda: self.operator.errand.works[0]._growth.busy)

    def end(self) -> list[str]:
        """Let the engine end, and follow the operator to its own end."""
        for number in range(1, 5):
            if Path(self.job.request["output"]).parent.exists():
                self.go(number)
        self.until(lambda: self.result != {"PASS_THROUGH"})
        return sorted(self.result)


def scene() -> list[Any]:
    """All there is in the file, and what an import sets in the scene."""
    there = {kind: sorted(item.name for item in getattr(bpy.data, kind)) for kind in KINDS}
    set_ = part("addon.take.build").scene_settings(bpy.context.scene)
    return [there, set_, bpy.context.scene.camera.name if bpy.context.scene.camera else None]


def replaced() -> list[str]:
    """What the scene still keeps of what was there before a take that grows."""
    return [key for key, _ in bpy.context.scene.items() if key.startswith(part("addon.take.build").REPLACED)]


def take(name: str = NAME) -> Any:
    return part("addon.take.props").take_of(bpy.data.objects[name])


def keyed() -> list[float]:
    """How many keys the head has, and the frames of the first and the last."""
    (curve,) = [
        curve
        for curve in part("addon.keyframes")._curves(bpy.data.objects[NAME])
        if curve.data_path == 'pose.bones["head"].rotation_quaternion' and curve.array_index == 0
    ]
    frames = [point.co[0] for point in curve.keyframe_points]
    return [len(frames), frames[0], frames[-1]]


def height() -> float:
    """Of the body's mesh, metres."""
    return max(vertex.co.z for vertex in bpy.data.objects[f"{NAME} body"].data.vertices)


def it_grows_and_becomes_the_take(engines: dict[str, str]) -> Any:
    assert import_video() == ""
    expected = [*scene(), keyed(), height(), part("addon.take.data").raw(bpy.data.objects[NAME]).poses.tolist()]
    footage = bpy.context.scene.reel_to_rig.footage
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.context.scene.reel_to_rig.footage = footage

    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.ed.undo_push(message="cube")
    bpy.ops.object.mode_set(mode="EDIT")
    run, steps = Import(), []
    for number in (1, 2, 3):
        run.piece(number)
        mode = [bpy.context.mode, bpy.context.active_object.name, [item.name for item in bpy.context.selected_objects]]
        one, shown = bpy.data.objects[NAME], bpy.context.scene
        same = [one.session_uid, one.data.session_uid, bpy.data.objects[f"{NAME} body"].session_uid]
        steps.append([keyed(), shown.frame_start, shown.frame_end, shown.frame_current, height(), mode, same])
        steps[-1].append([len(bpy.data.actions), take().summary.splitlines()[-1]])
    result = run.end()
    one = bpy.data.objects[NAME]
    same = [one.session_uid, one.data.session_uid, bpy.data.objects[f"{NAME} body"].session_uid]
    ended = [*scene(), keyed(), height(), part("addon.take.data").raw(one).poses.tolist()]
    ended[0] = {kind: [name for name in items if name != "Cube"] for kind, items in ended[0].items()}
    chosen = [bpy.context.mode, bpy.context.active_object.name, [item.name for item in bpy.context.selected_objects]]
    marks = [take().growing, replaced(), take().summary]
    bpy.ops.ed.undo()
    return {
        "steps": steps, "result": result, "same": same, "as imported at once": ended == expected, "chosen": chosen,
        "marks": marks, "cache": left_in_cache(), "undone": sorted(item.name for item in bpy.data.objects),
    }  # fmt: skip


def cancelled(engines: dict[str, str]) -> Any:
    before, run = scene(), Import()
    run.piece(1)
    during = scene()
    assert bpy.ops.reel_to_rig.cancel() == {"FINISHED"}
    run.until(lambda: run.result != {"PASS_THROUGH"})
    return [sorted(run.result), during != before, scene() == before, left_in_cache()]


def cancelled_in_the_middle_of_a_step(engines: dict[str, str]) -> Any:
    before, run = scene(), Import()
    run.piece(1)
    found = []
    for busy_ticks in range(1, 4):
        run.go(2)
        run.begun()
        for _ in range(busy_ticks):
            run.tick()
        run.operator.errand.drop()  # its window was closed
        found.append(scene() == before)
        run = Import()
        run.piece(1)
    run.operator.errand.drop()
    return [found, desk().works == [], left_in_cache()]


def the_engine_dies(engines: dict[str, str]) -> Any:
    use(engines["grows_and_dies"])
    before, run = scene(), Import()
    run.piece(1)
    run.piece(2)
    result = run.end()
    return [result, scene() == before, left_in_cache(), run.operator.reports]


def what_was_set_meanwhile_stays(engines: dict[str, str]) -> Any:
    run = Import()
    run.piece(1)
    take().smoothing, take().opacity, take().floor_m = 0.875, 0.25, 0.5
    bpy.data.objects[f"{NAME} body"].show_wire = True
    shown = bpy.context.scene
    shown.frame_end, shown.frame_current = 500, 3
    run.piece(2)
    found = [shown.frame_end, shown.frame_current, take().applied]
    result = run.end()
    found += [result, shown.frame_end, shown.frame_current, take().applied, take().opacity, take().floor_m]
    return [*found, bpy.data.objects[f"{NAME} body"].show_wire, len(bpy.data.actions)]


def a_change_of_the_scene_outlives_a_cancel(engines: dict[str, str]) -> Any:
    run = Import()
    run.piece(1)
    bpy.context.scene.render.fps = 12
    bpy.ops.reel_to_rig.cancel()
    run.until(lambda: run.result != {"PASS_THROUGH"})
    return [bpy.context.scene.render.fps, bpy.context.scene.render.resolution_x]


def undo_and_redo_while_it_grows(engines: dict[str, str]) -> Any:
    """The animator works on something else, and takes it back and forth again."""
    bpy.ops.ed.undo_push(message="empty")
    run = Import()
    run.piece(1)
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.ed.undo_push(message="cube")
    run.piece(2)
    bpy.ops.ed.undo()
    found = {"undone": names()}
    run.piece(3)
    found["shown again"] = [names(), keyed()]
    bpy.ops.ed.redo()
    found["redone"] = [names(), keyed()]
    found["result"] = run.end()
    found["ended"] = [names(), keyed(), sorted(action.name for action in bpy.data.actions)]
    bpy.ops.ed.undo()
    found["import undone"] = [names(), sorted(action.name for action in bpy.data.actions)]
    bpy.ops.ed.undo()
    found["cube undone"] = names()
    bpy.ops.ed.redo()
    bpy.ops.ed.redo()
    found["all redone"] = [names(), keyed()]
    return found


def undone_in_the_middle_of_a_step(engines: dict[str, str]) -> Any:
    bpy.ops.ed.undo_push(message="empty")
    found = []
    for ticks in range(4):
        bpy.ops.mesh.primitive_cube_add()
        bpy.ops.ed.undo_push(message="cube")
        run = Import()
        run.go(1)
        run.begun()
        for _ in range(ticks):
            run.tick()
        bpy.ops.ed.undo()
        run.tick()
        result = run.end()
        found.append([result, names(), keyed(), sorted(action.name for action in bpy.data.actions)])
        bpy.ops.ed.undo()
        found[-1].append(names())
    return found


def back_to_the_middle_of_a_step(engines: dict[str, str]) -> Any:
    """Something is done between two steps, and an undo of what is done later leads back there."""
    found = []
    for ticks in range(6):
        bpy.ops.ed.undo_push(message="empty")
        run = Import()
        run.piece(1)
        run.go(2)
        run.begun()
        for _ in range(ticks):
            run.tick()
        bpy.ops.ed.undo_push(message="between")
        run.piece(2)
        bpy.ops.mesh.primitive_cube_add()
        bpy.ops.ed.undo_push(message="cube")
        bpy.ops.ed.undo()
        run.piece(3)
        result = run.end()
        found.append([result, names(), keyed(), sorted(action.name for action in bpy.data.actions)])
        bpy.ops.ed.undo()
        bpy.ops.ed.undo()
        found[-1] += [names(), sorted(action.name for action in bpy.data.actions)]
    return found


def deleted_while_it_grows(engines: dict[str, str]) -> Any:
    run = Import()
    run.piece(1)
    bpy.data.objects.remove(bpy.data.objects[f"{NAME} body"])
    bpy.data.objects.remove(bpy.data.objects[f"{NAME} camera"])
    run.piece(2)
    found = [names()]
    bpy.data.objects.remove(bpy.data.objects[NAME])
    run.piece(3)
    found.append(sorted(item.type for item in bpy.data.objects))
    found.append(run.end())
    return [*found, sorted(item.type for item in bpy.data.objects)]


def deleted_and_cancelled(engines: dict[str, str]) -> Any:
    """What somebody deletes of it, and whether one more piece comes before it is cancelled."""
    before, found = scene(), []
    for deleted, pieces in (([""], 1), ([""], 0), (["", " body"], 0), (["", " body", " camera"], 0), ([""], 2)):
        run = Import()
        run.piece(1)
        for item in bpy.data.objects:
            item.select_set(item.name in [NAME + part_ for part_ in deleted])
        bpy.ops.object.delete()
        for number in range(pieces):
            run.piece(number + 2)
        bpy.ops.reel_to_rig.cancel()
        run.until(lambda run=run: run.result != {"PASS_THROUGH"})
        bpy.data.orphans_purge(do_recursive=True)
        found.append([scene() == before, replaced()])
    run = Import()
    run.piece(1)
    bpy.data.objects.remove(bpy.data.objects[NAME])
    return [found, run.end(), names(), replaced()]


def saved_and_opened_while_it_grows(engines: dict[str, str]) -> Any:
    blend = str(Path(engines["grows"]).with_name("growing.blend"))
    footage, before, run = bpy.context.scene.reel_to_rig.footage, scene(), Import()
    run.piece(1)
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    run.piece(2)
    bpy.ops.wm.open_mainfile(filepath=blend)
    found = [scene() == before, desk().works == [], left_in_cache()]
    run.operator.errand.drop()
    bpy.context.scene.reel_to_rig.footage = footage
    run = Import()
    run.piece(1)
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    return [*found, run.end(), names(), keyed()]


def beside_another_take(engines: dict[str, str]) -> Any:
    assert import_video() == ""
    before, run = scene(), Import()
    run.piece(1)
    during = [names(), scene()[1:] == before[1:]]
    bpy.ops.reel_to_rig.cancel()
    run.until(lambda: run.result != {"PASS_THROUGH"})
    found = [*during, scene() == before]
    bpy.context.scene.render.fps = 24
    run = Import()
    run.piece(1)
    return [*found, run.end(), names(), bpy.context.scene.frame_end == before[1]["frame_end"]]


def the_extension_is_disabled_while_it_grows(engines: dict[str, str]) -> Any:
    before, run = scene(), Import()
    run.piece(1)
    module = part("addon.capture.ops").__name__.rpartition(".addon.")[0]
    bpy.ops.preferences.addon_disable(module=module)
    found = scene_names() == before[0]
    enable_checkout()
    return found


def scene_names() -> dict[str, list[str]]:
    return {kind: sorted(item.name for item in getattr(bpy.data, kind)) for kind in KINDS}


def names() -> list[str]:
    return sorted(item.name for item in bpy.data.objects)


def its_scene_is_renamed(engines: dict[str, str]) -> Any:
    """And another one is shown, before there is anything to see of the take."""
    mine, other = bpy.context.scene, bpy.data.scenes.new("other")
    before, run = part("addon.take.build").scene_settings(other), Import()
    mine.name = "renamed"
    bpy.context.window.scene = other
    run.piece(1)
    result = run.end()
    same = part("addon.take.build").scene_settings(other) == before
    return [result, [shown.name for shown in bpy.data.objects[NAME].users_scene], same]


def its_scene_is_deleted(engines: dict[str, str]) -> Any:
    mine, other = bpy.context.scene, bpy.data.scenes.new("other")
    run = Import()
    run.piece(1)
    bpy.context.window.scene = other
    bpy.data.scenes.remove(mine)
    return [run.end(), [shown.name for shown in bpy.data.objects[NAME].users_scene], names(), run.operator.reports]


def it_is_disabled_in_viewports(engines: dict[str, str]) -> Any:
    run = Import()
    run.piece(1)
    bpy.data.objects[NAME].hide_viewport = True
    return [run.end(), names(), keyed(), bpy.data.objects[NAME].hide_viewport]


def another_take_comes_meanwhile(engines: dict[str, str]) -> Any:
    """And the growing one is cancelled: the other keeps time by what the scene was set to."""
    data, shown = part("addon.take.data"), bpy.context.scene.render
    run = Import()
    run.piece(1)
    during = [shown.fps, shown.fps_base]
    motion = data.raw(bpy.data.objects[NAME])
    other = part("addon.take.build").build(bpy.context, motion, data.Body.average(), "other", 0.0)
    run.operator.errand.drop()
    return [[shown.fps, shown.fps_base] == during, names(), part("addon.take.props").take_of(other).growing]


def cancelled_while_somebody_edits_elsewhere(engines: dict[str, str]) -> Any:
    """The take is in pose mode in its scene, and a mesh in edit mode in another one, which is shown."""
    other, run = bpy.data.scenes.new("other"), Import()
    run.piece(1)
    bpy.context.view_layer.objects.active = bpy.data.objects[NAME]
    bpy.ops.object.mode_set(mode="POSE")
    bpy.context.window.scene = other
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.object.mode_set(mode="EDIT")
    run.operator.errand.drop()
    return [bpy.context.mode, names()]


def the_scene_is_left_alone(engines: dict[str, str]) -> Any:
    scene, settings = bpy.context.scene, part("addon.take.build").scene_settings
    scene.frame_start, scene.frame_end, scene.render.fps, scene.reel_to_rig.set_scene = 10, 20, 24, False
    before, run = settings(scene), Import()
    run.piece(1)
    found = [settings(scene) == before]
    ended = run.end()
    found += [settings(scene) == before, scene.camera and scene.camera.name, keyed(), ended]
    return [*found, run.operator.reports[0]]


def dropped_before_it_is_whole(engines: dict[str, str]) -> Any:
    """One of which nothing was seen before: it is put into the scene, and its window is closed half way."""
    before, found = scene(), []
    for ticks in range(6):
        operator = start()
        result = {"PASS_THROUGH"}
        while operator.errand._ending is None and result == {"PASS_THROUGH"}:
            result = operator.tick()
            time.sleep(0.01)
            if running():
                folder = Path(running().request["output"]).parent
                for number in range(1, 5):
                    (folder / f"go{number}").touch()
        for _ in range(ticks):
            operator.tick()
        during = scene() != before
        operator.errand.drop()
        found.append([during, scene() == before])
    return [found, left_in_cache()]
