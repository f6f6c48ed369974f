# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.evaluation.metrics import (
    acceleration_error_m_s2,
    angle_deg,
    f1,
    foot_slide_cm_s,
    jitter_m_s3,
    mpjpe_mm,
    pa_mpjpe_mm,
)

RANDOM = np.random.default_rng(0)
TRUTH = RANDOM.normal(size=(7, 14, 3))
STILL = np.zeros((20, 3, 3))
TIME_S = np.arange(20)[:, None, None] / 25


def test_mpjpe_by_hand() -> None:
    off = TRUTH + [0.003, 0.004, 0]
    assert mpjpe_mm(off, TRUTH) == pytest.approx(5)
    assert mpjpe_mm(off, TRUTH, root=0) == pytest.approx(0, abs=1e-9)


def test_frames_without_a_truth_do_not_count() -> None:
    truth = TRUTH.copy()
    truth[2] = np.nan
    off = TRUTH + [0.003, 0.004, 0]
    off[2] += 100
    assert mpjpe_mm(off, truth) == pytest.approx(5)
    assert pa_mpjpe_mm(off, truth) == pytest.approx(0, abs=1e-9)
    assert np.isnan(mpjpe_mm(off[2:3], truth[2:3]))


def test_similarities_do_not_count_for_pa() -> None:
    turned = 1.7 * TRUTH @ Rotation.from_rotvec([0.3, -1, 2]).as_matrix().T + [1, 2, 3]
    assert pa_mpjpe_mm(turned, TRUTH) == pytest.approx(0, abs=1e-6)
    assert mpjpe_mm(turned, TRUTH) > 100


def test_a_mirror_image_is_no_similarity() -> None:
    assert pa_mpjpe_mm(TRUTH * [-1, 1, 1], TRUTH) > 100


def test_pa_agrees_with_scipy() -> None:
    noisy = TRUTH + 0.05 * RANDOM.normal(size=TRUTH.shape)
    a, b = noisy[0] - noisy[0].mean(0), TRUTH[0] - TRUTH[0].mean(0)
    best = Rotation.align_vectors(b, a)[0].apply(a)
    scale = (best * b).sum() / (best**2).sum()
    expected = 1000 * np.linalg.norm(scale * best - b, axis=-1).mean()
    assert pa_mpjpe_mm(noisy[:1], TRUTH[:1]) == pytest.approx(expected)


def test_acceleration_error_by_hand() -> None:
    """An error of ½ a t² has the acceleration a."""
    off = STILL + 0.5 * 4 * TIME_S**2 * [1, 0, 0]
    assert acceleration_error_m_s2(off, STILL, 25) == pytest.approx(4)
    assert acceleration_error_m_s2(off + TIME_S * [0, 3, 0] + 7, STILL, 25) == pytest.approx(4)


def test_padded_acceleration_error_is_that_of_the_padding_code() -> None:
    """PMCE writes zeros for the first and the last frame and means over all."""
    noisy = 0.01 * RANDOM.normal(size=STILL.shape)
    errors = np.zeros(20)
    for t in range(1, 19):
        errors[t] = np.linalg.norm(noisy[t - 1] - 2 * noisy[t] + noisy[t + 1], axis=-1).mean()
    assert acceleration_error_m_s2(noisy, STILL, 1, padded=True) == pytest.approx(errors.mean())
    assert acceleration_error_m_s2(noisy, STILL, 1) == pytest.approx(errors[1:-1].mean())


def test_jitter_by_hand() -> None:
    """⅙ j t³ has the jerk j; a parabola has none."""
    assert jitter_m_s3(STILL + 5 / 6 * TIME_S**3 * [0, 0, 1], 25) == pytest.approx(5)
    assert jitter_m_s3(STILL + TIME_S**2 + 3 * TIME_S, 25) == pytest.approx(0, abs=1e-6)


def test_foot_slide_counts_only_steps_between_two_resting_frames() -> None:
    """A foot that goes 2 m/s, of which it should have rested in frames 0, 1, 2 and 9: two steps of 2 m/s."""
    feet = STILL + 2 * TIME_S * [1, 0, 0]
    resting = np.zeros((20, 3), bool)
    resting[[0, 1, 2, 9], 1] = True
    feet[2:, 1] -= feet[2, 1] - feet[1, 1]
    assert foot_slide_cm_s(feet, resting, 25) == (pytest.approx(100), 2)
    assert foot_slide_cm_s(feet, ~resting & resting, 25)[1] == 0


def test_angle_by_hand() -> None:
    turned = Rotation.from_rotvec([0.2, 0, 0]).apply([0, 1.0, 0])
    assert angle_deg(turned[None], np.array([[0, 1.0, 0]])) == pytest.approx(np.degrees(0.2))


def test_f1_by_hand_and_of_parts() -> None:
    """3 of 4 said are true, 3 of 6 true are said: precision ¾, recall ½, F1 0.6; parts weighed give the whole."""
    said = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0], bool)
    true = np.array([1, 1, 1, 0, 1, 1, 1, 0, 0], bool)
    assert f1(said, true) == (pytest.approx(0.6), 10)
    parts = [f1(said[:4], true[:4]), f1(said[4:], true[4:])]
    assert sum(value * weight for value, weight in parts) / 10 == pytest.approx(0.6)
