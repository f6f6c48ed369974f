# SPDX-License-Identifier: GPL-3.0-or-later
"""Training examples without pictures: mocap on random bodies, seen by random cameras through a noisy detector."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ..body.model import BodyModel, pose_joints
from ..body.points import BodyPoints, pose_points
from ..camera.aim import aim
from ..motion.skeleton import KEYPOINT_MIRROR
from ..network.lifter import Given
from .motions import Motions

PELVIS, NECK = 17, 18
LEGS, ARMS = (11, 12, 13, 14, 15, 16, 19, 20, 21, 22), (5, 6, 7, 8, 9, 10)
HIDEABLE = (
    (7, 9), (8, 10), (9,), (10,), (13, 15, 19, 21), (14, 16, 20, 22), (15, 19, 21), (16, 20, 22), (0, 1, 2, 3, 4),
)  # fmt: skip
"""Limbs that something may hide for a while."""
BELOW = ((13, 14, 15, 16, 19, 20, 21, 22), (15, 16, 19, 20, 21, 22), (19, 20, 21, 22))
"""What the lower border of the picture may cut off."""


class Examples(NamedTuple):
    """Inputs and targets of B windows of T frames; targets in the window's camera, metres, mid-hip at the origin."""

    keypoints: Tensor
    """(B, T, 23, 3) as Aim.keypoints"""
    size: Tensor
    """(B,) logarithm of the person's size"""
    time_s: Tensor
    """(B, T)"""
    world: Given | None
    """(B, T, 23, 3) what the detector makes of the joints in 3D"""
    feature: Given | None
    """(B, T, 1152) of the image"""
    joints: Tensor
    """(B, T, 23, 3)"""
    up: Tensor
    """(B, 3)"""
    contacts: Tensor
    """(B, T, 4), NaN where they are not known"""
    frames: Tensor
    """(B, S) the frames for which there is a mesh"""
    mesh: Tensor
    """(B, S, V, 3) the coarse level"""


class Scene(NamedTuple):
    """B people over T frames in a Y-up world, each before a camera."""

    betas: Tensor
    """(B, 10)"""
    rotations: Tensor
    """(B, T, 24, 3, 3) global"""
    joints: Tensor
    """(B, T, 24, 3) metres"""
    keypoints: Tensor
    """(B, T, 23, 3)"""
    contacts: Tensor
    """(B, T, 4)"""
    time_s: Tensor
    """(B, T)"""
    camera: Tensor
    """(B, 3, 3) from the world's axes to the camera's"""


class Scenes:
    """Puts motion onto the body, and makes examples of how a detector saw it."""

    def __init__(self, body: BodyModel, level: int) -> None:
        self.keypoints = BodyPoints(body, body.keypoint_regressor)
        self.coarse = BodyPoints(body, body.levels[level].down)

    def leg(self, betas: Tensor) -> Tensor:
        """Length (B,) of a leg of bodies of shape betas (B, 10)."""
        joints = self.keypoints.shaped(betas).joints
        return (joints[:, 4] - joints[:, 1]).norm(dim=-1) + (joints[:, 7] - joints[:, 4]).norm(dim=-1)

    def scene(self, local: Tensor, root: Tensor, contacts: Tensor, fps: Tensor, betas: Tensor, camera: Tensor) -> Scene:
        """Local rotations (B, T, 24, 3, 3), root (B, T, 3), contacts (B, T, 4) at fps (B,) on bodies (B, 10)."""
        points = self.keypoints.shaped(betas)
        rotations, joints = pose_joints(local, points.joints[:, None])
        joints = joints - joints[:, :, :1] + root[:, :, None]
        time_s = torch.arange(local.shape[1]) / fps[:, None]
        return Scene(betas, rotations, joints, pose_points(points, rotations, joints), contacts, time_s, camera)

    def examples(
        self,
        scene: Scene,
        rays: Tensor,
        confidence: Tensor,
        meshes: int,
        generator: torch.Generator,
        size_spread: float,
        world: Given | None = None,
        feature: Given | None = None,
    ) -> Examples:
        """Examples of a detector that saw rays (B, T, 23, 2) with confidence (B, T, 23); meshes for some frames.

        world (B, T, 23, 3), metres: a detector that sees a crop only means the axes of a camera turned to the person.
        """
        window = aim(rays, confidence)
        turn = window.rotation @ scene.camera
        hip = scene.keypoints[:, :, PELVIS, None]
        count, frames = confidence.shape[:2]
        chosen = torch.rand(count, frames, generator=generator).argsort(1)[:, :meshes]
        row = torch.arange(count)[:, None]
        mesh = pose_points(self.coarse.shaped(scene.betas), scene.rotations[row, chosen], scene.joints[row, chosen])
        return Examples(
            window.keypoints,
            window.size.log() + size_spread * torch.randn(count, generator=generator),
            scene.time_s,
            world,
            feature,
            torch.einsum("bij,btkj->btki", turn, scene.keypoints - hip),
            turn[:, :, 1],
            scene.contacts,
            chosen,
            torch.einsum("bij,bsvj->bsvi", turn, mesh - hip[row, chosen]),
        )


class Projections:
    """An endless source of examples, a pure function of the generator's state; noise 0 is a perfect detector.

    `varied` motion is augmented (see augment.py).
    """

    def __init__(self, motions: Motions, body: BodyModel, level: int, noise: float = 1.0, varied: bool = False) -> None:
        self.motions, self.noise, self.varied = motions, noise, varied
        self.scenes = Scenes(body, level)

    def draw(self, count: int, frames: int, meshes: int, generator: torch.Generator) -> Examples:
        """`count` windows of `frames` frames, with the mesh of `meshes` frames of each."""
        fps = uniform(generator, 20, 60, count)
        local, root, contacts, leg = self.motions.draw(count, frames, fps, generator, self.varied)
        betas = random_shapes(count, generator)
        root = root * (self.scenes.leg(betas) / leg)[:, None, None]
        scene = self.scenes.scene(local, root, contacts, fps, betas, random_cameras(count, generator))
        hip = scene.keypoints[:, :, PELVIS, None]
        seen = torch.einsum("bij,btkj->btki", scene.camera, scene.keypoints - hip.mean(1, keepdim=True))
        seen = seen + random_positions(seen, generator)[:, None, None]
        wrong_fov = torch.exp(self.noise * 0.1 * torch.randn(count, generator=generator))
        rays = seen[..., :2] / seen[..., 2:].clamp_min(0.3) * wrong_fov[:, None, None, None]
        confidence = torch.ones_like(rays[..., 0])
        if self.noise:
            rays, confidence = detect(rays, generator, self.noise)
        return self.scenes.examples(scene, rays, confidence, meshes, generator, 0.1 * self.noise)


def random_shapes(count: int, generator: torch.Generator) -> Tensor:
    """Betas (count, 10)."""
    return (0.9 * torch.randn(count, 10, generator=generator)).clamp(-2.5, 2.5)


def uniform(generator: torch.Generator, low: float, high: float, *shape: int) -> Tensor:
    return low + (high - low) * torch.rand(*shape, generator=generator)


def random_cameras(count: int, generator: torch.Generator) -> Tensor:
    """Rotations (count, 3, 3) from a Y-up world to OpenCV cameras: any heading, mostly level, some steep or rolled."""
    yaw = uniform(generator, -math.pi, math.pi, count)
    pitch = torch.deg2rad(8 + 13 * torch.randn(count, generator=generator)).clamp(-0.6, 1.0)
    roll = torch.deg2rad(5 * torch.randn(count, generator=generator))
    tilted = torch.rand(count, generator=generator) < 0.15
    roll = torch.where(tilted, torch.deg2rad(uniform(generator, -35, 35, count)), roll)
    flip = torch.diag(torch.tensor([1.0, -1.0, -1.0]))
    return _about(2, roll) @ _about(0, pitch) @ flip @ _about(1, yaw)


def _about(axis: int, angle: Tensor) -> Tensor:
    a, b = (axis + 1) % 3, (axis + 2) % 3
    R = torch.zeros(len(angle), 3, 3)
    R[:, axis, axis] = 1
    R[:, a, a] = R[:, b, b] = angle.cos()
    R[:, b, a], R[:, a, b] = angle.sin(), -angle.sin()
    return R


def random_positions(seen: Tensor, generator: torch.Generator) -> Tensor:
    """Where the person stands (B, 3) before the camera, metres: 1.6 to 14 m off, up to 35° from the axis."""
    count = len(seen)
    distance = torch.exp(uniform(generator, math.log(1.6), math.log(14), count))
    nearest = -seen[..., 2].amin((1, 2)) + 0.8
    distance = torch.maximum(distance, nearest)
    side = 0.35 * torch.randn(count, 2, generator=generator).clamp(-2, 2) * torch.tensor([1.0, 0.5])
    return torch.cat([side, torch.ones(count, 1)], 1) * distance[:, None]


def detect(rays: Tensor, generator: torch.Generator, noise: float) -> tuple[Tensor, Tensor]:
    """Rays (B, T, 23, 2) as a detector would give them, with its confidence (B, T, 23).

    Error grows with the person's size in the picture. Every window draws how good its detector is; on top come a
    constant offset for each joint (detectors mean other points than we do), errors that last a while, limbs that are
    hidden, swapped sides, and a picture that ends below the waist, the knees or the ankles.
    """
    B, T, J, _ = rays.shape
    span = (rays.amax((1, 2)) - rays.amin((1, 2))).norm(dim=-1).clamp_min(1e-3)

    def chance(probability: float, *shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator) < probability * min(noise, 1.0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    def spell(probability: float) -> Tensor:
        """A stretch of frames (B, T) in some of the windows."""
        begin = torch.randint(-T // 2, T, (B, 1), generator=generator)
        length = torch.randint(1, T, (B, 1), generator=generator)
        frame = torch.arange(T)
        return (frame >= begin) & (frame < begin + length) & chance(probability, B, 1)

    quality = noise * 0.012 * torch.exp(0.6 * normal(B, 1, 1, 1))
    offset = noise * 0.012 * normal(B, 1, J, 2)
    knots = torch.nn.functional.interpolate(
        normal(B, J * 2, max(T // 4, 2)), size=T, mode="linear", align_corners=True
    ).transpose(1, 2)
    error = offset + quality * (0.7 * normal(B, T, J, 2) + knots.unflatten(-1, (J, 2)))
    confidence = (0.97 - 6 * error.norm(dim=-1) + 0.03 * normal(B, T, J)).clamp(0.3, 1)

    swapped = rays[:, :, list(KEYPOINT_MIRROR)]
    for joints, probability in ((LEGS, 0.06), (ARMS, 0.04)):
        part = torch.zeros(J, dtype=torch.bool)
        part[list(joints)] = True
        rays = torch.where((spell(probability)[..., None] & part)[..., None], swapped, rays)
    for joints in HIDEABLE:
        hidden = torch.zeros(J, dtype=torch.bool)
        hidden[list(joints)] = True
        where = spell(0.07)[..., None] & hidden
        error = error + where[..., None] * noise * 0.06 * normal(B, 1, J, 2)
        confidence = torch.where(where, (0.35 + 0.25 * normal(B, T, J)).clamp(0, 0.9), confidence)
    for joints in BELOW:
        cut = torch.zeros(J, dtype=torch.bool)
        cut[list(joints)] = True
        where = chance(0.05, B, 1, 1) & cut
        confidence = torch.where(where, 0.0, confidence)
    missed = chance(0.01, B, T, J)
    confidence = torch.where(missed, 0.0, confidence)
    return rays + error * span[:, None, None, None], confidence
