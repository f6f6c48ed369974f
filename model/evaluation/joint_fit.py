# SPDX-License-Identifier: GPL-3.0-or-later
"""The body fitted to 3D joints alone: what one would get from a lifter without a second stage."""

import torch
from torch import Tensor

from ..body.fit import BodyFitter
from ..body.model import BodyModel
from ..body.points import BodyPoints, ShapedPoints
from ..motion.skeleton import PARENTS
from ..network.registry import COARSE_LEVEL

TORSO = (5, 6, 11, 12)
"""Shoulders and hips among the keypoints."""
LEAN = 0.002
"""Square metres by which a bone leans towards its parent's turn: decides the twist that joints leave open, no more."""


class JointFitter(BodyFitter):
    """The product's fitter with the keypoints in the mesh's place; `fit` takes joints (T, 23, 3) for both.

    Three points on a bone's axis do not tell its twist, so the first guess goes down the tree and lets every bone keep
    its parent's twist. Everything after that is the product's: shape from some frames, then rays and usual bends.
    """

    def __init__(self, body: BodyModel) -> None:
        super().__init__(body, COARSE_LEVEL)
        keypoints = body.keypoint_regressor.to_dense()
        self.vertices = len(keypoints)
        self.points = BodyPoints(body, torch.cat([keypoints, keypoints]))

    def _first_guess(self, shaped: ShapedPoints, mesh: Tensor) -> Tensor:
        weights, source = self._parts(shaped)
        rest = (shaped.arms[0, : self.vertices] + shaped.weights[: self.vertices, :, None] * shaped.joints[0]).sum(1)
        torso, at_rest = (x[..., list(TORSO), :] for x in (mesh, rest))
        torso, at_rest = (x - x.mean(-2, keepdim=True) for x in (torso, at_rest))
        turns = [_rotation(torch.einsum("tvc,vd->tcd", torso, at_rest))]
        spread = torch.einsum("kv,tvc,kvd->tkcd", weights, mesh, source)
        for joint in range(1, 24):
            turns.append(_rotation(spread[:, joint] + LEAN * turns[PARENTS[joint]]))
        turned = torch.stack(turns, 1)
        parents = list(PARENTS[1:])
        return torch.cat([turned[:, :1], turned[:, parents].mT @ turned[:, 1:]], 1)


def _rotation(spread: Tensor) -> Tensor:
    """The rotations (T, 3, 3) nearest to matrices (T, 3, 3)."""
    u, _, vt = torch.linalg.svd(spread)
    sign = torch.ones(u.shape[:-1])
    sign[..., 2] = torch.det(u @ vt)
    return (u * sign[..., None, :]) @ vt
