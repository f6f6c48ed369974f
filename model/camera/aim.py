# SPDX-License-Identifier: GPL-3.0-or-later
"""The network's view of a window: a camera turned towards the person, and the person's size in it.

Training and capture both come through here, so that the network sees one and the same kind of input.
"""

from typing import NamedTuple

import torch
from torch import Tensor

SURE = 0.3
"""Confidence from which a keypoint counts for where the person is."""


class Aim(NamedTuple):
    """A window's camera."""

    rotation: Tensor
    """(B, 3, 3): x_window = rotation · x_camera; the person's mean direction becomes +z."""
    size: Tensor
    """(B,) root mean square distance of the keypoints from the axis, as a tangent, over the window."""
    keypoints: Tensor
    """(B, T, J, 3): x, y in the window's camera divided by size, confidence."""


def aim(rays: Tensor, confidence: Tensor) -> Aim:
    """Turn towards the person seen along rays (B, T, J, 2) = (x/z, y/z) with confidence (B, T, J)."""
    weight = torch.where(confidence > SURE, confidence, 0.0) + 1e-6
    directions = torch.nn.functional.normalize(torch.cat([rays, torch.ones_like(rays[..., :1])], -1), dim=-1)
    mean = torch.nn.functional.normalize((weight[..., None] * directions).sum((1, 2)), dim=-1)
    rotation = _towards_axis(mean)
    turned = torch.einsum("bij,btkj->btki", rotation, directions)
    flat = turned[..., :2] / turned[..., 2:].clamp_min(0.05)
    square = (weight * flat.square().sum(-1)).sum((1, 2)) / weight.sum((1, 2))
    size = square.sqrt().clamp_min(1e-4)
    scaled = (flat / size[:, None, None, None]).clamp(-6, 6)
    return Aim(rotation, size, torch.cat([scaled, confidence[..., None]], -1))


def _towards_axis(direction: Tensor) -> Tensor:
    """The smallest rotations (B, 3, 3) that turn unit directions (B, 3) with z > -1 to +z."""
    x, y, z = direction.unbind(-1)
    k = 1 / (1 + z).clamp_min(1e-6)
    return torch.stack([1 - k * x * x, -k * x * y, -x, -k * x * y, 1 - k * y * y, -y, x, y, z], -1).unflatten(
        -1, (3, 3)
    )
