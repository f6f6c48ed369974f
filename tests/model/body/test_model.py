# SPDX-License-Identifier: GPL-3.0-or-later
"""The skinning against another implementation, against geometry, and its gradients."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import smplx
import torch

from model.body.files import load_body
from model.body.model import BodyModel
from model.motion.motion import forward_kinematics
from model.motion.rotations import matrix_from_axis_angle
from tests.model.body.smpl_file import smpl_arrays, write_pickle


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body(None)


def random_pose(seed: int, count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Rotation vectors (B, 24, 3), betas (B, 10), trans (B, 3)."""
    g = torch.Generator().manual_seed(seed)
    return (
        torch.randn(count, 24, 3, generator=g) * 0.6,
        torch.randn(count, 10, generator=g) * 1.5,
        torch.randn(count, 3, generator=g) * 2,
    )


def matrices(vectors: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(matrix_from_axis_angle(vectors.numpy())).float()


def test_agrees_with_smplx_on_the_same_file(tmp_path: Path) -> None:
    file = write_pickle(tmp_path / "SMPL_NEUTRAL.pkl", smpl_arrays())
    # smplx names some of SMPL's vertices as extra joints, which this mesh does not have.
    reference = smplx.SMPL(str(file), num_betas=10, vertex_ids=defaultdict(int))
    ours = load_body(str(file))
    vectors, betas, trans = random_pose(1, 16)
    with torch.no_grad():
        expected = reference(
            global_orient=vectors[:, 0], body_pose=vectors[:, 1:].flatten(1), betas=betas, transl=trans
        )
        found = ours(matrices(vectors), betas, trans)
        bent = (found.vertices - _without_correctives(ours)(matrices(vectors), betas, trans).vertices).norm(dim=-1)
    assert bent.mean() > 0.02  # The correctives matter here, so agreement means that they agree too.
    assert (found.vertices - expected.vertices).abs().max() < 1e-5
    assert (found.joints - expected.joints[:, :24]).abs().max() < 1e-5


def _without_correctives(body: BodyModel) -> BodyModel:
    plain = load_body(None)
    plain.load_state_dict({**plain.state_dict(), "J_regressor": body.J_regressor})
    return plain


def test_joints_follow_the_same_chain_as_motion(body: BodyModel) -> None:
    vectors, betas, trans = random_pose(2, 5)
    found = body(matrices(vectors), betas, trans)
    _, rest = body.shaped(betas)
    for frame in range(5):
        local = matrix_from_axis_angle(vectors[frame].numpy())
        expected = forward_kinematics(local[None], rest[frame].numpy())[1][0] + trans[frame].numpy()
        np.testing.assert_allclose(found.joints[frame].numpy(), expected, atol=1e-5)


def test_identity_is_the_t_pose(body: BodyModel) -> None:
    local, betas = torch.eye(3).expand(1, 24, 3, 3), torch.zeros(1, 10)
    out = body(local, betas, torch.tensor([[0.0, 0, 3]]))
    torch.testing.assert_close(out.vertices[0], body.v_template + torch.tensor([0.0, 0, 3]), atol=1e-6, rtol=0)


def test_turning_the_root_turns_the_body_about_the_pelvis(body: BodyModel) -> None:
    vectors, betas, trans = random_pose(3, 1)
    still = vectors.clone()
    still[:, 0] = 0
    turned, upright = body(matrices(vectors), betas, trans * 0), body(matrices(still), betas, trans * 0)
    R, pelvis = matrices(vectors)[0, 0], upright.joints[0, 0]
    torch.testing.assert_close(turned.vertices[0], (upright.vertices[0] - pelvis) @ R.T + pelvis, atol=1e-5, rtol=0)


def test_gradients_agree_with_differences(body: BodyModel) -> None:
    exact = load_body(None).double()
    vectors, betas, trans = random_pose(4, 1)
    local = matrices(vectors).double().requires_grad_()
    inputs = (local, betas.double().requires_grad_(), trans.double().requires_grad_())
    some = torch.tensor([0, 1000, 3000, 5000, 6000])
    assert torch.autograd.gradcheck(lambda *x: exact(*x).vertices[:, some], inputs, eps=1e-5, atol=1e-6)
    body.keypoints(body(local.float(), inputs[1].float(), inputs[2].float()).vertices).sum().backward()
    assert all(x.grad is not None and x.grad.abs().sum() > 0 for x in inputs)
