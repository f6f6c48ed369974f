# SPDX-License-Identifier: GPL-3.0-or-later
"""What the networks cost, on the CPU and on a GPU if there is one.

Multiply-accumulates (MACs) are those of matrix products and convolutions, half of what torch's FlopCounterMode counts;
`scripts/benchmark network` prints them by module, then times, memory, and one JSON object:

ldmp_over_baseline_macs     the `paper` network's LDMP blocks to the blocks of `paper_baseline`, as deep, by window
stage2_over_baseline_macs   all that `product` does to a frame after the lifter, up to the full mesh, to the same of
                            `paper_baseline` (context, blocks, upsampling, residual)
macs_a_frame_gain           `product` solving one frame a window (each frame: a window lifted, that frame's mesh), to
                            `product` as model/recovery.py runs it (half overlapping windows, all frames at once; each
                            frame is lifted in two windows and meshed once). The lifter is spared, stage 2 is not.
macs_a_frame_gain_over_paper  `paper_baseline`, which solves one frame a window by design, to `product` as it runs
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from model.body.files import load_body
from model.network.interaction import Decoder
from model.network.lifter import Given
from model.network.paper import PaperNetwork
from model.network.registry import COARSE_LEVEL, NETWORKS, PAPER_NETWORKS
from model.network.two_stage import TwoStage
from model.recovery import WINDOW, recover

SHOT = 20 * WINDOW
"""Frames of the shot on which the product is counted as it runs: long enough for its ends not to matter."""
WINDOWS = 16
"""Windows, or frames, a batch where the batch hardly matters: some products are formed once for all of it."""
MEMORY_BATCH = 32
REPEATS = 5

Count = dict[str, float]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.memory_of:
        print(peak_memory_mb(options.memory_of))
        return 0
    row = report_macs() | report_times(torch.device("cpu"))
    if torch.cuda.is_available():
        gpu = report_times(torch.device("cuda"))
        row |= {f"{key}_gpu": value for key, value in gpu.items()}
    print(json.dumps({key: round(value, 4) for key, value in row.items()}))
    return 0


def built(name: str) -> TwoStage | PaperNetwork:
    """A network with random weights for the shipped body, for inference."""
    body = load_body(None)
    vertices, full = body.levels[COARSE_LEVEL].down.shape
    torch.manual_seed(0)
    network = NETWORKS[name](vertices) if name in NETWORKS else PAPER_NETWORKS[name](vertices, full)
    return network.eval().requires_grad_(False)


def macs(run: Callable[[], Any]) -> Count:
    """Multiply-accumulates of a call, by module and in all (`Global`).

    Attention runs as plain matrix products meanwhile: the CPU's fused kernel is unknown to the counter.
    """
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        run()
    return {name: sum(flops.values()) / 2 for name, flops in counter.get_flop_counts().items()}


def report_macs() -> Count:
    """Print the MACs by module and the parameters; returns the ratios."""
    product, paper, baseline = built("product"), built("paper"), built("paper_baseline")
    assert isinstance(product, TwoStage)
    assert isinstance(paper, PaperNetwork)
    assert isinstance(baseline, PaperNetwork)
    joints, width = product.config.joints, product.config.width

    print("MACs a frame in millions, parameters in millions")
    totals: dict[str, Count] = {}
    for name, network in (("paper", paper), ("paper_baseline", baseline)):
        inputs = window_of(network, WINDOWS)
        totals[name] = {module: count / WINDOWS for module, count in macs(lambda n=network, i=inputs: n(*i)).items()}
        _print_modules(name, network, totals[name], "PaperNetwork.")
    lifted, frame = window_of(product, 1), (torch.randn(WINDOWS, joints, 3), torch.randn(WINDOWS, width))
    lift = macs(lambda: product.lift(*lifted))
    mesh = {module: count / WINDOWS for module, count in macs(lambda: product.recover(*frame)).items()}
    full_mesh = 3.0 * load_body(None).levels[COARSE_LEVEL].up.indices().shape[1]
    by_frame = {module: count / WINDOW for module, count in lift.items()}
    _print_modules(f"product, stage 1, a frame of a window of {WINDOW}", product.lifter, by_frame, "Lifter.")
    _print_modules("product, stage 2", product.blocks, mesh, "Decoder.")
    print(f"  {'coarse':18s} {mesh['Linear'] / 1e6:9.3f} {_parameters(product.coarse) / 1e6:9.2f}")
    print(f"  {'full mesh':18s} {full_mesh / 1e6:9.3f}  (the body's sparse matrix)")

    runs = macs(lambda: run_shot(product))["Global"] / SHOT
    print(f"product as it runs over a shot {runs / 1e6:.2f}, solving one frame a window", end=" ")
    print(
        f"{(lift['Global'] + mesh['Global']) / 1e6:.2f}, paper_baseline {totals['paper_baseline']['Global'] / 1e6:.2f}"
    )
    stage2 = sum(totals["paper_baseline"][f"PaperNetwork.{part}"] for part in PARTS_OF_STAGE_2)
    return {
        "ldmp_over_baseline_macs": totals["paper"][BLOCKS] / totals["paper_baseline"][BLOCKS],
        "stage2_over_baseline_macs": (mesh["Global"] + full_mesh) / stage2,
        "macs_a_frame_gain": (lift["Global"] + mesh["Global"]) / runs,
        "macs_a_frame_gain_over_paper": totals["paper_baseline"]["Global"] / runs,
    }


PARTS_OF_STAGE_2 = ("context", "blocks", "upsample", "residual")
BLOCKS = "PaperNetwork.blocks"


def _print_modules(title: str, network: nn.Module, count: Count, prefix: str) -> None:
    print(f"{title}: {count['Global'] / 1e6:.3f}, {_parameters(network) / 1e6:.2f} parameters")
    for name, module in network.named_children():
        parts = [f"{prefix}{name}", *(f"{prefix}{name}.{part}" for part, _ in module.named_children())]
        value = count.get(parts[0]) or sum(count.get(part, 0.0) for part in parts[1:])  # a list is not called itself
        print(f"  {name:18s} {value / 1e6:9.3f} {_parameters(module) / 1e6:9.2f}")


def _parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def window_of(network: TwoStage | PaperNetwork, batch: int, device: str | torch.device = "cpu") -> tuple[Any, ...]:
    """Random inputs of stage 1, all of them given."""
    if isinstance(network, PaperNetwork):
        c = network.config
        keypoints = torch.randn(batch, c.frames, c.joints, 2, device=device)
        return keypoints, torch.randn(batch, c.frames, c.feature, device=device)
    c = network.config
    keypoints = torch.rand(batch, WINDOW, c.joints, 3, device=device)
    time_s = (torch.arange(WINDOW, device=device) / 30).expand(batch, WINDOW)
    given = torch.ones(batch, WINDOW, device=device, dtype=torch.bool)
    world = Given(torch.randn(batch, WINDOW, c.joints, 3, device=device), given)
    feature = Given(torch.randn(batch, WINDOW, c.feature, device=device), given)
    return keypoints, torch.zeros(batch, device=device), time_s, world, feature


def run_shot(network: TwoStage) -> None:
    """The product over a shot, as a capture runs it."""
    c = network.config
    given = torch.ones(SHOT, dtype=torch.bool)
    world = Given(torch.randn(SHOT, c.joints, 3), given)
    feature = Given(torch.randn(SHOT, c.feature), given)
    rays, time_s = torch.rand(SHOT, c.joints, 2), np.arange(SHOT) / 30
    recover(network, rays, torch.ones(SHOT, c.joints), time_s, lambda _: None, world=world, feature=feature)


def report_times(device: torch.device) -> Count:
    """Print milliseconds a frame, the gain of each parallel mode and peak memory; returns the ratios.

    What is compared is run in turn, so that what else the machine does falls on all alike.
    """
    print(f"{device}: milliseconds a frame, best of {REPEATS}: passed, and of the processor")
    product, paper, baseline = (built(name).to(device) for name in ("product", "paper", "paper_baseline"))
    assert isinstance(product, TwoStage)
    assert isinstance(paper, PaperNetwork)
    assert isinstance(baseline, PaperNetwork)
    c = product.config
    row: Count = {}
    for batch in (1, 4):
        inputs, window = window_of(paper, batch, device), window_of(product, batch, device)
        frames = batch * WINDOW
        mesh = torch.randn(frames, c.joints, 3, device=device), torch.randn(frames, c.width, device=device)
        took = milliseconds(
            {
                "paper": lambda i=inputs: paper(*i),
                "paper_baseline": lambda i=inputs: baseline(*i),
                "product, stage 1": lambda w=window: product.lift(*w),
                "product, stage 2": lambda m=mesh: product.recover(*m),
            },
            device,
        )
        for name, one in took.items():
            solved = frames if "product" in name else batch
            print(f"  {name:18s} {batch:3d} windows {one.passed / solved:9.3f} {one.processor / solved:9.3f}")
    for batch in (1, 16):
        inputs = points_of(paper, batch, device)
        runs: dict[str, Callable[[], Any]] = {"baseline": lambda i=inputs: baseline.blocks(*i)}
        for mode in ("off", "threads") if device.type == "cpu" else ("off", "streams", "graph"):
            runs[f"LDMP, {mode}"] = lambda m=mode, i=inputs: _blocks(paper.blocks, m, i)
        took = milliseconds(runs, device)
        off = took["LDMP, off"]
        for name, one in took.items():
            print(f"  {name:18s} {batch:3d} frames  {one.passed / batch:9.3f} {one.processor / batch:9.3f}", end="")
            print(f"  {off.passed / one.passed:.2f} times as fast as off")
        error = max(_difference(runs["LDMP, off"](), run()) for name, run in runs.items() if name != "baseline")
        print(f"  largest difference between modes {error:.1e}")
        row["ldmp_over_baseline_ms"] = off.best(device) / took["baseline"].best(device)
    for name in ("paper", "paper_baseline"):
        row[f"{name}_blocks_mb"] = blocks_memory_mb(name, device)
        print(f"  peak memory of {MEMORY_BATCH} frames in the blocks of {name}: {row[f'{name}_blocks_mb']:.0f} MB")
    return row


def _blocks(blocks: Decoder, mode: Any, inputs: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    blocks.parallel = mode
    return blocks(*inputs)


def _difference(a: tuple[Tensor, ...], b: tuple[Tensor, ...]) -> float:
    return max(float((x - y).abs().max()) for x, y in zip(a, b, strict=True))


def points_of(network: PaperNetwork, batch: int, device: str | torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Random inputs of the blocks."""
    c = network.config
    sizes = (c.vertices, 3), (c.joints, 3), (c.feature,)
    mesh, pose, context = (torch.randn(batch, *size, device=device) for size in sizes)
    return mesh, pose, context


class Took(NamedTuple):
    """Milliseconds of a call: on the clock, and of processor time, which other programs do not lengthen."""

    passed: float
    processor: float

    def best(self, device: torch.device) -> float:
        """What compares best: a GPU's work is no processor time."""
        return self.processor if device.type == "cpu" else self.passed


def milliseconds(runs: Mapping[str, Callable[[], Any]], device: torch.device) -> dict[str, Took]:
    """Least time of each call, all called in turn: what else the machine does only ever adds to it."""
    times: dict[str, list[Took]] = {name: [] for name in runs}
    with torch.inference_mode():
        for _ in range(REPEATS + 1):
            for name, run in runs.items():
                passed, processor = time.perf_counter(), time.process_time()
                run()
                if device.type == "cuda":
                    torch.cuda.synchronize(device)
                now = time.perf_counter(), time.process_time()
                times[name].append(Took(1000 * (now[0] - passed), 1000 * (now[1] - processor)))
    return {name: Took(*map(min, zip(*taken[1:], strict=True))) for name, taken in times.items()}


def blocks_memory_mb(name: str, device: torch.device) -> float:
    """Peak memory of a network's blocks over MEMORY_BATCH frames, beyond what their weights and inputs take."""
    if device.type == "cpu":  # the peak is a process's own
        command = [sys.executable, "-m", "scripts.benchmark_network", "--memory-of", name]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        return float(done.stdout.splitlines()[-1])
    network = built(name).to(device)
    assert isinstance(network, PaperNetwork)
    inputs = points_of(network, MEMORY_BATCH, device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    with torch.inference_mode():
        network.blocks(*inputs)
    return (torch.cuda.max_memory_allocated(device) - before) / 2**20


def peak_memory_mb(name: str) -> float:
    """What this process's peak grows by as it runs the blocks (Linux)."""
    network = built(name)
    assert isinstance(network, PaperNetwork)
    inputs = points_of(network, MEMORY_BATCH, "cpu")
    with torch.inference_mode():
        network.blocks(*points_of(network, 1, "cpu"))
        before = _peak_mb()
        network.blocks(*inputs)
    return _peak_mb() - before


def _peak_mb() -> float:
    # Not getrusage: a child's begins at its parent's.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
