# SPDX-License-Identifier: GPL-3.0-or-later
"""The fit against bodies whose pose, shape and place are known."""

import math
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from model.body.files import load_body
from model.body.fit import BodyFitter, Fit
from model.body.model import pose_joints
from model.body.points import pose_points
from model.body.transfer import betas_like
from model.motion.rotations import matrix_from_axis_angle

BODY = load_body(None)
FITTER = BodyFitter(BODY, 1)
TO_CAMERA = torch.diag(torch.tensor([1.0, -1.0, -1.0]))
FRAMES = 40
HIP = 17


class Scene(NamedTuple):
    """A moving body before a camera, and what a perfect network would say of it."""

    local: Tensor
    vertices: Tensor
    mesh: Tensor
    keypoints: Tensor
    rays: Tensor
    height: float


def scene(seed: int = 0) -> Scene:
    """All joints swing at their own pace, hips and shoulders widely, spine, toes and hands little; the body crosses the
    view five metres off."""
    random = np.random.default_rng(seed)
    time_s = np.arange(FRAMES) / 30
    axes = random.normal(size=(24, 3))
    axes /= np.linalg.norm(axes, axis=-1, keepdims=True)
    width = np.full(24, 0.25)
    width[[1, 2, 4, 5, 16, 17, 18, 19]] = 0.8
    width[[9, 10, 11, 22, 23]] = 0.1
    angle = width * np.sin(2 * math.pi * random.uniform(0.3, 0.8, 24) * time_s[:, None] + random.uniform(0, 6, 24))
    local = torch.from_numpy(matrix_from_axis_angle(angle[..., None] * axes)).float()
    local[:, 0] = TO_CAMERA @ local[:, 0]
    betas = torch.from_numpy(random.normal(size=10) * 0.7).float()
    shaped = FITTER.points.shaped(betas[None])
    rotations, joints = pose_joints(local, shaped.joints[0])
    points = pose_points(shaped, rotations[None], joints[None])[0]
    hip = points[:, FITTER.vertices + HIP, None]
    path = torch.from_numpy(np.stack([time_s - 0.6, 0 * time_s, 5 + 0.5 * time_s], -1)).float()[:, None]
    seen = points - hip + path
    rest = BODY.shaped(betas[None])[0][0]
    keypoints = (points - hip)[:, FITTER.vertices :]
    return Scene(
        local,
        seen[:, : FITTER.vertices],
        (points - hip)[:, : FITTER.vertices],
        keypoints,
        seen[:, FITTER.vertices :, :2] / seen[:, FITTER.vertices :, 2:],
        float(rest[:, 1].max() - rest[:, 1].min()),
    )


def fitted(s: Scene, height_m: float | None = None, scale: float = 1.0, confidence: Tensor | None = None) -> Fit:
    sure = torch.ones(FRAMES, 23) if confidence is None else confidence
    time_s = np.arange(FRAMES) / 30
    return FITTER.fit(s.mesh * scale, s.keypoints * scale, s.rays, sure, time_s, height_m, lambda _: None)


def vertices(fit: Fit) -> Tensor:
    """The coarse mesh (T, V, 3) of a fit, in the camera's frame."""
    shaped = FITTER.points.shaped(fit.betas[None])
    rotations, joints = pose_joints(fit.local, shaped.joints[0])
    placed = joints - joints[:, :1] + fit.pelvis[:, None]
    return pose_points(shaped, rotations[None], placed[None])[0, :, : FITTER.vertices]


def degrees_off(fit: Fit, s: Scene) -> Tensor:
    trace = (fit.local.mT @ s.local).diagonal(dim1=-1, dim2=-2).sum(-1)
    return torch.rad2deg(torch.arccos(((trace - 1) / 2).clamp(-1, 1)))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_perfect_network_gives_the_body_back(seed: int) -> None:
    s = scene(seed)
    fit = fitted(s)
    assert (vertices(fit) - s.vertices).norm(dim=-1).mean() < 0.012
    assert degrees_off(fit, s).mean() < 6  # the shape is only known to a centimetre or so, the rest follows from it
    torch.testing.assert_close(fit.local @ fit.local.mT, torch.eye(3).expand_as(fit.local), atol=1e-4, rtol=0)


def test_a_known_height_sets_the_scale() -> None:
    """The network took the person for 15 % too small; the height puts that right, and the distance with it."""
    s = scene()
    fit = fitted(s, height_m=s.height, scale=0.85)
    assert fit.scale == pytest.approx(1 / 0.85, rel=0.03)
    assert (fit.pelvis[:, 2] / s.vertices[..., 2].mean(1) - 1).abs().max() < 0.05
    rest = BODY.shaped(fit.betas[None])[0][0]
    assert float(rest[:, 1].max() - rest[:, 1].min()) == pytest.approx(s.height, abs=0.005)


def test_unseen_keypoints_do_not_count() -> None:
    s = scene()
    confidence = torch.ones(FRAMES, 23)
    confidence[:, [9, 13, 20]] = 0
    wrong = s._replace(rays=s.rays.clone())
    wrong.rays[:, [9, 13, 20]] += 0.3
    assert (vertices(fitted(wrong, confidence=confidence)) - s.vertices).norm(dim=-1).mean() < 0.012


def test_frames_in_which_nobody_was_seen_move_none_in_which_somebody_was() -> None:
    s = scene()
    confidence = torch.ones(FRAMES, 23)
    confidence[15:25] = 0
    seen = torch.arange(FRAMES)[confidence[:, 0] > 0]
    off = fitted(s, confidence=confidence).pelvis[seen] - fitted(s).pelvis[seen]
    assert off.norm(dim=-1).max() < 0.02


def test_short_bones_do_not_take_up_the_errors_of_keypoints() -> None:
    """Detectors mean other points on a shoe than the body does, by some centimetres: toes do not bend after them."""
    s = scene()
    shifted = s._replace(rays=s.rays.clone())
    shifted.rays[:, [21, 22], 1] += 0.04 / 5
    assert degrees_off(fitted(shifted), s)[:, [10, 11]].mean() < 10


def test_noise_of_the_network_does_not_run_away() -> None:
    s = scene()
    torch.manual_seed(0)
    noisy = s._replace(mesh=s.mesh + 0.02 * torch.randn_like(s.mesh))
    fit = fitted(noisy)
    assert (vertices(fit) - s.vertices).norm(dim=-1).mean() < 0.03
    assert degrees_off(fit, s).mean() < 20


def test_one_frame_is_enough() -> None:
    s = scene()
    one = FITTER.fit(s.mesh[:1], s.keypoints[:1], s.rays[:1], torch.ones(1, 23), np.zeros(1), None, lambda _: None)
    assert torch.isfinite(one.local).all()
    assert (vertices(one) - s.vertices[:1]).norm(dim=-1).mean() < 0.03


def test_shape_passes_to_a_body_of_other_betas() -> None:
    """A body whose betas are turned: the lengths are found again, the numbers are not the same."""
    betas = torch.tensor([1.5, -0.5, 0.3, 0.2, 0, 0, 0, 0, 0, 0])
    rest = BODY.shaped(betas[None])[1][0]
    other = load_body(None)
    turn = torch.linalg.qr(torch.randn(10, 10, generator=torch.Generator().manual_seed(0)))[0]
    other.shapedirs = other.shapedirs @ turn
    found = betas_like(other, rest)
    bones = other.shaped(found[None])[1][0]
    assert (bones - rest)[[4, 7, 18, 20]].abs().max() < 0.01
    assert (found - betas).abs().max() > 0.2
