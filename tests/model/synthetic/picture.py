# SPDX-License-Identifier: GPL-3.0-or-later
"""A dressed figure in a room, painted as a camera of known place and field of view sees it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from model.body.model import BodyModel
from model.motion.rotations import matrix_from_axis_angle
from tests.model.synthetic.surroundings import Hall
from tests.model.synthetic.walk import BODY

WIDTH, HEIGHT, FINER = 640, 480, 2
"""The picture's size, and how many times finer it is painted."""
FOV_DEG = 42.0
PITCH_DEG = 7.0
AT = np.array([0.0, -4.5, 1.4])
WALL_Y = 2.5
TO_LIGHT = np.array([-0.45, -0.6, 0.66])
SKIN, HAIR = (224, 172, 142), (70, 44, 28)
SHIRT, TROUSERS, SHOES = (178, 44, 50), (52, 66, 104), (236, 232, 224)


@dataclass(frozen=True)
class Camera:
    """x_camera = rotation · x_world + translation (OpenCV axes), pixels by matrix; `fov_deg` is horizontal."""

    matrix: np.ndarray
    rotation: np.ndarray
    translation: np.ndarray
    fov_deg: float

    def pixels(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pixels (…, 2) and depth (…) of world points (…, 3)."""
        seen = (points @ self.rotation.T + self.translation) @ self.matrix.T
        return seen[..., :2] / seen[..., 2:], seen[..., 2]


def camera() -> Camera:
    """At AT, looking along +Y and a little down."""
    focal = WIDTH / 2 / np.tan(np.radians(FOV_DEG) / 2)
    level = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    rotation = matrix_from_axis_angle(np.radians([PITCH_DEG, 0, 0])) @ level
    matrix = np.array([[focal, 0, WIDTH / 2], [0, focal, HEIGHT / 2], [0, 0, 1]])
    return Camera(matrix, rotation, -rotation @ AT, FOV_DEG)


def pictures(vertices: np.ndarray, seen_by: Camera) -> Iterator[np.ndarray]:
    """RGB pictures of the figure with vertices (T, V, 3), world."""
    empty = _room(seen_by)
    colours = _dressed(BODY)[BODY.faces.numpy()].mean(1)
    for frame in vertices.astype(np.float64):
        painted = _with_shadow(empty, frame, seen_by)
        _paint(painted, frame, colours, seen_by)
        yield cv2.resize(painted, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)


def filmed(vertices: np.ndarray, cameras: Sequence[Camera], hall: Hall) -> Iterator[np.ndarray]:
    """RGB pictures of the figure with vertices (T, V, 3), world, in a hall, each by its own camera."""
    colours = _dressed(BODY)[BODY.faces.numpy()].mean(1)
    for frame, seen_by in zip(vertices.astype(np.float64), cameras, strict=True):
        at = -seen_by.rotation.T @ seen_by.translation
        empty = hall.picture(seen_by.matrix, seen_by.rotation, at, (WIDTH, HEIGHT))
        painted = _with_shadow(empty.repeat(FINER, 0).repeat(FINER, 1), frame, seen_by)
        _paint(painted, frame, colours, seen_by)
        yield cv2.resize(painted, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)


def turned(seen_by: Camera, yaw: float) -> Camera:
    """The camera turned to its left about the vertical, radians."""
    at = -seen_by.rotation.T @ seen_by.translation
    rotation = seen_by.rotation @ matrix_from_axis_angle(np.array([0, 0, -yaw]))
    return Camera(seen_by.matrix, rotation, -rotation @ at, seen_by.fov_deg)


def _room(seen_by: Camera) -> np.ndarray:
    """The floor's boards, the wall and a picture on it."""
    v, u = np.mgrid[: HEIGHT * FINER, : WIDTH * FINER] / FINER
    rays = np.stack([u, v, np.ones_like(u)], -1) @ np.linalg.inv(seen_by.matrix).T @ seen_by.rotation
    to_floor = np.where(rays[..., 2] < 0, -AT[2] / np.minimum(rays[..., 2], -1e-9), np.inf)
    to_wall = (WALL_Y - AT[1]) / rays[..., 1]
    at = AT + np.minimum(to_floor, to_wall)[..., None] * rays
    x, z = at[..., 0], at[..., 2]
    random = np.random.default_rng(0)
    boards = random.uniform(0.85, 1.1, 200)[np.floor(x / 0.18).astype(int) % 200]
    floor = np.array([150, 118, 86]) * (boards * np.where((x / 0.18) % 1 < 0.04, 0.7, 1))[..., None]
    wall = np.array([176, 190, 184]) * (0.9 + 0.05 * z)[..., None]
    wall[z < 0.1] = (225, 225, 220)
    wall[(np.abs(x + 1.4) < 0.45) & (np.abs(z - 1.7) < 0.3)] = (96, 120, 150)
    room = np.where((to_floor < to_wall)[..., None], floor, wall)
    return np.clip(room + random.normal(0, 5, room.shape), 0, 255).astype(np.uint8)


def _with_shadow(empty: np.ndarray, vertices: np.ndarray, seen_by: Camera) -> np.ndarray:
    coarse = BODY.levels[1]
    points = coarse.down.to_dense().double().numpy() @ vertices
    points = points - points[:, 2:] / TO_LIGHT[2] * TO_LIGHT
    pixels = np.round(seen_by.pixels(points)[0] * FINER).astype(np.int32)
    lit = np.full(empty.shape[:2], 1.0, np.float32)
    for face in pixels[coarse.faces.numpy()]:
        cv2.fillConvexPoly(lit, face, (0.6,))
    lit = cv2.resize(cv2.blur(cv2.resize(lit, (WIDTH, HEIGHT)), (7, 7)), (WIDTH * FINER, HEIGHT * FINER))
    return (empty * lit[..., None]).astype(np.uint8)


def _paint(picture: np.ndarray, vertices: np.ndarray, colours: np.ndarray, seen_by: Camera) -> None:
    """Fill the faces that look at the camera, far ones first."""
    faces = BODY.faces.numpy()
    pixels, depth = seen_by.pixels(vertices)
    corners = pixels[faces]
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    front = np.flatnonzero(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0] < 0)
    front = front[np.argsort(-depth[faces[front]].mean(1))]
    normals = np.cross(*(vertices[faces[front, k]] - vertices[faces[front, 0]] for k in (1, 2)))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
    light = 0.5 + 0.25 * normals[:, 2] * 0.5 + 0.45 * np.clip(normals @ TO_LIGHT, 0, None)
    shaded = np.clip(colours[front] * light[:, None] * 1.1, 0, 255)
    for corner, colour in zip(np.round(corners[front] * FINER).astype(np.int32), shaded.tolist(), strict=True):
        cv2.fillConvexPoly(picture, corner, colour)


def _dressed(body: BodyModel) -> np.ndarray:
    """A colour for each vertex (V, 3), by where it is on the body in T-pose."""
    v, rest = body.v_template.numpy(), (body.J_regressor @ body.v_template).numpy()
    bone = body.weights.argmax(1).numpy()
    x, y, z = np.abs(v[:, 0]), v[:, 1], v[:, 2]
    colours = np.tile(np.array(SKIN, float), (len(v), 1))
    arms = np.isin(bone, (16, 17, 18, 19, 20, 21, 22, 23))
    trunk = np.isin(bone, (0, 3, 6, 9, 12, 13, 14)) & (y < rest[12, 1] - 0.03)
    legs = np.isin(bone, (0, 1, 2, 4, 5, 7, 8)) & (y < 0.03)
    colours[(trunk & (y > 0.02)) | (arms & (x < rest[18, 0] - 0.03))] = SHIRT
    colours[legs] = TROUSERS
    colours[np.isin(bone, (7, 8, 10, 11)) & (y < rest[7, 1] - 0.005)] = SHOES
    head = bone == 15
    top, front = y[head].max(), z[head].max()
    hair = head & ((y > top - 0.05) | ((y > top - 0.17) & (z < front - 0.1)) | ((y > top - 0.09) & (z < front - 0.04)))
    colours[hair] = HAIR
    return colours
