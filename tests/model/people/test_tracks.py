# SPDX-License-Identifier: GPL-3.0-or-later
"""The scan: who is in the footage, from when to when, with a thumbnail."""

import numpy as np
import pytest

from model.footage import Frame, read
from model.people import movenet, scan, tracks
from model.protocol import Cancelled


def test_a_track_between_its_sightings_lies_on_straight_lines():
    times = np.array([0.0, 0.1, 0.3])
    values = np.array([[0.0, 10.0], [1.0, 10.0], [5.0, 30.0]])
    asked = np.array([-1.0, 0.05, 0.1, 0.2, 0.3, 9.0])
    expected = [[0, 10], [0.5, 10], [1, 10], [3, 20], [5, 30], [5, 30]]
    np.testing.assert_allclose(tracks.interpolated(asked, times, values), expected)
    np.testing.assert_allclose(tracks.interpolated(asked, times[:1], values[:1]), [[0, 10]] * 6)


def test_the_torso_s_colour_is_that_of_the_shirt():
    picture = np.zeros((100, 100, 3), np.float32)
    picture[30:60, 40:60] = (250, 10, 130)
    keypoints = np.zeros((17, 3))
    keypoints[[5, 6, 11, 12]] = [[58, 31, 1], [42, 31, 1], [57, 59, 1], [43, 59, 1]]
    histogram = tracks.torso_colour(picture, np.array([30.0, 10, 70, 99]), keypoints)
    assert histogram.sum() == pytest.approx(1)
    assert histogram[3 * 16 + 0 * 4 + 2] == pytest.approx(1)


def block_people(monkeypatch, paths, height):
    """Let the network see blocks of colour: person i at paths[i](time) = x of the middle, or None when away."""

    def open_network(_name, _device):
        return lambda pictures: {"pictures": pictures}

    def decode(heads, _threshold):
        code = heads["pictures"][0, 0, 0]  # The frame's number, written into its corner.
        time_s = float(code[0] * 256 + code[1]) / 30
        middles = [path(time_s) for path in paths]
        boxes = [(x - 20, 40, x + 20, 40 + height) for x in middles if x is not None]
        points = np.linspace(40, 40 + height, 17)
        keypoints = [np.stack([np.full(17, x), points, np.full(17, 0.6)], 1) for x in middles if x is not None]
        return movenet.People(np.array(boxes), np.array(keypoints), np.full(len(boxes), 0.6))

    monkeypatch.setattr(tracks, "open_network", open_network)
    monkeypatch.setattr(movenet, "decode", decode)


def clip(count, fps=30):
    for index in range(count):
        rgb = np.zeros((288, 512, 3), np.uint8)
        rgb[0, 0] = (index // 256, index % 256, 0)
        yield Frame(index, index / fps, rgb)


def test_frames_between_looks_belong_to_the_track_and_longer_stays_come_first(monkeypatch):
    block_people(monkeypatch, [lambda t: 100 + 60 * t if t < 1.95 else None, lambda t: 400 - 20 * t], 200)
    done = []
    first, second = scan(clip(90), "cpu", done.append)
    assert (first.id, second.id) == (1, 2)
    np.testing.assert_allclose(first.time_s, np.arange(90) / 30)
    np.testing.assert_allclose((first.boxes[:, 0] + first.boxes[:, 2]) / 2, 400 - 20 * np.minimum(first.time_s, 2.9))
    # Last seen at 1.9 s; the next look, at 2.0 s, finds nobody there.
    np.testing.assert_allclose(second.time_s, np.arange(60) / 30)
    assert second.keypoints.shape == (60, 17, 3)
    # After each batch of looks, three frames apart, and at the end.
    assert done == [10, 22, 34, 46, 58, 70, 82, 88, 90]


def test_a_scan_can_be_cancelled_between_batches(monkeypatch):
    block_people(monkeypatch, [lambda _: 200], 200)

    def report(done):
        if done == 22:
            raise Cancelled

    with pytest.raises(Cancelled):
        scan(clip(90), "cpu", report)


@pytest.mark.parametrize(("frames", "found"), [(0, 0), (1, 1), (4, 1), (30, 1)])
def test_short_footage_still_has_its_person(monkeypatch, frames, found):
    block_people(monkeypatch, [lambda _: 200], 200)
    people = scan(clip(frames), "cpu", lambda _: None)
    assert len(people) == found
    assert all(len(track.time_s) == frames for track in people)


def test_whoever_stands_in_the_same_place_after_a_cut_is_another_with_a_picture_of_their_own(monkeypatch):
    block_people(monkeypatch, [lambda _: 200], 200)
    cuts_s, cut_s = [], 50 / 30

    def shots():
        for frame in clip(90):
            if frame.time_s >= cut_s:
                frame.rgb[1:] = 250
                cuts_s[:] = [cut_s]
            yield frame

    longer, shorter = scan(shots(), "cpu", lambda _: None, cuts_s=cuts_s)
    assert longer.time_s[-1] < shorter.time_s[0] + 0.2
    assert longer.thumbnail[10:].max() == 0
    assert shorter.thumbnail[10:].min() == 250


def test_a_glimpse_is_no_track(monkeypatch):
    block_people(monkeypatch, [lambda t: 200 if 1.0 <= t < 1.15 else None], 200)
    assert scan(clip(90), "cpu", lambda _: None) == []


@pytest.mark.engine
def test_both_people_of_the_demonstration_clip_are_followed(demo_clip):
    walker, jumper = scan(read(demo_clip), "cpu", lambda _: None)[:2]
    # The woman enters at about 1.2 s from behind a tree on the right and leaves on the left at about 6.7 s.
    assert walker.time_s[0] == pytest.approx(1.2, abs=0.2)
    assert walker.time_s[-1] == pytest.approx(6.6, abs=0.3)
    middle = (walker.boxes[:, 0] + walker.boxes[:, 2]) / 2
    assert middle[0] > 1500
    assert middle[-1] < 150
    assert (np.diff(middle) < 6).all()
    # The man stands on a block on the left, above the woman's path, for the first four seconds.
    assert jumper.time_s[0] == 0
    standing = jumper.boxes[jumper.time_s < 4]
    assert (np.abs((standing[:, 0] + standing[:, 2]) / 2 - 640) < 100).all()
    for track in (walker, jumper):
        assert track.thumbnail.dtype == np.uint8
        assert max(track.thumbnail.shape[:2]) == tracks.THUMBNAIL_PX
