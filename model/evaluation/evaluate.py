# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m model evaluate`: the network beside what it has to beat, in one table, on the same frames."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from tqdm import tqdm

from ..body.files import load_body
from ..body.model import BodyModel
from ..network.registry import COARSE_LEVEL, NETWORKS
from ..network.two_stage import TwoStage
from ..training.motions import Motions
from ..training.projections import Projections
from ..training.train import averaged_weights, new_network
from ..weights.network import load_network
from .methods import DETECTOR, LIFTER, Fitters, answer, compared, detected, stages
from .shots import Shot, SourceError
from .sources import human36m, mpi3dhp, multiview, synthetic, threedpw
from .sources.footage import shots_of
from .table import MEANING, Scores, below, printed, rounded, with_spread

SOURCES = ("projections", "synthetic", "multiview", "3dpw", "h36m", "3dhp")
PROTOCOL = f"windows of held-out subjects, each its own shot, all frames. {MEANING}"


def figures(
    network: TwoStage, source: synthetic.Source, windows: int, frames: int = 16, seed: int = 1
) -> dict[str, float]:
    """What a network's card says: metrics of table.py over windows drawn from a source of training examples.

    Those of the whole network by their own names, of its first stage and of the detector's own 3D with a prefix.
    """
    network.eval()
    whole, lifter, detector = Scores(), Scores(), Scores()
    for shot in synthetic.shots(source, windows, frames, seed, "windows"):
        for scores, found in zip((lifter, whole), stages(network, shot), strict=True):
            scores.add(shot, answer(shot, found))
        if shot.world is not None:
            detector.add(shot, detected(shot))
    named = {"": whole, "lifter_": lifter, "world_landmarks_": detector}
    return {prefix + name: value for prefix, scores in named.items() for name, value in scores.means().items()}


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    body = load_body(None)
    try:
        network = _network(options.network, options.checkpoint, body).to(options.device)
        others = {name: other.to(options.device) for name, other in _others(options.also, body).items()}
        protocol, shots = _shots(options, body)
        scores, frames = _scores(network, others, Fitters(body), shots)
    except SourceError as error:
        print(error, file=sys.stderr)
        return 1
    groups = {group for method in scores.values() for group in method.groups}
    tables = {"all": with_spread({name: s.means() for name, s in scores.items()})}
    if len(groups) > 1:
        tables |= {group: {name: s.means(group) for name, s in scores.items()} for group in sorted(groups)}
    print(f"protocol: {protocol}; {frames} frames\nmetrics: {MEANING}")
    for group, rows in tables.items():
        print(f"\n{group}\n{printed(rows)}")
    print()
    gained = below(tables["all"], DETECTOR)
    print(f"joint errors below those of {DETECTOR}:" if gained else "")
    for method, row in gained.items():
        print(f"  {method}: " + ", ".join(f"{name} {value:.1f} %" for name, value in row.items()))
    report = {
        "protocol": protocol, "metrics": MEANING, "frames": frames,
        "tables": {group: rounded(rows) for group, rows in tables.items()},
        "standard_errors": rounded({name: s.standard_errors() for name, s in scores.items()}),
        "percent_below_world_landmarks": rounded(gained),
    }  # fmt: skip
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(report))
    return 0


def _scores(
    network: TwoStage, others: dict[str, TwoStage], fitters: Fitters, shots: Iterator[Shot]
) -> tuple[dict[str, Scores], int]:
    """Scores by method, and of how many frames. Raises SourceError if there are none."""
    scores: dict[str, Scores] = {}
    frames = 0
    for shot in tqdm(shots, desc="shots", mininterval=5):
        frames += len(shot.time_s)
        for name, said in compared(network, shot, fitters):
            scores.setdefault(name, Scores()).add(shot, said)
        for name, other in others.items():
            for label, found in zip((f"{name}, {LIFTER}", name), stages(other, shot), strict=True):
                scores.setdefault(label, Scores()).add(shot, answer(shot, found))
    if not frames:
        raise SourceError("There was nothing to evaluate.")
    return scores, frames


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m model evaluate", description=__doc__)
    parser.add_argument("--source", required=True, choices=SOURCES, help="what to evaluate on")
    parser.add_argument("--network", default="product", choices=sorted(NETWORKS))
    parser.add_argument("--checkpoint", type=Path, help="a training checkpoint instead of the shipped weights")
    parser.add_argument(
        "--also", action="append", default=[], metavar="NAME=CHECKPOINT[:NETWORK]",
        help="one more network in the table; several of one NAME are runs with other seeds and get mean and spread",
    )  # fmt: skip
    parser.add_argument("--device", default="cpu", help="for the networks and the detectors")
    parser.add_argument("--json", type=Path, help="write the table there as well")
    drawn = parser.add_argument_group("projections and synthetic: windows as the training draws them")
    drawn.add_argument("--motion", type=Path, help="projections: folder of motion capture .npz files")
    drawn.add_argument("--pattern", default="cmu_val.npz", help="projections: which files of it")
    drawn.add_argument("--noise", type=float, default=1.0, help="projections: 0 for a perfect detector")
    drawn.add_argument("--pictures", type=Path, help="synthetic: folder of rendered and detected windows")
    drawn.add_argument("--windows", type=int, default=256, help="how many")
    drawn.add_argument("--frames", type=int, default=16, help="frames of a window")
    drawn.add_argument("--seed", type=int, default=1)
    filmed = parser.add_argument_group("multiview and data sets: footage through the whole product")
    filmed.add_argument("--folder", type=Path)
    filmed.add_argument("--quality", default="full", choices=("full", "draft"))
    filmed.add_argument("--assume-fov", action="store_true", help="do not tell the capture what the camera is")
    filmed.add_argument("--split", default="test", help="3dpw: a folder of sequenceFiles")
    filmed.add_argument(
        "--smpl", action="append", default=[], metavar="m=FILE", help="3dpw: SMPL's model of men (m) or women (f)"
    )
    filmed.add_argument("--fps", type=float, default=25.0, help="3dhp: frames a second of its pictures")
    filmed.add_argument("--calibration", type=Path, help="multiview: a toml or json, where the folder holds several")
    filmed.add_argument("--points", type=Path, help="multiview: a .trc or .npz, where the folder holds several")
    filmed.add_argument("--units", default="auto", choices=("auto", "m", "mm"), help="multiview: of the calibration")
    filmed.add_argument(
        "--axes", default="auto", choices=("auto", *multiview.AXES), help="multiview: of the points; Pose2Sim's are zxy"
    )
    filmed.add_argument("--offset", type=float, default=0.0, help="multiview: seconds to add to the points' times")
    filmed.add_argument("--markers", type=Path, help="multiview: json or toml, joint = [points whose mean it is]")
    options = parser.parse_args(arguments)
    needed = {"projections": "motion", "synthetic": "pictures"}.get(options.source, "folder")
    if getattr(options, needed) is None:
        parser.error(f"--source {options.source} needs --{needed}")
    return options


def _shots(options: argparse.Namespace, body: BodyModel) -> tuple[str, Iterator[Shot]]:
    """How the shots came about, in words, and the shots."""
    if options.source == "projections":
        motions = Motions(options.motion, options.pattern)
        source = Projections(motions, body, COARSE_LEVEL, options.noise)
        subjects = ", ".join(sorted(set(motions.subjects)))
        data = f"projections of {options.pattern} (subjects {subjects}), detector noise {options.noise:g}"
    elif options.source == "synthetic":
        source = synthetic.Windows(options.pictures, body)
        options.windows = min(options.windows, len(source))
        data = f"rendered pictures of held-out subjects through the detectors ({options.pictures.name})"
    else:
        return _filmed(options)
    text = f"{data}; {options.windows} windows of {options.frames} frames, each its own shot, seed {options.seed}"
    return text, synthetic.shots(source, options.windows, options.frames, options.seed, "windows")


def _filmed(options: argparse.Namespace) -> tuple[str, Iterator[Shot]]:
    """Footage: how it is looked at, in words, and the shots."""
    camera = "field of view assumed" if options.assume_fov else "the camera's true matrix, keypoints undistorted"
    text = f"{options.source}: {options.folder.name}, product pipeline ({options.quality}), {camera}, raw motion"
    data_sets = {
        "3dpw": lambda: threedpw.sequences(options.folder, options.split, _bodies(options.smpl)),
        "h36m": lambda: human36m.sequences(options.folder),
        "3dhp": lambda: mpi3dhp.sequences(options.folder, options.fps),
    }
    if options.source in data_sets:
        sequences = data_sets[options.source]()
        return text, shots_of(sequences, options.device, options.quality, options.assume_fov, tqdm.write)
    return text, multiview.multiview(
        options.folder, options.device, options.quality, calibration=options.calibration, points=options.points,
        units=options.units, axes=options.axes, offset_s=options.offset, markers=options.markers,
        assumed_fov=options.assume_fov, say=tqdm.write,
    )  # fmt: skip


def _bodies(wanted: list[str]) -> dict[str, BodyModel]:
    """Body models by gender, of GENDER=FILE."""
    return {text.partition("=")[0]: load_body(text.partition("=")[2]) for text in wanted}


def _network(name: str, checkpoint: Path | None, body: BodyModel) -> TwoStage:
    """A network by name, with the weights of a checkpoint or else those that ship. Raises SourceError."""
    if checkpoint is None:
        return load_network(name, torch.device("cpu"))
    if not checkpoint.is_file():
        raise SourceError(f"There is no {checkpoint}.")
    network = new_network(name, body)
    network.load_state_dict(averaged_weights(checkpoint))
    return network.eval().requires_grad_(False)


def _others(wanted: list[str], body: BodyModel) -> dict[str, TwoStage]:
    """Networks of `--also` by name; several of one name are numbered."""
    found: dict[str, TwoStage] = {}
    names = [text.partition("=")[0] for text in wanted]
    for number, text in enumerate(wanted):
        name, _, place = text.partition("=")
        path, _, kind = place.rpartition(":") if place.rpartition(":")[2] in NETWORKS else (place, "", "product")
        label = f"{name} #{names[: number + 1].count(name)}" if names.count(name) > 1 else name
        found[label] = _network(kind, Path(path), body)
    return found
