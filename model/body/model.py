# SPDX-License-Identifier: GPL-3.0-or-later
"""The parametric body: shape and pose in, vertices, joints and keypoints out."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..motion.skeleton import PARENTS


class BodyOutput(NamedTuple):
    """Posed bodies: vertices (B, V, 3) and joints (B, 24, 3), metres."""

    vertices: Tensor
    joints: Tensor


class Level(nn.Module):
    """A coarser mesh of the same body.

    down (Vk, V) and up (V, Vk) are sparse and go straight from and to the full mesh; faces (Fk, 3).
    """

    down: Tensor
    up: Tensor
    faces: Tensor

    def __init__(self, down: Tensor, up: Tensor, faces: Tensor) -> None:
        super().__init__()
        self.register_buffer("down", down)
        self.register_buffer("up", up)
        self.register_buffer("faces", faces)

    def coarsen(self, vertices: Tensor) -> Tensor:
        """The coarse vertices (…, Vk, 3) of full ones (…, V, 3)."""
        return _apply(self.down, vertices)

    def refine(self, vertices: Tensor) -> Tensor:
        """Full vertices (…, V, 3) of coarse ones (…, Vk, 3)."""
        return _apply(self.up, vertices)


class BodyModel(nn.Module):
    """A body with SMPL's interface, posed by linear blend skinning (Loper et al., SMPL, 2015).

    Canonical frame: Y up, facing +Z, left = +X, T-pose, metres. Buffers: v_template (V, 3), shapedirs (V, 3, 10),
    posedirs (V, 3, 207) or None, J_regressor (24, V), weights (V, 24), faces (F, 3), keypoint_regressor (23, V) in
    the order of KEYPOINTS. `levels` are coarser meshes, fine to coarse; a body that a user brings has none.
    """

    v_template: Tensor
    shapedirs: Tensor
    posedirs: Tensor | None
    J_regressor: Tensor
    weights: Tensor
    faces: Tensor
    keypoint_regressor: Tensor
    levels: Sequence[Level]

    def __init__(
        self,
        *,
        v_template: Tensor,
        shapedirs: Tensor,
        posedirs: Tensor | None,
        J_regressor: Tensor,
        weights: Tensor,
        faces: Tensor,
        keypoint_regressor: Tensor,
        levels: Sequence[Level] = (),
    ) -> None:
        super().__init__()
        self.register_buffer("v_template", v_template)
        self.register_buffer("shapedirs", shapedirs)
        self.register_buffer("posedirs", posedirs)
        self.register_buffer("J_regressor", J_regressor)
        self.register_buffer("weights", weights)
        self.register_buffer("faces", faces)
        self.register_buffer("keypoint_regressor", keypoint_regressor)
        self.levels = nn.ModuleList(levels)  # pyright: ignore[reportAttributeAccessIssue]  (it knows no element type)

    def shaped(self, betas: Tensor) -> tuple[Tensor, Tensor]:
        """Bodies in T-pose: vertices (B, V, 3) and joints (B, 24, 3) for betas (B, 10)."""
        vertices = self.v_template + torch.einsum("vcs,bs->bvc", self.shapedirs, betas)
        return vertices, torch.einsum("jv,bvc->bjc", self.J_regressor, vertices)

    def forward(self, local: Tensor, betas: Tensor, trans: Tensor) -> BodyOutput:
        """Posed bodies.

        local (B, 24, 3, 3): rotation of each joint relative to its parent, the root's relative to the world.
        betas (B, 10). trans (B, 3): metres, added to every point; the root turns about the pelvis' rest position.
        """
        vertices, rest = self.shaped(betas)
        if self.posedirs is not None:
            bend = (local[:, 1:] - torch.eye(3, dtype=local.dtype, device=local.device)).flatten(1)
            vertices = vertices + torch.einsum("vcp,bp->bvc", self.posedirs, bend)
        turn, joints = pose_joints(local, rest)
        offset = joints - torch.einsum("bjrc,bjc->bjr", turn, rest)
        motion = torch.cat([turn, offset[..., None]], -1).flatten(2)
        blended = torch.einsum("vj,bjm->bvm", self.weights, motion).unflatten(-1, (3, 4))
        posed = torch.einsum("bvrc,bvc->bvr", blended[..., :3], vertices) + blended[..., 3]
        return BodyOutput(posed + trans[:, None], joints + trans[:, None])

    def keypoints(self, vertices: Tensor) -> Tensor:
        """The input keypoints (…, 23, 3) of vertices (…, V, 3), in the order of KEYPOINTS."""
        return torch.einsum("kv,...vc->...kc", self.keypoint_regressor, vertices)


def pose_joints(local: Tensor, rest: Tensor) -> tuple[Tensor, Tensor]:
    """Global rotations (…, 24, 3, 3) and joint positions (…, 24, 3), the pelvis at its rest position.

    local (…, 24, 3, 3): rotations relative to the parent. rest (…, 24, 3) or (24, 3): T-pose joints.
    """
    turns, joints = [local[..., 0, :, :]], [rest[..., 0, :].expand((*local.shape[:-3], 3))]
    for joint, parent in list(enumerate(PARENTS))[1:]:
        bone = (rest[..., joint, :] - rest[..., parent, :])[..., None]
        joints.append(joints[parent] + (turns[parent] @ bone)[..., 0])
        turns.append(turns[parent] @ local[..., joint, :, :])
    return torch.stack(turns, -3), torch.stack(joints, -2)


def _apply(matrix: Tensor, vertices: Tensor) -> Tensor:
    """A sparse matrix (M, N) times vertices (…, N, 3)."""
    columns = vertices.movedim(-2, 0)
    result = torch.sparse.mm(matrix, columns.flatten(1))
    return result.unflatten(1, columns.shape[1:]).movedim(0, -2)
