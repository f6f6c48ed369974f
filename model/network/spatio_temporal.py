# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage 1 as published: a token for every joint of every frame, attention in turn over joints and over time.

Source of the structure: MixSTE (Zhang et al., CVPR 2022), as System A (arXiv 2510.18267) uses it; sizes are PMCE's.
"""

import torch
from torch import Tensor, nn

from .blocks import Block

DEEPEST_DROP = 0.2
"""Stochastic depth grows linearly from 0 to this."""


class SpatioTemporalLifter(nn.Module):
    """Lifts the middle frame of a window."""

    def __init__(self, joints: int, frames: int, feature: int, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.embed = nn.Linear(2, width)
        self.feature = nn.Linear(feature, width)
        self.joint_embedding = nn.Parameter(0.02 * torch.randn(joints, width))
        self.frame_embedding = nn.Parameter(0.02 * torch.randn(frames, width))
        drops = [DEEPEST_DROP * k / max(depth - 1, 1) for k in range(depth)]
        self.spatial = nn.ModuleList(Block(width, heads, 2, drop) for drop in drops)
        self.temporal = nn.ModuleList(Block(width, heads, 2, drop) for drop in drops)
        self.spatial_norm, self.temporal_norm = nn.LayerNorm(width, 1e-6), nn.LayerNorm(width, 1e-6)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 3))
        self.sum_frames = nn.Linear(frames, 1)

    def forward(self, keypoints: Tensor, feature: Tensor) -> Tensor:
        """keypoints (B, T, J, 2) and feature (B, T, F) → joints (B, J, 3) of the middle frame in metres."""
        B, T, J, _ = keypoints.shape
        x = self.embed(keypoints) + self.feature(feature)[:, :, None] + self.joint_embedding
        for depth, (spatial, temporal) in enumerate(zip(self.spatial, self.temporal, strict=True)):
            x = self.spatial_norm(spatial(x.flatten(0, 1))).unflatten(0, (B, T))
            x = x.transpose(1, 2)
            if depth == 0:
                x = x + self.frame_embedding
            x = self.temporal_norm(temporal(x.flatten(0, 1))).unflatten(0, (B, J))
            x = x.transpose(1, 2)
        return self.sum_frames(self.head(x).movedim(1, -1)).squeeze(-1)
