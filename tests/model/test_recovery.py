# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows over a shot, with a network whose answer is known."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from model.network.lifter import Given, Lifted
from model.network.two_stage import Recovered
from model.recovery import WINDOW, recover

torch.manual_seed(0)


class Known:
    """Says of every frame the same, wherever the window's camera looks: it is told the scene's truth by the rays."""

    config = SimpleNamespace(width=3)
    nearest = torch.zeros(1)

    def __init__(self) -> None:
        self.lengths: list[int] = []
        self.gaps_s: list[float] = []

    def lift(
        self,
        keypoints: torch.Tensor,
        size: torch.Tensor,
        time_s: torch.Tensor,
        world: Given | None,
        feature: Given | None,
    ) -> Lifted:
        self.lengths.append(keypoints.shape[1])
        if time_s.shape[1] > 1:
            self.gaps_s.append(float(time_s.diff(dim=1).max()))
        # The mean ray of the keypoints, as a point: equivariant under the window's rotation.
        points = torch.cat(
            [keypoints[..., :2] * size.exp()[:, None, None, None], torch.ones_like(keypoints[..., :1])], -1
        )
        points = torch.nn.functional.normalize(points, dim=-1)
        if world is not None:
            points = world.values
        context = points[:, :, 0]
        return Lifted(points, context, torch.zeros(*keypoints.shape[:2], 4), points[:, :, 0])

    def recover(self, joints: torch.Tensor, context: torch.Tensor) -> Recovered:
        return Recovered(context[:, None], joints)


def shot(T: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Rays of keypoints that move about, well inside the picture, and full confidence."""
    rays = 0.2 * torch.randn(1, 23, 2) + 0.05 * torch.randn(T, 23, 2).cumsum(0) / T**0.5
    return rays, torch.ones(T, 23)


@pytest.mark.parametrize("T", [1, 2, 15, 32, 33, 100])
def test_every_frame_is_answered_in_the_camera_s_frame(T: int) -> None:
    """The network's points are the rays' directions, turned with the window; turned back they are the rays again."""
    rays, confidence = shot(T)
    network, told = Known(), []
    found = recover(network, rays, confidence, np.arange(T) / 30, told.append)  # pyright: ignore[reportArgumentType]
    directions = torch.nn.functional.normalize(torch.cat([rays, torch.ones(T, 23, 1)], -1), dim=-1)
    torch.testing.assert_close(found.joints, directions, atol=1e-4, rtol=0)
    torch.testing.assert_close(found.mesh[:, 0], directions[:, 0], atol=1e-4, rtol=0)
    torch.testing.assert_close(found.up, directions[:, 0], atol=1e-4, rtol=0)
    assert (found.contacts == 0.5).all()
    assert max(network.lengths) <= WINDOW
    assert told == sorted(told)
    assert told[-1] == T


def test_fast_footage_is_taken_apart() -> None:
    """Of 240 frames a second the network sees 60, and every frame is still answered."""
    rays, confidence = shot(300)
    network = Known()
    found = recover(network, rays, confidence, np.arange(300) / 240, lambda _: None)  # pyright: ignore[reportArgumentType]
    assert found.joints.norm(dim=-1).min() > 0.9
    assert min(network.gaps_s) > 1 / 61


def test_what_the_detector_says_in_3d_is_seen_along_the_person_s_direction() -> None:
    """A network that repeats it gives it back turned as the window's camera is turned towards the person."""
    rays, confidence = torch.full((50, 23, 2), 0.5), torch.ones(50, 23)
    ahead = torch.tensor([0.0, 0.0, 1.0]).expand(50, 23, 3)
    given = Given(ahead, torch.ones(50, dtype=torch.bool))
    found = recover(Known(), rays, confidence, np.arange(50) / 30, lambda _: None, world=given)  # pyright: ignore[reportArgumentType]
    towards = torch.nn.functional.normalize(torch.tensor([0.5, 0.5, 1.0]), dim=0)
    torch.testing.assert_close(found.joints, towards.expand(50, 23, 3), atol=1e-4, rtol=0)
