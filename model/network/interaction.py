# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage 2: low-dimensional mesh-pose interaction (LDMP), a mesh branch and a pose branch that inform each other.

LCP (collaborative perception) is attention across the two, LSP (self perception) attention within each; both reduce
the dimension before attention. Source: arXiv 2510.18267; details that it does not state are ours.
"""

import torch
from torch import Tensor, nn

from .blocks import AdaptiveNorm, Attention, FeedForward


class Branch(nn.Module):
    """One side of a block: look at the other side (LCP), then at oneself (LSP), then move the points."""

    def __init__(self, points: int, width: int, inner: int, heads: int, context: int) -> None:
        super().__init__()
        self.embed = nn.Linear(3, width)
        self.embedding = nn.Parameter(0.02 * torch.randn(points, width))
        self.norm_cross = AdaptiveNorm(width, context)
        self.cross = Attention(width, inner, heads)
        self.norm1 = AdaptiveNorm(width, context)
        self.feed_forward1 = FeedForward(width, 2 * width)
        self.norm_self = AdaptiveNorm(width, context)
        self.own = Attention(width, inner, heads)
        self.norm2 = AdaptiveNorm(width, context)
        self.feed_forward2 = FeedForward(width, 2 * width)
        self.move = nn.Linear(width, 3)
        nn.init.zeros_(self.move.weight)
        nn.init.zeros_(self.move.bias)

    def begin(self, points: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, N, width) of points (B, N, 3), and the same normalised for the other branch to look at."""
        x = self.embed(points) + self.embedding
        return x, self.norm_cross(x, context)

    def finish(
        self, points: Tensor, x: Tensor, normed: Tensor, other: Tensor, other_embedding: Tensor, context: Tensor
    ) -> Tensor:
        """Moved points (B, N, 3), given own features and the other branch's normalised ones (B, M, width)."""
        x = x + self.cross(normed, other, self.embedding, other_embedding)
        x = x + self.feed_forward1(self.norm1(x, context))
        y = self.norm_self(x, context)
        x = x + self.own(y, y, self.embedding, self.embedding)
        x = x + self.feed_forward2(self.norm2(x, context))
        return points + self.move(x)


class Interaction(nn.Module):
    """One LDMP block. The branches meet only in each other's features as they were when the block began."""

    def __init__(self, vertices: int, joints: int, width: int, inner: int, context: int) -> None:
        super().__init__()
        self.mesh = Branch(vertices, width, inner, 2, context)
        self.pose = Branch(joints, width, inner, 4, context)

    def forward(self, mesh: Tensor, pose: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """mesh (B, V, 3), pose (B, J, 3) in metres, context (B, C) → the same, refined."""
        mesh_x, mesh_normed = self.mesh.begin(mesh, context)
        pose_x, pose_normed = self.pose.begin(pose, context)
        return (
            self.mesh.finish(mesh, mesh_x, mesh_normed, pose_normed, self.pose.embedding, context),
            self.pose.finish(pose, pose_x, pose_normed, mesh_normed, self.mesh.embedding, context),
        )
