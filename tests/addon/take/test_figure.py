# SPDX-License-Identifier: GPL-3.0-or-later
"""What the overlay draws, measured."""

import numpy as np
import pytest
from reel_to_rig.addon.take import figure, marks

CORNERS = np.array([[100.0, 500.0], [740.0, 140.0]])
"""A picture of 1280 x 720 pixels at half its size in a region, whose y goes up."""


def keypoints(**seen: tuple[float, float]) -> np.ndarray:
    """Keypoints (23, 3), none found but those given as k5=(x, y)."""
    points = np.zeros((23, 3))
    for name, place in seen.items():
        points[int(name[1:])] = (*place, 1.0)
    return points


def test_the_picture_s_corners_are_the_region_s():
    placed = figure.placed(keypoints(k0=(0, 0), k1=(1280, 720), k2=(640, 360)), (1280, 720), CORNERS)
    assert placed[:3, :2].tolist() == [[100, 500], [740, 140], [420, 320]]
    assert placed[:3, 2].tolist() == [1, 1, 1]


def test_a_picture_is_in_the_middle_of_the_frame_as_large_as_it_fits():
    assert figure.fitted((1280, 720), CORNERS).tolist() == CORNERS.tolist()
    assert figure.fitted((720, 720), CORNERS).tolist() == [[240, 500], [600, 140]]
    assert figure.fitted((1920, 540), CORNERS).tolist() == [[100, 410], [740, 230]]


def test_a_bone_is_a_strip_of_its_width_in_the_colours_of_its_ends():
    points = keypoints(k5=(10, 10), k6=(110, 10))
    points[6, 2] = 0.2
    corners, colours = figure.triangles(points, 2.0, 3.0)
    bone = corners[:6]
    assert area(bone) == pytest.approx(100 * 4)
    for corner, colour in zip(bone, colours[:6], strict=True):
        share = 1.0 if corner[0] == 10 else 0.2
        assert colour == pytest.approx(share * figure.SURE + (1 - share) * figure.UNSURE)
    # One bone, four sides of the box, two dots; the dots are squares of the size asked for.
    assert len(corners) == 6 * 7
    assert area(corners[-12:-6]) == area(corners[-6:]) == pytest.approx(36)


def test_the_box_is_around_all_that_was_found_and_nothing_else():
    points = keypoints(k0=(50, 40), k15=(70, 240))
    points[16] = (900, 900, 0.05)
    corners, _ = figure.triangles(points, 0.0, 0.0)
    margin = figure.MARGIN * 200
    assert corners.min(0) == pytest.approx([50 - margin, 40 - margin])
    assert corners.max(0) == pytest.approx([70 + margin, 240 + margin])


def test_nothing_found_draws_nothing():
    assert len(figure.triangles(keypoints(), 1.0, 1.0)[0]) == 0


def test_marks_stand_where_states_change():
    frames, time_s = np.arange(1.0, 13.0), np.arange(12) / 25
    observed = np.array([False] * 2 + [True] * 8 + [False] * 2)
    assert list(marks.gaps(frames, observed)) == [(1.0, "Gap"), (3.0, "Seen"), (11.0, "Gap")]
    contacts = np.zeros((12, 4))
    contacts[3:6, 0], contacts[5:9, 1], contacts[2:, 3] = 0.9, 0.9, 0.9
    # The left foot rolls from heel to toe: it comes down once.
    assert list(marks.contacts(frames, time_s, contacts)) == [(4.0, "L down"), (10.0, "L up"), (3.0, "R down")]


def area(corners: np.ndarray) -> float:
    """Of two triangles (6, 2)."""
    a, b = (corners[1::3] - corners[::3]), (corners[2::3] - corners[::3])
    return float(np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / 2)
