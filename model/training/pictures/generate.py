# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m model pictures`: film people who are not there, and keep what the detector sees of them.

Shard k depends on the seed and on k alone. What was made is not made again: a run that was interrupted goes on when the
same command is given once more.
"""

import argparse
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import cv2
import numpy as np
import torch
from tqdm import tqdm

from ...body.files import load_body
from ...motion.rotations import quaternion_from_matrix
from ...network.registry import COARSE_LEVEL
from ...people import blazepose
from ...people.runtime import Network, open_network
from ..motions import Motions
from .people import Figures
from .shards import save_shard
from .stage import Stage, Studio
from .surroundings import load_panoramas, panorama_folder
from .window import Window, observe

SHARD = 32
FRAMES = 16
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "LP_NUM_THREADS")
"""Workers that share cores are several times slower with more threads each. LP_NUM_THREADS is Mesa's."""

_ready: list[tuple[Studio, Network]] = []


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m model pictures", description=__doc__)
    parser.add_argument(
        "--motion", type=Path, required=True, metavar="FOLDER", help="motion capture, see docs/training.md"
    )
    parser.add_argument("--pattern", default="*.npz")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument(
        "--windows", type=int, default=1024, help=f"of {FRAMES} frames; rounded up to shards of {SHARD}"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) // 2))
    parser.add_argument(
        "--panoramas", type=Path, metavar="FOLDER", help="360° .exr files; default: those of the bpy wheel"
    )
    given = parser.parse_args(arguments)
    generate(given.motion, given.pattern, given.out, given.windows, given.seed, given.workers, given.panoramas)
    return 0


def generate(
    motion: Path, pattern: str, out: Path, windows: int, seed: int, workers: int, panoramas: Path | None = None,
    shard: int = SHARD, frames: int = FRAMES,
) -> None:  # fmt: skip
    """Fill a folder with shards of `shard` windows of `frames` frames.

    Raises FileNotFoundError without motion or panoramas.
    """
    if not any(motion.glob(pattern)):
        raise FileNotFoundError(f"no {pattern} in {motion}")
    out.mkdir(parents=True, exist_ok=True)
    missing = [k for k in range(-(-windows // shard)) if not shard_path(out, seed, k).exists()]
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    setting = motion, pattern, panoramas or panorama_folder()
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _open, setting)
    try:
        pending = [pool.submit(_make, shard_path(out, seed, k), seed, k, shard, frames) for k in missing]
        for done in tqdm(as_completed(pending), total=len(pending), unit="shard", smoothing=0.1):
            done.result()
    finally:
        pool.shutdown(cancel_futures=True)  # Interrupted, it ends with the shards that are being made.


def shard_path(folder: Path, seed: int, number: int) -> Path:
    return folder / f"{seed}_{number:05d}.npz"


def _open(motion: Path, pattern: str, panoramas: Path) -> None:
    """Called once in each worker."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    figures = Figures(Motions(motion, pattern), load_body(None), COARSE_LEVEL)
    network = open_network(blazepose.WEIGHTS["full"], "cpu")
    _ready.append((Studio(figures, load_panoramas(panoramas)), network))


def _make(path: Path, seed: int, number: int, shard: int, frames: int) -> None:
    save_shard(path, film_shard(*_ready[0], seed, number, shard, frames))


def film_shard(
    studio: Studio, network: Network, seed: int, number: int, windows: int, frames: int
) -> dict[str, np.ndarray]:
    """The arrays of shard `number` as in shards.FIELDS."""
    entropy = np.random.SeedSequence([seed, number])
    generator = torch.Generator().manual_seed(int(entropy.generate_state(1, np.uint64)[0] >> np.uint64(1)))
    moves = studio.figures.draw(windows, frames, generator)
    filmed: list[Window] = []
    for i, child in enumerate(entropy.spawn(windows)):
        stage = Stage(studio, moves, i, np.random.default_rng(child))
        filmed.append(observe(stage, network))
        stage.release()
    return {
        "rays": np.stack([w.rays for w in filmed]),
        "confidence": np.stack([w.keypoints[..., 2] for w in filmed]),
        "world": np.stack([w.world for w in filmed]),
        "feature": np.stack([w.features for w in filmed]),
        "score": np.stack([w.score for w in filmed]),
        "fps": moves.fps.numpy(),
        "quaternions": quaternion_from_matrix(moves.local.numpy()),
        "root": moves.root.numpy(),
        "betas": moves.scene.betas.numpy(),
        "contacts": moves.scene.contacts.numpy(),
        "camera_rotation": np.stack([w.camera.rotation for w in filmed]),
        "camera_translation": np.stack([w.camera.translation for w in filmed]),
        "camera_matrix": np.stack([w.camera.matrix for w in filmed]),
        "picture": np.array([w.camera.size for w in filmed]),
        "crops": np.stack([w.crops for w in filmed]),
        "looks": np.stack([w.looks for w in filmed]),
    }
