# SPDX-License-Identifier: GPL-3.0-or-later
"""Feet that step by plan: when each of them rests is known."""

from dataclasses import replace

import numpy as np
import pytest

from model.motion.contacts import contacts, contacts_of, resting, soles_of, spans
from tests.addon.retarget.figures import MOCAP, recorded, recorded_labels
from tests.addon.retarget.steps import soles as soles_of_recording
from tests.model.motion.example import example_motion, rest_joints

STEP_S, FAR_M, HIGH_M = 0.5, 0.7, 0.12


def stepping(time_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Soles (T, 4, 3) of feet that rest and step by turns, and whether they rest (T, 4)."""
    soles, rests = np.zeros((len(time_s), 4, 3)), np.zeros((len(time_s), 4), bool)
    for point, (late, ahead) in enumerate([(0.0, -0.08), (0.04, 0.12), (STEP_S, -0.08), (STEP_S + 0.04, 0.12)]):
        count, phase = np.divmod((time_s - late) / STEP_S, 2)
        swing = np.clip(phase - 1, 0, 1)
        soles[:, point, 0] = ahead + FAR_M * (count + swing)
        soles[:, point, 2] = HIGH_M * np.sin(np.pi * swing)
        rests[:, point] = phase < 1
    return soles, rests


def f1(found: np.ndarray, truth: np.ndarray) -> float:
    return 2 * (found & truth).sum() / (found.sum() + truth.sum())


def times(fps: float | None) -> np.ndarray:
    """Four seconds at a steady or, for None, at a wildly uneven rate."""
    if fps:
        return np.arange(round(4 * fps)) / fps
    steps = np.random.default_rng(2).uniform(0.01, 0.06, 200)
    return np.cumsum(steps)[np.cumsum(steps) < 4]


@pytest.mark.parametrize("fps", [24.0, 30.0, 60.0, 120.0, None])
@pytest.mark.parametrize("noise_m", [0.0, 0.008])
def test_steps_are_found_at_any_frame_rate(fps: float | None, noise_m: float) -> None:
    soles, truth = stepping(times(fps))
    noise = np.random.default_rng(0).normal(size=soles.shape) * noise_m
    found = contacts(soles + noise, times(fps)) > 0.5
    assert f1(found, truth) > (0.93 if noise_m else 0.95)
    for point in range(4):
        assert abs(len(spans(found[:, point])) - len(spans(truth[:, point]))) <= 1, "a contact flickers"


@pytest.mark.parametrize("fps", [6.0, 8.0, 9.0, 12.0])
def test_where_frames_are_few_steps_are_found_and_what_slides_does_not_rest(fps: float) -> None:
    time_s = times(fps)
    soles, truth = stepping(time_s)
    assert f1(contacts(soles, time_s) > 0.5, truth) > 0.9
    slides = np.tile([[[1.5, 0.0, 0.0]]], (len(time_s), 4, 1)) * time_s[:, None, None]
    assert not (contacts(slides, time_s) > 0.5).any()


def dwelling(soles: np.ndarray, time_s: np.ndarray, radius_m: float) -> np.ndarray:
    """Whether soles (T, 4, 3) stay within a radius of some place near the floor for a tenth of a second (T, 4).

    Knows places only, no speed: another way of telling than the one that is tested.
    """
    dwells = np.zeros(soles.shape[:2], bool)
    for point in range(soles.shape[1]):
        path, end = soles[:, point], 0
        for first in range(len(path)):
            end = max(end, first + 1)
            while end < len(path) and np.linalg.norm(np.ptp(path[first : end + 1], axis=0)) <= 2 * radius_m:
                end += 1
            if time_s[end - 1] - time_s[first] > 0.1 - 1e-4 and np.median(path[first:end, 2]) < 0.05:
                dwells[first:end, point] = True
    return dwells


@pytest.mark.skipif(not MOCAP.exists(), reason="no recorded motion on this machine")
@pytest.mark.parametrize(
    ("kind", "words"), [("walk", "walk"), ("run", "run"), ("jump", "jump hop"), ("dance", "dance")]
)
def test_recorded_feet_rest_where_they_dwell(kind: str, words: str) -> None:
    """Measured: walk 0.94, run 0.90, jump 0.95, dance 0.97; within half the radius 0.91, 0.87, 0.92, 0.97.

    Of runs there are no more than 85 frames.
    """
    counts = {0.015: np.zeros(2), 0.0075: np.zeros(2)}
    for clip, label in enumerate(recorded_labels()):
        if not any(word in label for word in words.split()) or "uneven" in label:
            continue
        soles = soles_of_recording(*recorded(clip, 200))
        time_s = np.arange(len(soles)) / 30
        found = contacts(soles, time_s) > 0.5
        for radius_m, count in counts.items():
            truth = dwelling(soles, time_s, radius_m)
            count += [2 * (found & truth).sum(), found.sum() + truth.sum()]
    for radius_m, (both, all_of_them) in counts.items():
        assert both / all_of_them > (0.88 if radius_m == 0.015 else 0.85), (kind, radius_m)


def test_a_foot_that_hangs_still_in_the_air_does_not_rest() -> None:
    soles = np.zeros((60, 4, 3)) + [0, 0, 0.2]
    assert not (contacts(soles, np.arange(60) / 30) > 0.5).any()
    assert (contacts(soles, np.arange(60) / 30, floor_m=0.2) > 0.5).all()


def test_another_opinion_decides_what_is_doubtful_and_only_that() -> None:
    time_s = np.arange(60) / 30
    creeping = np.zeros((60, 4, 3))
    creeping[..., 0] = 0.3 * time_s[:, None]
    for opinion in (0.05, 0.95):
        assert (contacts(creeping, time_s, np.full((60, 4), opinion)) > 0.5).all() == (opinion > 0.5)
    assert not (contacts(10 * creeping, time_s, np.full((60, 4), 0.95)) > 0.5).any()
    assert (contacts(0 * creeping, time_s, np.full((60, 4), 0.05)) > 0.5).all()


def test_a_probability_that_hovers_does_not_flicker_and_blinks_do_not_count() -> None:
    time_s = np.arange(12) / 30
    hovers = np.array([[0.1, 0.4, 0.55, 0.7, 0.45, 0.55, 0.4, 0.5, 0.1, 0.1, 0.1, 0.1]]).T
    assert resting(hovers, time_s)[:, 0].tolist() == [False] + [True] * 7 + [False] * 4
    never_sure = np.full((12, 1), 0.55)
    assert not resting(never_sure, time_s).any()
    blink = np.where(np.arange(12) == 5, 0.0, 1.0)[:, None]
    assert resting(blink, time_s).all()
    assert not resting(np.where(blink > 0, 0.0, 1.0), time_s).any()


def test_what_was_not_seen_does_not_rest() -> None:
    observed = np.arange(60) < 30
    found = contacts(np.zeros((60, 4, 3)), np.arange(60) / 30, observed=observed) > 0.5
    assert (found == observed[:, None]).all()


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_very_short_motions(frames: int) -> None:
    assert contacts(np.zeros((frames, 4, 3)), np.arange(frames) / 30).shape == (frames, 4)


def test_soles_lie_under_the_feet_of_a_body_that_stands_anywhere() -> None:
    motion = example_motion(20)
    upright = motion.with_pose(
        np.tile(np.eye(3), (20, 24, 1, 1)), np.zeros((20, 3)), rest_joints()
    )  # In the canonical frame, Y up.
    soles = soles_of(upright)
    ankle, ball = upright.joints[:, 7], upright.joints[:, 10]
    assert (soles[:, 0, 1] < ankle[:, 1] - 0.05).all()
    assert (soles[:, 1, 1] < ball[:, 1]).all()
    np.testing.assert_allclose(soles[:, 0, 1], soles[:, 1, 1], atol=0.03)
    turned = soles_of(motion)
    np.testing.assert_allclose(
        np.linalg.norm(turned[:, 0] - motion.joints[:, 7], axis=-1), np.linalg.norm(soles[:, 0] - ankle, axis=-1), 1e-3
    )


def test_contacts_of_a_motion_take_its_own_into_account() -> None:
    motion = example_motion(30)
    still = replace(
        motion,
        poses=np.repeat(motion.poses[:1], 30, 0), joints=np.repeat(motion.joints[:1], 30, 0),
    )  # fmt: skip
    floor = float(soles_of(still)[0, :, 2].max())
    assert (contacts_of(still, floor) > 0.5).all()
    assert contacts_of(still, floor).dtype == np.float32
    assert not (contacts_of(replace(still, observed=np.zeros(30, bool)), floor) > 0.5).any()
