# SPDX-License-Identifier: GPL-3.0-or-later
"""Feet of a take, held where they rest. How rigs fare with the same solver: tests/addon/retarget/test_foot_lock.py."""

from dataclasses import replace

import numpy as np
import pytest

from model.motion.contacts import soles_of
from model.motion.motion import Motion
from model.motion.planting import hold_feet
from model.motion.rotations import matrix_from_axis_angle
from tests.addon.retarget.figures import rest
from tests.addon.retarget.steps import stepping
from tests.model.motion.example import example_motion

BODY = rest()
LEGS = (1, 2, 4, 5, 7, 8, 10, 11)


def captured(kind: str, fps: float | None, off: float) -> tuple[Motion, Motion]:
    """Somebody who steps by plan, as it was and as a capture with errors of the hips' rotations and place sees it."""
    time_s, (local, trans, _), contacts = stepping(kind, fps)
    exact = replace(example_motion(len(time_s)), time_s=time_s, contacts=contacts)
    exact = exact.with_pose(local, trans, BODY)
    wave = off * np.sin(2 * np.pi * time_s[:, None, None] * [0.7, 0.4, 0.5] + np.arange(2)[:, None])
    seen = local.copy()
    seen[:, 1:3] = seen[:, 1:3] @ matrix_from_axis_angle(wave)
    place = trans + 0.1 * off * np.stack([np.sin(2 * time_s), np.cos(3 * time_s), np.sin(time_s)], -1)
    return exact, exact.with_pose(seen, place, BODY)


def slide_m_s(motion: Motion) -> np.ndarray:
    both = (motion.contacts[1:] > 0.5) & (motion.contacts[:-1] > 0.5)
    speed = np.linalg.norm(np.diff(soles_of(motion), axis=0), axis=-1) / np.diff(motion.time_s)[:, None]
    return speed[both]


@pytest.mark.parametrize(("kind", "fps"), [("walk", 30.0), ("walk", None), ("turn", 60.0), ("jump", 24.0)])
def test_feet_that_slide_and_sink_are_held(kind: str, fps: float | None) -> None:
    exact, seen = captured(kind, fps, 0.12)
    held = hold_feet(seen, BODY)
    rests = held.contacts > 0.5
    assert slide_m_s(seen).mean() > 0.02
    # A foot rolls about the ground under its ball, 1 cm below the joint that carries what is measured here.
    assert np.median(slide_m_s(held)) < 1e-5
    assert slide_m_s(held).mean() < 0.015
    assert np.abs(soles_of(held)[rests][:, 2]).max() < 0.01
    assert soles_of(held)[..., 2].min() > -0.01
    others = [joint for joint in range(24) if joint not in LEGS]
    np.testing.assert_allclose(held.local_rotations()[:, others], seen.local_rotations()[:, others], atol=1e-6)
    np.testing.assert_allclose(held.trans[:, :2], seen.trans[:, :2], atol=1e-6)
    assert np.abs(held.trans[:, 2] - seen.trans[:, 2]).max() < 0.08
    knees = held.joints[:, [4, 5]] - exact.joints[:, [4, 5]]
    assert np.linalg.norm(knees, axis=-1).mean() < 0.08


def test_feet_that_are_held_stay_as_they_are() -> None:
    _, seen = captured("walk", 30.0, 0.12)
    once = hold_feet(seen, BODY)
    twice = hold_feet(once, BODY)
    np.testing.assert_allclose(twice.joints, once.joints, atol=0.005)


def test_without_any_contact_there_is_no_floor() -> None:
    motion = example_motion()
    assert soles_of(motion)[..., 2].min() < -0.01
    assert hold_feet(motion, BODY) is motion


@pytest.mark.parametrize("kind", ["walk", "jump", "crouch"])
def test_feet_that_need_no_hold_hardly_move(kind: str) -> None:
    exact, _ = captured(kind, 30.0, 0.12)
    held = hold_feet(exact, BODY)
    assert np.linalg.norm(held.joints - exact.joints, axis=-1).mean() < 0.002
    np.testing.assert_allclose(held.joints, exact.joints, atol=0.03)
