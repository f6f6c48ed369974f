# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage 2: a mesh branch and a pose branch that inform each other, block after block.

With an attention width below the branches' own this is LDMP, low-dimensional mesh-pose interaction: LCP and LSP reduce
the dimension before attention. With both widths equal it is the decoder that LDMP improves on, the co-evolution of
PMCE (ICCV 2023). Source of LDMP: arXiv 2510.18267; details that it does not state are ours.
"""

from functools import partial

import torch
from torch import Tensor, nn

from .blocks import AdaptiveNorm, Attention, FeedForward, StochasticDepth
from .parallel import MODES, Graphs, Parallel, side_by_side


class LCP(Attention):
    """Collaborative perception: the points of one branch look at those of the other."""


class LSP(Attention):
    """Self perception: the points of a branch look at each other."""


class Branch(nn.Module):
    """One side of a block: look at the other side (LCP), then at oneself (LSP), then move the points."""

    def __init__(self, points: int, width: int, inner: int, heads: int, context: int, ratio: int, drop: float) -> None:
        super().__init__()
        self.embed = nn.Linear(3, width)
        self.embedding = nn.Parameter(0.02 * torch.randn(points, width))
        self.norm_cross = AdaptiveNorm(width, context)
        self.cross = LCP(width, inner, heads)
        self.norm1 = AdaptiveNorm(width, context)
        self.feed_forward1 = FeedForward(width, ratio * width)
        self.norm_self = AdaptiveNorm(width, context)
        self.own = LSP(width, inner, heads)
        self.norm2 = AdaptiveNorm(width, context)
        self.feed_forward2 = FeedForward(width, ratio * width)
        self.drop = StochasticDepth(drop)
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
        x = x + self.drop(self.cross(normed, other, self.embedding, other_embedding))
        x = x + self.drop(self.feed_forward1(self.norm1(x, context)))
        y = self.norm_self(x, context)
        x = x + self.drop(self.own(y, y, self.embedding, self.embedding))
        x = x + self.drop(self.feed_forward2(self.norm2(x, context)))
        return points + self.move(x)


class Interaction(nn.Module):
    """One block. The branches meet only in each other's features as they were when the block began."""

    def __init__(self, mesh: Branch, pose: Branch) -> None:
        super().__init__()
        self.mesh, self.pose = mesh, pose

    def forward(self, mesh: Tensor, pose: Tensor, context: Tensor, parallel: Parallel) -> tuple[Tensor, Tensor]:
        """mesh (B, V, 3), pose (B, J, 3) in metres, context (B, C) → the same, refined."""
        mesh_x, mesh_normed = self.mesh.begin(mesh, context)
        pose_x, pose_normed = self.pose.begin(pose, context)
        return side_by_side(
            parallel,
            partial(self.mesh.finish, mesh, mesh_x, mesh_normed, pose_normed, self.pose.embedding, context),
            partial(self.pose.finish, pose, pose_x, pose_normed, mesh_normed, self.mesh.embedding, context),
        )


class Decoder(nn.ModuleList):
    """The blocks, one after another. `parallel` says how their two branches run; the result is the same."""

    def __init__(
        self,
        vertices: int,
        joints: int,
        context: int,
        *,
        depth: int,
        width: int,
        inner: int,
        mesh_heads: int,
        pose_heads: int,
        ratio: int,
        drop: float = 0.0,
    ) -> None:
        super().__init__(
            Interaction(
                Branch(vertices, width, inner, mesh_heads, context, ratio, drop),
                Branch(joints, width, inner, pose_heads, context, ratio, drop),
            )
            for _ in range(depth)
        )
        self._parallel: Parallel = "off"
        self._graphs = Graphs()

    @property
    def parallel(self) -> Parallel:
        return self._parallel

    @parallel.setter
    def parallel(self, parallel: Parallel) -> None:
        if parallel not in MODES:
            raise ValueError(f"parallel is one of {', '.join(MODES)}, not {parallel}")
        self._parallel = parallel

    def forward(self, mesh: Tensor, pose: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """mesh (B, V, 3), pose (B, J, 3) in metres, context (B, C) → the same, refined."""
        inference = not torch.is_grad_enabled() and not torch.is_autocast_enabled("cuda")
        if self.parallel == "graph" and mesh.is_cuda and inference:
            mesh, pose = self._graphs(self._blocks, next(self.parameters()), mesh, pose, context)
            return mesh, pose
        return self._blocks(mesh, pose, context)

    def _blocks(self, mesh: Tensor, pose: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        for block in self:
            mesh, pose = block(mesh, pose, context, self.parallel)
        return mesh, pose
