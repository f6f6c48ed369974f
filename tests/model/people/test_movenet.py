# SPDX-License-Identifier: GPL-3.0-or-later
"""People are read off the network's heads where they were put."""

import numpy as np
import pytest

from model.people import movenet

ROWS, COLUMNS = 48, 64


def empty_heads():
    channels = {"centre": 1, "size": 2, "offset": 2, "joint_guess": 34, "joint_heat": 17, "joint_offset": 34}
    return {name: np.zeros((1, count, ROWS, COLUMNS), np.float32) for name, count in channels.items()}


def put_person(heads, y, x, size, certainty, joints):
    """A person whose centre is in the cell (y, x); joints (17, 2) are y, x in cells and fractions of them."""
    heads["centre"][0, 0, y, x] = certainty
    heads["size"][0, :, y, x] = size
    heads["offset"][0, :, y, x] = (0.25, 0.5)
    heads["joint_guess"][0, :, y, x] = (np.floor(joints) - (y, x)).ravel()
    for k, (row, column) in enumerate(np.floor(joints).astype(int)):
        heads["joint_heat"][0, k, row, column] = 0.8
        heads["joint_offset"][0, 2 * k : 2 * k + 2, row, column] = joints[k] - (row, column)


def joints_around(y, x, seed):
    return np.random.default_rng(seed).uniform((y - 8, x - 4), (y + 8, x + 4), (17, 2))


def test_a_person_is_found_with_box_keypoints_and_score():
    heads, joints = empty_heads(), joints_around(20, 30, 0)
    put_person(heads, 20, 30, (24, 12), 0.9, joints)
    people = movenet.decode(heads, 0.2)
    # The centre is at y = 20.25, x = 30.5 cells of four pixels; the box is 24 cells high and 12 wide.
    np.testing.assert_allclose(people.boxes, [[4 * 24.5, 4 * 8.25, 4 * 36.5, 4 * 32.25]], atol=1e-4)
    np.testing.assert_allclose(people.keypoints[0, :, :2], 4 * joints[:, ::-1], atol=1e-3)
    np.testing.assert_allclose(people.keypoints[0, :, 2], 0.8, atol=1e-4)
    assert people.scores == pytest.approx([0.9 * 0.8], abs=1e-4)


def test_two_people_come_most_certain_first_and_keep_their_own_joints():
    heads = empty_heads()
    left, right = joints_around(20, 14, 1), joints_around(24, 46, 2)
    put_person(heads, 20, 14, (20, 12), 0.5, left)
    put_person(heads, 24, 46, (20, 12), 0.8, right)
    people = movenet.decode(heads, 0.2)
    np.testing.assert_allclose(people.keypoints[0, :, :2], 4 * right[:, ::-1], atol=1e-3)
    np.testing.assert_allclose(people.keypoints[1, :, :2], 4 * left[:, ::-1], atol=1e-3)


def test_the_slope_of_a_peak_is_nobody():
    heads, joints = empty_heads(), joints_around(20, 30, 3)
    put_person(heads, 20, 30, (24, 12), 0.9, joints)
    heads["centre"][0, 0, 21, 31] = 0.8
    assert len(movenet.decode(heads, 0.2).scores) == 1


def test_nobody_is_an_empty_result_of_the_right_shape():
    people = movenet.decode(empty_heads(), 0.2)
    assert people.boxes.shape == (0, 4)
    assert people.keypoints.shape == (0, 17, 3)
    assert people.scores.shape == (0,)


@pytest.mark.parametrize(("height", "width"), [(994, 1768), (1920, 1080), (64, 64), (65, 1001), (300, 8)])
def test_a_picture_keeps_its_proportions_and_is_padded_at_the_right_and_the_bottom(height, width):
    picture, scale = movenet.fit(np.full((height, width, 3), 200, np.uint8))
    assert picture.shape[1] % 32 == picture.shape[2] % 32 == 0
    assert scale == 512 / max(height, width)
    filled = picture[0, :, :, 0] == 200
    assert filled.sum() == max(1, round(height * scale)) * max(1, round(width * scale))
    assert filled[: round(height * scale), : round(width * scale)].all()
