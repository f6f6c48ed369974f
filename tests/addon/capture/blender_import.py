# SPDX-License-Identifier: GPL-3.0-or-later
"""Import from Video in Blender, with engines of several manners. Every function here is one test."""

import os
import time
import traceback
from pathlib import Path
from typing import Any

import bpy

from tests.addon.inside import MODULE, enable_checkout, part


def main(engines: dict[str, str], footage: str, tests: list[str]) -> dict[str, Any]:
    """Run tests one after the other, each in a new file, with an engine and a cache of its own."""
    enable_checkout()
    found = {}
    for test in tests:
        bpy.ops.wm.read_homefile(use_empty=True)
        part("addon.engine.running").close()
        part("addon.engine.running")._Running.log = None
        os.environ.pop("REEL_TO_RIG_PYTHON", None)
        for path in cache().iterdir():
            path.unlink()
        bpy.context.scene.reel_to_rig.footage = footage
        bpy.context.scene.reel_to_rig.smoothing = 0.25
        try:
            found[test] = globals()[test](engines)
        except Exception:
            found[test] = traceback.format_exc()
    return found


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


def cache() -> Path:
    return part("addon.preferences").cache_folder(bpy.context)


def left_in_cache() -> list[str]:
    return sorted(path.name for path in cache().iterdir())


def desk() -> Any:
    return part("addon.capture.desk").Desk


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
    found["first"] = part("addon.capture.work").outcome(bpy.data.objects["my clip"], True)
    bpy.context.scene.render.fps = 24
    assert import_video() == ""
    found["twice"] = names()
    found["second"] = part("addon.capture.work").outcome(bpy.data.objects["my clip.001"], True)
    return found


def every_misbehaviour_is_one_line(engines: dict[str, str]) -> Any:
    found = {}
    for manner, engine in engines.items():
        if manner in ("patient", "late", "real"):  # two only end when they are told to, one does nothing wrong
            continue
        use(engine)
        known = names()
        line = import_video()
        found[manner] = [line, names(), str(desk().problem or "")]
        use(engines["good"])
        assert import_video() == "", f"after {manner}"
        bpy.data.batch_remove([item for item in bpy.data.objects if item.name not in known])
    return {"each": found, "cache": left_in_cache()}


def an_answer_after_a_cancel_is_dropped(engines: dict[str, str]) -> Any:
    use(engines["late"])
    stand = start()
    while not (running() and running().fraction):
        stand.tick()
    assert bpy.ops.reel_to_rig.cancel() == {"FINISHED"}
    found = [sorted(follow(stand)), stand.reports, names()]
    return [*found, import_video(), names()]


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


class Started:
    """An import that was begun as its button does it, moved on by hand as Blender's timer does."""

    def __init__(self, operator: str) -> None:
        self.reports: list[str] = []
        ops = part("addon.capture.ops")
        methods = {name: value for cls in (ops.Request, getattr(ops, operator)) for name, value in vars(cls).items()}
        methods["report"] = lambda _, kind, text: self.reports.append(text)
        pressed: Any = type("Operator", (), {name: value for name, value in methods.items() if callable(value)})()
        self.errand = pressed._begin(bpy.context)
        assert self.errand, self.reports

    def tick(self) -> set[str]:
        """What became of it; PASS_THROUGH as long as it goes on."""
        self.errand.step(bpy.context)
        if self.errand.works:
            return {"PASS_THROUGH"}
        return {"FINISHED"} if self.errand.succeeded else {"CANCELLED"}


def follow(started: Any, until_s: float = 120) -> set[str]:
    """Tick until it is over."""
    deadline = time.monotonic() + until_s
    while time.monotonic() < deadline:
        result = started.tick()
        if result != {"PASS_THROUGH"}:
            return result
        time.sleep(0.02)
    raise TimeoutError


def start(operator: str = "ImportVideo") -> Started:
    return Started(operator)


def running() -> Any:
    return desk().queue.running


def progress_is_told(engines: dict[str, str]) -> Any:
    use(engines["good"])
    stand = start()
    lines = []
    while (result := stand.tick()) == {"PASS_THROUGH"}:
        lines += [job.line() for job in desk().queue.jobs]
        time.sleep(0.005)
    return [sorted(result), list(dict.fromkeys(lines)), stand.reports, names()]


def cancel(engines: dict[str, str]) -> Any:
    """The second of three jobs that wait for one another, then the first, then the third."""
    use(engines["patient"])
    stands = [start() for _ in range(3)]
    while not (running() and running().fraction):
        stands[0].tick()
    lines = [job.line() for job in desk().queue.jobs]
    assert bpy.ops.reel_to_rig.cancel(place=1) == {"FINISHED"}
    results = [sorted(follow(stands[1]))]
    assert bpy.ops.reel_to_rig.cancel() == {"FINISHED"}
    lines.append(running().line())
    results.append(sorted(follow(stands[0])))
    stands[2].tick()
    assert bpy.ops.reel_to_rig.cancel() == {"FINISHED"}
    results.append(sorted(follow(stands[2])))
    assert not bpy.ops.reel_to_rig.cancel.poll()
    return [lines, results, stands[0].reports, names(), left_in_cache(), str(desk().problem or "")]


def jobs_queue_and_the_form_stays_usable(engines: dict[str, str]) -> Any:
    use(engines["good"])
    form = bpy.context.scene.reel_to_rig
    other = str(Path(form.footage).with_name("other clip.mp4"))
    Path(other).write_bytes(b"not looked at either")
    first = start()
    first.tick()
    form.footage, form.smoothing = other, 0.75
    use(engines["dies_mid_job"])
    second = start()
    form.footage = "elsewhere.mp4"
    queued = [[job.title, job.state.name] for job in desk().queue.jobs]
    results = [sorted(follow(first)), sorted(follow(second))]
    use(engines["good"])
    form.footage = other
    results.append(sorted(follow(start())))
    take = part("addon.take.props").take_of
    return [queued, results, second.reports, {item: take(bpy.data.objects[item]).applied for item in names()[::3]}]


def everybody_who_is_chosen_becomes_a_take(engines: dict[str, str]) -> Any:
    use(engines["good"])
    form, known = bpy.context.scene.reel_to_rig, part("addon.capture.found").found(bpy.context)
    assert bpy.ops.reel_to_rig.scan_people() == {"FINISHED"}
    people = [[person.number, person.chosen, round(person.last_s, 3)] for person in known.people]
    pictures = part("addon.capture.pictures")._Kept.collection
    sizes = {name: list(pictures[name].image_size) for name in sorted(pictures)}
    chosen = part("addon.capture.props").chosen_people
    found = [people, sizes, left_in_cache(), chosen(bpy.context)]
    known.people[1].chosen = True
    assert bpy.ops.reel_to_rig.import_video("EXEC_DEFAULT", True) == {"FINISHED"}
    raw = part("addon.take.data").raw
    found.append({name: raw(bpy.data.objects[name]).provenance["person"] for name in names() if name[-1].isdigit()})
    bpy.ops.ed.undo()
    found += [names(), len(known.people)]
    for person in known.people:
        person.chosen = False
    found.append(import_video())
    form = bpy.context.scene.reel_to_rig
    form.start_s = 0.5
    form.person = 3
    return [*found, chosen(bpy.context)]


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

    first = bpy.data.scenes["First"]
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
    while not (running() and running().fraction):
        stand.tick()
    job, refused = running(), []
    for file in (blend.replace("other", "missing"), engines["good"]):  # which is no .blend
        try:
            bpy.ops.wm.open_mainfile(filepath=file)
        except RuntimeError:
            refused.append(desk().queue.jobs == [job])
    bpy.ops.wm.open_mainfile(filepath=blend)
    problem = str(desk().problem)
    assert not desk().queue.jobs
    assert sorted(stand.tick()) == ["CANCELLED"]
    use(engines["good"])
    bpy.context.scene.reel_to_rig.footage = footage
    return [refused, problem, import_video(), names(), left_in_cache()]


def failures_offer_what_helps(engines: dict[str, str]) -> Any:
    use(engines["reports_failure"])
    import_video()
    remedies = part("addon.capture.panel").REMEDIES
    codes = part("model.protocol").Code
    offered = {str(code): operator for code, (operator, _) in remedies.items()}
    missing = [
        name for name in offered.values() if not hasattr(bpy.types, name.replace("reel_to_rig.", "REEL_TO_RIG_OT_"))
    ]
    bpy.context.preferences.addons[MODULE].preferences.device = "cuda"
    assert bpy.ops.reel_to_rig.use_processor() == {"FINISHED"}
    device = bpy.context.preferences.addons[MODULE].preferences.device
    bpy.context.preferences.addons[MODULE].preferences.device = "auto"
    return [missing, device, str(desk().problem or ""), str(codes.PEOPLE_NONE) in offered]


def footage_comes_from_files_clips_and_trimmed_strips(engines: dict[str, str]) -> Any:
    use(engines["real"])
    scene, form = bpy.context.scene, bpy.context.scene.reel_to_rig
    video = str(Path(form.footage).with_name("real.mp4"))
    ops, found = bpy.ops.reel_to_rig, {}
    found["offered"] = [ops.use_clip.poll(), ops.use_strip.poll()]
    form.end_s = 1
    assert ops.use_file(filepath=video) == {"FINISHED"}
    found["file"] = [form.footage == video, form.start_s, form.end_s]
    form.footage = ""
    scene.active_clip = bpy.data.movieclips.load(video)
    assert ops.use_clip() == {"FINISHED"}
    found["clip"] = form.footage == video
    form.footage = ""
    editor = scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    if hasattr(bpy.context.workspace, "sequencer_scene"):
        bpy.context.workspace.sequencer_scene = scene
    editor.active_strip = strip = strips.new_movie("strip", video, 1, 1)
    assert ops.use_strip() == {"FINISHED"}
    found["strip"] = [form.footage == video, form.start_s, form.end_s]
    strip.frame_offset_start, strip.frame_offset_end = 4, 6
    assert ops.use_strip() == {"FINISHED"}
    found["trimmed"] = [round(form.start_s, 4), round(form.end_s, 4)]
    known = part("addon.capture.found").found(bpy.context)
    found["known"] = [
        known.line,
        known.usable,
        list(part("addon.capture.pictures")._Kept.collection["footage"].image_size),
    ]
    handler = bpy.types.REEL_TO_RIG_FH_footage
    found["drop"] = [handler.bl_import_operator, ".mp4" in handler.bl_file_extensions.split(";")]
    return found
