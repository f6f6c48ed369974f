# SPDX-License-Identifier: GPL-3.0-or-later
"""System A: lift the keypoints (stage 1), then let mesh and pose refine each other (stage 2)."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .interaction import Decoder
from .lifter import Given, Lifted, Lifter


@dataclass(frozen=True)
class TwoStageConfig:
    """Sizes of the network.

    `vertices` is the body's coarse level; `feature` the width of the image feature, 0 for a network that takes none;
    `wavelet` a name that PyWavelets knows, None for no LIFD. The decoder is LDMP where `mesh_inner` is below
    `mesh_width`, the baseline where they are equal.
    """

    vertices: int
    joints: int = 23
    feature: int = 1152
    joint_width: int = 32
    width: int = 256
    spatial_depth: int = 2
    temporal_depth: int = 3
    heads: int = 8
    wavelet: str | None = "haar"
    wavelet_levels: int = 1
    mesh_width: int = 32
    mesh_inner: int = 16
    mesh_depth: int = 1
    mesh_ratio: int = 1
    mesh_heads: int = 2
    pose_heads: int = 4


class Recovered(NamedTuple):
    """Output for N frames, metres, relative to the mid-hip, in the window's camera frame (OpenCV axes)."""

    mesh: Tensor
    """(N, V, 3) vertices of the body's coarse level."""
    joints: Tensor
    """(N, J, 3) the refined keypoints in 3D."""


class TwoStage(nn.Module):
    """The whole network. `nearest` (V,) names for every coarse vertex the keypoint at which it starts."""

    nearest: Tensor

    def __init__(self, config: TwoStageConfig) -> None:
        super().__init__()
        self.config = config
        self.lifter = Lifter(
            config.joints,
            config.feature,
            config.joint_width,
            config.width,
            config.spatial_depth,
            config.temporal_depth,
            config.heads,
            config.wavelet,
            config.wavelet_levels,
        )
        self.register_buffer("nearest", torch.zeros(config.vertices, dtype=torch.long))
        self.coarse = nn.Linear(config.width, config.vertices * 3)
        self.blocks = Decoder(
            config.vertices,
            config.joints,
            config.width,
            depth=config.mesh_depth,
            width=config.mesh_width,
            inner=config.mesh_inner,
            mesh_heads=config.mesh_heads,
            pose_heads=config.pose_heads,
            ratio=config.mesh_ratio,
        )

    def lift(
        self,
        keypoints: Tensor,
        size: Tensor,
        time_s: Tensor,
        world: Given | None = None,
        feature: Given | None = None,
    ) -> Lifted:
        """Stage 1; see Lifter.forward."""
        return self.lifter(keypoints, size, time_s, world, feature)

    def recover(self, joints: Tensor, context: Tensor) -> Recovered:
        """Stage 2 for N frames: lifted joints (N, J, 3) and context (N, width) → mesh and joints.

        Every vertex starts at its nearest keypoint plus what the context alone says of its offset.
        """
        mesh = joints[:, self.nearest] + self.coarse(context).unflatten(-1, (-1, 3))
        return Recovered(*self.blocks(mesh, joints, context))
