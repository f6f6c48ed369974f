# SPDX-License-Identifier: GPL-3.0-or-later
"""Identities hold: through crossings, gaps, doubles and uncertain moments."""

import numpy as np
import pytest

from model.people.tracker import LONGEST_LOST_S, Sighting, Tracker

FIGURE = np.stack([np.tile([-20.0, 0.0, 20.0], 6)[:17], np.linspace(-90, 90, 17)], 1)
RED, BLUE = np.eye(8)[0], np.eye(8)[5]


def person(x, y=300.0, score=0.6, colour=RED, scale=1.0):
    points = FIGURE * scale + (x, y)
    box = np.concatenate([points.min(0), points.max(0)])
    return Sighting(box, np.concatenate([points, np.full((17, 1), 0.6)], 1), score, colour)


def follow(pictures, interval=0.1):
    tracker = Tracker()
    for i, sightings in enumerate(pictures):
        tracker.update(i * interval, sightings)
    return tracker.trails


def middles(trail):
    return np.array([(s.box[0] + s.box[2]) / 2 for s in trail.sightings])


@pytest.mark.parametrize("swap_order", [False, True])
def test_two_people_who_cross_keep_their_identities(swap_order):
    steps = np.arange(21)
    pictures = [[person(100 + 30 * i), person(700 - 30 * i, 340)] for i in steps]
    if swap_order:
        pictures = [picture[:: 1 if i % 2 else -1] for i, picture in enumerate(pictures)]
    first, second = sorted(follow(pictures), key=lambda trail: middles(trail)[0])
    np.testing.assert_allclose(middles(first), 100 + 30 * steps)
    np.testing.assert_allclose(middles(second), 700 - 30 * steps)


def test_people_who_meet_and_turn_back_are_told_apart_by_colour():
    there = np.concatenate([np.arange(0, 240, 30), [240, 240], np.arange(240, 0, -30)])
    pictures = [[person(100 + d, colour=RED), person(620 - d, 305, colour=BLUE)] for d in there]
    for trail in follow(pictures):
        colours = {int(s.colour.argmax()) for s in trail.sightings}
        assert len(colours) == 1
        assert len(trail.sightings) == len(there)


def test_a_short_gap_is_bridged_and_a_long_one_is_not():
    def walk(gap):
        return [[person(100 + 10 * i)] if not 10 <= i < 10 + gap else [] for i in range(40)]

    assert len(follow(walk(8))) == 1
    assert len(follow(walk(int(LONGEST_LOST_S / 0.1) + 2))) == 2


def test_someone_who_vanishes_behind_another_returns_as_himself():
    pictures = []
    for i in range(30):
        walker, stander = person(100 + 20 * i, colour=BLUE), person(400, 305, colour=RED)
        pictures.append([stander] if 340 < 100 + 20 * i < 460 else [walker, stander])
    stander, walker = sorted(follow(pictures), key=lambda trail: np.ptp(middles(trail)))
    assert np.ptp(middles(stander)) == 0
    np.testing.assert_allclose(middles(walker)[[0, -1]], [100, 680])


def test_one_person_seen_double_is_one_person():
    (trail,) = follow([[person(100 + 5 * i), person(103 + 5 * i, score=0.4)] for i in range(10)])
    np.testing.assert_allclose(middles(trail), 100 + 5 * np.arange(10))


def test_uncertain_sightings_continue_a_track_but_begin_none():
    assert len(follow([[person(100, score=0.15)]] * 5)) == 0
    (trail,) = follow([[person(100, score=0.6)], [person(102, score=0.15)], [person(104, score=0.6)]])
    assert len(trail.sightings) == 3


def test_nobody_jumps_across_the_picture():
    assert len(follow([[person(100)], [person(900)]])) == 2


def test_a_child_does_not_become_its_parent():
    """The one who leaves and the one who stays stand at the same place, but differ in size."""
    pictures = [[person(300), person(330, 350, scale=0.5)]] * 5 + [[person(330, 350, scale=0.5)]] * 5
    sizes = sorted((len(trail.sightings), trail.sightings[0].size) for trail in follow(pictures))
    assert [count for count, _ in sizes] == [5, 10]
    assert sizes[0][1] == pytest.approx(2 * sizes[1][1])
