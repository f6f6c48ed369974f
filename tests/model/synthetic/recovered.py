# SPDX-License-Identifier: GPL-3.0-or-later
"""What came out of a walk."""

from dataclasses import dataclass

import numpy as np
import torch

from model.body.points import sole_matrix
from model.motion.motion import Motion
from tests.model.synthetic.walk import BODY

STANDING = 8
"""Frames at both ends of the walk in which the person stands."""


@dataclass(frozen=True)
class Recovered:
    """A motion in the world and its body's skin: vertices (T, V, 3), soles (T, 4, 3), height_m of the body."""

    motion: Motion
    vertices: np.ndarray
    soles: np.ndarray
    height_m: float

    @staticmethod
    def of(motion: Motion) -> "Recovered":
        betas = torch.from_numpy(motion.betas)[None]
        local = torch.from_numpy(motion.local_rotations()).float()
        posed = BODY(local, betas.expand(len(local), 10), torch.from_numpy(motion.trans)).vertices
        upright = BODY.shaped(betas)[0][0, :, 1]
        return Recovered(
            motion, posed.numpy(), (sole_matrix(BODY) @ posed).numpy(), float(upright.max() - upright.min())
        )

    def travel(self) -> np.ndarray:
        """From where the hips are at first to where they are at last (3,), metres."""
        hips = self.motion.joints[:, 0].astype(float)
        return np.median(hips[-STANDING:], axis=0) - np.median(hips[:STANDING], axis=0)
