# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m model motions`: recordings of motion capture into a folder that training reads.

Takes every .amc (with its .asf beside it), .bvh and AMASS-style .npz under a folder. What a file of the result holds is
told in docs/training.md. A file that cannot be used is named, with the reason, and the others go on.
"""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ...body.files import load_body
from ...motion.rotations import Array, axis_angle_from_matrix
from ...motion.skeleton import JOINTS, PARENTS
from . import acclaim, amass, bvh
from .clip import Clip, offsets_of, smpl_clip
from .filters import SHORTEST_S, floor_m, pieces, unfit_frames
from .mapping import mapped_clip
from .recording import ConvertError

CMU_VALIDATION = ("cmu003", "cmu017", "cmu049", "cmu131")
"""Uneven terrain, styles of walking, gymnastics and dance, styles again: whom the shipped weights never saw."""
FRAMES_A_FILE = 50_000
SUBJECT_AND_TRIAL = re.compile(r"(\d{2,3})_\d{2,3}")
SUFFIXES = re.compile(r"_(poses|stageii)$")


@dataclass(frozen=True)
class Origin:
    """Where a clip comes from: its name and subject, the kind of file, and its first frame there."""

    name: str
    subject: str
    source: str
    begin: int = 0


class Shelf:
    """Clips on their way into files NAME_0.npz, NAME_1.npz and so on, or into the one file NAME.npz.

    The files get their final names when all is done, so what an interrupted run leaves is no motion.
    """

    def __init__(self, folder: Path, name: str, split: str, tpose: Array, numbered: bool) -> None:
        self.clips, self.frames = 0, 0
        self._folder, self._name, self._split, self._tpose, self._numbered = folder, name, split, tpose, numbered
        self._parts: list[Path] = []
        self._held: list[tuple[Origin, Clip, float]] = []

    def put(self, origin: Origin, clip: Clip, floor: float) -> None:
        self.clips += 1
        self.frames += len(clip)
        self._held.append((origin, clip, floor))
        if self._numbered and sum(len(held) for _, held, _ in self._held) >= FRAMES_A_FILE:
            self._write()

    def close(self) -> list[Path]:
        """Write what is left; returns the files."""
        if self._held:
            self._write()
        return [part.replace(part.with_suffix("")) for part in self._parts]

    def _write(self) -> None:
        origins, clips, floors = zip(*self._held, strict=True)
        lengths = np.array([len(clip) for clip in clips], np.int32)
        vectors = axis_angle_from_matrix(np.concatenate([clip.local for clip in clips]))
        joints = np.concatenate([clip.joints for clip in clips])
        part = self._folder / (f"{self._name}_{len(self._parts)}" if self._numbered else self._name)
        part = part.with_name(f"{part.name}.npz.part")
        with part.open("wb") as file:
            np.savez_compressed(
                file, fps=clips[0].fps, parents=np.array(PARENTS, np.int32), joint_names=np.array(JOINTS),
                tpose_offsets=offsets_of(self._tpose).astype(np.float32), root=joints[:, 0].astype(np.float32),
                joints=(joints - joints[:, :1]).astype(np.float16), root_rot=vectors[:, 0].astype(np.float32),
                rot=vectors[:, 1:].astype(np.float16), clip_start=(np.cumsum(lengths) - lengths).astype(np.int32),
                clip_len=lengths, clip_floor_y=np.array(floors, np.float32),
                clip_offsets=np.stack([clip.offsets for clip in clips]).astype(np.float32),
                clip_fk_err=np.array([clip.error_m().mean() for clip in clips], np.float32),
                clip_name=np.array([origin.name for origin in origins]),
                clip_subject=np.array([origin.subject for origin in origins]),
                clip_source=np.array([origin.source for origin in origins]),
                clip_split=np.array([self._split] * len(origins)),
                clip_src_start=np.array([origin.begin for origin in origins], np.int32),
            )  # fmt: skip
        self._parts.append(part)
        self._held = []


def find(folder: Path, name: str) -> Iterator[tuple[Path, Origin]]:
    """Recordings under a folder, best formats first; `name` is what CMU's numbered subjects are called by."""
    for suffix in (".amc", ".bvh", ".npz"):
        for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() == suffix):
            stem = SUFFIXES.sub("", path.stem)
            numbered = SUBJECT_AND_TRIAL.fullmatch(stem)
            within = path.parent.relative_to(folder).parts
            subject = f"{name}{int(numbered[1]):03d}" if numbered else (within[-1] if within else stem)
            yield path, Origin("_".join([name, stem] if numbered else [*within, stem]), subject, suffix[1:])


@dataclass(frozen=True)
class Conversion:
    """What is made of what; see `main` for the meaning of each."""

    source: Path
    out: Path
    name: str = "cmu"
    fps: float = 30.0
    validation: Sequence[str] = CMU_VALIDATION
    amc_fps: float = acclaim.FPS
    scale: float | None = None
    rest: str = "zero"


def read(path: Path, conversion: Conversion, tpose: Array) -> Clip:
    """A file as a clip at the conversion's frame rate; tpose (24, 3) the free body's joints. Raises ConvertError."""
    if path.suffix.lower() == ".npz":
        return smpl_clip(amass.read(path, offsets_of(tpose)).at(conversion.fps))
    recording = acclaim.read(path, conversion.amc_fps) if path.suffix.lower() == ".amc" else bvh.read(path)
    rest = recording.part(0, 1) if conversion.rest == "first" else recording.zero_pose()
    if conversion.rest == "first" or recording.begins_in_zero_pose():
        recording = recording.part(1)
    return mapped_clip(recording.at(conversion.fps), rest, tpose, conversion.scale)


def convert(conversion: Conversion, say: Callable[[str], None] = tqdm.write) -> list[Path]:
    """Make the motion folder; returns its files, none if nothing could be used. `say` hears of what is left out.

    Raises FileExistsError rather than mix the result with an earlier one of the same name.
    """
    body = load_body(None)
    tpose = (body.J_regressor @ body.v_template).double().numpy()
    conversion.out.mkdir(parents=True, exist_ok=True)
    if there := sorted(conversion.out.glob(f"{conversion.name}_*.npz")):
        raise FileExistsError(f"{there[0]} is there already: give another folder, or another --name")
    shelves = {
        split: Shelf(conversion.out, f"{conversion.name}_{split}", split, tpose, numbered=split == "train")
        for split in ("train", "val")
    }
    seen: dict[str, Path] = {}
    dropped: Counter[str] = Counter()
    for path, origin in tqdm(list(find(conversion.source, conversion.name)), desc="motions", disable=None):
        where = path.relative_to(conversion.source)
        try:
            if origin.name in seen:
                raise ConvertError(f"the same clip as {seen[origin.name]}")
            clip = read(path, conversion, tpose)
        except (ConvertError, OSError) as error:
            say(f"{where}: {error}")
            continue
        seen[origin.name] = where
        shelf = shelves["val" if origin.subject in conversion.validation else "train"]
        fit = np.ones(len(clip), bool)
        for reason, unfit in unfit_frames(clip).items():
            dropped[reason] += int((fit & unfit).sum())
            fit &= ~unfit
        kept = pieces(fit, clip.fps)
        dropped[f"less than {SHORTEST_S:.1f} s at a piece"] += int(fit.sum()) - sum(length for _, length in kept)
        floor = floor_m(clip)
        for number, (begin, length) in enumerate(kept):
            name = f"{origin.name}_s{number}" if number else origin.name
            shelf.put(replace(origin, name=name, begin=begin), clip.part(begin, length), floor)
        if not kept:
            say(f"{where}: nothing in it is fit")
    files = [file for shelf in shelves.values() for file in shelf.close()]
    minutes = 60 * conversion.fps
    for split, shelf in shelves.items():
        say(f"{split:40s}{shelf.clips:6d} clips {shelf.frames / minutes:8.2f} min")
    for reason, frames in (+dropped).items():
        say(f"{f'left out: {reason}':40s}{'':12s} {frames / minutes:8.2f} min")
    return files


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m model motions", description=__doc__)
    parser.add_argument("--from", dest="source", type=Path, required=True, metavar="FOLDER", help="of recordings")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="to write")
    parser.add_argument(
        "--name", default=Conversion.name, help="what the files begin with: NAME_train_0.npz, NAME_val.npz"
    )
    parser.add_argument("--fps", type=float, default=Conversion.fps, help="frames a second of the result")
    parser.add_argument(
        "--validation", nargs="*", default=CMU_VALIDATION, metavar="SUBJECT",
        help=f"held out, into NAME_val.npz; default: {', '.join(CMU_VALIDATION)}",
    )  # fmt: skip
    parser.add_argument("--amc-fps", type=float, default=Conversion.amc_fps, help="of .amc files, which do not tell")
    parser.add_argument("--scale", type=float, help="metres in a unit of .bvh and .amc files; default: by the height")
    parser.add_argument(
        "--rest", choices=("zero", "first"), default=Conversion.rest,
        help="where .bvh and .amc files stand in T-pose: where nothing is turned, or in the first frame, then left out",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    try:
        files = convert(Conversion(**vars(options)))
    except FileExistsError as error:
        parser.error(str(error))
    for file in files:
        print(file)
    if not files:
        print(f"no motion in {options.source}: no .amc, .bvh or AMASS-style .npz that can be used", file=sys.stderr)
    return 0 if files else 1
