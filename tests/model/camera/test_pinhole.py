# SPDX-License-Identifier: GPL-3.0-or-later
import math

import pytest
import torch

from model.camera.aim import aim
from model.camera.pinhole import ASSUMED_FOV_DEG, camera_matrix, horizontal_fov_deg, locate, rays_through

torch.manual_seed(0)


def test_field_of_view_by_hand() -> None:
    """At 90 degrees the focal length is half the width."""
    K = camera_matrix(1920, 1080, 90.0)
    assert K[0, 0].item() == pytest.approx(960)
    assert K[:2, 2].tolist() == [960, 540]
    assert horizontal_fov_deg(K, 1920) == pytest.approx(90)


def test_assumed_field_of_view_is_that_of_the_longer_side() -> None:
    assert horizontal_fov_deg(camera_matrix(1920, 1080), 1920) == pytest.approx(ASSUMED_FOV_DEG)
    assert camera_matrix(1080, 1920)[0, 0] == camera_matrix(1920, 1080)[0, 0]


def test_locate_finds_the_translation_in_spite_of_an_outlier() -> None:
    K = camera_matrix(1280, 720, 60.0)
    points = torch.randn(5, 23, 3, dtype=torch.float64) * 0.4
    truth = torch.tensor([[0.3, -0.2, 4.0]], dtype=torch.float64) + 0.1 * torch.randn(5, 3, dtype=torch.float64)
    seen = points + truth[:, None]
    pixels = (seen @ K.T)[..., :2] / seen[..., 2:]
    pixels[:, 7] += 200
    found = locate(points, rays_through(pixels, K), torch.ones(5, 23, dtype=torch.float64), rounds=20)
    assert (found - truth).abs().max() < 0.01


def test_aim_turns_the_person_onto_the_axis_and_keeps_size() -> None:
    """A person 25 degrees off the axis looks, to the network, like one straight ahead."""
    person = torch.randn(1, 8, 23, 3) * 0.3
    straight = person + torch.tensor([0, 0, 5.0])
    angle = math.radians(25)
    turn = torch.tensor([[math.cos(angle), 0, math.sin(angle)], [0, 1, 0], [-math.sin(angle), 0, math.cos(angle)]])
    aside = straight @ turn.T
    confidence = torch.ones(1, 8, 23)
    a = aim(straight[..., :2] / straight[..., 2:], confidence)
    b = aim(aside[..., :2] / aside[..., 2:], confidence)
    torch.testing.assert_close(a.size, b.size)
    torch.testing.assert_close(a.keypoints, b.keypoints, atol=2e-2, rtol=0)
    torch.testing.assert_close(b.rotation @ turn, a.rotation, atol=1e-2, rtol=0)
    torch.testing.assert_close(b.rotation @ b.rotation.mT, torch.eye(3)[None])
    assert torch.linalg.det(b.rotation).item() == pytest.approx(1)


def test_aim_ignores_keypoints_without_confidence() -> None:
    rays, confidence = torch.randn(1, 4, 23, 2) * 0.1, torch.ones(1, 4, 23)
    confidence[..., 3] = 0
    a = aim(rays, confidence)
    rays[..., 3, :] = 9
    b = aim(rays, confidence)
    torch.testing.assert_close(a.rotation, b.rotation, atol=1e-5, rtol=0)
    torch.testing.assert_close(a.size, b.size, atol=1e-4, rtol=1e-3)
