# SPDX-License-Identifier: GPL-3.0-or-later
"""Vertices of a body model that the user brought, true and recovered, on the same topology."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..body.model import BodyModel

AT_ONCE = 64


class OwnBody(NamedTuple):
    """A person over N frames as a body model has it."""

    body: BodyModel
    local: Tensor
    """(N, 24, 3, 3) rotations relative to the parent, the root's relative to the camera"""
    betas: Tensor
    """(10,)"""

    def vertices(self) -> NDArray[np.float64]:
        """(N, V, 3) metres, camera axes, the first joint at the origin as papers align vertices."""
        parts = []
        with torch.inference_mode():
            for local in self.local.float().split(AT_ONCE):
                found = self.body(local, self.betas.expand(len(local), -1), torch.zeros(len(local), 3)).vertices
                # The regressed joint and not the posed one: the true mesh is aligned by its vertices as well.
                parts.append(found - torch.einsum("v,nvc->nc", self.body.J_regressor[0], found)[:, None])
        return torch.cat(parts).double().numpy()

    def at(self, frames: NDArray[np.intp]) -> "OwnBody":
        """The person in some of the frames."""
        return self._replace(local=self.local[torch.from_numpy(frames)])
