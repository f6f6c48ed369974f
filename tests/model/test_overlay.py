# SPDX-License-Identifier: GPL-3.0-or-later


import numpy as np
import pytest

from model.footage import Frame
from model.motion.motion import Motion
from model.motion.skeleton import KEYPOINTS
from model.overlay import LEFT, NOT_SEEN, RIGHT, SEEN, WIDEST, draw_body, draw_keypoints, draw_overlay, scaled_down

K = np.array([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]])
GREY = np.full((480, 640, 3), 90, np.uint8)


def sphere(centre, radius, rings=40):
    """A closed ball (V, 3), (F, 3)."""
    polar, azimuth = np.meshgrid(np.linspace(0, np.pi, rings), np.linspace(0, 2 * np.pi, 2 * rings), indexing="ij")
    points = np.stack([np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)], -1)
    i, j = np.meshgrid(np.arange(rings - 1), np.arange(2 * rings - 1), indexing="ij")
    a = (i * 2 * rings + j).ravel()
    b, c, d = a + 1, a + 2 * rings, a + 2 * rings + 1
    faces = np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)])
    return np.asarray(centre) + radius * points.reshape(-1, 3), faces


def covered(picture, background=GREY):
    return np.any(picture != background, 2)


def test_ball_covers_the_disc_that_geometry_says():
    vertices, faces = sphere((0.4, -0.2, 4.0), 0.5)
    mask = covered(draw_body(GREY, vertices, faces, K))
    # A ball's outline is the cone of tangents: computed here for each pixel's ray.
    y, x = np.mgrid[:480, :640]
    rays = np.stack([(x - 320) / 500, (y - 240) / 500, np.ones_like(x)], -1)
    distance = np.linalg.norm(np.cross(rays, [0.4, -0.2, 4.0]), axis=-1) / np.linalg.norm(rays, axis=-1)
    disc = distance < 0.5
    assert (mask != disc).sum() < 0.03 * disc.sum()
    assert not mask[distance > 0.52].any()
    assert mask[distance < 0.48].all()


def test_light_comes_from_above_and_the_left():
    picture = draw_body(GREY, *sphere((0, 0, 4), 0.5), K, alpha=1.0).sum(2).astype(int)
    assert picture[240 - 40, 320 - 25] > picture[240, 320] > picture[240 + 50, 320 + 40]


def test_alpha_mixes_body_and_picture():
    ball = sphere((0, 0, 4), 0.5)
    opaque = draw_body(GREY, *ball, K, alpha=1.0).astype(float)
    half = draw_body(GREY, *ball, K, alpha=0.5)
    np.testing.assert_allclose(half, opaque / 2 + GREY / 2, atol=1)


def test_near_parts_hide_far_ones_and_winding_does_not_matter():
    near, faces = sphere((0.1, 0, 3), 0.2)
    far, _ = sphere((0, 0, 4), 0.6)
    both = np.concatenate([near, far]), np.concatenate([faces, faces + len(near)])
    together, alone = draw_body(GREY, *both, K), draw_body(GREY, near, faces, K)
    near_mask = covered(alone)
    np.testing.assert_array_equal(together[near_mask], alone[near_mask])
    assert covered(together).sum() > 2 * near_mask.sum()
    # But for the edges between faces of the same depth, whose order is left to chance.
    np.testing.assert_allclose(draw_body(GREY, both[0], both[1][:, ::-1], K), together, atol=8)


def test_body_behind_or_around_the_camera_is_no_trouble():
    vertices, faces = sphere((0, 0, -3), 1)
    np.testing.assert_array_equal(draw_body(GREY, vertices, faces, K), GREY)
    for centre in ((0, 0, 0.6), (5, 0, 1), (0.3, 0.3, 0)):
        assert draw_body(GREY, *sphere(centre, 1), K).shape == GREY.shape


def test_the_picture_given_is_left_as_it_was():
    picture = GREY.copy()
    draw_keypoints(draw_body(picture, *sphere((0, 0, 4), 0.5), K), np.ones((23, 3)) * [50, 50, 1])
    np.testing.assert_array_equal(picture, GREY)


def lone_keypoint(name, confidence, x=100.0, y=200.0):
    keypoints = np.zeros((23, 3))
    keypoints[:, :2] = -1000
    keypoints[KEYPOINTS.index(name)] = x, y, confidence
    return keypoints


@pytest.mark.parametrize(("name", "colour"), [("left_wrist", LEFT), ("right_wrist", RIGHT)])
def test_keypoint_is_drawn_in_the_colour_of_its_side(name, colour):
    picture = draw_keypoints(GREY, lone_keypoint(name, 1.0))
    np.testing.assert_allclose(picture[200, 100], colour, atol=1)
    ys, xs = np.nonzero(covered(picture))
    assert (ys.mean(), xs.mean()) == pytest.approx((200, 100), abs=0.6)


def test_unsure_keypoint_is_smaller_and_paler():
    sure = draw_keypoints(GREY, lone_keypoint("left_knee", 1.0))
    unsure = draw_keypoints(GREY, lone_keypoint("left_knee", 0.1))
    assert 0 < covered(unsure).sum() < covered(sure).sum() / 2
    assert abs(int(unsure[200, 100, 0]) - 90) < abs(int(sure[200, 100, 0]) - 90) / 2


def test_line_joins_two_keypoints_in_the_colour_of_their_side():
    keypoints = lone_keypoint("right_elbow", 1.0)
    keypoints[KEYPOINTS.index("right_wrist")] = 180, 200, 1.0
    picture = draw_keypoints(GREY, keypoints).astype(int)
    middle = picture[200, 140] - 90
    assert np.dot(middle, np.array(RIGHT) - 90) > 0.9 * np.linalg.norm(middle) * np.linalg.norm(np.array(RIGHT) - 90)


def test_keypoints_anywhere_are_no_trouble():
    generator = np.random.default_rng(0)
    keypoints = generator.uniform(-1e6, 1e6, (23, 3))
    assert draw_keypoints(GREY, keypoints).shape == GREY.shape


def motion_of(count, **changes):
    """A person who stands still for `count` frames at 10 a second, seen by a camera 4 m in front."""
    values = {
        "poses": np.zeros((count, 72), np.float32), "trans": np.zeros((count, 3), np.float32),
        "betas": np.zeros(10, np.float32), "mocap_framerate": 10.0, "time_s": np.arange(count) / 10,
        "observed": np.ones(count, bool), "confidence": np.ones((count, 24), np.float32),
        "joints": np.zeros((count, 24, 3), np.float32), "contacts": np.zeros((count, 4), np.float32),
        "keypoints": np.full((count, 23, 3), [-1000, -1000, 0], np.float32), "camera_matrix": K,
        # World (x right, y away, z up) to camera (x right, y down, z away).
        "camera_rotation": np.tile([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]], (count, 1, 1)),
        "camera_translation": np.tile([0, 1.0, 4.0], (count, 1)),
    }  # fmt: skip
    return Motion(**{**values, **changes})


def centre_of(mask):
    ys, xs = np.nonzero(mask)
    return xs.mean(), ys.mean()


def test_overlay_follows_the_body_by_time_and_marks_what_was_not_seen():
    motion = motion_of(3, observed=np.array([True, False, True]))
    # The ball rises 0.5 m a frame from the height of the camera's foot point.
    positions = [(0.2, 0, 1.0), (0.2, 0, 1.5), (0.2, 0, 0.5)]
    faces = sphere((0, 0, 0), 0.2)[1]
    # Not the motion's own order, not its number of frames.
    frames = [Frame(i, time_s, GREY) for i, time_s in enumerate([0.2, 0.0, 0.1, 0.149, 0.4])]
    pictures = list(draw_overlay(frames, motion, lambda t: sphere(positions[t], 0.2)[0], faces))
    for picture, t in zip(pictures, (2, 0, 1, 1), strict=False):
        mask = covered(picture)
        if t == 1:
            assert (picture[[0, -1, 0, -1], [0, 0, -1, -1]] == NOT_SEEN).all()
            mask[:12], mask[-12:], mask[:, :12], mask[:, -12:] = 0, 0, 0, 0
        x, _, z = positions[t]
        assert centre_of(mask) == pytest.approx((320 + 500 * x / 4, 240 + 500 * (1 - z) / 4), abs=1.5)
    colour = pictures[1][240, 345].astype(int)
    assert np.argmax(colour) == np.argmax(SEEN)
    np.testing.assert_array_equal(pictures[4], GREY)


def test_large_footage_is_scaled_down_with_the_camera_and_the_keypoints():
    large = np.full((1080, 1920, 3), 90, np.uint8)
    keypoints = lone_keypoint("left_wrist", 1.0, x=600, y=900)[None]
    camera = np.array([[1500.0, 0, 960], [0, 1500, 540], [0, 0, 1]])
    motion = motion_of(1, camera_matrix=camera, keypoints=keypoints.astype(np.float32))
    vertices, faces = sphere((1.0, 0, 1.0), 0.2)
    (picture,) = draw_overlay([Frame(0, 0.0, large)], motion, lambda _: vertices, faces)
    assert picture.shape == (720, WIDEST, 3)
    np.testing.assert_allclose(picture[600, 400], LEFT, atol=1)
    mask = covered(picture, 90)
    mask[:, :500] = 0
    assert centre_of(mask) == pytest.approx((1280 / 1920 * (960 + 1500 / 4), 360), abs=1.5)


def test_small_footage_keeps_its_size():
    assert scaled_down(GREY)[0] is GREY
