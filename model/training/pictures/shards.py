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
from ...motion.skeleton import JOINT_MIRROR, KEYPOINT_MIRROR
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
PER_WINDOW: Final = ("fps", "betas", "camera_rotation", "camera_translation", "camera_matrix", "picture")
"""Those that are the same in all frames."""


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

    @property
    def frames(self) -> int:
        """Of every window."""
        return self.arrays["score"].shape[1]

    def draw(self, count: int, frames: int, meshes: int, generator: torch.Generator) -> Examples:
        """As Projections.draw, half of them mirrored. `frames` may be at most the frames of the shards."""
        chosen = torch.randint(len(self), (count,), generator=generator)
        begin = torch.randint(self.frames - frames + 1, (count,), generator=generator)
        wrong_fov = torch.exp(WRONG_FOV * torch.randn(count, generator=generator))
        mirror = torch.rand(count, generator=generator) < 0.5
        return self.examples(chosen, begin, frames, meshes, generator, wrong_fov, WRONG_FOV, mirror)

    def examples(
        self, chosen: Tensor, begin: Tensor, frames: int, meshes: int, generator: torch.Generator, fov: Tensor,
        size_spread: float, mirror: Tensor | None = None,
    ) -> Examples:  # fmt: skip
        """Examples of the windows `chosen` (B,) from frame begin (B,) on; fov (B,) the factor by which rays are off.

        Where mirror (B,) is True, left and right change places; a feature has no mirror image and is withheld there.
        """
        at = chosen[:, None], begin[:, None] + torch.arange(frames)
        a = {name: values[chosen if name in PER_WINDOW else at] for name, values in self.arrays.items()}
        seen = a["confidence"].gt(0).any(-1)
        featured = seen
        if mirror is not None:
            featured = seen & ~mirror[:, None]
            for name, image in _mirrored(a).items():
                a[name] = torch.where(mirror.reshape(-1, *[1] * (image.ndim - 1)), image, a[name])
        local = torch.from_numpy(matrix_from_quaternion(a["quaternions"].numpy())).float()
        scene = self.scenes.scene(local, a["root"], a["contacts"], a["fps"], a["betas"], a["camera_rotation"])
        return self.scenes.examples(
            scene, a["rays"] * fov[:, None, None, None], a["confidence"].float(), meshes, generator, size_spread,
            Given(a["world"].float(), seen), Given(a["feature"].float(), featured),
        )  # fmt: skip


def _mirrored(arrays: dict[str, Tensor]) -> dict[str, Tensor]:
    """Those arrays that differ in a world and a camera whose x axes are turned round."""
    other_side, flip = list(KEYPOINT_MIRROR), torch.tensor([-1.0, 1, 1])
    return {
        "rays": arrays["rays"][:, :, other_side] * flip[:2],
        "confidence": arrays["confidence"][:, :, other_side],
        "world": arrays["world"][:, :, other_side] * flip.half(),
        "quaternions": arrays["quaternions"][:, :, list(JOINT_MIRROR)] * torch.tensor([1.0, 1, -1, -1]),
        "root": arrays["root"] * flip,
        "contacts": arrays["contacts"][..., [2, 3, 0, 1]],
        "camera_rotation": flip[:, None] * arrays["camera_rotation"] * flip,
    }
