# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage 1: from 2D keypoints and image features over a window of time to 3D joints."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .blocks import Block, RotaryTime
from .wavelet import LatentInfoExtractor


class Given(NamedTuple):
    """An input that may be withheld, in training or because there is none: values (B, T, ...) where (B, T) is True."""

    values: Tensor
    where: Tensor


class Lifted(NamedTuple):
    """What stage 1 says of each frame, in the window's camera frame (OpenCV axes)."""

    joints: Tensor
    """(B, T, J, 3) metres, relative to the mid-hip."""
    context: Tensor
    """(B, T, width) for stage 2."""
    contacts: Tensor
    """(B, T, 4) logits: left heel, left toe, right heel, right toe rest on something."""
    up: Tensor
    """(B, T, 3) the direction away from the ground, not normalised."""


class Lifter(nn.Module):
    """Attention over the joints of a frame, then, joined with the wavelet-filtered frame feature, over time.

    Unlike the published lifter it answers for all T frames at once and keeps one token a frame in the temporal part,
    which at equal compute affords a wider one.
    """

    def __init__(
        self,
        joints: int,
        feature: int,
        joint_width: int,
        width: int,
        spatial_depth: int,
        temporal_depth: int,
        heads: int,
        wavelet: str | None,
        wavelet_levels: int = 1,
    ) -> None:
        super().__init__()
        self.embed = nn.Linear(3, joint_width)
        self.embed_world = _silent(nn.Linear(3, joint_width))
        self.world_share = nn.Parameter(torch.zeros(joints, 1))
        self.joint_embedding = nn.Parameter(0.02 * torch.randn(joints, joint_width))
        self.unseen = nn.Parameter(torch.zeros(joints, joint_width))
        self.spatial = nn.ModuleList(Block(joint_width, joint_width // 16, 2) for _ in range(spatial_depth))
        self.gather = nn.Linear(joints * joint_width, width)
        self.size = nn.Linear(1, width)
        self.feature = _silent(nn.Linear(feature, width)) if feature else None
        self.no_feature = nn.Parameter(torch.zeros(width))
        self.hybrid = LatentInfoExtractor(width, width // 2, heads, wavelet, wavelet_levels) if wavelet else None
        self.time = RotaryTime(width // heads)
        self.temporal = nn.ModuleList(Block(width, heads, 2) for _ in range(temporal_depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, joints * 3 + 4 + 3)
        self.joints = joints

    def forward(
        self, keypoints: Tensor, size: Tensor, time_s: Tensor, world: Given | None, feature: Given | None
    ) -> Lifted:
        """Lift a window.

        keypoints (B, T, J, 3): x, y in the window's camera divided by the person's size, confidence 0..1.
        size (B,): logarithm of the person's size as the tangent of an angle. time_s (B, T). world: the detector's own
        guess (B, T, J, 3) in metres, relative to the mid-hip, axes as for the result. feature: of the image (B, T, F).
        """
        B, T, J, _ = keypoints.shape
        confidence = keypoints[..., 2:].clamp(0, 1)
        tokens = confidence * self.embed(keypoints) + (1 - confidence) * self.unseen + self.joint_embedding
        if world is not None:
            tokens = tokens + world.where[..., None, None] * self.embed_world(world.values)
        tokens = tokens.reshape(B * T, J, -1)
        for block in self.spatial:
            tokens = block(tokens)
        pose = self.gather(tokens.reshape(B, T, -1)) + self.size(size[:, None, None])
        x = pose + self.no_feature
        if feature is not None and self.feature is not None:
            x = x + feature.where[..., None] * self.feature(F.layer_norm(feature.values, feature.values.shape[-1:]))
        if self.hybrid is not None:
            x = self.hybrid(x, time_s)
        rotate = self.time(time_s)
        for block in self.temporal:
            x = block(x, rotate)
        x = self.norm(x)
        joints, contacts, up = self.head(x).split([J * 3, 4, 3], -1)
        joints = joints.reshape(B, T, J, 3)
        if world is not None:
            joints = joints + world.where[..., None, None] * self.world_share * world.values
        return Lifted(joints, x, contacts, up)


def _silent(layer: nn.Linear) -> nn.Linear:
    """A layer that says nothing before it has learnt: weights of a network without it stay good."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
