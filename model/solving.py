# SPDX-License-Identifier: GPL-3.0-or-later
"""What a shot is solved with: from what was seen of a person to a body in the camera's frame."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .body.fit import BodyFitter, Fit
from .body.model import BodyModel
from .camera.pinhole import rays_through
from .network.lifter import Given
from .network.registry import COARSE_LEVEL
from .network.two_stage import TwoStage
from .people import Observations
from .recovery import Recovery, recover


@dataclass(frozen=True)
class Solver:
    """The network, the body that is fitted to what it says, and the lens: camera_matrix (3, 3), pixels."""

    network: TwoStage
    body: BodyModel
    camera_matrix: Tensor

    def recover(self, seen: Observations, device: str, batch: int, report: Callable[[int], None]) -> Recovery:
        """What the network says of T frames; `device`, `batch` and `report` are as in recovery.recover."""
        observed = torch.from_numpy(seen.observed)
        given = (Given(torch.from_numpy(values), observed) for values in (seen.world, seen.features))
        network = self.network.to(device)
        return recover(network, *self._keypoints(seen), seen.time_s, report, batch, *given)

    def fit(
        self,
        seen: Observations,
        recovery: Recovery,
        height_m: float | None,
        report: Callable[[int], None],
        like: Fit | None = None,
    ) -> Fit:
        """The body in T frames, of a standing height if that is known; `like` is a fit whose shape and size to keep."""
        rays, confidence = self._keypoints(seen)
        fitter = BodyFitter(self.body, COARSE_LEVEL)
        mesh, joints = recovery.mesh, recovery.joints
        return fitter.fit(mesh, joints, rays, confidence, seen.time_s, height_m, report, like=like)

    def height_m(self, fit: Fit) -> float:
        """How tall the body of a fit stands."""
        return float(np.ptp(self.body.shaped(fit.betas[None])[0][0, :, 1].numpy()))

    def _keypoints(self, seen: Observations) -> tuple[Tensor, Tensor]:
        """The lines of sight (T, 23, 2) of the keypoints, and how sure each is (T, 23)."""
        rays = rays_through(torch.from_numpy(seen.keypoints[..., :2]), self.camera_matrix)
        return rays.float(), torch.from_numpy(seen.keypoints[..., 2]).float()
