# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m model train`: train the network's two stages on projections of motion capture.

Stage 1 trains the lifter alone, stage 2 everything, starting from stage 1's checkpoint. A run writes its state to a
folder every few minutes and goes on from there when it is started again with the same folder.
"""

import argparse
import csv
import math
import time
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from ..body.files import load_body
from ..body.model import BodyModel
from ..network.registry import COARSE_LEVEL, NETWORKS
from ..network.two_stage import TwoStage
from .motions import Motions
from .projections import Examples, Projections

SAVE_EVERY_S = 120.0


def nearest_keypoints(body: BodyModel) -> Tensor:
    """For each vertex (V,) of the coarse level the keypoint nearest to it in the T-pose."""
    vertices = body.levels[COARSE_LEVEL].down.to_dense() @ body.v_template
    return torch.cdist(vertices, body.keypoint_regressor.to_dense() @ body.v_template).argmin(1)


def new_network(name: str, body: BodyModel) -> TwoStage:
    """An untrained network for the body."""
    network = NETWORKS[name](body.levels[COARSE_LEVEL].down.shape[0])
    network.nearest.copy_(nearest_keypoints(body))
    return network


def losses(network: TwoStage, examples: Examples, stage: int, faces: Tensor) -> dict[str, Tensor]:
    """The terms of the loss by name; lengths in metres, so that they can be weighed against each other."""
    lifted = network.lift(examples.keypoints, examples.size, examples.time_s)
    speed = (lifted.joints[:, 1:] - lifted.joints[:, :-1]) - (examples.joints[:, 1:] - examples.joints[:, :-1])
    up = nn.functional.normalize(lifted.up, dim=-1)
    terms = {
        "lifted": (lifted.joints - examples.joints).norm(dim=-1).mean(),
        "velocity": 2.0 * speed.norm(dim=-1).mean(),
        "up": 0.05 * (up - examples.up[:, None]).norm(dim=-1).mean(),
        "contacts": 0.02 * nn.functional.binary_cross_entropy_with_logits(lifted.contacts, examples.contacts),
    }
    if stage == 2:
        row = torch.arange(len(examples.frames))[:, None]
        recovered = network.recover(
            lifted.joints[row, examples.frames].flatten(0, 1), lifted.context[row, examples.frames].flatten(0, 1)
        )
        mesh, joints = examples.mesh.flatten(0, 1), examples.joints[row, examples.frames].flatten(0, 1)
        terms["mesh"] = 2.0 * (recovered.mesh - mesh).norm(dim=-1).mean()
        terms["joints"] = (recovered.joints - joints).norm(dim=-1).mean()
        edges = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
        got, want = ((m[:, edges[:, 0]] - m[:, edges[:, 1]]).norm(dim=-1) for m in (recovered.mesh, mesh))
        terms["edges"] = 2.0 * (got - want).abs().mean()
    return terms


def rate(step: int, steps: int, peak: float) -> float:
    """Learning rate: a short rise, then half a cosine to a hundredth."""
    rise = min(1.0, (step + 1) / 300)
    return peak * rise * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, step / steps))))


def train(
    motions: Path, pattern: str, out: Path, stage: int, steps: int, batch: int, frames: int, meshes: int,
    peak: float, seed: int, start: Path | None, name: str = "product",
) -> Path:  # fmt: skip
    """Run, or go on with, one stage; returns the checkpoint. Raises FileNotFoundError for a folder without clips."""
    out.mkdir(parents=True, exist_ok=True)
    checkpoint, curve = out / f"stage{stage}.pt", out / f"stage{stage}.csv"
    body = load_body(None)
    source = Projections(Motions(motions, pattern), body, COARSE_LEVEL)
    faces = body.levels[COARSE_LEVEL].faces.long()
    torch.manual_seed(seed)
    network = new_network(name, body)
    average = torch.optim.swa_utils.AveragedModel(network, avg_fn=_follow, use_buffers=True)
    optimizer = torch.optim.AdamW(network.parameters(), lr=peak, weight_decay=0.01)
    generator = torch.Generator().manual_seed(seed + stage)
    step = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        generator.set_state(state["generator"])
        step = int(state["step"])
    elif start is not None:
        lifter = {key: value for key, value in averaged_weights(start).items() if key.startswith("lifter.")}
        network.load_state_dict(lifter, strict=False)
        average.module.load_state_dict(lifter, strict=False)

    def save() -> None:
        state = {
            "network": network.state_dict(), "average": average.state_dict(), "optimizer": optimizer.state_dict(),
            "generator": generator.get_state(), "step": step,
        }  # fmt: skip
        part = checkpoint.with_suffix(".part")
        torch.save(state, part)
        part.replace(checkpoint)

    saved = time.monotonic()
    sums: dict[str, float] = {}
    bar = tqdm(total=steps, initial=step, desc=f"stage {stage}", mininterval=5)
    while step < steps:
        for group in optimizer.param_groups:
            group["lr"] = rate(step, steps, peak)
        terms = losses(network, source.draw(batch, frames, meshes if stage == 2 else 0, generator), stage, faces)
        loss = torch.stack(list(terms.values())).sum()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        average.update_parameters(network)
        step += 1
        bar.update()
        for key, value in terms.items():
            sums[key] = sums.get(key, 0.0) + float(value.detach())
        if step % 100 == 0:
            means = {key: value / 100 for key, value in sums.items()}
            bar.set_postfix({key: f"{value:.4f}" for key, value in means.items()})
            with curve.open("a", newline="") as file:
                csv.writer(file).writerow([step, *(f"{key}={value:.5f}" for key, value in means.items())])
            sums = {}
        if time.monotonic() - saved > SAVE_EVERY_S or step == steps:
            save()
            saved = time.monotonic()
    bar.close()
    return checkpoint


def _follow(average: Tensor, now: Tensor, steps: Tensor | int) -> Tensor:
    """A running mean over about the last thousand steps, over fewer at first: the random start is soon forgotten."""
    steps = int(steps)
    share = max(0.001, 9 / (10 + steps))
    return torch.lerp(average, now, share) if average.is_floating_point() else now


def averaged_weights(checkpoint: Path) -> dict[str, Tensor]:
    """The running mean of the weights in a checkpoint."""
    state = torch.load(checkpoint, weights_only=True, map_location="cpu")["average"]
    return {key.removeprefix("module."): value for key, value in state.items() if key.startswith("module.")}


def last_weights(checkpoint: Path) -> dict[str, Tensor]:
    """The weights in a checkpoint as the last step left them."""
    return torch.load(checkpoint, weights_only=True, map_location="cpu")["network"]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m model train", description=__doc__)
    parser.add_argument("--motion", type=Path, required=True, help="folder of motion capture .npz files")
    parser.add_argument("--pattern", default="cmu_train_*.npz", help="which files of it")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and curves")
    parser.add_argument("--stage", type=int, choices=(1, 2), required=True)
    parser.add_argument("--start", type=Path, help="checkpoint from which to take the lifter, for stage 2")
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument("--batch", type=int, default=64, help="windows a step")
    parser.add_argument("--frames", type=int, default=32, help="frames a window")
    parser.add_argument("--meshes", type=int, default=2, help="frames of each window that get a mesh")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    made = train(
        options.motion, options.pattern, options.out, options.stage, options.steps, options.batch, options.frames,
        options.meshes, options.rate, options.seed, options.start,
    )  # fmt: skip
    print(made)
    return 0
