# SPDX-License-Identifier: GPL-3.0-or-later
"""The stages of a capture, in their order: footage → people → network → body → world → motion."""

import hashlib
import itertools
import json
import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from .assembly import Shot, assemble, body_arrays, posed_vertices
from .body.files import load_body
from .cache import Arrays, Cache, Journal
from .camera.background import Background
from .camera.pinhole import camera_matrix, horizontal_fov_deg
from .camera.survey import Survey, within_shots
from .devices import best_device, out_of_memory
from .files import check_writable, same_file, written_beside
from .footage import FootageInfo, Frame, ahead, probe, read, write_video
from .growing import Growing, Show
from .kept import People, packed_observations, packed_people, unpacked_observations, unpacked_people
from .motion.gaps import LONGEST_GAP_S, longest_part
from .motion.planting import hold_feet
from .overlay import draw_overlay
from .people import Meanwhile, Observations, Track, observe
from .people import scan as find_people
from .protocol import ENGINE_VERSION, Cancelled, CaptureSettings, Code, Failure
from .recovery import BATCH
from .solving import Solver
from .weights.network import load_network

NETWORK = "product"
SMALLEST_M, TALLEST_M = 0.5, 2.5
"""A person whom the camera's height makes smaller or taller than that is not believed."""
Report = Callable[[str, int, int], None]
Result = TypeVar("Result")


@dataclass(frozen=True)
class CaptureResult:
    """Files by role ("take", "body", "overlay") and what a user wants to know about how they came about."""

    files: dict[str, str]
    summary: dict[str, Any]


@dataclass
class Run:
    """One job under way: passes progress on, stops where the user cancelled, times the stages, minds the memory."""

    report: Report
    cancelled: Callable[[], bool]
    device: str
    batch: int = BATCH
    seconds: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    begun_s: float = field(default_factory=time.perf_counter)

    @contextmanager
    def stage(self, name: str, total: int) -> Generator[Callable[[int], None]]:
        """Yields a function that is to be told how many of `total` are done; it raises Cancelled."""

        def tell(done: int) -> None:
            if self.cancelled():
                raise Cancelled
            self.report(name, min(done, total), total)

        tell(0)
        begun = time.perf_counter()
        yield tell
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - begun, 3)
        tell(total)

    def counted(self, name: str, total: int, items: Iterable[Result]) -> Iterator[Result]:
        """The items of which a stage consists; it ends with the last of them."""
        with self.stage(name, total) as tell:
            for done, item in enumerate(items, 1):
                yield item
                tell(done)

    def compute(self, task: Callable[[str, int], Result], *, halves: bool = True) -> Result:
        """Task(device, batch); if the device's memory is too small, with smaller batches, at last on the CPU.

        `halves`: the task minds the batch; without, the CPU follows at once.
        """
        while True:
            device = self.device
            try:
                return task(device, self.batch)
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
                if device == "cpu":
                    raise Failure(Code.DEVICE_OUT_OF_MEMORY) from error
            torch.cuda.empty_cache()
            if halves and self.batch > 1:
                self.batch //= 2
                self.notes.append(f"The device's memory was too small; went on with batches of {self.batch}.")
            else:
                self.device = "cpu"
                self.notes.append("The device's memory was too small; went on with the CPU.")


def scan(settings: CaptureSettings, report: Report, cancelled: Callable[[], bool]) -> list[Track]:
    """Who is in the footage, the most prominent first. Raises Failure or Cancelled."""
    run = Run(report, cancelled, _device(settings.device))
    with run.stage("opening", 1):
        info = probe(settings.footage)
        cache = Cache(settings.cache, _sha256(Path(settings.footage)))
    return _people(settings, info, run, cache).tracks


def capture(
    settings: CaptureSettings, report: Report, cancelled: Callable[[], bool], show: Show | None = None
) -> CaptureResult:
    """Footage in, a take on disk out. Raises Failure or Cancelled; then no file is left behind.

    `show` is given pieces of the take as they come; their files go before this returns or raises.
    """
    # Half of the cores: more threads than cores that are free make torch many times slower, not faster.
    torch.set_num_threads(max(1, (os.cpu_count() or 2) // 2))
    with ExitStack() as at_the_end:
        at_the_end.callback(torch.cuda.empty_cache)  # Blender, which draws and renders beside us, may want it.
        return _capture(settings, Run(report, cancelled, _device(settings.device)), show, at_the_end)


def _capture(settings: CaptureSettings, run: Run, show: Show | None, at_the_end: ExitStack) -> CaptureResult:
    with run.stage("opening", 1):
        info = probe(settings.footage)
        results = _results(settings)
        footage_sha256 = _sha256(Path(settings.footage))
        cache = Cache(settings.cache, footage_sha256)
        body = load_body(None)
        own_body = load_body(settings.body) if settings.body else None
        network = load_network(NETWORK, torch.device("cpu"))
    everything = {} if settings.overlay else _depends(settings, "output", "cache", "device")
    if everything and (before := cache.load("take", everything)) is not None:
        return _as_before(before, results)
    people = _people(settings, info, run, cache)
    track = _chosen(people.tracks, settings.person)
    moving = settings.camera == "moving" or (settings.camera == "auto" and people.camera_moves)
    shown = replace(settings, start_s=max(settings.start_s, float(track.time_s[0])))
    matrix = camera_matrix(info.width, info.height, settings.fov_deg)
    lens = {
        "fov_deg": round(horizontal_fov_deg(matrix, info.width), 2),
        "fov_source": "given" if settings.fov_deg else "assumed",
    }
    footage = _described(settings, info, footage_sha256)
    solver = Solver(network, body, matrix)
    meanwhile: Meanwhile | None = None
    if show:
        origin = {"footage": footage, "camera": {**lens, "moving": moving}}
        growing = Growing(
            solver, own_body, info.fps, settings.height_m, origin, results["take"],
            lambda task: task(run.device, run.batch), show, run.begun_s,
        )  # fmt: skip
        at_the_end.callback(growing.close)
        meanwhile = growing.look
    with run.stage("keypoints", len(track.time_s)) as tell:
        # Made anew for every attempt: a background must see each frame once.
        seen, background = cache.kept(
            "observations",
            {**_people_depend_on(settings), "person": track.id, "quality": settings.quality, "moving": moving},
            lambda journal: run.compute(
                lambda device, _: _observed(shown, people.tracks, track, moving, device, tell, meanwhile, journal),
                halves=False,
            ),
            packed_observations,
            unpacked_observations,
        )
    seen = _without_long_gaps(seen, run.notes)
    with run.stage("recovery", len(seen.time_s)) as tell:
        recovery = run.compute(lambda device, batch: solver.recover(seen, device, batch, tell))

    def solved(height_m: float | None) -> tuple[Shot, float]:
        """The shot, and how tall the body that was fitted stands in it, whatever body is shown."""
        with run.stage("fitting", len(seen.time_s)) as tell:
            fit = solver.fit(seen, recovery, height_m, tell)
        with run.stage("world", 1):
            pitch_deg = settings.camera_pitch_deg
            shot = assemble(seen, recovery, fit, body, own_body, matrix.numpy(), info.fps, camera, pitch_deg)
        return shot, solver.height_m(fit)

    with run.stage("camera", len(seen.time_s)) as tell:
        camera = background.path(seen.time_s, matrix.numpy(), tell) if background else None
    shot, tall_m = solved(settings.height_m)
    scale = f"a standing height of {settings.height_m} m" if settings.height_m else "the body's shape as recovered"
    if settings.camera_height_m and not settings.height_m:
        # Seen from twice as high, all is twice as large.
        height_m = tall_m * settings.camera_height_m / max(shot.camera_height_m, 1e-3)
        if SMALLEST_M <= height_m <= TALLEST_M:
            shot, _ = solved(height_m)
            scale = f"a camera {settings.camera_height_m} m above the floor"
        else:
            run.notes.append(
                f"From {settings.camera_height_m} m above the floor the person would be {height_m:.1f} m tall: "
                "it was left out. Give "
                + ("the camera's pitch as well, or " if settings.camera_pitch_deg is None else "")
                + "the person's height instead."
            )
    if settings.hold_feet:
        shot = replace(shot, motion=hold_feet(shot.motion, shot.joints))
    summary: dict[str, Any] = {
        "people": len(people.tracks),
        "person": track.id,
        "frames": len(shot.motion),
        "observed": int(shot.motion.observed.sum()),
        "gaps": _gaps(shot.motion.observed),
        "fps": info.fps,
        "device": run.device,
        **lens,
        "scale": scale,
        "camera": "static" if camera is None else "travels" if camera.travels else "turns",
        "shots": len(people.cuts_s) + 1,
        "notes": run.notes,
    }
    provenance = {
        "footage": footage,
        "settings": asdict(settings),
        "camera": {**lens, "moving": camera is not None},
        "scale": scale,
        "engine": ENGINE_VERSION,
        "network": NETWORK,
        "device": run.device,
        "stages_s": run.seconds,
    }
    # All get their names at the end, the take last: whoever sees it finds its body beside it.
    with written_beside(results["take"]) as take, written_beside(results["body"]) as body_beside:
        with run.stage("writing", 1):
            with take.open("wb") as file:
                shot.motion.with_provenance(provenance).write(file)
            with body_beside.open("wb") as file:
                np.savez_compressed(file, **body_arrays(shot))
        if "overlay" in results:
            _write_overlay(results["overlay"], settings, info, shot, run)
    files = {role: str(path) for role, path in results.items()}
    summary["stages_s"] = run.seconds
    if everything:
        written = {role: np.frombuffer(path.read_bytes(), np.uint8) for role, path in results.items()}
        cache.store("take", everything, {**written, "summary": np.array(json.dumps(summary))})
    return CaptureResult(files, summary)


def _described(settings: CaptureSettings, info: FootageInfo, sha256: str) -> dict[str, Any]:
    """The footage, as a take knows it."""
    return {
        "path": str(Path(settings.footage).absolute()),
        "name": Path(settings.footage).name,
        "sha256": sha256,
        "width": info.width,
        "height": info.height,
        "rotation_deg": info.rotation_deg,
        "fps": info.fps,
        "start_s": settings.start_s,
    }


def _device(wanted: str) -> str:
    """The torch device for a setting. Raises Failure(DEVICE_UNAVAILABLE)."""
    if wanted == "auto":
        # A card whose driver is too old for this torch is there, and cannot be used.
        return best_device().kind if torch.cuda.is_available() else "cpu"
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there[wanted]:
        raise Failure(Code.DEVICE_UNAVAILABLE, f"There is no {wanted} here.")
    return wanted


def _results(settings: CaptureSettings) -> dict[str, Path]:
    """The files to write, by role. Raises Failure, before the work and not after it, if one could not be written."""
    output = Path(settings.output)
    take = output if output.suffix.lower() == ".npz" or output.is_dir() else Path(f"{output}.npz")
    results = {"take": take, "body": take.parent / f"{take.stem}.body.npz"}
    if settings.overlay:
        results["overlay"] = Path(settings.overlay)
    taken = {"footage": settings.footage, "body file": settings.body}
    for role, path in results.items():
        for other, place in taken.items():
            if place and same_file(path, place):
                raise Failure(
                    Code.OUTPUT_UNWRITABLE, f"{path}: it would take the place of the {other}.", "Choose another name."
                )
        check_writable(path)
        taken[role] = str(path)
    return results


def _frames(settings: CaptureSettings) -> Iterator[Frame]:
    return read(settings.footage, settings.start_s, settings.end_s)


def _expected_frames(info: FootageInfo, settings: CaptureSettings) -> int:
    end_s = info.duration_s if settings.end_s is None else min(settings.end_s, info.duration_s)
    return max(1, round((end_s - settings.start_s) * info.fps))


def _people(settings: CaptureSettings, info: FootageInfo, run: Run, cache: Cache) -> People:
    def look(device: str, journal: Journal) -> People:
        survey = Survey(stillness=settings.camera == "auto")
        watched, once = survey.watch(_frames(settings)), journal.from_the_start().once
        tracks = find_people(watched, device, tell, once, survey.cuts_s)
        return People(within_shots(tracks, survey.cuts_s), survey.cuts_s, survey.camera_moves)

    with run.stage("people", _expected_frames(info, settings)) as tell:
        people = cache.kept(
            "people",
            _people_depend_on(settings),
            lambda journal: run.compute(lambda device, _: look(device, journal), halves=False),
            packed_people,
            unpacked_people,
        )
    if people.cuts_s:
        cuts = ", ".join(f"{cut_s:.2f} s" for cut_s in people.cuts_s)
        run.notes.append(f"The footage is cut at {cuts}; a person before and after a cut counts as two.")
    return people


def _people_depend_on(settings: CaptureSettings) -> dict[str, Any]:
    return {"start_s": settings.start_s, "end_s": settings.end_s, "stillness": settings.camera == "auto"}


def _depends(settings: CaptureSettings, *left_out: str) -> dict[str, Any]:
    """All settings but some; of a body file its content."""
    values = {name: value for name, value in asdict(settings).items() if name not in left_out}
    # The take names the file that it came from.
    values["footage"] = str(Path(settings.footage).absolute())
    return {**values, "body": settings.body and _sha256(Path(settings.body))}


def _as_before(before: Arrays, results: dict[str, Path]) -> CaptureResult:
    """The result of a capture that was made before, written anew."""
    for role in ("body", "take"):
        with written_beside(results[role]) as part:
            part.write_bytes(before[role].tobytes())
    files = {role: str(path) for role, path in results.items()}
    return CaptureResult(files, {**json.loads(str(before["summary"])), "cached": True})


def _observed(
    settings: CaptureSettings, people: list[Track], track: Track, moving: bool, device: str,
    tell: Callable[[int], None], meanwhile: Meanwhile | None, journal: Journal,
) -> tuple[Observations, Background | None]:  # fmt: skip
    """What the person of a track does, and, before a moving camera, how the background moves meanwhile."""
    background = Background(people) if moving else None
    frames = _frames(settings)
    watched, once = background.watch(frames) if background else frames, journal.from_the_start().once
    seen = observe(watched, track, settings.quality, device, tell, meanwhile, once)
    return seen, background


def _without_long_gaps(seen: Observations, notes: list[str]) -> Observations:
    """The longest part in which the person is not out of sight for long; what was left out is noted."""
    part = longest_part(seen.time_s, seen.observed)
    if part == slice(0, len(seen.time_s)):
        return seen
    kept = Observations(**{each.name: getattr(seen, each.name)[part] for each in fields(seen)})
    notes.append(
        f"The person is out of sight for more than {LONGEST_GAP_S:.0f} s; the take covers {kept.time_s[0]:.2f} s to "
        f"{kept.time_s[-1]:.2f} s. Capture the rest with another range of the footage."
    )
    return kept


def _chosen(people: list[Track], person: int | None) -> Track:
    if not people:
        raise Failure(Code.PEOPLE_NONE)
    for track in people:
        if person is None or track.id == person:
            return track
    known = ", ".join(str(track.id) for track in people)
    raise Failure(Code.PEOPLE_UNKNOWN, f"{person} was asked for; there are: {known}.")


def _gaps(observed: np.ndarray) -> int:
    return int((np.diff(observed.astype(int)) == -1).sum())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_overlay(path: Path, settings: CaptureSettings, info: FootageInfo, shot: Shot, run: Run) -> None:
    shown, timed = itertools.tee(ahead(_frames(settings)))
    drawn = draw_overlay(shown, shot.motion, posed_vertices(shot), shot.faces)
    counted = run.counted("overlay", _expected_frames(info, settings), drawn)
    write_video(path, counted, info.fps, (frame.time_s for frame in timed))
