# SPDX-License-Identifier: GPL-3.0-or-later
"""What the detector saw of many people, on disk and in memory: written by generate.py, drawn from by the training."""

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ...body.model import BodyModel
from ...motion.rotations import matrix_from_quaternion
from ..projections import Examples, Given, Scenes

WRONG_FOV = 0.1
"""Spread of the logarithm of the focal length that the training assumes over the true one, as in Projections."""

FIELDS: Final = {
    "rays": np.float32,  # (B, T, 23, 2) x/z, y/z in the camera.
    "confidence": np.float16,  # (B, T, 23)
    "world": np.float16,  # (B, T, 23, 3) the detector's 3D, metres, the camera's axes, pelvis at 0.
    "feature": np.float16,  # (B, T, 1152)
    "score": np.float16,  # (B, T)
    "fps": np.float32,  # (B,)
    "quaternions": np.float32,  # (B, T, 24, 4) WXYZ, relative to the parent. From here on: the truth.
    "root": np.float32,  # (B, T, 3) pelvis, metres, Y up.
    "betas": np.float32,  # (B, 10)
    "contacts": np.float32,  # (B, T, 4), NaN where not known.
    "camera_rotation": np.float32,  # (B, 3, 3) world to camera.
    "camera_translation": np.float32,  # (B, 3)
    "camera_matrix": np.float32,  # (B, 3, 3) to pixels.
    "picture": np.int32,  # (B, 2) width, height.
    "crops": np.float32,  # (B, T, 4) as in people/blazepose.py.
    "looks": np.int8,  # (B, T) how often the detector looked.
}
"""The arrays of a shard of B windows of T frames."""


def save_shard(path: Path, arrays: dict[str, npt.NDArray]) -> None:
    """Write a shard beside its place, then rename it: nobody reads half of one."""
    half = path.with_name(f".{path.name}.half")
    with half.open("wb") as file:
        np.savez(file, **{name: np.asarray(arrays[name]).astype(kind) for name, kind in FIELDS.items()})
    half.replace(path)


def load_shards(folder: Path) -> dict[str, Tensor]:
    """All shards of a folder, end to end. Raises FileNotFoundError without any."""
    files = sorted(folder.glob("*.npz"))
    if not files:
        raise FileNotFoundError(f"no shards in {folder}")
    parts: dict[str, list[npt.NDArray]] = {name: [] for name in FIELDS}
    for file in files:
        with np.load(file, allow_pickle=False) as data:
            for name, values in parts.items():
                values.append(data[name])
    return {name: torch.from_numpy(np.concatenate(values)) for name, values in parts.items()}


class Pictures:
    """Examples of people whom the real detector saw in rendered pictures."""

    def __init__(self, folder: Path, body: BodyModel, level: int) -> None:
        self.arrays = load_shards(folder)
        self.scenes = Scenes(body, level)

    def __len__(self) -> int:
        return len(self.arrays["fps"])

    def draw(self, count: int, frames: int, meshes: int, generator: torch.Generator) -> Examples:
        """As Projections.draw. `frames` may be at most the frames of the shards."""
        chosen = torch.randint(len(self), (count,), generator=generator)
        begin = torch.randint(self.arrays["score"].shape[1] - frames + 1, (count,), generator=generator)
        wrong_fov = torch.exp(WRONG_FOV * torch.randn(count, generator=generator))
        return self.examples(chosen, begin, frames, meshes, generator, wrong_fov, WRONG_FOV)

    def examples(
        self, chosen: Tensor, begin: Tensor, frames: int, meshes: int, generator: torch.Generator, fov: Tensor,
        size_spread: float,
    ) -> Examples:  # fmt: skip
        """Examples of the windows `chosen` (B,) from frame begin (B,) on, fov (B,) the factor by which rays are off."""
        a = self.arrays
        at = chosen[:, None], begin[:, None] + torch.arange(frames)
        local = torch.from_numpy(matrix_from_quaternion(a["quaternions"][at].numpy())).float()
        scene = self.scenes.scene(
            local, a["root"][at], a["contacts"][at], a["fps"][chosen], a["betas"][chosen], a["camera_rotation"][chosen]
        )
        confidence = a["confidence"][at].float()
        seen = confidence.gt(0).any(-1)
        world, feature = (Given(a[name][at].float(), seen) for name in ("world", "feature"))
        rays = a["rays"][at] * fov[:, None, None, None]
        return self.scenes.examples(scene, rays, confidence, meshes, generator, size_spread, world, feature)
