# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m model train`: train the network's two stages on projections of motion capture, and on pictures of it.

Stage 1 trains the lifter alone, stage 2 everything, starting from stage 1's checkpoint. A run writes its state to a
folder every few minutes and goes on from there when it is started again with the same folder.
"""

import argparse
import csv
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from ..body.files import load_body
from ..body.model import BodyModel
from ..network.lifter import Given
from ..network.registry import COARSE_LEVEL, NETWORKS
from ..network.two_stage import TwoStage
from .motions import Motions
from .pictures.shards import Pictures
from .pictures.vary import vary
from .projections import Examples, Projections

SAVE_EVERY_S = 120.0
SMALLEST_HIDDEN, OUTPUTS = 16, ("head", "coarse", "move")
WITHHELD = 0.3
"""Share of the windows that lack an input which may be missing."""


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
    lifted = network.lift(examples.keypoints, examples.size, examples.time_s, examples.world, examples.feature)
    speed = (lifted.joints[:, 1:] - lifted.joints[:, :-1]) - (examples.joints[:, 1:] - examples.joints[:, :-1])
    up = nn.functional.normalize(lifted.up, dim=-1)
    known = examples.contacts.isfinite()
    terms = {
        "lifted": (lifted.joints - examples.joints).norm(dim=-1).mean(),
        "velocity": 2.0 * speed.norm(dim=-1).mean(),
        "up": 0.05 * (up - examples.up[:, None]).norm(dim=-1).mean(),
        "contacts": 0.02
        * nn.functional.binary_cross_entropy_with_logits(lifted.contacts[known], examples.contacts[known]),
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


def optimizers_for(network: nn.Module) -> list[torch.optim.Optimizer]:
    """Muon for the hidden layers' matrices, AdamW for the rest; both with the same rate.

    In one trial of one seed a lifter missed by 139 mm after 400 steps with Muon (Jordan et al., 2024) and by 151 with
    AdamW alone, whose steps took about 15 % less time.
    """
    hidden = {
        id(layer.weight)
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Linear) and min(layer.weight.shape) >= SMALLEST_HIDDEN and not name.endswith(OUTPUTS)
    }
    matrices = [p for p in network.parameters() if id(p) in hidden]
    rest = [p for p in network.parameters() if id(p) not in hidden]
    return [
        torch.optim.Muon(matrices, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(rest, weight_decay=0.01),
    ]


def rate(step: int, steps: int, peak: float) -> float:
    """Learning rate: a short rise, then half a cosine to a hundredth."""
    rise = min(1.0, (step + 1) / 300)
    return peak * rise * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, step / steps))))


@dataclass(frozen=True)
class Training:
    """What a run is made of; see `main` for the meaning of each."""

    motion: Path
    out: Path
    stage: int
    steps: int
    network: str = "product"
    pattern: str = "cmu_train_*.npz"
    pictures: Path | None = None
    share: float = 0.4
    start: Sequence[Path] = ()
    batch: int = 64
    frames: int = 16
    meshes: int = 1
    rate: float = 1e-3
    seed: int = 0


class Mixture:
    """Batches of projections and, in turn by chance, of pictures if there are any: about as many frames in each."""

    def __init__(self, training: Training, body: BodyModel) -> None:
        self.projections = Projections(Motions(training.motion, training.pattern), body, COARSE_LEVEL, varied=True)
        self.pictures = Pictures(training.pictures, body, COARSE_LEVEL) if training.pictures else None
        self.share, self.batch, self.frames = training.share, training.batch, training.frames
        self.meshes = training.meshes if training.stage == 2 else 0

    def draw(self, generator: torch.Generator) -> Examples:
        """The next batch; of what only pictures have, each window lacks some."""
        if self.pictures is None or torch.rand((), generator=generator) >= self.share:
            return self.projections.draw(self.batch, self.frames, self.meshes, generator)
        frames = min(self.frames, self.pictures.frames)
        count = max(1, self.batch * self.frames // frames)
        return withhold(vary(self.pictures.draw(count, frames, self.meshes, generator), generator), generator)


def withhold(examples: Examples, generator: torch.Generator) -> Examples:
    """The examples, each without its image feature or the detector's 3D, or both, by chance."""

    def some(given: Given | None) -> Given | None:
        kept = torch.rand(len(examples.size), 1, generator=generator) >= WITHHELD
        return given and given._replace(where=given.where & kept)

    return examples._replace(world=some(examples.world), feature=some(examples.feature))


def train(training: Training) -> Path:
    """Run, or go on with, one stage; returns the checkpoint. Raises FileNotFoundError for a folder without clips."""
    training.out.mkdir(parents=True, exist_ok=True)
    stage, steps = training.stage, training.steps
    checkpoint, curve = training.out / f"stage{stage}.pt", training.out / f"stage{stage}.csv"
    body = load_body(None)
    source = Mixture(training, body)
    faces = body.levels[COARSE_LEVEL].faces.long()
    torch.manual_seed(training.seed)
    network = new_network(training.network, body)
    average = torch.optim.swa_utils.AveragedModel(network, avg_fn=_follow, use_buffers=True)
    optimizers = optimizers_for(network)
    generator = torch.Generator().manual_seed(training.seed + stage)
    step = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        for optimizer, content in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(content)
        generator.set_state(state["generator"])
        step = int(state["step"])
    for begun in (network, average.module) if step == 0 else ():
        for earlier in training.start:
            begun.load_state_dict(_trained_weights(earlier), strict=False)

    def save() -> None:
        state = {
            "network": network.state_dict(), "average": average.state_dict(), "generator": generator.get_state(),
            "optimizers": [optimizer.state_dict() for optimizer in optimizers], "step": step, "stage": stage,
        }  # fmt: skip
        part = checkpoint.with_suffix(".part")
        torch.save(state, part)
        part.replace(checkpoint)

    saved = time.monotonic()
    sums: dict[str, float] = {}
    counted = 0
    bar = tqdm(total=steps, initial=step, desc=f"stage {stage}", mininterval=5)
    while step < steps:
        for group in (group for optimizer in optimizers for group in optimizer.param_groups):
            group["lr"] = rate(step, steps, training.rate)
        terms = losses(network, source.draw(generator), stage, faces)
        loss = torch.stack(list(terms.values())).sum()
        network.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        average.update_parameters(network)
        step += 1
        bar.update()
        for key, value in terms.items():
            sums[key] = sums.get(key, 0.0) + float(value.detach())
        counted += 1
        if step % 100 == 0:
            means = {key: value / counted for key, value in sums.items()}
            bar.set_postfix({key: f"{value:.4f}" for key, value in means.items()})
            with curve.open("a", newline="") as file:
                csv.writer(file).writerow([step, *(f"{key}={value:.5f}" for key, value in means.items())])
            sums, counted = {}, 0
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


def _trained_weights(checkpoint: Path) -> dict[str, Tensor]:
    """What a checkpoint's stage has trained: stage 1 the lifter only, so another decoder may follow it."""
    stage = torch.load(checkpoint, weights_only=True, map_location="cpu").get("stage", 2)
    weights = averaged_weights(checkpoint)
    return weights if stage == 2 else {key: value for key, value in weights.items() if key.startswith("lifter.")}


def last_weights(checkpoint: Path) -> dict[str, Tensor]:
    """The weights in a checkpoint as the last step left them."""
    return torch.load(checkpoint, weights_only=True, map_location="cpu")["network"]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m model train", description=__doc__)
    parser.add_argument("--motion", type=Path, required=True, help="folder of motion capture .npz files")
    parser.add_argument("--pattern", default=Training.pattern, help="which files of it")
    parser.add_argument("--pictures", type=Path, help="folder of rendered and detected windows to mix in")
    parser.add_argument("--share", type=float, default=Training.share, help="of the batches that are pictures")
    parser.add_argument("--network", choices=NETWORKS, default=Training.network)
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and curves")
    parser.add_argument("--stage", type=int, choices=(1, 2), required=True)
    parser.add_argument(
        "--start", type=Path, nargs="+", default=(), help="checkpoints to begin with: stage 1's, for stage 2; of "
        "several, a later one takes the place of what an earlier one has as well",
    )  # fmt: skip
    parser.add_argument("--steps", type=int, default=20000)
    parser.add_argument("--batch", type=int, default=Training.batch, help="windows a step")
    parser.add_argument("--frames", type=int, default=Training.frames, help="frames a window")
    parser.add_argument("--meshes", type=int, default=Training.meshes, help="frames of a window that get a mesh")
    parser.add_argument("--rate", type=float, default=Training.rate)
    parser.add_argument("--seed", type=int, default=Training.seed)
    options = parser.parse_args(arguments)
    print(train(Training(**vars(options))))
    return 0
