# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts about the body that the extension ships: anatomy, symmetry, regressors under pose, coarse levels."""

import numpy as np
import pytest
import torch

from model.body.files import FREE_BODY, load_body
from model.body.model import BodyModel, BodyOutput
from model.motion.rotations import matrix_from_axis_angle
from model.motion.skeleton import JOINT_MIRROR, JOINTS, KEYPOINT_MIRROR, KEYPOINTS


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body(None)


@pytest.fixture(scope="module")
def joints(body: BodyModel) -> dict[str, np.ndarray]:
    return dict(zip(JOINTS, body.shaped(torch.zeros(1, 10))[1][0].numpy(), strict=True))


@pytest.fixture(scope="module")
def keypoints(body: BodyModel) -> dict[str, np.ndarray]:
    return dict(zip(KEYPOINTS, body.keypoints(body.v_template).numpy(), strict=True))


@pytest.fixture(scope="module")
def posed(body: BodyModel) -> BodyOutput:
    """Twenty people in strong poses: elbows and knees bent by up to 140 degrees, the rest by some 30."""
    rng = np.random.default_rng(5)
    vectors = rng.normal(0, 0.3, (20, 24, 3))
    vectors[:, 4:6, 0] = rng.uniform(0, 2.4, (20, 2))
    vectors[:, 18, 1], vectors[:, 19, 1] = rng.uniform(-2.4, 0, 20), rng.uniform(0, 2.4, 20)
    local = torch.from_numpy(matrix_from_axis_angle(vectors)).float()
    betas = torch.from_numpy(rng.normal(0, 1, (20, 10))).float()
    return body(local, betas, torch.zeros(20, 3))


def test_stands_upright_in_a_t_pose(body: BodyModel, joints: dict[str, np.ndarray]) -> None:
    low, high = body.v_template.min(0).values, body.v_template.max(0).values
    height, span = (high - low)[1].item(), (high - low)[0].item()
    assert 1.7 < height < 1.9
    assert 0.9 < span / height < 1.1
    assert np.linalg.norm(joints["pelvis"]) < 0.005
    assert joints["head"][1] > joints["neck"][1] > joints["spine3"][1] > joints["pelvis"][1] > joints["left_knee"][1]
    for side in ("left", "right"):
        arm = np.array([joints[f"{side}_{part}"] for part in ("shoulder", "elbow", "wrist", "hand")])
        assert np.ptp(arm[:, 1:], axis=0).max() < 0.01
        toes = joints[f"{side}_foot"] - joints[f"{side}_ankle"]
        assert toes[2] > 0.1
        assert abs(toes[0]) < 0.02


def test_left_is_positive_x_and_the_face_looks_along_z(
    joints: dict[str, np.ndarray], keypoints: dict[str, np.ndarray]
) -> None:
    for places in (joints, keypoints):
        for name, place in places.items():
            side = {"left": 1, "right": -1}.get(name.split("_")[0], 0)
            assert place[0] * side > 0.01 if side else abs(place[0]) < 1e-5, name
    assert keypoints["nose"][2] > keypoints["left_eye"][2] > keypoints["left_ear"][2]
    assert keypoints["left_eye"][1] > keypoints["nose"][1] > joints["neck"][1]
    assert 0.05 < keypoints["left_eye"][0] * 2 < 0.075  # Between the pupils: 54 to 74 mm in adults.


def test_feet(body: BodyModel, joints: dict[str, np.ndarray], keypoints: dict[str, np.ndarray]) -> None:
    ground = body.v_template[:, 1].min().item()
    heel, toe, ankle = keypoints["left_heel"], keypoints["left_big_toe"], joints["left_ankle"]
    assert heel[2] < ankle[2] - 0.03 < toe[2] - 0.18
    assert 0 < heel[1] - ground < 0.05
    assert 0 < toe[1] - ground < 0.04
    assert toe[0] < ankle[0]  # The big toe is the inner one.
    assert 0.22 < toe[2] - heel[2] < 0.30


def test_pelvis_and_neck_are_means(keypoints: dict[str, np.ndarray]) -> None:
    for name, part in (("pelvis", "hip"), ("neck", "shoulder")):
        np.testing.assert_allclose(
            keypoints[name], (keypoints[f"left_{part}"] + keypoints[f"right_{part}"]) / 2, atol=1e-6
        )


def test_regressors_and_weights_sum_to_one_and_take_nothing_away(body: BodyModel) -> None:
    for matrix in (body.J_regressor, body.keypoint_regressor, body.weights):
        torch.testing.assert_close(matrix.sum(1), torch.ones(len(matrix)), atol=1e-5, rtol=0)
        assert matrix.min() >= 0


def test_joints_can_be_told_from_posed_vertices(body: BodyModel, posed: BodyOutput) -> None:
    told = torch.einsum("jv,bvc->bjc", body.J_regressor, posed.vertices)
    error = (told - posed.joints).norm(dim=-1)
    assert error.mean() < 0.005
    assert error.max() < 0.05
    keypoint_error = body.keypoints(posed.vertices)[:, KEYPOINTS.index("left_knee")] - posed.joints[:, 4]
    assert keypoint_error.norm(dim=-1).max() < 0.01


def test_everything_is_symmetric(body: BodyModel) -> None:
    with np.load(FREE_BODY, allow_pickle=False) as data:
        mirror = torch.from_numpy(data["mirror"].astype(np.int64))
    flip = torch.tensor([-1.0, 1, 1])
    torch.testing.assert_close(body.v_template[mirror] * flip, body.v_template, atol=1e-6, rtol=0)
    torch.testing.assert_close(
        body.shapedirs[mirror] * flip[:, None], body.shapedirs, atol=1e-4, rtol=0
    )  # Half precision.
    torch.testing.assert_close(body.J_regressor[list(JOINT_MIRROR)][:, mirror], body.J_regressor, atol=1e-6, rtol=0)
    torch.testing.assert_close(body.weights[mirror][:, list(JOINT_MIRROR)], body.weights, atol=1e-6, rtol=0)
    torch.testing.assert_close(
        body.keypoint_regressor[list(KEYPOINT_MIRROR)][:, mirror], body.keypoint_regressor, atol=1e-6, rtol=0
    )


def test_mesh_is_closed_and_faces_outward(body: BodyModel) -> None:
    faces, v = body.faces.numpy(), body.v_template.double().numpy()
    edges = faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    directed = {tuple(edge) for edge in edges.tolist()}
    assert len(directed) == len(edges)
    assert all((b, a) in directed for a, b in directed)
    a, b, c = v[faces].transpose(1, 0, 2)
    litres = 1000 * np.einsum("ij,ij->", a, np.cross(b, c)) / 6
    assert 50 < litres < 110  # A mean adult: about one kilogram a litre.


def test_levels_rebuild_posed_bodies(body: BodyModel, posed: BodyOutput) -> None:
    sizes = [level.down.shape[0] for level in body.levels]
    assert np.allclose(sizes, (1700, 430, 110), rtol=0.1)
    for level, limit in zip(body.levels, (0.0015, 0.003, 0.007), strict=True):
        for matrix in (level.down, level.up):
            torch.testing.assert_close(matrix.to_dense().sum(1), torch.ones(matrix.shape[0]), atol=1e-5, rtol=0)
        coarse = level.coarsen(posed.vertices)
        assert coarse.shape == (20, level.down.shape[0], 3)
        assert level.faces.max() == level.down.shape[0] - 1
        rebuilt = level.refine(coarse)
        assert (rebuilt - posed.vertices).norm(dim=-1).mean() < limit
        torch.testing.assert_close(rebuilt[3], level.up.to_dense() @ coarse[3], atol=1e-5, rtol=0)


def test_betas_give_plausible_people(body: BodyModel) -> None:
    betas = torch.cat([2 * torch.eye(10), -2 * torch.eye(10)])
    vertices, _ = body.shaped(betas)
    heights = vertices[..., 1].amax(1) - vertices[..., 1].amin(1)
    assert heights.min() > 1.5
    assert heights.max() < 2.1
    assert heights[0] > heights[10] + 0.2  # The first beta is mostly height, and taller is positive.
