# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage 1: from 2D keypoints and image features over a window of time to 3D joints."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from .blocks import Block, RotaryTime
from .wavelet import LatentInfoExtractor


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
        wavelet: str,
    ) -> None:
        super().__init__()
        self.embed = nn.Linear(3, joint_width)
        self.joint_embedding = nn.Parameter(0.02 * torch.randn(joints, joint_width))
        self.unseen = nn.Parameter(torch.zeros(joints, joint_width))
        self.spatial = nn.ModuleList(Block(joint_width, joint_width // 16, 2) for _ in range(spatial_depth))
        self.gather = nn.Linear(joints * joint_width, width)
        self.size = nn.Linear(1, width)
        self.feature = nn.Linear(feature, width)
        self.no_feature = nn.Parameter(torch.zeros(width))
        self.hybrid = LatentInfoExtractor(width, width // 2, heads, wavelet)
        self.time = RotaryTime(width // heads)
        self.temporal = nn.ModuleList(Block(width, heads, 2) for _ in range(temporal_depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, joints * 3 + 4 + 3)
        self.joints = joints

    def forward(
        self, keypoints: Tensor, size: Tensor, time_s: Tensor, feature: Tensor | None, seen: Tensor | None
    ) -> Lifted:
        """Lift a window.

        keypoints (B, T, J, 3): x, y in the window's camera divided by the person's size, confidence 0..1.
        size (B,): logarithm of the person's size as the tangent of an angle. time_s (B, T). feature (B, T, F) of the
        image with seen (B, T) bool, True where there is one; both None when there is none at all.
        """
        B, T, J, _ = keypoints.shape
        confidence = keypoints[..., 2:].clamp(0, 1)
        tokens = confidence * self.embed(keypoints) + (1 - confidence) * self.unseen + self.joint_embedding
        tokens = tokens.reshape(B * T, J, -1)
        for block in self.spatial:
            tokens = block(tokens)
        pose = self.gather(tokens.reshape(B, T, -1)) + self.size(size[:, None, None])
        image = self.no_feature.expand_as(pose)
        if feature is not None and seen is not None:
            image = torch.where(seen[..., None], self.feature(feature), image)
        x = self.hybrid(pose + image, time_s)
        rotate = self.time(time_s)
        for block in self.temporal:
            x = block(x, rotate)
        x = self.norm(x)
        joints, contacts, up = self.head(x).split([J * 3, 4, 3], -1)
        return Lifted(joints.reshape(B, T, J, 3), x, contacts, up)
