# SPDX-License-Identifier: GPL-3.0-or-later
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from model.camera.survey import Survey, within_shots
from model.footage import Frame
from model.people import Track

WIDTH, HEIGHT, FPS = 320, 180, 30.0


def scenery(seed: int) -> np.ndarray:
    """A picture (2 H, 2 W, 3) of blotches in a few colours of its own."""
    random = np.random.default_rng(seed)
    grid = random.normal(random.uniform(40, 210, 3), 30, (20, 32, 3)).clip(0, 255).astype(np.uint8)
    return cv2.resize(grid, (2 * WIDTH, 2 * HEIGHT), interpolation=cv2.INTER_CUBIC)


def surveyed(count: int, picture: Callable[[int], np.ndarray]) -> Survey:
    survey = Survey()
    frames = [Frame(t, t / FPS, picture(t)) for t in range(count)]
    assert list(survey.watch(frames)) == frames
    return survey


def view(scene: np.ndarray, left: int) -> np.ndarray:
    return scene[20 : 20 + HEIGHT, left : left + WIDTH]


def with_walker(rgb: np.ndarray, t: int) -> np.ndarray:
    """Somebody in striking colours walks past."""
    result = rgb.copy()
    result[60:170, 4 * t : 4 * t + 50] = np.random.default_rng(t).integers(0, 255, (110, 50, 1))
    return result


def test_a_camera_that_stands_still_is_seen_to_although_somebody_walks_past() -> None:
    scene, random = scenery(1), np.random.default_rng(0)

    def picture(t: int) -> np.ndarray:
        noisy = view(scene, 30) + random.normal(0, 3, (HEIGHT, WIDTH, 3))
        return with_walker(noisy.clip(0, 255).astype(np.uint8), t % 60)

    survey = surveyed(120, picture)
    assert not survey.camera_moves
    assert not survey.cuts_s


@pytest.mark.parametrize("pixels_a_second", [6, 60, 120])
def test_a_camera_that_pans_is_seen_to_and_is_no_cut(pixels_a_second: int) -> None:
    scene = scenery(2)
    survey = surveyed(75, lambda t: view(scene, round(t / FPS * pixels_a_second)))
    assert survey.camera_moves
    assert not survey.cuts_s


@pytest.mark.parametrize("cut", [31, 32, 33, 34])
def test_a_cut_is_found_to_the_frame_and_is_no_movement(cut: int) -> None:
    scenes = scenery(3), scenery(4)
    survey = surveyed(90, lambda t: view(scenes[t >= cut], 10))
    assert survey.cuts_s == pytest.approx([cut / FPS])
    assert not survey.camera_moves


def track(number: int, time_s: np.ndarray, size: float) -> Track:
    boxes = np.tile([0.0, 0.0, size, size], (len(time_s), 1))
    nobody = np.zeros((8, 8, 3), np.uint8)
    return Track(number, time_s, boxes, np.ones(len(time_s)), np.zeros((len(time_s), 17, 3)), nobody)


def test_nobody_is_followed_across_a_cut() -> None:
    time_s = np.arange(90) / FPS
    people = [track(1, time_s, 100), track(2, time_s[40:], 50)]
    assert within_shots(people, []) is people
    parts = within_shots(people, [1.0])
    assert [part.id for part in parts] == [1, 2, 3]
    assert [(len(part.time_s), part.boxes[0, 2]) for part in parts] == [(60, 100), (30, 100), (50, 50)]
    assert parts[1].time_s[-1] < 1.0 <= parts[0].time_s[0]


def test_what_reaches_just_across_a_cut_is_nobody_further() -> None:
    time_s = np.arange(90) / FPS
    people = [track(1, time_s[:32], 100), track(2, time_s[29:31], 50)]
    parts = within_shots(people, [1.0])
    assert [part.boxes[0, 2] for part in parts] == [100, 50]
    assert parts[0].time_s[-1] < 1.0
