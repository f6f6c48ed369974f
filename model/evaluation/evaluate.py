# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m model evaluate`: accuracy of the network on projections of motion capture that it was not trained on."""

import argparse
import json
from pathlib import Path

import torch
from torch import Tensor

from ..body.files import load_body
from ..network.registry import COARSE_LEVEL
from ..network.two_stage import TwoStage
from ..training.motions import Motions
from ..training.projections import Projections
from ..training.train import averaged_weights, new_network
from ..weights.network import load_network
from .metrics import mpjpe_mm, pa_mpjpe_mm

LIMBS = (5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
"""Shoulders to wrists and hips to ankles."""
PROTOCOL = (
    "projections of held-out subjects, windows of 32 frames at 20 to 60 fps, random cameras; joints root-aligned at "
    "the mid-hip without scale, PA per frame with scale; 12 limb joints and all 23; vertices of the coarse mesh"
)


def evaluate(network: TwoStage, source: Projections, windows: int, seed: int) -> dict[str, float]:
    """Errors in mm over `windows` windows, all frames for the lifter, four of each window for mesh and joints."""
    generator = torch.Generator().manual_seed(seed)
    found: dict[str, list[Tensor]] = {}
    network.eval()
    with torch.inference_mode():
        for _ in range(0, windows, 32):
            e = source.draw(32, 32, 4, generator)
            lifted = network.lift(e.keypoints, e.size, e.time_s, e.world, e.feature)
            row = torch.arange(len(e.frames))[:, None]
            recovered = network.recover(
                lifted.joints[row, e.frames].flatten(0, 1), lifted.context[row, e.frames].flatten(0, 1)
            )
            up = torch.nn.functional.normalize(lifted.up.mean(1), dim=-1)
            right = (lifted.contacts > 0) & (e.contacts > 0.5)
            for name, value in (
                ("lifted", lifted.joints.flatten(0, 1)), ("truth", e.joints.flatten(0, 1)),
                ("joints", recovered.joints), ("joints_truth", e.joints[row, e.frames].flatten(0, 1)),
                ("mesh", recovered.mesh), ("mesh_truth", e.mesh.flatten(0, 1)),
                ("tilt", torch.rad2deg(torch.arccos((up * e.up).sum(-1).clamp(-1, 1)))),
                ("right", right.sum()[None]), ("said", (lifted.contacts > 0).sum()[None]),
                ("true", e.contacts.sum()[None]),
            ):  # fmt: skip
                found.setdefault(name, []).append(value)
    a = {name: torch.cat(parts).double().numpy() for name, parts in found.items()}
    limbs = list(LIMBS)
    precision, recall = (a["right"].sum() / max(a[n].sum(), 1) for n in ("said", "true"))
    return {
        "lifter_mpjpe": mpjpe_mm(a["lifted"][:, limbs], a["truth"][:, limbs]),
        "lifter_pa_mpjpe": pa_mpjpe_mm(a["lifted"][:, limbs], a["truth"][:, limbs]),
        "mpjpe": mpjpe_mm(a["joints"][:, limbs], a["joints_truth"][:, limbs]),
        "pa_mpjpe": pa_mpjpe_mm(a["joints"][:, limbs], a["joints_truth"][:, limbs]),
        "mpjpe_23": mpjpe_mm(a["joints"], a["joints_truth"]),
        "pa_mpjpe_23": pa_mpjpe_mm(a["joints"], a["joints_truth"]),
        "mpvpe": mpjpe_mm(a["mesh"], a["mesh_truth"]),
        "up_error_deg": float(a["tilt"].mean()),
        "contact_f1": float(2 * precision * recall / max(precision + recall, 1e-9)),
    }


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m model evaluate", description=__doc__)
    parser.add_argument("--motion", type=Path, required=True, help="folder of motion capture .npz files")
    parser.add_argument("--pattern", default="cmu_val.npz", help="which files of it")
    parser.add_argument("--checkpoint", type=Path, help="a training checkpoint instead of the shipped weights")
    parser.add_argument("--windows", type=int, default=1024)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    body = load_body(None)
    if options.checkpoint:
        network = new_network("product", body)
        network.load_state_dict(averaged_weights(options.checkpoint))
    else:
        network = load_network("product", torch.device("cpu"))
    motions = Motions(options.motion, options.pattern)
    table = {
        name: evaluate(network, Projections(motions, body, COARSE_LEVEL, noise), options.windows, options.seed)
        for name, noise in (("exact 2D", 0.0), ("noisy 2D", 1.0))
    }
    subjects = sorted(set(motions.subjects))
    print(f"data: {options.pattern}, subjects {', '.join(subjects)}; {options.windows} windows, seed {options.seed}")
    print(f"protocol: {PROTOCOL}")
    for key in next(iter(table.values())):
        print(f"{key:20s}" + "".join(f"{name}: {row[key]:8.2f}   " for name, row in table.items()))
    print(json.dumps({name: {k: round(v, 2) for k, v in row.items()} for name, row in table.items()}))
    return 0
