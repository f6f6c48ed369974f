# SPDX-License-Identifier: GPL-3.0-or-later
"""Left stays left, and what cannot be is doubted: on a drawn walker whose mistakes are known."""

import numpy as np
import pytest

from model.motion.skeleton import KEYPOINT_MIRROR, KEYPOINTS
from model.people import consistency

PICTURE = (1000, 600)
HEIGHT = 300.0
MIRROR = list(KEYPOINT_MIRROR)


def walker(frames=60, fps=30.0, speed=1.0, sideways=0.15):
    """A walker seen obliquely from the side, one full stride a second: times (T,), keypoints (T, 23, 3), world."""
    time_s = np.arange(frames) / fps
    swing = np.sin(2 * np.pi * speed * time_s)
    points = np.zeros((frames, 23, 2))
    heights = {"nose": -0.45, "eye": -0.47, "ear": -0.46, "shoulder": -0.32, "elbow": -0.15, "wrist": -0.02}
    heights |= {"hip": 0.0, "knee": 0.24, "ankle": 0.46, "heel": 0.49, "big_toe": 0.5, "pelvis": 0.0, "neck": -0.32}
    reach = {"elbow": 0.06, "wrist": 0.14, "knee": 0.09, "ankle": 0.2, "heel": 0.19, "big_toe": 0.26}
    for k, name in enumerate(KEYPOINTS):
        side, _, part = name.partition("_") if name.startswith(("left", "right")) else ("", "", name)
        sign = {"left": 1, "right": -1, "": 0}[side]
        forwards = reach.get(part, 0.0) * swing * sign * (-1 if part in ("elbow", "wrist") else 1)
        points[:, k, 0] = 300 + 60 * time_s + HEIGHT * (forwards + sideways * 0.3 * sign)
        points[:, k, 1] = 320 + HEIGHT * (heights[part] + (0.02 if part == "nose" else 0.0))
    noise = np.random.default_rng(0).normal(scale=0.002 * HEIGHT, size=points.shape)
    keypoints = np.concatenate([points + noise, np.full((frames, 23, 1), 0.9)], -1)
    world = np.concatenate([points, np.zeros((frames, 23, 1))], -1) / HEIGHT * 1.7
    return time_s, keypoints, world


def hints_of(keypoints, score=0.0):
    hints = keypoints[:, :17].copy()
    hints[..., 2] = score
    return hints


def confused(keypoints, frames, joints):
    """The keypoints with those joints exchanged for the other side's in those frames, and where that was done."""
    where = np.zeros(keypoints.shape[:2], bool)
    where[np.ix_(frames, joints)] = True
    return np.where(where[..., None], keypoints[:, MIRROR], keypoints), where


WHOLE = [*consistency.TRUNK, *consistency.LEGS, *consistency.ARMS]


@pytest.mark.parametrize("joints", [consistency.LEGS, consistency.ARMS, WHOLE], ids=["legs", "arms", "whole"])
@pytest.mark.parametrize("burst", [(20, 21), (30, 33), (17, 29)], ids=["1 frame", "3 frames", "12 frames"])
@pytest.mark.parametrize("fps", [24.0, 60.0])
def test_a_burst_of_confusion_is_undone(joints, burst, fps):
    time_s, keypoints, _ = walker(fps=fps)
    wrong, where = confused(keypoints, range(*burst), joints)
    swap = consistency.mistaken(time_s, wrong, hints_of(keypoints), np.full(60, HEIGHT))
    # Where both sides lie on the same spot, either name is right: what counts is the position.
    right = np.where(swap[..., None], wrong[:, MIRROR], wrong)
    assert np.abs(right - keypoints)[..., :2].max() < 0.03 * HEIGHT
    assert (swap == where).mean() > 0.99


def test_several_bursts_of_different_limbs_are_undone():
    time_s, keypoints, _ = walker(frames=120)
    wrong, first = confused(keypoints, range(20, 27), consistency.LEGS)
    wrong, second = confused(wrong, range(60, 64), WHOLE)
    wrong, third = confused(wrong, range(24, 40), consistency.ARMS)
    swap = consistency.mistaken(time_s, wrong, hints_of(keypoints), np.full(120, HEIGHT))
    assert (swap == (first | second | third)).mean() > 0.99


@pytest.mark.parametrize("sideways", [0.0, 0.15, 0.5])
def test_a_walker_whose_legs_cross_is_left_alone(sideways):
    time_s, keypoints, _ = walker(sideways=sideways)
    assert not consistency.mistaken(time_s, keypoints, hints_of(keypoints), np.full(60, HEIGHT)).any()


def test_another_network_decides_where_motion_says_nothing():
    """Alone it changes nothing; but it tips the scales between two halves of a sequence that contradict each other."""
    time_s, keypoints, _ = walker(sideways=0.5)
    frames = range(0, 60, 12)  # 0.4 s apart: too far for velocity.
    few, times = keypoints[frames], time_s[frames]
    size = np.full(len(times), HEIGHT)
    wrong, _ = confused(few, [2], WHOLE)
    assert not consistency.mistaken(times, wrong, hints_of(few, score=0.9), size).any()
    wrong, where = confused(keypoints, range(30, 60), WHOLE)
    assert (consistency.mistaken(time_s, wrong, hints_of(keypoints, 0.9), np.full(60, HEIGHT)) == where).mean() > 0.99


@pytest.mark.parametrize("frames", [0, 1, 2, 3])
def test_very_short_sequences_are_left_alone(frames):
    time_s, keypoints, _ = walker()
    swap = consistency.mistaken(
        time_s[:frames], keypoints[:frames], hints_of(keypoints)[:frames], np.full(frames, HEIGHT)
    )
    assert swap.shape == (frames, 23)
    assert not swap.any()


def boxes_of(keypoints):
    return np.concatenate([keypoints[..., :2].min(1), keypoints[..., :2].max(1)], -1)


def trust(time_s, keypoints, true):
    size = np.full(len(true), HEIGHT)
    return consistency.trust(time_s, keypoints, hints_of(true, 0.9), boxes_of(true), size, PICTURE)


def test_a_steady_walker_is_trusted():
    time_s, keypoints, world = walker()
    trusted = trust(time_s, keypoints, keypoints)
    assert (trusted == 1).all()
    size = np.full(60, HEIGHT)
    assert not consistency.failed(keypoints, world, hints_of(keypoints, 0.9), trusted, size, PICTURE).any()


@pytest.mark.parametrize("fps", [8, 10, 12, 15, 24, 30, 60])
def test_an_arm_that_waves_fast_is_trusted_at_any_frame_rate(fps):
    time_s, keypoints, _ = walker(frames=4 * fps, fps=fps)
    wrist = KEYPOINTS.index("left_wrist")
    keypoints[:, wrist, 1] += 0.2 * HEIGHT * np.sin(2 * np.pi * 1.5 * time_s)
    assert (trust(time_s, keypoints, keypoints)[:, wrist] == 1).mean() > 0.95


def test_one_wild_keypoint_loses_trust_and_nothing_else_does():
    time_s, keypoints, _ = walker()
    wrist = KEYPOINTS.index("left_wrist")
    wild = keypoints.copy()
    wild[30, wrist, :2] += (0, 0.1 * HEIGHT)  # Inside the box, near enough to the hint: but it jumps.
    trusted = trust(time_s, wild, keypoints)
    assert trusted[30, wrist] == consistency.DOUBT_TRUST
    assert (np.delete(trusted.ravel(), 30 * 23 + wrist) == 1).all()


def test_keypoints_beyond_the_picture_or_the_box_lose_trust():
    time_s, keypoints, _ = walker()
    boxes = boxes_of(keypoints)
    left = keypoints.copy()
    left[..., 0] -= 300  # Now the walker stands on the picture's left edge.
    size = np.full(60, HEIGHT)
    trusted = consistency.trust(time_s, left, hints_of(left), boxes_of(left), size, PICTURE)
    outside = left[..., 0] < 0
    # Pelvis and neck share the trust of the pair they lie between.
    for middle, pair in consistency.MIDDLES.items():
        outside[:, middle] = outside[:, pair].any(1)
    assert outside.any()
    np.testing.assert_array_equal(trusted == consistency.OUTSIDE_TRUST, outside)

    boxes[:, 3] = 320 + 0.2 * HEIGHT  # The box ends above the knees.
    trusted = consistency.trust(time_s, keypoints, hints_of(keypoints), boxes, size, PICTURE)
    ankles = [KEYPOINTS.index("left_ankle"), KEYPOINTS.index("right_ankle")]
    assert (trusted[:, ankles] == consistency.OUTSIDE_TRUST).all()
    assert (trusted[:, KEYPOINTS.index("nose")] == 1).all()


def test_frames_that_show_somebody_else_fail():
    time_s, keypoints, world = walker()
    other = keypoints.copy()
    other[20:25, :, 0] += 0.4 * HEIGHT
    size = np.full(60, HEIGHT)
    trusted = trust(time_s, other, keypoints)
    failed = consistency.failed(other, world, hints_of(keypoints, 0.9), trusted, size, PICTURE)
    np.testing.assert_array_equal(np.flatnonzero(failed), np.arange(20, 25))


def test_frames_whose_limbs_are_out_of_proportion_fail():
    _, keypoints, world = walker()
    size, hints = np.full(60, HEIGHT), hints_of(keypoints)
    crumpled = world.copy()
    crumpled[40] *= 0.4
    failed = consistency.failed(keypoints, crumpled, hints, np.ones((60, 23)), size, PICTURE)
    np.testing.assert_array_equal(np.flatnonzero(failed), [40])
