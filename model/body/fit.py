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
from ..motion.smoothing import smoothed_in_time
from .model import BodyModel, pose_joints
from .points import BodyPoints, ShapedPoints, pose_points

HIP = 17
"""Index of the mid-hip among the keypoints."""
FRAMES_AT_ONCE = 64
DEPTH_WINDOW_S = 0.2
DAMPING = 0.0003
"""Keeps a step small where nothing decides it."""
SHAPE_FRAMES, SHAPE_ROUNDS = 24, 6
SHAPE_SPREAD_M, SHAPE_EVIDENCE, HEIGHT_SPREAD_M = 0.02, 1000, 0.0005
"""How far off the mesh may be, how many of its coordinates count as independent of each other, and how far off a
height that the user states may be."""
PIXEL, DEPTH = 1.0, 0.3
"""Weights of the fit's terms beside the mesh's: metres of a keypoint across its ray, and of depth from the smoothed
one."""
NOISE_M = 0.03
"""How far off mesh and keypoints usually are. It weighs them against USUAL_BEND."""
USUAL_BEND = (
    0.65, 0.65, 0.35, 0.9, 0.9, 0.25, 0.65, 0.65, 0.1, 0.5, 0.5, 0.65, 0.4, 0.4, 0.8, 1.7, 1.7, 1.4, 1.4, 0.65, 0.65,
    0.2, 0.2,
)  # fmt: skip
"""Radians by which each joint but the root is usually turned away from the T-pose: root mean squares over the motions
that the network learns from, which know nothing of toes and hands; for those it is a guess. Without this the short
bones at the ends would take up every error of a keypoint."""


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
        self.subtrees = _subtrees()
        stiffness = (NOISE_M / torch.tensor(USUAL_BEND)).square()
        self.stiffness = torch.cat([torch.zeros(3), stiffness.repeat_interleave(3), torch.zeros(3)])
        template, directions = body.v_template, body.shapedirs
        top, bottom = template[:, 1].argmax(), template[:, 1].argmin()
        self.height, self.taller = template[top, 1] - template[bottom, 1], directions[top, 1] - directions[bottom, 1]

    def fit(
        self, mesh: Tensor, keypoints: Tensor, rays: Tensor, confidence: Tensor, time_s: NDArray[np.floating],
        height_m: float | None, report: Callable[[int], None], rounds: int = 4, like: Fit | None = None,
    ) -> Fit:  # fmt: skip
        """Pose, shape and place the body.

        mesh (T, V, 3) and keypoints (T, 23, 3): metres, camera axes, mid-hip at the origin. rays (T, 23, 2) and
        confidence (T, 23): the keypoints in the picture at times (T,) in seconds. height_m: standing height if known.
        `report` is called with the number of frames done and may raise Cancelled. `like` is the fit of another part of
        the shot, whose shape and scale are taken.
        """
        betas, scale = (like.betas, like.scale) if like else self._sized(mesh[_seen(confidence)], height_m)
        mesh, keypoints = mesh * scale, keypoints * scale
        shaped = self.points.shaped(betas[None])
        local = self._first_guess(shaped, mesh)
        place = steady_place(keypoints, rays, confidence, time_s)
        fitted: list[tuple[Tensor, Tensor]] = []
        parts = (x.split(FRAMES_AT_ONCE) for x in (local, mesh, rays, confidence, place))
        for part in zip(*parts, strict=True):
            fitted.append(self._refine(shaped, part[0], part[1], part[2], part[3], part[4], rounds))
            report(min(len(fitted) * FRAMES_AT_ONCE, len(mesh)))
        return Fit(torch.cat([f[0] for f in fitted]), torch.cat([f[1] for f in fitted]), betas, scale)

    def _sized(self, mesh: Tensor, height_m: float | None) -> tuple[Tensor, float]:
        """Betas (10,) and the scale of the mesh with which the body stands height_m tall; without a height it is 1."""
        if height_m is None:
            return self._shape(mesh, None), 1.0
        # Shapes lean towards the mean, so a mesh of quite another size has to be brought near the person's own first.
        scale = height_m / self._tall(self._first_size(mesh))
        scale *= height_m / self._tall(self._shape(mesh * scale, None))
        return self._shape(mesh * scale, height_m), scale

    def _tall(self, betas: Tensor) -> float:
        """The standing height of betas (10,), metres."""
        return float(self.height + self.taller @ betas)

    def _shape(self, mesh: Tensor, height_m: float | None) -> Tensor:
        """Betas (10,) from some frames of the shot, together with their poses (Gauss-Newton, poses eliminated)."""
        mesh = mesh[torch.linspace(0, len(mesh) - 1, min(SHAPE_FRAMES, len(mesh))).long()]
        T, V = mesh.shape[:2]
        evidence = SHAPE_EVIDENCE / (3 * V * T * SHAPE_SPREAD_M**2)
        betas = self._first_size(mesh)
        local = self._first_guess(self.points.shaped(betas[None]), mesh)
        for _ in range(SHAPE_ROUNDS):
            shaped = self.points.shaped(betas[None])
            shares = _shares(shaped)
            levers, rotations = self._levers(shaped, local)
            points = shares @ levers[:, :3].mT
            moves = torch.stack(
                [self._from_hip(other - points) for other in self._posed(betas + torch.eye(10), local)], -1
            )
            miss = self._from_hip(points) - mesh
            normal, torques = _normal(levers, self._from_hip(shares), torch.cat([moves, miss[..., None]], -1))
            solved = torch.linalg.solve(normal + DAMPING * torch.eye(72), torques)
            moves = moves.flatten(0, 2)
            normal = evidence * (moves.T @ moves - torch.einsum("tpa,tpb->ab", torques[..., :10], solved[..., :10]))
            right = evidence * (
                moves.T @ miss.flatten() - torch.einsum("tpa,tp->a", solved[..., :10], torques[..., 10])
            )
            normal, right = normal + torch.eye(10), right + betas
            if height_m is not None:
                tall = self.taller / HEIGHT_SPREAD_M
                normal = normal + torch.outer(tall, tall)
                right = right + tall * (self.height + self.taller @ betas - height_m) / HEIGHT_SPREAD_M
            step = -torch.linalg.solve(normal.double(), right.double()).float()
            betas = betas + step
            local = _turned(local, rotations, -(solved[..., 10] + solved[..., :10] @ step))
        return betas

    def _parts(self, shaped: ShapedPoints) -> tuple[Tensor, Tensor]:
        """How much each vertex belongs to each bone (24, V), and where it is (24, V, 3) in T-pose.

        Rows sum to 1; positions are seen from the middle of the bone's vertices.
        """
        V = self.vertices
        rest = (shaped.arms[0, :V] + shaped.weights[:V, :, None] * shaped.joints[0]).sum(1)
        weights = shaped.weights[:V].T / shaped.weights[:V].sum(0)[:, None].clamp_min(1e-6)
        return weights, rest - (weights @ rest)[:, None]

    def _first_guess(self, shaped: ShapedPoints, mesh: Tensor) -> Tensor:
        """Local rotations (T, 24, 3, 3): each bone's best rigid turn of the vertices that it carries (Kabsch)."""
        weights, source = self._parts(shaped)
        u, _, vt = torch.linalg.svd(torch.einsum("kvd,tvc->tkcd", weights[..., None] * source, mesh))
        sign = torch.ones(u.shape[:-1])
        sign[..., 2] = torch.det(u @ vt)
        turned = (u * sign[..., None, :]) @ vt
        parents = list(PARENTS[1:])
        return torch.cat([turned[:, :1], turned[:, parents].mT @ turned[:, 1:]], 1)

    def _first_size(self, mesh: Tensor) -> Tensor:
        """Betas (10,) of a body about as large as the mesh (T, V, 3).

        Judged by how far the vertices of each bone extend, which no pose changes much.
        """
        weights, source = self._parts(self.points.shaped(torch.zeros(1, 10)))
        centred = mesh[:, None] - torch.einsum("kv,tvc->tkc", weights, mesh)[:, :, None]
        extent = torch.einsum("kv,tkvc->t", weights, centred.square()).median()
        size = (extent / torch.einsum("kv,kvc->", weights, source.square())).sqrt()
        betas = torch.zeros(10)
        betas[0] = (size - 1) * self.height / self.taller[0]
        return betas

    def _refine(
        self, shaped: ShapedPoints, local: Tensor, mesh: Tensor, rays: Tensor, confidence: Tensor, place: Tensor,
        rounds: int,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Levenberg-Marquardt on rotations and translation of T frames at once: (T, 24, 3, 3), pelvis (T, 3)."""
        V, T = self.vertices, len(local)
        shares = _shares(shaped)
        pelvis = place - self._levers(shaped, local)[0][:, :3] @ shares[V + HIP]
        for _ in range(rounds):
            levers, rotations = self._levers(shaped, local)
            points = shares @ levers[:, :3].mT
            normal, torques = _normal(levers, self._from_hip(shares), (self._from_hip(points) - mesh)[..., None])
            # The mesh as a whole weighs as much as one vertex for each keypoint.
            H, g = torch.zeros(T, 75, 75), torch.zeros(T, 75)
            H[:, :72, :72] = 23 / V * normal
            g[:, :72] = 23 / V * torques[..., 0]
            # Across its ray a keypoint is off by (x - u z, y - v z); rows are what a move by d changes of that.
            seen = points[:, V:] + pelvis[:, None]
            off = seen[..., :2] - rays * seen[..., 2:].clamp_min(0.1)
            robust = PIXEL * confidence / (1 + (off.norm(dim=-1) / 0.08).square())
            across = torch.zeros(T, 23, 2, 3)
            across[..., 0, 0] = across[..., 1, 1] = 1
            across[..., 2] = -rays
            J = robust[..., None, None] * torch.cat([across @ _cross_rows(shares[V:] @ levers.mT), across], -1)
            J = J.flatten(1, 2)
            H += J.mT @ J
            g += (J.mT @ (robust[..., None] * off).reshape(T, 46, 1))[..., 0]
            H[:, 74, 74] += DEPTH
            g[:, 74] += DEPTH * (points[:, V + HIP, 2] + pelvis[:, 2] - place[:, 2])
            g[:, :72] += self.stiffness[:72] * (_of_parents(rotations) @ _bend(local)[..., None]).flatten(1)
            H += torch.diag(self.stiffness + DAMPING)
            step = -torch.linalg.solve(H, g)
            local = _turned(local, rotations, step[:, :72])
            pelvis = pelvis + step[:, 72:]
        return local, pelvis

    def _levers(self, shaped: ShapedPoints, local: Tensor) -> tuple[Tensor, Tensor]:
        """Levers (T, 72, 96), three rows a joint, and global rotations (T, 24, 3, 3).

        Levers times a point's shares (96,) say where what hangs below each joint of the point is, seen from the joint:
        a small turn w about it moves the point by w × that. All of it hangs below the pelvis, so the first three rows
        give the point itself, seen from there.
        """
        rotations, joints = pose_joints(local, shaped.joints[0])
        between = joints[:, None] - joints[:, :, None]
        frames = torch.cat([rotations[:, None].expand(-1, 24, -1, -1, -1), between[..., None]], -1)
        return (self.subtrees[:, :, None, None] * frames).transpose(2, 3).flatten(3).flatten(1, 2), rotations

    def _posed(self, betas: Tensor, local: Tensor) -> Tensor:
        """Points (B, T, P, 3), pelvis at the origin, of B shapes (B, 10) in the same T poses."""
        shaped = self.points.shaped(betas)
        rotations, joints = pose_joints(local.expand(len(betas), *local.shape), shaped.joints[:, None])
        return pose_points(shaped, rotations, joints - joints[:, :, :1])

    def _from_hip(self, points: Tensor) -> Tensor:
        """The coarse vertices (…, V, N) of points (…, P, N), relative to the mid-hip."""
        V = self.vertices
        return points[..., :V, :] - points[..., V + HIP, None, :]


def _shares(shaped: ShapedPoints) -> Tensor:
    """What each bone holds of each point (P, 96): for each of the 24 an arm of three coordinates, and a weight."""
    return torch.cat([shaped.arms[0], shaped.weights[..., None]], -1).flatten(1)


def _turned(local: Tensor, rotations: Tensor, step: Tensor) -> Tensor:
    """Local rotations (T, 24, 3, 3) after small turns (T, 72) about axes of the camera's frame."""
    parents = _of_parents(rotations)
    local = parents.mT @ exponential(step.unflatten(-1, (24, 3)).clamp(-0.5, 0.5)) @ parents @ local
    # Many products of rounded rotations are no rotation any more; one Newton step brings them back.
    return local @ (3 * torch.eye(3) - local.mT @ local) / 2


def _of_parents(rotations: Tensor) -> Tensor:
    """The global rotation of each joint's parent (T, 24, 3, 3), for the root the camera's frame."""
    root = torch.eye(3).expand(len(rotations), 1, 3, 3)
    return torch.cat([root, rotations[:, list(PARENTS[1:])]], 1)


def steady_place(points: Tensor, rays: Tensor, confidence: Tensor, time_s: NDArray[np.floating]) -> Tensor:
    """Translations (T, 3) that put points (T, N, 3) onto rays (T, N, 2) seen with confidence (T, N).

    The depth is smoothed in time: a single frame says little about it. Where nothing was seen, the place lies between
    those before and after.
    """
    place, seen = locate(points, rays, confidence.square()), _seen(confidence)
    known = time_s[seen.numpy()]
    if not seen.all():
        between = [np.interp(time_s, known, axis[seen].numpy()) for axis in place.T]
        place = torch.from_numpy(np.stack(between, -1)).to(place)
    place[:, 2] = smoothed_in_time(place[:, 2], time_s, DEPTH_WINDOW_S, degree=1)
    return place


def _seen(confidence: Tensor) -> Tensor:
    """The frames (T,) in which any keypoint was seen; all, if none was in any."""
    seen = confidence.gt(0).any(1)
    return seen if seen.any() else torch.ones_like(seen)


def _normal(levers: Tensor, shares: Tensor, vectors: Tensor) -> tuple[Tensor, Tensor]:
    """JᵀJ (T, 72, 72) and Jᵀ vectors (T, 72, N) for levers (T, 72, 96), shares (P, 96) and vectors (T, P, 3, N).

    J is the matrix of w ↦ Σ_j w_j × lever_j, which is never built: [a]×[b]×ᵀ = (a·b) I - b aᵀ, and Jᵀ v sums a × v.
    Nor are the points' own levers: sums over the points of products with them need only such sums over the shares.
    """
    products = (levers @ (shares.T @ shares) @ levers.mT).unflatten(-1, (24, 3)).unflatten(1, (24, 3))
    traces = products.diagonal(dim1=2, dim2=4).sum(-1)
    normal = traces[:, :, None, :, None] * torch.eye(3)[:, None] - products.transpose(2, 4)
    crossed = (levers @ (shares.T @ vectors.flatten(2))).unflatten(-1, (3, -1)).unflatten(1, (24, 3))
    torques = [crossed[:, :, a, b] - crossed[:, :, b, a] for a, b in ((1, 2), (2, 0), (0, 1))]
    return normal.flatten(3).flatten(1, 2), torch.stack(torques, 2).flatten(1, 2)


def _cross_rows(levers: Tensor) -> Tensor:
    """The matrices (T, P, 3, 72) of w ↦ Σ_j w_j × lever_j for levers (T, P, 72)."""
    x, y, z = levers.unflatten(-1, (24, 3)).unbind(-1)
    o = torch.zeros_like(x)
    rows = torch.stack([torch.stack([o, z, -y], -1), torch.stack([-z, o, x], -1), torch.stack([y, -x, o], -1)], -3)
    return rows.flatten(-2)


def exponential(vectors: Tensor) -> Tensor:
    """Rotations (..., 3, 3) for axes times angles (..., 3), radians."""
    x, y, z = vectors.unbind(-1)
    o = torch.zeros_like(x)
    return torch.linalg.matrix_exp(torch.stack([o, -z, y, z, o, -x, -y, x, o], -1).unflatten(-1, (3, 3)))


def _bend(local: Tensor) -> Tensor:
    """Axis times sine of the angle (T, 24, 3) of rotations (T, 24, 3, 3)."""
    skew = (local - local.mT) / 2
    return torch.stack([skew[..., 2, 1], skew[..., 0, 2], skew[..., 1, 0]], -1)
