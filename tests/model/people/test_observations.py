# SPDX-License-Identifier: GPL-3.0-or-later
"""One person's observations: crops that hold the body, gaps that are filled, and real people the right way round."""

import numpy as np
import pytest

from model.footage import Frame, read
from model.motion.skeleton import KEYPOINTS
from model.people import Track, blazepose, observations, observe
from model.protocol import Cancelled, Code, Failure

NAME = {name: i for i, name in enumerate(KEYPOINTS)}


def standing(x=300.0, y=200.0, half=100.0, frames=1):
    """COCO keypoints and boxes of an upright figure whose hips are at (x, y)."""
    heights = np.array([-1, -1.05, -1.05, -1, -1, -0.7, -0.7, -0.3, -0.3, 0, 0, 0, 0, 0.45, 0.45, 0.9, 0.9])
    sides = np.array([0, 0.05, -0.05, 0.1, -0.1] + [0.2, -0.2] * 6)
    keypoints = np.stack([x + half * sides, y + half * heights, np.full(17, 0.7)], 1)
    box = np.array([x - 0.3 * half, y - 1.1 * half, x + 0.3 * half, y + half])
    return np.tile(box, (frames, 1)), np.tile(keypoints, (frames, 1, 1))


def turned(points, centre, angle):
    cos, sin = np.cos(angle), np.sin(angle)
    return (points - centre) @ np.array([[cos, sin], [-sin, cos]]) + centre


@pytest.mark.parametrize("angle", [0.0, 0.5, np.pi / 2, -2.5])
def test_the_crop_stands_up_with_the_body_and_holds_it(angle):
    boxes, keypoints = standing()
    keypoints[0, :, :2] = turned(keypoints[0, :, :2], (300, 200), angle)
    ((x, y, side, rotation),) = observations.crops_of_track(boxes, keypoints)
    assert (x, y) == pytest.approx((300, 200))
    assert np.cos(rotation - angle) == pytest.approx(1)
    inside = blazepose.to_crop(keypoints[..., :2], np.array([[x, y, side, rotation]]))
    assert inside.min() > 20
    assert inside.max() < blazepose.SIDE - 20


def test_without_hips_the_box_says_where_the_body_is():
    boxes, keypoints = standing()
    keypoints[0, :, 2] = 0.05
    ((x, y, side, rotation),) = observations.crops_of_track(boxes, keypoints)
    assert (x, y, rotation) == pytest.approx((300, 195, 0))
    assert side == pytest.approx(105 * 2 * blazepose.CROP_MARGIN)


def test_a_crop_that_loses_the_legs_for_a_moment_keeps_its_size():
    time_s = np.arange(90) / 30
    crops = np.tile([300.0, 200.0, 400.0, 0.0], (90, 1))
    crops[40:46, 2] = 150
    crops[:, 3] = np.linspace(3.0, 3.4, 90) % (2 * np.pi) - 2 * np.pi * (np.linspace(3.0, 3.4, 90) > np.pi)
    steady = observations.steady(time_s, crops)
    np.testing.assert_allclose(steady[:40, 2], 400)
    np.testing.assert_allclose(steady[40:46, 2], 0.8 * 400)
    np.testing.assert_allclose(steady[:, 3], np.linspace(3.0, 3.4, 90))


@pytest.mark.parametrize(
    ("other", "far"),
    [((305, 200, 400, 0.0), False), ((360, 200, 400, 0.0), True), ((300, 200, 500, 0.0), True),
     ((300, 200, 400, 2 * np.pi - 0.1), False), ((300, 200, 400, 0.5), True)],
)  # fmt: skip
def test_a_second_look_is_for_crops_that_were_well_off(other, far):
    assert observations.differs(np.array([[300.0, 200.0, 400.0, 0.0]]), np.array([other])) == [far]


def figure_track(frames=40):
    boxes, keypoints = standing(frames=frames)
    return Track(1, np.arange(frames) / 30, boxes, np.ones(frames), keypoints, np.zeros((2, 2, 3), np.uint8))


def fake_network(monkeypatch, scores):
    """A network that finds the standing figure in every crop, with these scores, frame after frame."""
    keypoints = standing()[1][0, :, :2]
    landmarks = np.tile([300.0, 200.0], (39, 1))
    landmarks[list(blazepose.COCO)] = keypoints
    landmarks[[29, 30]], landmarks[[31, 32]] = keypoints[[15, 16]] + (0, 8), keypoints[[15, 16]] + (0, 10)
    landmarks[34] = (300, 80)
    queue = list(scores)

    def run(_network, looks):
        count = len(looks)
        drift = np.array([look.frame.index for look in looks], float)[:, None, None] * (0.25, 0)
        points = landmarks + drift
        return blazepose.Landmarks(
            points=points,
            visibility=np.full((count, 39), 0.9),
            presence=np.full((count, 39), 0.95),
            score=np.array([queue.pop(0) for _ in range(count)]),
            world=np.concatenate([points / 100, np.zeros((count, 39, 1))], -1),
            features=np.repeat(np.arange(count, dtype=np.float16)[:, None], blazepose.FEATURES, 1),
        )

    monkeypatch.setattr(observations, "open_network", lambda _name, _device: None)
    monkeypatch.setattr(observations, "_run", run)


def blank(frames, start=0):
    for index in range(frames):
        yield Frame(index, start + index / 30, np.zeros((400, 600, 3), np.uint8))


def test_gaps_are_filled_on_straight_lines_and_said_to_be(monkeypatch):
    scores = np.full(40, 0.9)
    scores[:3] = scores[20:25] = 0.1
    fake_network(monkeypatch, scores)
    done = []
    seen = observe(blank(40), figure_track(), "full", "cpu", done.append)
    assert done == [8, 16, 24, 32, 40]
    np.testing.assert_allclose(seen.time_s, np.arange(3, 40) / 30)
    np.testing.assert_array_equal(np.flatnonzero(~seen.observed), np.arange(17, 22))
    left_hip = seen.keypoints[:, NAME["left_hip"]]
    np.testing.assert_allclose(left_hip[:, 0], 320 + 0.25 * np.arange(3, 40))
    assert (left_hip[17:22, 2] == 0).all()
    assert (left_hip[:17, 2] == 0.9).all()
    np.testing.assert_allclose(seen.world[:, NAME["pelvis"]], 0)
    np.testing.assert_allclose(seen.world[:, NAME["left_hip"]], [[0.2, 0, 0]] * 37, atol=1e-12)
    assert seen.features.shape == (37, 1152)
    assert seen.features.dtype == np.float16
    for values in (seen.keypoints, seen.world, seen.features):
        assert np.isfinite(values).all()


@pytest.mark.parametrize(("scores", "start"), [(np.full(40, 0.1), 0.0), (np.full(40, 0.9), 100.0)])
def test_a_person_who_is_not_there_is_said_to_be_missing(monkeypatch, scores, start):
    fake_network(monkeypatch, scores)
    with pytest.raises(Failure) as caught:
        observe(blank(40, start), figure_track(), "full", "cpu", lambda _: None)
    assert caught.value.code == Code.PEOPLE_NONE


def test_observing_can_be_cancelled(monkeypatch):
    fake_network(monkeypatch, np.full(40, 0.9))

    def report(_done):
        raise Cancelled

    with pytest.raises(Cancelled):
        observe(blank(40), figure_track(), "full", "cpu", report)


@pytest.fixture(scope="module")
def walker(demo_clip):
    """The woman of the demonstration clip, from her box in two frames, over one second of her walk."""
    time_s = np.arange(78, 109) / 30
    share = np.linspace(0, 1, 31)[:, None]
    boxes = (1 - share) * (1090, 510, 1290, 920) + share * (800, 510, 1010, 925)
    middle, height = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 3] - boxes[:, 1]
    keypoints = np.zeros((31, 17, 3))  # No opinion on keypoints: the box alone guides the crop.
    keypoints[..., :2] = middle[:, None]
    track = Track(1, time_s, boxes, np.ones(31), keypoints, np.zeros((2, 2, 3), np.uint8))
    return observe(read(demo_clip, end_s=3.7), track, "full", "cpu", lambda _: None), height.mean()


@pytest.mark.engine
def test_a_real_walker_is_upright_faces_her_way_and_has_left_on_her_left(walker):
    seen, height = walker
    assert seen.observed.mean() > 0.9
    x, y = seen.keypoints[..., 0], seen.keypoints[..., 1]
    order = ["nose", "neck", "pelvis", "left_knee", "left_ankle"]
    assert (np.diff(y[:, [NAME[name] for name in order]].mean(0)) > 0.1 * height).all()
    # She walks towards the picture's left, and shows the camera her left side.
    assert (x[:, NAME["nose"]] < x[:, NAME["left_ear"]]).all()
    for side in ("left", "right"):
        assert (x[:, NAME[f"{side}_big_toe"]] - x[:, NAME[f"{side}_heel"]]).mean() < -0.05 * height
    for part in ("shoulder", "hip"):
        left, right = seen.world[:, NAME[f"left_{part}"]], seen.world[:, NAME[f"right_{part}"]]
        assert (left[:, 2] < right[:, 2]).mean() > 0.95
    # World coordinates agree with the picture: x to the right, y down, and about a person's size in metres.
    body = [NAME[name] for name in order]
    assert np.corrcoef(seen.world[:, body, 1].ravel(), y[:, body].ravel())[0, 1] > 0.99
    tall = seen.world[:, NAME["left_ankle"], 1] - seen.world[:, NAME["nose"], 1]
    assert 1.2 < np.median(tall) < 1.8


@pytest.mark.engine
def test_a_real_walker_s_limbs_move_smoothly(walker):
    seen, height = walker
    ankles = seen.keypoints[:, [NAME["left_ankle"], NAME["right_ankle"]], :2]
    assert np.abs(np.diff(ankles, n=2, axis=0)).max() < 0.12 * height
    # One ankle passes the other in a second of walking.
    ahead = np.sign(ankles[:, 0, 0] - ankles[:, 1, 0])
    assert 1 <= (np.diff(ahead) != 0).sum() <= 4
