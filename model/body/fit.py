# SPDX-License-Identifier: GPL-3.0-or-later
"""From what the network sees (a coarse mesh and keypoints) to what animators need: SMPL poses, shape, translation."""

from typing import NamedTuple

import torch
from torch import Tensor

from ..camera.pinhole import locate
from ..motion.skeleton import PARENTS
from .model import BodyModel
from .points import BodyPoints, ShapedPoints, pose_joints

BONES = ((1, 4), (4, 7), (2, 5), (5, 8), (16, 18), (18, 20), (17, 19), (19, 21), (0, 12), (1, 2), (16, 17), (12, 15))
FRAMES_AT_ONCE = 64
MESH, PIXEL, STAY, DEPTH = 1.0, 3.0, 0.05, 0.3
"""Weights of the fit's terms: metres of a vertex, metres of a keypoint across its ray, radians from the first guess,
metres of depth from the smoothed one."""


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
        down, up = body.levels[level].down.to_dense(), body.levels[level].up.to_dense()
        self.vertices = down.shape[0]
        self.points = BodyPoints(body, torch.cat([down, body.keypoint_regressor.to_dense()]))
        self.coarse_joints = body.J_regressor.to_dense() @ up
        template, directions = body.v_template, body.shapedirs
        top, bottom = template[:, 1].argmax(), template[:, 1].argmin()
        self.height = float(template[top, 1] - template[bottom, 1])
        self.height_directions = directions[top, 1] - directions[bottom, 1]

    def fit(
        self, mesh: Tensor, keypoints: Tensor, rays: Tensor, confidence: Tensor, steady: Tensor,
        height_m: float | None = None, rounds: int = 4,
    ) -> Fit:  # fmt: skip
        """Pose, shape and place the body.

        mesh (T, V, 3) and keypoints (T, 23, 3): metres, camera axes, mid-hip at the origin. rays (T, 23, 2) and
        confidence (T, 23): the keypoints in the picture. steady (T, T) or sparse: the matrix that smooths a curve in
        time, used for the depth, which a single frame says little about. height_m: standing height if it is known.
        """
        lengths = self._bone_lengths(mesh)
        betas, scale = self.shape(lengths, height_m)
        mesh, keypoints = mesh * scale, keypoints * scale
        shaped = self.points.shaped(betas[None])
        local = self._first_guess(shaped, mesh)
        place = locate(keypoints, rays, confidence.square())
        place[:, 2] = steady @ place[:, 2]
        fitted = [
            self._refine(shaped, *part, rounds)
            for part in zip(*(x.split(FRAMES_AT_ONCE) for x in (local, mesh, rays, confidence, place)), strict=True)
        ]
        return Fit(torch.cat([f[0] for f in fitted]), torch.cat([f[1] for f in fitted]), betas, scale)

    def _bone_lengths(self, mesh: Tensor) -> Tensor:
        """Median lengths (N,) of BONES over the frames, left and right made equal."""
        joints = torch.einsum("jv,tvc->tjc", self.coarse_joints, mesh)
        a, b = torch.tensor(BONES).T
        lengths = (joints[:, a] - joints[:, b]).norm(dim=-1).median(0).values
        for left, right in ((0, 2), (1, 3), (4, 6), (5, 7)):
            lengths[[left, right]] = (lengths[left] + lengths[right]) / 2
        return lengths

    def shape(self, lengths: Tensor, height_m: float | None) -> tuple[Tensor, float]:
        """Betas (10,) and scale for bone lengths (N,) in metres; with a known height only their ratios count."""
        a, b = torch.tensor(BONES).T
        rest, directions = self.points.joints, self.points.joint_directions
        betas, scale = torch.zeros(10), 1.0
        for _ in range(10):
            bones = (rest[b] - rest[a]) + (directions[b] - directions[a]) @ betas
            now = bones.norm(dim=-1)
            slope = torch.einsum("nc,ncb->nb", bones / now[:, None], directions[b] - directions[a])
            rows, target = [slope / 0.02, 0.3 * torch.eye(10)], [(scale * lengths - now) / 0.02, -0.3 * betas]
            if height_m is not None:
                rows.append(self.height_directions[None] / 0.002)
                target.append((height_m - self.height - self.height_directions @ betas)[None] / 0.002)
            betas = (betas + torch.linalg.lstsq(torch.cat(rows), torch.cat(target)).solution).clamp(-4, 4)
            if height_m is not None:
                scale = float(((now * lengths).sum() / lengths.square().sum()).item())
        return betas, scale

    def _first_guess(self, shaped: ShapedPoints, mesh: Tensor) -> Tensor:
        """Local rotations (T, 24, 3, 3): each bone's best rigid turn of the vertices that it carries (Kabsch)."""
        V = self.vertices
        rest = (shaped.arms[0, :V] + shaped.weights[:V, :, None] * shaped.joints[0]).sum(1)
        weights = shaped.weights[:V].T / shaped.weights[:V].sum(0)[:, None].clamp_min(1e-6)
        source = rest[None] - (weights @ rest)[:, None]
        centred = torch.einsum("kv,tvc->tkc", weights, mesh)
        moment = torch.einsum("kv,tvc,kvd->tkcd", weights, mesh, source) - torch.einsum(
            "tkc,kv,kvd->tkcd", centred, weights, source
        )
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
        guess = local
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
            stay = _turn_from(guess, local, rotations)
            H = torch.zeros(T, 75, 75)
            g = torch.zeros(T, 75)
            share = MESH / V
            H[:, :72, :72] = share * 23 * J_mesh.mT @ J_mesh
            g[:, :72] = share * 23 * (J_mesh.mT @ relative.reshape(T, V * 3, 1))[..., 0]
            both = torch.cat([J_seen, move], -1).reshape(T, 46, 75)
            H += both.mT @ both
            g += (both.mT @ (miss * robust[..., None]).reshape(T, 46, 1))[..., 0]
            H += torch.diag(torch.cat([torch.full((72,), STAY), torch.full((3,), 1e-4)]))
            g[:, :72] += STAY * stay
            hip_depth = points[:, V + HIP, 2] + pelvis[:, 2]
            H[:, 74, 74] += DEPTH
            g[:, 74] += DEPTH * (hip_depth - wanted_depth)
            step = -torch.linalg.solve(H, g)
            turns = _exponential(step[:, :72].reshape(T, 24, 3).clamp(-0.5, 0.5))
            parent = torch.cat([torch.eye(3).expand(T, 1, 3, 3), rotations[:, list(PARENTS[1:])]], 1)
            local = parent.mT @ turns @ parent @ local
            pelvis = pelvis + step[:, 72:]
        return local, pelvis

    def _pose(self, shaped: ShapedPoints, local: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Shares (T, P, 24, 3) of the points by bone, joints (T, 24, 3), rotations; pelvis at the origin."""
        rotations, joints = pose_joints(local, shaped.joints[0])
        joints = joints - joints[:, :1]
        shares = torch.einsum("tkcd,pkd->tpkc", rotations, shaped.arms[0])
        return shares + shaped.weights[None, :, :, None] * joints[:, None], joints, rotations


HIP = 17
"""Index of the mid-hip among the keypoints."""


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


def _turn_from(guess: Tensor, local: Tensor, rotations: Tensor) -> Tensor:
    """Small-angle vectors (T, 72), camera axes, from the first guess to where the joints now are."""
    parent = torch.cat([torch.eye(3).expand(len(local), 1, 3, 3), rotations[:, list(PARENTS[1:])]], 1)
    difference = parent @ local @ guess.mT @ parent.mT
    skew = (difference - difference.mT) / 2
    return torch.stack([skew[..., 2, 1], skew[..., 0, 2], skew[..., 1, 0]], -1).flatten(1)
