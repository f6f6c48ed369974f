# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
from scipy.spatial.transform import Rotation

from model.motion import rotations

RANDOM = np.random.default_rng(0)
VECTORS = RANDOM.normal(size=(500, 3)) * RANDOM.uniform(0, 3, (500, 1))
SCIPY = Rotation.from_rotvec(VECTORS)


def test_matrices_agree_with_scipy() -> None:
    np.testing.assert_allclose(rotations.matrix_from_axis_angle(VECTORS), SCIPY.as_matrix(), atol=1e-12)


def test_tiny_angles_keep_their_precision() -> None:
    tiny = VECTORS * 1e-9
    back = rotations.axis_angle_from_matrix(rotations.matrix_from_axis_angle(tiny))
    np.testing.assert_allclose(back, tiny, atol=1e-15)


def test_quaternions_and_vectors_agree_with_scipy() -> None:
    wxyz = np.roll(SCIPY.as_quat(), 1, axis=-1)
    wxyz = np.where(wxyz[:, :1] < 0, -wxyz, wxyz)
    np.testing.assert_allclose(rotations.quaternion_from_matrix(SCIPY.as_matrix()), wxyz, atol=1e-12)
    np.testing.assert_allclose(rotations.matrix_from_quaternion(-3 * wxyz), SCIPY.as_matrix(), atol=1e-12)
    np.testing.assert_allclose(rotations.axis_angle_from_matrix(SCIPY.as_matrix()), SCIPY.as_rotvec(), atol=1e-9)


def test_half_turns() -> None:
    half = np.pi * np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.6, 0, 0.8]])
    matrix = rotations.matrix_from_axis_angle(half)
    again = rotations.matrix_from_axis_angle(rotations.axis_angle_from_matrix(matrix))
    np.testing.assert_allclose(again, matrix, atol=1e-9)


def test_projection_never_reflects() -> None:
    near = rotations.project(RANDOM.normal(size=(200, 3, 3)))
    np.testing.assert_allclose(np.linalg.det(near), 1, atol=1e-9)
    np.testing.assert_allclose(rotations.project(SCIPY.as_matrix()), SCIPY.as_matrix(), atol=1e-9)


def test_between_is_the_smallest_turn() -> None:
    a, b = RANDOM.normal(size=(2, 300, 3))
    a, b = np.vstack([a, [[0, 0, 1], [0, 1, 0]]]), np.vstack([b, [[0, 0, -1], [0, 1, 0]]])
    turn = rotations.between(a, b)
    unit = b / np.linalg.norm(b, axis=-1, keepdims=True)
    reached = np.einsum("nij,nj->ni", turn, a / np.linalg.norm(a, axis=-1, keepdims=True))
    np.testing.assert_allclose(reached, unit, atol=1e-7)
    angle = np.linalg.norm(rotations.axis_angle_from_matrix(turn), axis=-1)
    np.testing.assert_allclose(angle, rotations.angle_between(a, b), atol=1e-6)


def test_continuous_quaternions_have_no_flips() -> None:
    angle = np.linspace(0, 6 * np.pi, 200)
    q = rotations.quaternion_from_matrix(rotations.matrix_from_axis_angle(angle[:, None] * [0, 0, 1.0]))
    assert (np.sum(q[1:] * q[:-1], -1) < 0).any(), "w >= 0 must flip somewhere in three turns"
    smooth = rotations.continuous_quaternions(q)
    assert (np.sum(smooth[1:] * smooth[:-1], -1) > 0.9).all()
    np.testing.assert_allclose(
        rotations.matrix_from_quaternion(smooth), rotations.matrix_from_quaternion(q), atol=1e-12
    )
