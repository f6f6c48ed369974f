# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from model.motion.easing import eased, envelope, nearness
from model.motion.rotations import angle_between
from model.motion.two_bone import Limb, reach, softened
from tests.addon.retarget.figures import Array, random_rotation

SEEDS = st.integers(0, 2**32 - 1)


def leg(rng: np.random.Generator, bend: Array) -> Limb:
    """A leg of any size and direction, bent forward by angles (T,)."""
    upper, lower = rng.uniform(0.3, 1.5, 2)
    turn = random_rotation(rng)
    root = np.tile(rng.normal(size=3), (len(bend), 1))
    knee = root + turn @ [0, 0, -upper]
    shin = np.stack([0 * bend, -np.sin(bend), -np.cos(bend)], -1) * lower
    return Limb(root, knee, knee + shin @ turn.T, np.tile(turn @ [0, 1.0, 0], (len(bend), 1)))


def posed(limb: Limb, root: Array, turns: tuple[Array, Array]) -> tuple[Array, Array]:
    """Where middle and end (T, 3) come to lie."""
    middle = root + np.einsum("tij,tj->ti", turns[0], limb.middle - limb.root)
    return middle, middle + np.einsum("tij,tj->ti", turns[1], limb.end - limb.middle)


@settings(max_examples=60)
@given(SEEDS)
def test_the_end_meets_its_goal_and_the_limb_stays_in_its_plane(seed: int) -> None:
    rng = np.random.default_rng(seed)
    limb = leg(rng, rng.uniform(0.05, 2.4, 30))
    upper, lower = limb.lengths
    distance = np.abs(upper - lower) + rng.uniform(0.05, 0.98, 30) * (upper + lower - np.abs(upper - lower))
    root = limb.root + rng.normal(size=(30, 3)) * 0.1
    way = random_rotation(rng, 30) @ [0, 0, 1.0]
    goal = root + distance[:, None] * way
    turns = reach(limb, root, goal, distance)
    middle, end = posed(limb, root, turns)
    np.testing.assert_allclose(end, goal, atol=1e-6)
    normal = np.cross(limb.middle - limb.root, limb.end - limb.middle)
    new = np.cross(middle - root, end - middle)
    swung = [np.einsum("tij,tj->ti", turn, normal) for turn in turns]
    for one in swung:  # Both bones turn with the plane in which the limb bends: no twist between them.
        assert np.degrees(angle_between(one, new)).max() < 0.1
    for turn in turns:
        np.testing.assert_allclose(turn @ np.swapaxes(turn, -1, -2), np.tile(np.eye(3), (30, 1, 1)), atol=1e-9)


def test_a_goal_out_of_reach_stretches_the_limb_towards_it_and_one_too_near_folds_it() -> None:
    limb = leg(np.random.default_rng(0), np.full(2, 0.4))
    upper, lower = limb.lengths
    way = np.array([0, 0.6, -0.8])
    distance = np.array([5.0, 0.0])
    goal = limb.root + distance[:, None] * way + 1e-9
    _, end = posed(limb, limb.root, reach(limb, limb.root, goal, distance))
    lengths = np.linalg.norm(end - limb.root, axis=-1)
    np.testing.assert_allclose(lengths, [upper[0] + lower[0], abs(upper[0] - lower[0])], rtol=1e-4, atol=1e-4)


def test_a_straight_leg_bends_forward_and_an_unmoved_one_is_left_alone() -> None:
    limb = leg(np.random.default_rng(1), np.zeros(1))
    goal = limb.root + 0.9 * (limb.end - limb.root)
    middle, _ = posed(limb, limb.root, reach(limb, limb.root, goal, np.linalg.norm(goal - limb.root, axis=-1)))
    assert np.sum((middle - limb.root) * limb.forward) > 0.05
    bent = leg(np.random.default_rng(1), np.linspace(0.1, 2, 9))
    for turn in reach(bent, bent.root, bent.end, bent.extent):
        np.testing.assert_allclose(turn, np.tile(np.eye(3), (9, 1, 1)), atol=1e-6)


@settings(max_examples=60)
@given(SEEDS)
def test_stretching_slows_down_and_never_straightens_a_knee_for_good(seed: int) -> None:
    limb = leg(np.random.default_rng(seed), np.full(400, 0.5))
    reached = sum(limb.lengths)
    wanted = np.linspace(0.5, 1.5, 400) * reached
    got = softened(limb, wanted)
    shorter = wanted <= limb.extent
    np.testing.assert_allclose(got[shorter], wanted[shorter])
    assert (np.diff(got) >= 0).all()
    assert (np.diff(got) <= np.diff(wanted) + 1e-9).all()
    assert (got <= limb.extent + 0.51 * (reached - limb.extent)).all()


def test_corrections_come_and_go_without_jumps_at_any_frame_rate() -> None:
    for fps in (12, 30, 240):
        time_s = np.arange(0, 3, 1 / fps)
        held = (time_s > 1) & (time_s < 1.5) | (time_s > 1.6) & (time_s < 2)
        values = np.where(held, np.where(time_s < 1.55, 1.0, -0.5), 0.0)[:, None]
        result = eased(values, held, time_s, 0.2)
        np.testing.assert_allclose(result[held], values[held])
        assert np.abs(np.diff(result, axis=0)).max() * fps < 1.5 * 1.5 / 0.1 + 1
        assert not result[(time_s < 0.79) | (time_s > 2.21)].any()
        assert result.min() >= -0.5
        assert result.max() <= 1.0
        assert nearness(held, time_s, 0.2)[held].min() == 1


@settings(max_examples=30)
@given(SEEDS)
def test_an_envelope_is_never_below_and_rises_gently(seed: int) -> None:
    rng = np.random.default_rng(seed)
    time_s = np.cumsum(rng.uniform(0.005, 0.05, 200))
    values = np.zeros(200)
    values[rng.integers(0, 200, 5)] = rng.uniform(0, 0.1, 5)
    curve = envelope(values, time_s, 0.15)
    assert (curve >= values - 1e-12).all()
    assert curve.max() <= values.max() + 1e-12
    assert (np.abs(np.diff(curve)) / np.diff(time_s)).max() < 0.1 / 0.15 * 3
