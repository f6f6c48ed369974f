# SPDX-License-Identifier: GPL-3.0-or-later
"""From what the network sees (a coarse mesh and keypoints) to what animators need: SMPL poses, shape, translation."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..camera.pinhole import locate
from ..motion.skeleton import PARENTS
from ..motion.smoothing import local_regression
from .model import BodyModel
from .points import BodyPoints, ShapedPoints, pose_joints

HIP = 17
"""Index of the mid-hip among the keypoints."""
FRAMES_AT_ONCE = 64
DEPTH_WINDOW_S = 0.15
SHAPE_FRAMES = 24
SHAPE_SPREAD_M, SHAPE_EVIDENCE, HEIGHT_SPREAD_M = 0.02, 2000, 0.002
"""How far off the mesh may be, how many of its coordinates count as independent of each other, and how far off a
height that the user states may be."""
PIXEL, DEPTH, CALM = 1.0, 0.3, 0.0001
"""Weights of the fit's terms beside the mesh's: metres of a keypoint across its ray, metres of depth from the smoothed
one, and the bend of each joint in radians. The last decides only what the others leave open, such as how a bend is
shared out along the spine."""


def _subtrees() -> Tensor:
    """(24, 24): row j marks joint j and all that hang on it."""
    marks = torch.eye(24)
    for joint in range(23, 0, -1):
        marks[PARENTS[joint]] += marks[joint]
    return marks


class Fit(NamedTuple):
    """A body in the camera's frame (OpenCV axes, metres)."""

    local: Tensor
    """(T, 24, 3, 3) rotations relative to the parent, the root's relative to the camera."""
    pelvis: Tensor
    """(T, 3)"""
    betas: Tensor
    """(10,)"""
    scale: float
    """What the network's metres were multiplied with."""


class BodyFitter:
    """Fits a body to the network's output; made once for a body and a coarse level."""

    def __init__(self, body: BodyModel, level: int) -> None:
        down = body.levels[level].down.to_dense()
        self.vertices = down.shape[0]
        self.points = BodyPoints(body, torch.cat([down, body.keypoint_regressor.to_dense()]))
        template, directions = body.v_template, body.shapedirs
        top, bottom = template[:, 1].argmax(), template[:, 1].argmin()
        self.height, self.taller = template[top, 1] - template[bottom, 1], directions[top, 1] - directions[bottom, 1]

    def fit(
        self, mesh: Tensor, keypoints: Tensor, rays: Tensor, confidence: Tensor, time_s: NDArray[np.floating],
        height_m: float | None, report: Callable[[int], None], rounds: int = 4,
    ) -> Fit:  # fmt: skip
        """Pose, shape and place the body.

        mesh (T, V, 3) and keypoints (T, 23, 3): metres, camera axes, mid-hip at the origin. rays (T, 23, 2) and
        confidence (T, 23): the keypoints in the picture at times (T,) in seconds. height_m: standing height if known.
        `report` is called with the number of frames done and may raise Cancelled.
        """
        betas, scale = self._shape(mesh, height_m)
        mesh, keypoints = mesh * scale, keypoints * scale
        shaped = self.points.shaped(betas[None])
        local = self._first_guess(shaped, mesh)
        place = locate(keypoints, rays, confidence.square())
        place[:, 2] = _steadied(place[:, 2], time_s)
        fitted: list[tuple[Tensor, Tensor]] = []
        parts = (x.split(FRAMES_AT_ONCE) for x in (local, mesh, rays, confidence, place))
        for part in zip(*parts, strict=True):
            fitted.append(self._refine(shaped, part[0], part[1], part[2], part[3], part[4], rounds))
            report(min(len(fitted) * FRAMES_AT_ONCE, len(mesh)))
        return Fit(torch.cat([f[0] for f in fitted]), torch.cat([f[1] for f in fitted]), betas, scale)

    def _shape(self, mesh: Tensor, height_m: float | None) -> tuple[Tensor, float]:
        """Betas (10,) and scale from some frames of the shot, by turns with their poses.

        Given the poses, vertices are linear in the betas. With a known standing height the scale is free; without one
        it is 1, and the network's own idea of the person's size decides.
        """
        mesh = mesh[torch.linspace(0, len(mesh) - 1, min(SHAPE_FRAMES, len(mesh))).long()]
        V, count = self.vertices, mesh[..., 0].numel()
        nothing = (mesh.new_zeros(len(mesh), 23, 2), mesh.new_zeros(len(mesh), 23), mesh.new_zeros(len(mesh), 3))
        betas, scale = torch.zeros(10), 1.0
        for _ in range(3):
            shaped = self.points.shaped(betas[None])
            local, _ = self._refine(shaped, self._first_guess(shaped, mesh * scale), mesh * scale, *nothing, 2)
            basis = torch.cat([torch.zeros(1, 10), torch.eye(10)])
            bodies = [self._pose(self.points.shaped(b[None]), local)[0].sum(2) for b in basis]
            bodies = torch.stack([(x[:, :V] - x[:, V + HIP, None]).flatten() for x in bodies], 1)
            # Unknown: ten betas and, where the height is given, the scale.
            spread = SHAPE_SPREAD_M * (count / SHAPE_EVIDENCE) ** 0.5
            rows = [torch.cat([bodies[:, 1:] - bodies[:, :1], -mesh.flatten()[:, None]], 1) / spread, torch.eye(10, 11)]
            target = [-bodies[:, 0] / spread, torch.zeros(10)]
            if height_m is None:
                target[0] = target[0] + mesh.flatten() / spread
                rows = [row[:, :10] for row in rows]
            else:
                rows.append(torch.cat([self.taller, torch.zeros(1)])[None] / HEIGHT_SPREAD_M)
                target.append((height_m - self.height)[None] / HEIGHT_SPREAD_M)
            solution = torch.linalg.lstsq(torch.cat(rows).double(), torch.cat(target).double()).solution.float()
            betas, scale = solution[:10], float(solution[10]) if height_m is not None else 1.0
        return betas, scale

    def _first_guess(self, shaped: ShapedPoints, mesh: Tensor) -> Tensor:
        """Local rotations (T, 24, 3, 3): each bone's best rigid turn of the vertices that it carries (Kabsch)."""
        V = self.vertices
        rest = (shaped.arms[0, :V] + shaped.weights[:V, :, None] * shaped.joints[0]).sum(1)
        weights = shaped.weights[:V].T / shaped.weights[:V].sum(0)[:, None].clamp_min(1e-6)
        source = rest[None] - (weights @ rest)[:, None]
        moment = torch.einsum("kv,tvc,kvd->tkcd", weights, mesh, source)
        u, _, vt = torch.linalg.svd(moment)
        sign = torch.ones(u.shape[:-1])
        sign[..., 2] = torch.det(u @ vt)
        turned = (u * sign[..., None, :]) @ vt
        parents = list(PARENTS[1:])
        return torch.cat([turned[:, :1], turned[:, parents].mT @ turned[:, 1:]], 1)

    def _refine(
        self, shaped: ShapedPoints, local: Tensor, mesh: Tensor, rays: Tensor, confidence: Tensor, place: Tensor,
        rounds: int,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Levenberg-Marquardt on rotations and translation of T frames at once: (T, 24, 3, 3), pelvis (T, 3)."""
        V, T = self.vertices, len(local)
        subtree = _subtrees()
        carried = shaped.weights @ subtree.T
        wanted_depth = place[:, 2].clone()
        hip = self._pose(shaped, local)[0].sum(2)[:, V + HIP]
        pelvis = place - hip
        for _ in range(rounds):
            shares, joints, rotations = self._pose(shaped, local)
            points = shares.sum(2)
            # A turn w about joint j moves a point by w × (what hangs below j of the point, seen from j).
            levers = torch.einsum("jk,tpkc->tpjc", subtree, shares) - carried[..., None] * joints[:, None]
            relative = points[:, :V] - points[:, V + HIP, None] - mesh
            mesh_lever = levers[:, :V] - levers[:, V + HIP, None]
            seen = points[:, V:] + pelvis[:, None]
            depth = seen[..., 2].clamp_min(0.1)
            miss = seen[..., :2] - rays * depth[..., None]
            robust = PIXEL * confidence / (1 + (miss.norm(dim=-1) / 0.08).square())
            # Rows of the picture term: d(x - u z), d(y - v z), for a move of the point by d.
            across = torch.zeros(T, 23, 2, 3)
            across[..., 0, 0] = across[..., 1, 1] = 1
            across[..., 2] = -rays
            J_mesh = _cross_rows(mesh_lever).reshape(T, V * 3, 72)
            J_seen = (across @ _cross_rows(levers[:, V:])) * robust[..., None, None]
            move = across * robust[..., None, None]
            H = torch.zeros(T, 75, 75)
            g = torch.zeros(T, 75)
            share = 23 / V
            H[:, :72, :72] = share * J_mesh.mT @ J_mesh
            g[:, :72] = share * (J_mesh.mT @ relative.reshape(T, V * 3, 1))[..., 0]
            both = torch.cat([J_seen, move], -1).reshape(T, 46, 75)
            H += both.mT @ both
            g += (both.mT @ (miss * robust[..., None]).reshape(T, 46, 1))[..., 0]
            parent = torch.cat([torch.eye(3).expand(T, 1, 3, 3), rotations[:, list(PARENTS[1:])]], 1)
            H += CALM * torch.eye(75)
            g[:, 3:72] += CALM * (parent @ _bend(local)[..., None])[:, 1:].flatten(1)
            hip_depth = points[:, V + HIP, 2] + pelvis[:, 2]
            H[:, 74, 74] += DEPTH
            g[:, 74] += DEPTH * (hip_depth - wanted_depth)
            step = -torch.linalg.solve(H, g)
            turns = _exponential(step[:, :72].reshape(T, 24, 3).clamp(-0.5, 0.5))
            local = parent.mT @ turns @ parent @ local
            pelvis = pelvis + step[:, 72:]
        return local, pelvis

    def _pose(self, shaped: ShapedPoints, local: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Shares (T, P, 24, 3) of the points by bone, joints (T, 24, 3), rotations; pelvis at the origin."""
        rotations, joints = pose_joints(local, shaped.joints[0])
        joints = joints - joints[:, :1]
        shares = torch.einsum("tkcd,pkd->tpkc", rotations, shaped.arms[0])
        return shares + shaped.weights[None, :, :, None] * joints[:, None], joints, rotations


def _steadied(depth: Tensor, time_s: NDArray[np.floating]) -> Tensor:
    """Depths (T,) smoothed in time: a single frame says little about its depth."""
    if len(depth) < 3:
        return depth
    neighbours, kernel = local_regression(time_s, DEPTH_WINDOW_S)
    return (torch.from_numpy(kernel).to(depth) * depth[torch.from_numpy(neighbours)]).sum(1)


def _cross_rows(levers: Tensor) -> Tensor:
    """The matrices (T, P, 3, 72) of w ↦ Σ_j w_j × lever_j for levers (T, P, 24, 3)."""
    x, y, z = levers.unbind(-1)
    o = torch.zeros_like(x)
    rows = torch.stack([torch.stack([o, z, -y], -1), torch.stack([-z, o, x], -1), torch.stack([y, -x, o], -1)], -3)
    return rows.flatten(-2)


def _exponential(vectors: Tensor) -> Tensor:
    x, y, z = vectors.unbind(-1)
    o = torch.zeros_like(x)
    return torch.linalg.matrix_exp(torch.stack([o, -z, y, z, o, -x, -y, x, o], -1).unflatten(-1, (3, 3)))


def _bend(local: Tensor) -> Tensor:
    """Axis times sine of the angle (T, 24, 3) of rotations (T, 24, 3, 3)."""
    skew = (local - local.mT) / 2
    return torch.stack([skew[..., 2, 1], skew[..., 0, 2], skew[..., 1, 0]], -1)
