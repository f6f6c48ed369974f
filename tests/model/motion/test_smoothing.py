# SPDX-License-Identifier: GPL-3.0-or-later
from dataclasses import replace

import numpy as np
import pytest

from model.motion.motion import Motion
from model.motion.rotations import axis_angle_from_matrix, matrix_from_axis_angle
from model.motion.skeleton import REGIONS
from model.motion.smoothing import local_regression, smooth
from tests.addon.retarget.figures import MOCAP, recorded, recorded_labels
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


def punch(rise_s: float, noise: float) -> tuple[Motion, Motion]:
    """A fist thrust out and drawn back, hips that follow: the clean motion and the same with noise in radians."""
    time_s = np.arange(120) / 30
    swing = sum(
        sign / (1 + np.exp(-(time_s - at) / (rise_s / 4))) for sign, at in ((1, 1.0), (-1, 1.35), (1, 2.4), (-1, 2.8))
    )
    vectors = 0.05 * np.sin(2.5 * time_s)[:, None, None] * np.ones((24, 3))
    vectors[:, 18, 1] -= 1.8 * swing
    vectors[:, 1, 0] -= 1.5 * swing
    random = np.random.default_rng(0)
    shaken = vectors + noise * random.normal(size=vectors.shape)
    drift = 0.2 * noise * random.normal(size=(120, 3))
    still, motion = np.zeros((120, 3)), example_motion(120)
    clean = motion.with_pose(matrix_from_axis_angle(vectors), still, rest_joints())
    return clean, motion.with_pose(matrix_from_axis_angle(shaken), drift, rest_joints())


def speeds(motion: Motion, joint: int) -> np.ndarray:
    local = motion.local_rotations()[:, joint]
    return np.linalg.norm(axis_angle_from_matrix(local[:-1].swapaxes(1, 2) @ local[1:]), axis=-1) * 30


@pytest.mark.parametrize("rise_s", [0.1, 0.2])
@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_a_punch_keeps_its_speed_while_trembling_goes(rise_s: float, strength: float) -> None:
    """Measured: 98 % at the least, jitter 11 % and less at full strength, 17 % and less at half."""
    for noise in (0.01, 0.03):
        clean, noisy = punch(rise_s, noise)
        result = smooth(noisy, rest_joints(), strength)
        for joint in (1, 18):
            assert speeds(result, joint).max() > 0.95 * speeds(clean, joint).max()
        assert jitter(result) < 0.2 * jitter(noisy)
        assert angles_deg(clean, result).mean() < 0.5 * angles_deg(clean, noisy).mean()


@pytest.mark.skipif(not MOCAP.exists(), reason="no recorded motion on this machine")
@pytest.mark.parametrize("noise", [0.0, 0.005])
def test_recorded_fast_moves_keep_their_peaks_at_full_strength(noise: float) -> None:
    """People whom no choice was made on box, jump and dance; peaks of any joint's speed in the world above 2.5 m/s.

    Measured: of 400 peaks 1 (with noise 7) keeps less than 90 %; the worst, one frame long, keeps 88 % (86 %).
    """
    kept, left = [], []
    for clip, label in enumerate(recorded_labels()):
        if not any(word in label for word in ("box", "jump", "run", "dance", "hop")):
            continue
        local, root, rest = recorded(clip, 200)
        still = replace(example_motion(len(local)), time_s=np.arange(len(local)) / 30)
        clean = still.with_pose(local, root, rest)
        random = np.random.default_rng(clip)
        shaken = local @ matrix_from_axis_angle(noise * random.normal(size=(*local.shape[:2], 3)))
        noisy = still.with_pose(shaken, root + 0.2 * noise * random.normal(size=root.shape), rest)
        result = smooth(noisy, rest, 1.0)
        left.append(jitter(result) / jitter(noisy))
        before, after = (np.linalg.norm(np.diff(m.joints, axis=0), axis=-1) * 30 for m in (clean, result))
        for frame, joint in np.argwhere(before > 2.5):
            near = slice(max(0, frame - 6), frame + 7)
            if before[frame, joint] == before[near, joint].max() and 1 < frame < len(before) - 2:
                kept.append(after[frame - 1 : frame + 2, joint].max() / before[frame, joint])
    assert len(kept) > 100
    assert np.mean(np.array(kept) < 0.9) < (0.01 if noise == 0 else 0.025)
    assert min(kept) > 0.8
    assert np.mean(left) < (0.7 if noise == 0 else 0.35)


def test_regions_have_strengths_of_their_own() -> None:
    motion = example_motion(90, noise=0.05)
    result = smooth(motion, rest_joints(), 0.6, {"arms": 0.0, "root": 0.0})
    moved = angles_deg(motion, result).max(0)
    still = [*REGIONS["arms"], *REGIONS["root"]]
    assert moved[still].max() < 1e-3
    assert np.delete(moved, still).min() > 0.5
    np.testing.assert_allclose(result.trans, motion.trans, atol=1e-6)
    assert sorted(joint for joints in REGIONS.values() for joint in joints) == list(range(24))
