# SPDX-License-Identifier: GPL-3.0-or-later
import torch

from model.body.files import load_body
from model.body.model import pose_joints
from model.body.points import BodyPoints, pose_points, sole_matrix
from model.motion.rotations import matrix_from_axis_angle

torch.manual_seed(0)
BODY = load_body(None)
LOCAL = torch.from_numpy(matrix_from_axis_angle((torch.randn(4, 24, 3) * 0.6).numpy())).float()


def test_points_are_those_of_the_whole_posed_body() -> None:
    """Keypoints and coarse vertices, posed alone, against the regressors applied to all posed vertices."""
    betas = torch.randn(1, 10)
    whole = BODY(LOCAL, betas.expand(4, 10), torch.zeros(4, 3))
    down = BODY.levels[1].down.to_dense()
    shaped = BodyPoints(BODY, torch.cat([BODY.keypoint_regressor, down])).shaped(betas)
    rotations, joints = pose_joints(LOCAL, shaped.joints[0])
    torch.testing.assert_close(joints, whole.joints, atol=1e-5, rtol=0)
    points = pose_points(shaped, rotations[None], joints[None])[0]
    torch.testing.assert_close(points[:, :23], BODY.keypoints(whole.vertices), atol=1e-5, rtol=0)
    torch.testing.assert_close(points[:, 23:], down @ whole.vertices, atol=1e-5, rtol=0)


def test_soles_are_the_lowest_points_of_heels_and_toes() -> None:
    soles = sole_matrix(BODY) @ BODY.v_template
    ground = BODY.v_template[:, 1].min()
    assert (soles[:, 1] - ground).abs().max() < 0.02
    left_heel, left_toe, right_heel, right_toe = soles
    assert left_heel[0] > 0 > right_heel[0]
    assert left_toe[2] - left_heel[2] > 0.1
    assert right_toe[2] - right_heel[2] > 0.1
