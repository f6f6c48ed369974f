# SPDX-License-Identifier: GPL-3.0-or-later
"""Crops and back: what lies in a crop is found again in the picture, and in the camera's axes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.motion.skeleton import KEYPOINTS
from model.people import blazepose

coordinate = st.floats(-500, 2500)
crops = st.tuples(coordinate, coordinate, st.floats(20, 2000), st.floats(-3.1, 3.1))


@given(crops, st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=5))
def test_there_and_back_is_where_it_began(crop, points):
    crop, points = np.array([crop]), np.array([points])
    np.testing.assert_allclose(blazepose.to_picture(blazepose.to_crop(points, crop), crop), points, atol=1e-6)


@given(crops)
def test_the_crop_around_a_body_holds_its_head_in_the_upper_middle(crop):
    """The point above the centre lies straight above it, 256 / 2 / 1.25 crop pixels away."""
    crop = np.array([crop])
    centre, top = blazepose.to_picture(np.array([[[128, 128], [128, 128 - 128 / 1.25]]], float), crop)[0]
    again = blazepose.crop_around(centre, top)
    np.testing.assert_allclose(again[:3], crop[0, :3], rtol=1e-6, atol=1e-6)
    assert np.cos(again[3] - crop[0, 3]) == pytest.approx(1)


def test_a_body_lying_with_its_head_to_the_right_is_turned_by_a_quarter():
    crop = blazepose.crop_around(np.array([300.0, 200.0]), np.array([400.0, 200.0]))
    np.testing.assert_allclose(crop, [300, 200, 250, np.pi / 2])


@pytest.mark.parametrize("rotation", [0.0, 0.6, -2.0])
def test_a_dot_is_cut_out_where_the_geometry_says(rotation):
    picture = np.zeros((400, 600, 3), np.uint8)
    picture[148:153, 338:343] = 255
    crop = np.array([320.0, 180.0, 200.0, rotation])
    cut = blazepose.cut(picture, crop)[..., 0].astype(float)
    rows, columns = np.indices(cut.shape)
    found = np.array([(columns * cut).sum(), (rows * cut).sum()]) / cut.sum()
    np.testing.assert_allclose(found, blazepose.to_crop(np.array([[[340.0, 150.0]]]), crop[None])[0, 0], atol=0.05)


def outputs(points, world, heat_at):
    """Network outputs for one crop: landmarks at points (39, 2), and peaks of heat at heat_at (39, 2) cells or none."""
    landmarks = np.zeros((1, 39, 5), np.float32)
    landmarks[0, :, :2], landmarks[0, :, 3], landmarks[0, :, 4] = points, 2.0, 3.0
    heat = np.full((1, 39, 64, 64), -20.0, np.float32)
    rows, columns = np.indices((64, 64))
    for k, at in enumerate(heat_at):
        if at is not None:
            bump = 0.95 * np.exp(-((columns - at[0]) ** 2 + (rows - at[1]) ** 2) / 2)
            heat[0, k] = np.log(bump / (1 - bump) + 1e-9)
    return {
        "landmarks": landmarks.reshape(1, 195),
        "score": np.array([[0.7]], np.float32),
        "heatmap": heat,
        "world": world.reshape(1, 117).astype(np.float32),
        "feature": np.arange(1152, dtype=np.float32).reshape(1, 288, 2, 2) / 1152,
    }


def test_landmarks_move_to_the_peak_beside_them_and_into_the_picture():
    rng = np.random.default_rng(0)
    points, world = rng.uniform(40, 216, (39, 2)), rng.normal(size=(39, 3))
    peaks = [None] * 39
    peaks[7] = tuple(np.floor(points[7] / 4) + (1, 0))
    crop = np.array([[700.0, 400.0, 512.0, np.pi / 2]])
    seen = blazepose.decode(outputs(points, world, peaks), crop)
    expected = points.copy()
    # The whole peak lies in the window but for its faint edge, which pulls it a little towards the window's middle.
    expected[7] = np.array(peaks[7]) * 4
    in_crop = blazepose.to_crop(seen.points, crop)[0]
    np.testing.assert_allclose(np.delete(in_crop, 7, 0), np.delete(expected, 7, 0), atol=1e-4)
    np.testing.assert_allclose(in_crop[7], expected[7], atol=0.3)
    # Turned by a quarter: the crop's right is the picture's down, its down the picture's left; two pixels for one.
    right, down = (points[0] - 128) * 2
    np.testing.assert_allclose(seen.points[0, 0], [700 - down, 400 + right], atol=1e-3)
    np.testing.assert_allclose(seen.world[0, :, 0], -world[:, 1], atol=1e-6)
    np.testing.assert_allclose(seen.world[0, :, 1], world[:, 0], atol=1e-6)
    np.testing.assert_allclose(seen.world[0, :, 2], world[:, 2], atol=1e-6)
    assert seen.score == pytest.approx([0.7])
    assert seen.visibility[0, 0] == pytest.approx(1 / (1 + np.exp(-2)))
    np.testing.assert_array_equal(seen.features[0], (np.arange(1152) / 1152).astype(np.float16))


def test_landmarks_outside_the_crop_stay_where_they_are():
    points = np.full((39, 2), 300.0)
    points[3] = -5.0
    whole = np.array([[128.0, 128.0, 256.0, 0.0]])
    seen = blazepose.decode(outputs(points, np.zeros((39, 3)), [(63, 63)] * 39), whole)
    np.testing.assert_allclose(seen.points[0], points, atol=1e-4)


def test_the_23_keypoints_are_the_landmarks_of_those_names():
    names = {"nose": 0, "left_eye": 2, "right_eye": 5, "left_ear": 7, "right_ear": 8, "left_heel": 29, "right_heel": 30}
    names |= {"left_big_toe": 31, "right_big_toe": 32}
    for i, part in enumerate(("shoulder", "elbow", "wrist")):
        names |= {f"left_{part}": 11 + 2 * i, f"right_{part}": 12 + 2 * i}
    for i, part in enumerate(("hip", "knee", "ankle")):
        names |= {f"left_{part}": 23 + 2 * i, f"right_{part}": 24 + 2 * i}
    keypoints = blazepose.keypoints_23(np.arange(39.0)[:, None])[:, 0]
    for name, landmark in names.items():
        assert keypoints[KEYPOINTS.index(name)] == landmark, name
    assert keypoints[KEYPOINTS.index("pelvis")] == 23.5
    assert keypoints[KEYPOINTS.index("neck")] == 11.5
