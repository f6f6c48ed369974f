# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of motion capture in memory, from which windows are drawn.

Files are .npz as in the table of docs/training.md: clips of 24-joint rotations at one frame rate, laid end to end.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..motion.rotations import matrix_from_axis_angle, quaternion_from_matrix
from ..motion.skeleton import JOINT_MIRROR
from .augment import augment

SPEED_SPREAD = 0.25
"""Of the logarithm of the speed at which varied motion is played."""
HEEL_HEIGHT_M, TOE_HEIGHT_M, STILL_M_S = 0.10, 0.09, 0.3
"""An ankle or ball of the foot below that height and slower than that rests on the ground."""


class Motions:
    """Clips as tensors: quaternions (N, 24, 4) WXYZ local, root (N, 3) over the floor, contacts (N, 4), leg (N,)."""

    def __init__(self, folder: Path, pattern: str) -> None:
        files = sorted(folder.glob(pattern))
        if not files:
            raise FileNotFoundError(f"no {pattern} in {folder}")
        quaternions, roots, contacts, legs, starts, lengths = [], [], [], [], [], []
        offset = 0
        self.fps = 0.0
        self.subjects: list[str] = []
        for file in files:
            with np.load(file, allow_pickle=False) as data:
                fps = float(data["fps"])
                if self.fps not in (0.0, fps):
                    raise ValueError(f"{file}: {fps} frames a second, but {self.fps} in the files before it")
                self.fps = fps
                vectors = np.concatenate([data["root_rot"][:, None], data["rot"].astype(np.float32)], 1)
                quaternions.append(quaternion_from_matrix(matrix_from_axis_angle(vectors)).astype(np.float32))
                floor, leg = np.zeros(len(vectors), np.float32), np.ones(len(vectors), np.float32)
                spans = list(zip(data["clip_start"], data["clip_len"], strict=True))
                for clip, (start, length) in enumerate(spans):
                    floor[start : start + length] = data["clip_floor_y"][clip]
                    bones = np.linalg.norm(data["clip_offsets"][clip], axis=-1)
                    leg[start : start + length] = bones[4] + bones[7]
                root = data["root"].astype(np.float32) - np.outer(floor, [0, 1, 0]).astype(np.float32)
                feet = data["joints"][:, [7, 10, 8, 11]].astype(np.float32) + root[:, None]
                contacts += [resting_feet(feet[start : start + length], fps) for start, length in spans]
                roots.append(root)
                legs.append(leg)
                starts += [offset + int(start) for start, _ in spans]
                lengths += [int(length) for _, length in spans]
                self.subjects += [str(s) for s in data["clip_subject"]]
                offset += len(root)
        self.quaternions = torch.from_numpy(np.concatenate(quaternions))
        self.roots = torch.from_numpy(np.concatenate(roots))
        self.contacts = torch.from_numpy(np.concatenate(contacts))
        self.legs = torch.from_numpy(np.concatenate(legs))
        self.starts, self.lengths = torch.tensor(starts), torch.tensor(lengths)

    def draw(
        self, count: int, frames: int, fps: Tensor, generator: torch.Generator, varied: bool = False
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """`count` windows, each at its own frame rate fps (count,), resampled in time, half of them mirrored.

        Returns local rotations (count, frames, 24, 3, 3), root (count, frames, 3) metres, Y up, floor at 0,
        contacts (count, frames, 4), NaN where unknown, and leg length (count,) metres of the person who was captured.
        `varied` windows are slowed down or sped up, and augmented (see augment.py).
        """
        total = 2 * count if varied else count
        clip = torch.multinomial(self.lengths.double(), total, replacement=True, generator=generator)
        span = ((frames - 1) * self.fps / fps).repeat(total // count)
        if varied:
            span = span * torch.exp(SPEED_SPREAD * torch.randn(total, generator=generator)).clamp(0.5, 2)
        span = torch.minimum(span, self.lengths[clip] - 1.0)
        begin = torch.rand(total, generator=generator) * (self.lengths[clip] - 1.0 - span)
        local, root, contacts, leg = self.window(
            clip, begin, span, frames, torch.rand(total, generator=generator) < 0.5
        )
        if varied:
            time_s = torch.arange(frames) / fps[:, None]
            parts = local[:count], root[:count], contacts[:count], local[count:], time_s
            local, root, contacts = augment(*parts, generator)
        return local, root, contacts, leg[:count]

    def window(
        self, clip: Tensor, begin: Tensor, span: Tensor, frames: int, mirror: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Windows of clips (B,) from frame begin (B,) over span (B,) frames of the source; see `draw`."""
        position = begin[:, None] + span[:, None] * torch.linspace(0, 1, frames)
        first = position.floor().long().clamp(max=int(self.lengths.max()))
        first = torch.minimum(first, (self.lengths[clip] - 2).clamp_min(0)[:, None])
        share = (position - first)[..., None]
        at = self.starts[clip][:, None] + first
        after = torch.minimum(at + 1, (self.starts + self.lengths - 1)[clip][:, None])
        a, b = self.quaternions[at], self.quaternions[after]
        sign = torch.where((a * b).sum(-1, keepdim=True) < 0, -1.0, 1.0)
        q = torch.nn.functional.normalize(torch.lerp(a, sign * b, share[..., None]), dim=-1)
        root = torch.lerp(self.roots[at], self.roots[after], share)
        contacts = torch.where(share < 0.5, self.contacts[at], self.contacts[after])
        flip = mirror[:, None, None]
        q = torch.where(flip[..., None], q[:, :, list(JOINT_MIRROR)] * q.new_tensor([1, 1, -1, -1]), q)
        root = torch.where(flip, root * root.new_tensor([-1, 1, 1]), root)
        contacts = torch.where(flip, contacts[..., [2, 3, 0, 1]], contacts)
        return _matrices(q), root, contacts, self.legs[self.starts[clip]]


def resting_feet(feet: np.ndarray, fps: float) -> np.ndarray:
    """Contacts (N, 4) of ankles and balls (N, 4, 3), metres above the floor: left, left, right, right.

    Unknown (NaN) where feet are still, but none near the floor: on steps and slopes, of which the data tell nothing.
    """
    still = np.linalg.norm(np.gradient(feet, axis=0), axis=-1) * fps < STILL_M_S
    resting = still & (feet[..., 1] < [HEEL_HEIGHT_M, TOE_HEIGHT_M] * 2)
    unknown = still.any(1) & ~resting.any(1)
    return np.where(unknown[:, None], np.nan, resting).astype(np.float32)


def _matrices(q: Tensor) -> Tensor:
    w, x, y, z = q.unbind(-1)
    rows = [
        1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
    ]  # fmt: skip
    return torch.stack(rows, -1).unflatten(-1, (3, 3))
