# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody walks for ten seconds through a hall before a camera that moves; everything is known."""

from dataclasses import dataclass

import numpy as np
import pytest

from model.camera.background import Background
from model.camera.path import CameraPath
from model.camera.world import place_in_world
from model.motion.rotations import axis_angle_from_matrix, matrix_from_axis_angle
from model.people import Track
from tests.model.synthetic.surroundings import Hall

FPS, SECONDS, SPEED, STRIDE_S = 15.0, 10.0, 1.3, 1.2
WIDTH, HEIGHT, FOCAL = 480, 270, 400.0
MATRIX = np.array([[FOCAL, 0, WIDTH / 2], [0, FOCAL, HEIGHT / 2], [0, 0, 1]])
LEVEL = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
TIME_S = np.arange(round(FPS * SECONDS)) / FPS


@dataclass(frozen=True)
class Scene:
    """A walker, soles (T, 4, 3), whether they rest (T, 4), hips (T, 3), and a camera: rotation (T, 3, 3), at (T, 3)."""

    soles: np.ndarray
    rests: np.ndarray
    hips: np.ndarray
    rotation: np.ndarray
    at: np.ndarray

    def seen(self, points: np.ndarray) -> np.ndarray:
        """Points (T, N, 3) in each frame's camera."""
        return (points - self.at[:, None]) @ self.rotation.swapaxes(1, 2)


def walker() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Soles, whether they rest, and hips of one who walks 13 m along a bend."""
    heading = 0.5 * np.sin(0.3 * TIME_S)
    fine = np.arange(0, SECONDS + STRIDE_S, 0.001)
    along = np.stack([np.cos(0.5 * np.sin(0.3 * fine)), np.sin(0.5 * np.sin(0.3 * fine))], -1)
    way = np.cumsum(along, axis=0) * SPEED * 0.001 + [-6, 2]
    at = np.searchsorted(fine, TIME_S - 1e-9)
    hips = np.concatenate([way[at], np.full((len(TIME_S), 1), 0.93)], 1)
    soles, rests = np.zeros((len(TIME_S), 4, 3)), np.zeros((len(TIME_S), 4), bool)
    for side in (0, 1):
        count, phase = np.divmod(TIME_S / STRIDE_S + side / 2, 1)
        swing = np.clip(phase * 2 - 1, 0, 1)[:, None]
        # Half way through its rest the foot is under the hips.
        places = [
            np.searchsorted(fine, (count + k + 0.25 - side / 2) * STRIDE_S).clip(0, len(fine) - 1) for k in (0, 1)
        ]
        foot = way[places[0]] * (1 - swing) + way[places[1]] * swing
        ahead = np.stack([np.cos(heading), np.sin(heading)], -1)
        for part, far in ((0, -0.08), (1, 0.12)):
            here = foot + far * ahead + (0.1 - 0.2 * side) * np.stack([-ahead[:, 1], ahead[:, 0]], -1)
            soles[:, 2 * side + part] = np.concatenate([here, 0.1 * np.sin(np.pi * swing)], 1)
            rests[:, 2 * side + part] = phase < 0.5
    return soles, rests, hips


def turned(yaw: np.ndarray, pitch: np.ndarray) -> np.ndarray:
    """Cameras (T, 3, 3) that look along +Y, turned to the left and then down, radians."""
    about = [matrix_from_axis_angle(angle[:, None] * np.eye(3)[axis]) for angle, axis in ((pitch, 0), (-yaw, 2))]
    return about[0] @ LEVEL @ about[1]


def scene(kind: str) -> Scene:
    soles, rests, hips = walker()
    at = np.zeros((len(TIME_S), 3)) + [0.0, -4.0, 1.5]
    pitch = 0.1 + 0.02 * np.sin(3 * TIME_S)
    if kind == "walking":
        at = hips + [-1.0, -5.0, 0.6] + np.stack([0 * TIME_S, 0.4 * np.sin(TIME_S), 0.03 * np.sin(9 * TIME_S)], -1)
        yaw = 0.15 * np.sin(0.7 * TIME_S)
    elif kind == "panning":
        yaw = np.arctan2(-(hips - at)[:, 0], (hips - at)[:, 1]) + 0.05 * np.sin(2 * TIME_S)
    else:
        yaw, pitch = np.zeros(len(TIME_S)), np.full(len(TIME_S), 0.1)
    return Scene(soles, rests, hips, turned(yaw, pitch), at)


def followed(s: Scene, frames: int = len(TIME_S)) -> CameraPath | None:
    """The camera's path from pictures of the hall, a flickering rectangle where the person is."""
    body = s.seen(np.concatenate([s.soles, s.hips[:, None] + [0, 0, 0.8]], 1))
    pixels = (body @ MATRIX.T)[..., :2] / body[..., 2:]
    boxes = np.concatenate([pixels.min(1) - 6, pixels.max(1) + 6], 1)
    nothing = np.zeros((len(TIME_S), 17, 3))
    track = Track(1, TIME_S, boxes, np.ones(len(TIME_S)), nothing, np.zeros((8, 8, 3), np.uint8))
    background, hall, random = Background([track]), Hall(), np.random.default_rng(3)
    for t, time_s in enumerate(TIME_S[:frames]):
        picture = hall.picture(MATRIX, s.rotation[t], s.at[t], (WIDTH, HEIGHT))
        left, top, right, bottom = boxes[t].clip(0, [WIDTH, HEIGHT, WIDTH, HEIGHT]).astype(int)
        picture[top:bottom, left:right] = random.integers(0, 255, (bottom - top, right - left, 3))
        background.see(time_s, picture)
    return background.path(TIME_S[:frames], MATRIX)


@pytest.mark.parametrize("kind", ["panning", "walking"])
def test_the_way_is_as_long_and_as_straight_as_it_was(kind: str) -> None:
    s = scene(kind)
    path = followed(s)
    assert path
    truly = s.rotation @ s.rotation[0].T
    off_deg = np.degrees(np.linalg.norm(axis_angle_from_matrix(path.rotation @ truly.swapaxes(1, 2)), axis=-1))
    assert off_deg.max() < 1.5
    assert path.travels == (kind == "walking")

    said = np.where(s.rests, 0.8, 0.2)
    up = s.rotation[:, :, 2]
    hips = s.seen(s.hips[:, None])[:, 0]
    world = place_in_world(
        path.from_first(s.seen(s.soles)), path.from_first(hips), path.from_first(up), said, TIME_S,
        np.ones(len(TIME_S), bool), path.centre,
    )  # fmt: skip
    found = world.placed(path.from_first(hips))
    assert length(found) == pytest.approx(length(s.hips), rel=0.1)
    ways = [np.unwrap(np.arctan2(*np.gradient(p[:, :2], axis=0).T[::-1])) for p in (found, s.hips)]
    drift = np.degrees((ways[0] - ways[1])[[-8, 7]] @ [1, -1])
    assert abs(drift) < 5
    assert np.abs(world.placed(path.from_first(s.seen(s.soles)))[..., 2][s.rests]).max() < 0.05


def test_a_camera_that_stands_still_is_exactly_still() -> None:
    assert followed(scene("still"), frames=45) is None


def test_before_a_wall_with_few_points_no_more_frames_are_key_frames() -> None:
    background, wall = Background([]), np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
    wall[100:160, 200:260] = np.random.default_rng(0).integers(0, 255, (5, 5, 1)).repeat(12, 0).repeat(12, 1)
    for t in range(31):
        background.see(t / FPS, np.roll(wall, t, 1))
    seen = background.remembered()
    assert 8 < np.bincount(seen["frames"], minlength=31).min() < 40
    assert seen["key"].sum() == pytest.approx(2 / 0.25, abs=1)


def length(path: np.ndarray) -> float:
    return float(np.linalg.norm(np.diff(path, axis=0), axis=-1).sum())


def test_a_few_points_that_drift_are_not_taken_for_the_world() -> None:
    """A plain wall with one bright patch on it, which drifts: nothing can be told about the camera."""
    background = Background([])
    for t, time_s in enumerate(TIME_S[:90]):
        picture = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
        left = WIDTH // 3 + t
        picture[HEIGHT // 2 : HEIGHT // 2 + 30, left : left + 30] = 255
        background.see(time_s, picture)
    assert background.path(TIME_S[:90], MATRIX) is None
