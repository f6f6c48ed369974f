# SPDX-License-Identifier: GPL-3.0-or-later
"""A pinhole camera without distortion, and where a body of known size stands before it."""

import math

import torch
from torch import Tensor

ASSUMED_FOV_DEG = 60.0
"""Along the longer side of the picture: between a phone's main camera (65 to 70, less when it steadies video) and
the standard lenses of other cameras."""


def camera_matrix(width: int, height: int, fov_deg: float | None = None) -> Tensor:
    """Intrinsics (3, 3) in pixels, principal point in the middle; fov_deg is horizontal, None to assume one."""
    if fov_deg is None:
        focal = max(width, height) / (2 * math.tan(math.radians(ASSUMED_FOV_DEG) / 2))
    else:
        focal = width / (2 * math.tan(math.radians(fov_deg) / 2))
    return torch.tensor([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]], dtype=torch.float64)


def horizontal_fov_deg(matrix: Tensor, width: int) -> float:
    """Horizontal field of view of intrinsics (3, 3) for a picture of that width in pixels."""
    return math.degrees(2 * math.atan(width / (2 * float(matrix[0, 0]))))


def rays_through(pixels: Tensor, matrix: Tensor) -> Tensor:
    """Rays (…, 2) = (x/z, y/z) through pixels (…, 2)."""
    return (pixels - matrix[:2, 2]) / torch.stack([matrix[0, 0], matrix[1, 1]])


def locate(points: Tensor, rays: Tensor, weights: Tensor, rounds: int = 5) -> Tensor:
    """Translations (T, 3) that put points (T, N, 3), metres, onto rays (T, N, 2).

    x + tx = u (z + tz) is linear in t; robust by reweighting, so a few misplaced keypoints do not move the body.
    weights (T, N) >= 0; at least two points with weight are needed for a meaningful answer.
    """
    u, v = rays.unbind(-1)
    zero, one = torch.zeros_like(u), torch.ones_like(u)
    A = torch.stack([torch.stack([one, zero, -u], -1), torch.stack([zero, one, -v], -1)], -2)
    b = torch.stack([u * points[..., 2] - points[..., 0], v * points[..., 2] - points[..., 1]], -1)
    robust = weights
    t = points.new_zeros(len(points), 3)
    for _ in range(rounds):
        normal = torch.einsum("tnea,tn,tneb->tab", A, robust, A) + 1e-6 * torch.eye(3, dtype=A.dtype)
        t = torch.linalg.solve(normal, torch.einsum("tnea,tn,tne->ta", A, robust, b))
        error = (torch.einsum("tnea,ta->tne", A, t) - b).norm(dim=-1)
        robust = weights / (1 + (error / 0.05).square()).square()
    return t
