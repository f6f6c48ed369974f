# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies in motion: from the motion's rotations to the surface of a dressed person in every frame."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ...body.model import BodyModel
from ..motions import Motions
from ..projections import Scene, Scenes, random_cameras, random_shapes, uniform
from .clothes import Array, Body, Look

SLOWEST_FPS, FASTEST_FPS = 20, 60


class Moves(NamedTuple):
    """B people over T frames in a Y-up world: the truth of a shard."""

    local: Tensor
    """(B, T, 24, 3, 3) rotations relative to the parent"""
    root: Tensor
    """(B, T, 3) pelvis, metres"""
    fps: Tensor
    """(B,)"""
    scene: Scene


class Figures:
    """Draws people from motion capture, and poses them."""

    def __init__(self, motions: Motions, body: BodyModel, level: int) -> None:
        self.motions, self.body = motions, body
        self.scenes = Scenes(body, level)
        self.faces = body.faces.numpy()
        self._weights = body.weights.numpy()

    def draw(self, count: int, frames: int, generator: torch.Generator) -> Moves:
        """`count` people who move for `frames` frames, varied, each with a camera's rotation."""
        fps = uniform(generator, SLOWEST_FPS, FASTEST_FPS, count)
        local, root, contacts, leg = self.motions.draw(count, frames, fps, generator, True)
        betas = random_shapes(count, generator)
        root = root * (self.scenes.leg(betas) / leg)[:, None, None]
        scene = self.scenes.scene(local, root, contacts, fps, betas, random_cameras(count, generator))
        return Moves(local, root, fps, scene)

    def bodies(self, betas: Tensor) -> list[Body]:
        """The T-pose of each shape."""
        vertices, joints = self.body.shaped(betas)
        keypoints = self.body.keypoints(vertices)
        triples = zip(vertices.double().numpy(), joints.double().numpy(), keypoints.double().numpy(), strict=True)
        return [Body(v, j, k, self._weights, self.faces) for v, j, k in triples]

    def surface(self, look: Look, rest: Array, rotations: Array, joints: Array) -> tuple[Array, Array]:
        """Vertices and normals (V, 3) of a look; global rotations (24, 3, 3); joints (24, 3) in T-pose and posed."""
        offset = joints - (rotations @ rest[..., None])[..., 0]
        blended = self._weights @ np.concatenate([rotations.reshape(24, 9), offset], 1).astype(np.float32)
        turn = blended[:, :9].reshape(-1, 3, 3)
        both = turn @ np.stack([look.vertices, look.normals], -1).astype(np.float32)
        return both[..., 0] + blended[:, 9:], both[..., 1]
