# SPDX-License-Identifier: GPL-3.0-or-later
"""A few points on the posed body, exactly and without posing every vertex.

A point that is a fixed weighted sum of vertices moves under LBS as a sum over the bones of R_k · a_k + W_k · p_k, where
a_k depends on the shape only. Keypoints, joints and the coarse mesh are all such points, so the training and the
fitting pose some hundred points instead of thousands of vertices. Pose correctives (SMPL's posedirs) are left out.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from .model import BodyModel


class ShapedPoints(NamedTuple):
    """Points of bodies of given shapes, ready to be posed."""

    arms: Tensor
    """(B, P, 24, 3): each bone's share of each point, relative to the bone's joint, T-pose."""
    weights: Tensor
    """(P, 24)."""
    joints: Tensor
    """(B, 24, 3) T-pose joints, metres."""


class BodyPoints:
    """Points given by a matrix (P, V) over the vertices of a body, dense or sparse, rows summing to 1."""

    def __init__(self, body: BodyModel, matrix: Tensor) -> None:
        matrix = matrix.to_dense().to(torch.float64)
        template, weights = body.v_template.double(), body.weights.double()
        directions, regressor = body.shapedirs.double(), body.J_regressor.double()
        arms, arm_directions = [], []
        for row in matrix:
            used = row.nonzero()[:, 0]
            share = row[used, None] * weights[used]
            arms.append(torch.einsum("vk,vc->kc", share, template[used]))
            arm_directions.append(torch.einsum("vk,vcb->kcb", share, directions[used]))
        self.arms = torch.stack(arms).to(body.v_template.dtype)
        self.arm_directions = torch.stack(arm_directions).to(body.v_template.dtype)
        self.weights = (matrix @ weights).to(body.v_template.dtype)
        self.joints = (regressor @ template).to(body.v_template.dtype)
        self.joint_directions = torch.einsum("jv,vcb->jcb", regressor, directions).to(body.v_template.dtype)

    def shaped(self, betas: Tensor) -> ShapedPoints:
        """Points of bodies with betas (B, 10)."""
        joints = self.joints + torch.einsum("jcb,nb->njc", self.joint_directions, betas)
        arms = self.arms + torch.einsum("pkcb,nb->npkc", self.arm_directions, betas)
        return ShapedPoints(arms - self.weights[..., None] * joints[:, None], self.weights, joints)


def pose_points(points: ShapedPoints, rotations: Tensor, joints: Tensor) -> Tensor:
    """Positions (B, T, P, 3) for global rotations (B, T, 24, 3, 3) and joints (B, T, 24, 3) of B shapes, T poses."""
    B, T = rotations.shape[:2]
    P = points.arms.shape[1]
    turned = rotations.permute(0, 1, 3, 2, 4).reshape(B, T * 3, 72) @ points.arms.reshape(B, P, 72).transpose(1, 2)
    return turned.reshape(B, T, 3, P).transpose(2, 3) + torch.einsum("pk,btkc->btpc", points.weights, joints)


def sole_matrix(body: BodyModel) -> Tensor:
    """The matrix (4, V) of what touches the ground first: L heel, L toe, R heel, R toe, the lowest points in T-pose."""
    depth, height = body.v_template[:, 2], body.v_template[:, 1]
    rows = []
    for ankle, foot in ((7, 10), (8, 11)):
        middle = (body.J_regressor[ankle] + body.J_regressor[foot]) @ depth / 2
        own = body.weights[:, ankle] + body.weights[:, foot] > 0.5
        for part in (own & (depth < middle), own & (depth >= middle)):
            lowest = torch.where(part, height, torch.inf).argmin()
            rows.append(torch.nn.functional.one_hot(lowest, len(height)))
    return torch.stack(rows).to(height.dtype)
