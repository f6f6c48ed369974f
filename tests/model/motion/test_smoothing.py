# SPDX-License-Identifier: GPL-3.0-or-later
from dataclasses import replace

import numpy as np

from model.motion.motion import Motion
from model.motion.rotations import axis_angle_from_matrix
from model.motion.smoothing import local_regression, smooth
from tests.model.motion.example import example_motion, rest_joints


def angles_deg(a: Motion, b: Motion) -> np.ndarray:
    between = np.swapaxes(a.local_rotations(), -1, -2) @ b.local_rotations()
    return np.degrees(np.linalg.norm(axis_angle_from_matrix(between), axis=-1))


def jitter(motion: Motion) -> float:
    return float(np.linalg.norm(np.diff(motion.joints, 3, axis=0), axis=-1).mean())


def test_strength_zero_changes_nothing() -> None:
    motion = example_motion(noise=0.05)
    assert smooth(motion, rest_joints(), 0.0) is motion


def test_noise_falls_and_truth_comes_nearer() -> None:
    clean, noisy = example_motion(120), example_motion(120, noise=0.05)
    result = smooth(noisy, rest_joints(), 0.7)
    assert jitter(result) < 0.2 * jitter(noisy)
    assert angles_deg(clean, result).mean() < 0.6 * angles_deg(clean, noisy).mean()


def test_nothing_lags() -> None:
    """Smoothing the reversed motion is the reverse of the smoothed motion."""
    motion = example_motion(90, noise=0.05)
    backwards = replace(
        motion, poses=motion.poses[::-1], trans=motion.trans[::-1], time_s=(motion.time_s[-1] - motion.time_s)[::-1]
    )
    a = smooth(motion, rest_joints(), 0.6)
    b = smooth(backwards, rest_joints(), 0.6)
    np.testing.assert_allclose(a.trans, b.trans[::-1], atol=1e-5)
    assert angles_deg(a, replace(a, poses=b.poses[::-1])).max() < 0.01


def test_a_turn_through_half_a_circle_stays_a_turn() -> None:
    """Axis-angle jumps there from +π to -π; the rotation does not."""
    motion = example_motion(200)
    assert np.abs(np.diff(motion.poses[:, :3], axis=0)).max() > 1, "the example must hold such a jump"
    result = smooth(motion, rest_joints(), 0.5)
    assert angles_deg(motion, result)[:, 0].max() < 1.0


def test_parabolas_pass_unchanged_at_uneven_times() -> None:
    time_s = np.cumsum(np.random.default_rng(1).uniform(0.01, 0.08, 80))
    neighbours, weights = local_regression(time_s, 0.08)
    curve = 3 - 2 * time_s + 5 * time_s**2
    np.testing.assert_allclose(np.einsum("tw,tw->t", weights, curve[neighbours]), curve, atol=1e-6)


def test_joints_follow_the_smoothed_pose() -> None:
    result = smooth(example_motion(noise=0.05), rest_joints(), 0.5)
    again = result.with_pose(result.local_rotations(), result.trans, rest_joints())
    np.testing.assert_allclose(again.joints, result.joints, atol=1e-5)
