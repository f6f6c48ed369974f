# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.evaluation.metrics import acceleration_error_m_s2, mpjpe_mm, pa_mpjpe_mm

RANDOM = np.random.default_rng(0)
TRUTH = RANDOM.normal(size=(7, 14, 3))


def test_mpjpe_by_hand() -> None:
    off = TRUTH + [0.003, 0.004, 0]
    assert mpjpe_mm(off, TRUTH) == pytest.approx(5)
    assert mpjpe_mm(off, TRUTH, root=0) == pytest.approx(0, abs=1e-9)


def test_similarities_do_not_count_for_pa() -> None:
    turned = 1.7 * TRUTH @ Rotation.from_rotvec([0.3, -1, 2]).as_matrix().T + [1, 2, 3]
    assert pa_mpjpe_mm(turned, TRUTH) == pytest.approx(0, abs=1e-6)
    assert mpjpe_mm(turned, TRUTH) > 100


def test_a_mirror_image_is_no_similarity() -> None:
    assert pa_mpjpe_mm(TRUTH * [-1, 1, 1], TRUTH) > 100


def test_pa_agrees_with_scipy_where_the_scale_is_one() -> None:
    noisy = TRUTH + 0.05 * RANDOM.normal(size=TRUTH.shape)
    a, b = noisy[0] - noisy[0].mean(0), TRUTH[0] - TRUTH[0].mean(0)
    best = Rotation.align_vectors(b, a)[0].apply(a)
    scale = (best * b).sum() / (best**2).sum()
    expected = 1000 * np.linalg.norm(scale * best - b, axis=-1).mean()
    assert pa_mpjpe_mm(noisy[:1], TRUTH[:1]) == pytest.approx(expected)


def test_acceleration_error_by_hand() -> None:
    """An error of ½ a t² has the acceleration a."""
    t = np.arange(20)[:, None, None] / 25
    still = np.zeros((20, 3, 3))
    assert acceleration_error_m_s2(still + 0.5 * 4 * t**2 * [1, 0, 0], still, 25) == pytest.approx(4)
