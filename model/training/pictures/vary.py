# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets rendered pictures look a little different each time they are drawn: there are few, and a network learns them.

Without this a network missed by 70 mm on the pictures that it was trained on, and by 134 on others.
"""

import torch
from torch import Tensor

from ...body.fit import exponential
from ...network.lifter import Given
from ..projections import Examples

ROLL = 0.25
"""Spread of the camera's roll, radians: the detector turns its crops upright, so what it says turns with them."""
SPEED = 0.15
"""Spread of the logarithm of the speed."""
OFFSET, TREMBLE = 0.02, 0.01
"""How far keypoints are moved for a whole window and in each frame, in sizes of the person."""
LOST = 0.03
"""Share of the keypoints that are not seen in a frame, and of those that are not seen in a whole window."""
WORLD_TURN, WORLD_SCALE, WORLD_OFFSET_M = 0.08, 0.04, 0.015
"""How the detector's 3D is turned (radians), enlarged (logarithm), and its joints moved, for a whole window."""
FEATURE_NOISE, FEATURE_LOST = 0.2, 0.1
"""Noise on a feature, in spreads of its values, and the share of values that are 0."""


def vary(examples: Examples, generator: torch.Generator) -> Examples:
    """The same windows, rolled, at another speed, and with more of the detector's errors; all truth goes with them."""
    count, frames, joints = examples.keypoints.shape[:3]

    def normal(spread: float, *shape: int) -> Tensor:
        return spread * torch.randn(*shape, generator=generator)

    roll = about_sight(normal(ROLL, count))
    error = normal(OFFSET, count, 1, joints, 2) + normal(TREMBLE, count, frames, joints, 2)
    where = examples.keypoints[..., :2] @ roll[:, None, :2, :2].mT + error
    seen = examples.keypoints[..., 2]
    for shape in ((count, 1, joints), (count, frames, joints)):
        seen = seen * (torch.rand(*shape, generator=generator) >= LOST)
    return examples._replace(
        keypoints=torch.cat([where, seen[..., None]], -1),
        time_s=examples.time_s * torch.exp(normal(SPEED, count, 1)),
        world=examples.world and _other_world(examples.world, roll, generator),
        feature=examples.feature and _other_feature(examples.feature, generator),
        joints=examples.joints @ roll[:, None].mT,
        up=(roll @ examples.up[..., None])[..., 0],
        mesh=examples.mesh @ roll[:, None].mT,
    )


def _other_world(world: Given, roll: Tensor, generator: torch.Generator) -> Given:
    count, _, joints, _ = world.values.shape
    turn = exponential(WORLD_TURN * torch.randn(count, 3, generator=generator)) @ roll
    scale = torch.exp(WORLD_SCALE * torch.randn(count, 1, 1, 1, generator=generator))
    moved = WORLD_OFFSET_M * torch.randn(count, 1, joints, 3, generator=generator)
    return world._replace(values=scale * world.values @ turn[:, None].mT + moved)


def _other_feature(feature: Given, generator: torch.Generator) -> Given:
    values = feature.values
    spread = values.std(-1, keepdim=True)
    noise = FEATURE_NOISE * spread * torch.randn(values.shape, generator=generator)
    kept = torch.rand(len(values), 1, values.shape[-1], generator=generator) >= FEATURE_LOST
    return feature._replace(values=(values + noise) * kept)


def about_sight(angle: Tensor) -> Tensor:
    """Rotations (B, 3, 3) by angles (B,), radians, about the axis along which the window's camera looks."""
    c, s, o = angle.cos(), angle.sin(), torch.zeros_like(angle)
    return torch.stack([c, -s, o, s, c, o, o, o, o + 1], -1).unflatten(-1, (3, 3))
