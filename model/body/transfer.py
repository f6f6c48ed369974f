# SPDX-License-Identifier: GPL-3.0-or-later
"""From one body model to another of the same joints."""

import torch
from torch import Tensor

from ..motion.skeleton import PARENTS
from .model import BodyModel

BONE_SPREAD_M = 0.01


def betas_like(body: BodyModel, joints: Tensor) -> Tensor:
    """Betas (10,) with which the body's bones come nearest in length to those of T-pose joints (24, 3), metres.

    Betas of different models mean different things, so they are not copied; a prior of one standard deviation each
    keeps what the lengths do not tell near the mean.
    """
    parents = list(PARENTS[1:])
    lengths = (joints[1:] - joints[parents]).norm(dim=-1)
    rest = body.J_regressor @ body.v_template
    directions = torch.einsum("jv,vcb->jcb", body.J_regressor, body.shapedirs)
    bones, slopes = rest[1:] - rest[parents], directions[1:] - directions[parents]
    betas = torch.zeros(slopes.shape[-1])
    for _ in range(20):
        now = bones + slopes @ betas
        slope = torch.einsum("nc,ncb->nb", torch.nn.functional.normalize(now, dim=-1), slopes) / BONE_SPREAD_M
        rows = torch.cat([slope, torch.eye(len(betas))])
        target = torch.cat([(lengths - now.norm(dim=-1)) / BONE_SPREAD_M, -betas])
        betas = betas + torch.linalg.lstsq(rows, target).solution
    return betas
