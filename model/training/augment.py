# SPDX-License-Identifier: GPL-3.0-or-later
"""More motion out of little: recombined bodies, bent joints, arms anywhere, leans and turns.

Where a change makes feet slide or float, the window's contacts become unknown (NaN).
"""

import math

import torch
from torch import Tensor

from ..motion.skeleton import JOINTS

UPPER = tuple(
    j
    for j, name in enumerate(JOINTS)
    if name.removeprefix("left_").removeprefix("right_") not in ("pelvis", "hip", "knee", "ankle", "foot")
)
"""Everything above the pelvis."""
LEGS = tuple(JOINTS.index(f"{side}_{part}") for side in ("left", "right") for part in ("hip", "knee", "ankle"))
ARMS = tuple(JOINTS.index(f"{side}_{part}") for side in ("left", "right") for part in ("shoulder", "elbow"))

BENT_DEG = {
    "spine1": 7, "spine2": 7, "spine3": 7, "neck": 10, "head": 10, "collar": 7, "shoulder": 20, "elbow": 12,
    "wrist": 15, "hand": 0, "pelvis": 0, "hip": 14, "knee": 8, "ankle": 10, "foot": 8,
}  # fmt: skip
"""Spread of the angle by which a joint is turned beside its captured one, about any axis."""
ARMS_ANYWHERE_DEG = 50.0
LEAN_DEG = 20.0
TURN_DEG_S = 90.0

RECOMBINED, BENT, BENT_LEGS, ARMS_ANYWHERE, LEANING, TURNING = 0.3, 0.5, 0.25, 0.12, 0.2, 0.1
"""Shares of the windows."""


def augment(
    local: Tensor, root: Tensor, contacts: Tensor, others: Tensor, time_s: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Vary windows: local rotations (B, T, 24, 3, 3), root (B, T, 3) metres, Y up, contacts (B, T, 4).

    others (B, T, 24, 3, 3) are windows whose upper bodies may be taken, time_s (B, T).
    """
    count, frames = local.shape[:2]

    def chance(probability: float) -> Tensor:
        return torch.rand(count, 1, 1, 1, 1, generator=generator) < probability

    def either(where: Tensor, joints: tuple[int, ...], changed: Tensor) -> Tensor:
        mask = torch.zeros(24, dtype=torch.bool)
        mask[list(joints)] = True
        return torch.where(where & mask[:, None, None], changed, local)

    local = either(chance(RECOMBINED), UPPER, others)
    spread = torch.tensor([math.radians(BENT_DEG[_plain(name)]) for name in JOINTS])
    bent = local @ _bends(count, frames, spread, generator)
    local = either(chance(BENT), UPPER, bent)
    loose = chance(BENT_LEGS)
    local = either(loose, LEGS, bent)
    anywhere = torch.zeros(24)
    anywhere[list(ARMS)] = math.radians(ARMS_ANYWHERE_DEG) * torch.tensor([1.0, 0.5, 1.0, 0.5])
    local = either(chance(ARMS_ANYWHERE), ARMS, local @ _bends(count, frames, anywhere, generator))

    axis = torch.randn(count, 1, 3, generator=generator) * torch.tensor([1.0, 0.0, 1.0])
    angle = math.radians(LEAN_DEG) * torch.rand(count, 1, 1, generator=generator)
    lean = rotation(torch.nn.functional.normalize(axis, dim=-1) * angle * chance(LEANING)[..., 0, 0])
    turning = chance(TURNING)[..., 0, 0]
    rate = math.radians(TURN_DEG_S) * torch.randn(count, 1, 1, generator=generator) * turning
    turn = rotation(rate * time_s[..., None] * torch.tensor([0.0, 1.0, 0.0]))
    whole = turn @ lean
    local = torch.cat([(whole @ local[:, :, 0])[:, :, None], local[:, :, 1:]], 2)
    middle = root.mean(1, keepdim=True) * torch.tensor([1.0, 0.0, 1.0])
    root = (whole @ (root - middle)[..., None])[..., 0] + middle
    unknown = loose[..., 0, 0] | turning
    return local, root, torch.where(unknown, torch.nan, contacts)


def _plain(name: str) -> str:
    return name.removeprefix("left_").removeprefix("right_")


def _bends(count: int, frames: int, spread: Tensor, generator: torch.Generator) -> Tensor:
    """Rotations (count, frames, 24, 3, 3): about half of each constant over the window, half slowly changing."""
    constant = torch.randn(count, 1, 24, 3, generator=generator)
    knots = torch.randn(count, 72, 3, generator=generator)
    slow = torch.nn.functional.interpolate(knots, size=frames, mode="linear", align_corners=True)
    vectors = 0.8 * constant + 0.6 * slow.transpose(1, 2).unflatten(-1, (24, 3))
    return rotation(vectors * (spread / math.sqrt(3))[:, None])


def rotation(vector: Tensor) -> Tensor:
    """Rotation matrices (..., 3, 3) of axis-angle vectors (..., 3), by Rodrigues' formula."""
    angle = vector.norm(dim=-1)[..., None, None].clamp_min(1e-8)
    x, y, z = vector.unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3)) / angle
    return torch.eye(3) + angle.sin() * cross + (1 - angle.cos()) * (cross @ cross)
