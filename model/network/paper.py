# SPDX-License-Identifier: GPL-3.0-or-later
"""System A as published (arXiv 2510.18267), from the same modules as the network that ships.

What the paper does not state (sizes, heads, context, upsampling) is PMCE's (You et al., ICCV 2023), on which it builds.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .interaction import Decoder
from .spatio_temporal import SpatioTemporalLifter
from .wavelet import Axis, LatentInfoExtractor

RATE = 25.0
"""Frames per second of the windows: Human3.6M's, every second frame."""


@dataclass(frozen=True)
class PaperConfig:
    """Sizes of the network. `vertices` and `full` are those of the body's coarse level and of the body.

    The decoder is LDMP where `inner` is below `mesh_width`, the baseline where they are equal. `wavelet` None: no LIFD.
    `context`: what the decoder hears of the features, a recurrent summary (`gru`) or the middle frame's (`mid`).
    """

    vertices: int
    full: int
    joints: int = 23
    frames: int = 16
    feature: int = 2048
    wavelet: str | None = "haar"
    wavelet_levels: int = 1
    wavelet_axis: Axis = "time"
    lifd_width: int = 512
    width: int = 256
    depth: int = 3
    heads: int = 8
    context: Literal["gru", "mid"] = "gru"
    mesh_width: int = 64
    inner: int = 32
    mesh_depth: int = 3
    mesh_heads: int = 2
    pose_heads: int = 4


class Solved(NamedTuple):
    """Output for the middle frame of B windows, metres, relative to the mid-hip, camera axes (OpenCV)."""

    mesh: Tensor
    """(B, full, 3)"""
    coarse: Tensor
    """(B, vertices, 3)"""
    joints: Tensor
    """(B, J, 3) refined"""
    lifted: Tensor
    """(B, J, 3) as stage 1 says"""


class PaperNetwork(nn.Module):
    """One frame a window. `nearest` (vertices,) names for every coarse vertex the joint at which it starts."""

    nearest: Tensor

    def __init__(self, config: PaperConfig) -> None:
        super().__init__()
        self.config = config
        self.hybrid = (
            LatentInfoExtractor(
                config.feature,
                config.lifd_width,
                config.heads,
                config.wavelet,
                config.wavelet_levels,
                config.wavelet_axis,
            )
            if config.wavelet
            else None
        )
        self.lifter = SpatioTemporalLifter(
            config.joints, config.frames, config.feature, config.width, config.depth, config.heads
        )
        self.context = (
            nn.GRU(config.feature, config.feature // 2, 2, batch_first=True, bidirectional=True)
            if config.context == "gru"
            else None
        )
        self.register_buffer("nearest", torch.zeros(config.vertices, dtype=torch.long))
        self.blocks = Decoder(
            config.vertices,
            config.joints,
            config.feature,
            depth=config.mesh_depth,
            width=config.mesh_width,
            inner=config.inner,
            mesh_heads=config.mesh_heads,
            pose_heads=config.pose_heads,
            ratio=4,
            drop=0.2,
        )
        # Vertices are the channels and x, y, z the axis that the kernel runs along.
        self.upsample = nn.Conv1d(config.vertices, config.full, 3, padding=1)
        self.residual = nn.Linear(config.feature, config.full * 3)

    def forward(self, keypoints: Tensor, feature: Tensor) -> Solved:
        """Solve the middle frame, T // 2, of each window.

        keypoints (B, T, J, 2): x, y in the picture, the width of the picture from -1 to 1. feature (B, T, F): of each
        frame's picture. T is the configuration's `frames`.
        """
        hybrid = self.extract(feature)
        lifted = self.lifter(keypoints, hybrid)
        return self.recover(lifted, hybrid)

    def extract(self, feature: Tensor) -> Tensor:
        """The hybrid features (B, T, F)."""
        if self.hybrid is None:
            return feature
        time_s = torch.arange(feature.shape[1], device=feature.device) / RATE
        return self.hybrid(feature, time_s.expand(feature.shape[:2]))

    def recover(self, lifted: Tensor, hybrid: Tensor) -> Solved:
        """Stage 2: joints (B, J, 3) and hybrid features (B, T, F) → meshes. The mesh begins as the pose itself."""
        summary = hybrid if self.context is None else self.context(hybrid)[0]
        context = summary[:, summary.shape[1] // 2]
        coarse, joints = self.blocks(lifted[:, self.nearest], lifted, context)
        mesh = self.upsample(coarse) + self.residual(F.relu(context)).unflatten(-1, (-1, 3))
        return Solved(mesh, coarse, joints, lifted)
