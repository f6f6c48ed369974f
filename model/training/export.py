# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m model export`: a training checkpoint into weights that ship, with a card that says how good they are."""

import argparse
import hashlib
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from ..body.files import load_body
from ..evaluation.evaluate import PROTOCOL, figures
from ..evaluation.sources.synthetic import Windows
from ..evaluation.table import UNITS
from ..network.registry import COARSE_LEVEL
from .motions import Motions
from .projections import Projections
from .train import averaged_weights, last_weights, new_network

ACKNOWLEDGEMENT = (
    "The data used in this project was obtained from mocap.cs.cmu.edu. "
    "The database was created with funding from NSF EIA-0196217."
)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m model export", description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--with", dest="other", type=Path, help="another checkpoint, to be mixed with it")
    parser.add_argument("--share", type=float, default=0.5, help="the other checkpoint's share of the mixture")
    parser.add_argument("--motion", type=Path, required=True, help="folder of motion capture .npz files")
    parser.add_argument("--pattern", default="cmu_val.npz", help="held-out files of it, for the card's figures")
    parser.add_argument("--pictures", type=Path, help="folder of held-out pictures, for more of the card's figures")
    parser.add_argument("--out", type=Path, required=True, help="folder of weights")
    parser.add_argument("--name", default="product")
    parser.add_argument(
        "--data", default="projections of CMU motion capture onto the free body", help="seen in training"
    )
    parser.add_argument(
        "--trained-with", action="append", required=True, help="a command of the training, as it was run"
    )
    parser.add_argument("--fails", action="append", default=[], help="where it is known to fail, for the card")
    parser.add_argument("--last", action="store_true", help="the last step's weights instead of their running mean")
    parser.add_argument("--windows", type=int, default=1024)
    options = parser.parse_args(arguments)
    body = load_body(None)
    read = last_weights if options.last else averaged_weights
    weights = read(options.checkpoint)
    if options.other:
        mixed = read(options.other)
        weights = {key: v.lerp(mixed[key], options.share) if v.is_floating_point() else v for key, v in weights.items()}
    halves = {key: v.half() if v.is_floating_point() else v for key, v in weights.items()}
    network = new_network(options.name, body)
    network.load_state_dict({key: v.float() if v.is_floating_point() else v for key, v in halves.items()})
    motions = Motions(options.motion, options.pattern)
    found = {
        name: figures(network, Projections(motions, body, COARSE_LEVEL, noise), options.windows, seed=1)
        for name, noise in (("exact_2d", 0.0), ("noisy_2d", 1.0))
    }
    if options.pictures:
        seen = Windows(options.pictures, body)
        found["pictures"] = figures(network, seen, len(seen))
    file = options.out / f"{options.name}.safetensors"
    save_file({key: v.contiguous() for key, v in halves.items()}, file)
    content = file.read_bytes()
    subjects = ", ".join(sorted(set(motions.subjects)))
    parameters = sum(p.numel() for p in network.parameters())
    lines = [
        f'title = "Two-stage mesh recovery network, configuration {options.name}"',
        f'file = "{file.name}"',
        f'sha256 = "{hashlib.sha256(content).hexdigest()}"',
        f"size = {len(content)}",
        'licence = "GPL-3.0-or-later"',
        'origin = "trained by this project, see docs/training.md"',
        f'acknowledgement = "{ACKNOWLEDGEMENT}"',
        f"parameters = {parameters}",
        f"data = {json.dumps(options.data)}",
        f"trained_with = {json.dumps(options.trained_with)}",
        f'weights = "{"of the last step" if options.last else "running mean over the last steps"}"',
        f'torch = "{torch.__version__}"',
        f"known_failures = {json.dumps(options.fails, ensure_ascii=False)}",
        "",
        "[figures]",
        f'data = "{options.pattern}, subjects {subjects}; {options.windows} projections, seed 1; all pictures"',
        f'protocol = "{PROTOCOL}"',
        f"units = {json.dumps(', '.join(f'{k} {u}' for k, u in UNITS.items() if u))}",
    ]
    for name, row in found.items():
        lines += ["", f"[figures.{name}]", *(f"{key} = {value:.3f}" for key, value in row.items())]
    (options.out / f"{options.name}.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    return 0
