# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the camera stands, and what the person detector tells of the person in its picture."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...motion.skeleton import KEYPOINT_MIRROR
from ...people.blazepose import SIDE
from ...people.observations import crops_of_track, steady
from ...people.tracks import INTERVAL_S, interpolated
from .clothes import Array

PICTURES = ((1280, 720), (720, 1280), (1920, 1080), (1080, 1920), (640, 480), (1280, 960))
NARROWEST_DEG, WIDEST_DEG = 28.0, 75.0
NEAREST_M, FARTHEST_M = 1.6, 14.0
SMALLEST, LARGEST = 0.12, 1.35
"""The person's extent as a share of the picture's height."""
CLOSEST_POINT_M = 0.6
CUT_OFF = 0.15
"""So many people stand at the border of the picture although they would fit."""
COCO = 17
HINT_NOISE, HINT_BIAS = 0.02, 0.02
"""In body sizes: from look to look, and for as long as the window lasts."""
BOX_SCALE = 0.08
SWAPPED_HINTS = 0.03


class Camera(NamedTuple):
    """A pinhole camera: matrix (3, 3) to pixels of a picture of some size, rotation (3, 3), translation (3,)."""

    matrix: Array
    size: tuple[int, int]
    rotation: Array
    translation: Array

    def seen(self, points: Array) -> Array:
        """Points (…, 3) of the world in the camera's axes."""
        return points @ self.rotation.T + self.translation

    def pixels(self, points: Array) -> Array:
        """Where points (…, 3) of the world are in the picture (…, 2)."""
        projected = self.seen(points) @ self.matrix.T
        return projected[..., :2] / projected[..., 2:]


def random_camera(points: Array, rotation: Array, rng: np.random.Generator) -> Camera:
    """A camera turned by `rotation` (3, 3) that has most of some moving points (T, N, 3) in its picture."""
    width, height = PICTURES[rng.integers(len(PICTURES))]
    fov = np.radians(rng.uniform(NARROWEST_DEG, WIDEST_DEG))
    focal = max(width, height) / 2 / np.tan(fov / 2)
    centre = (points.max((0, 1)) + points.min((0, 1))) / 2
    seen = (points - centre) @ rotation.T
    extent = np.ptp(seen[..., 1], axis=1).mean() + 0.1
    near, far = extent * focal / (LARGEST * height), extent * focal / (SMALLEST * height)
    low, high = max(near, NEAREST_M), max(min(far, FARTHEST_M), NEAREST_M * 1.05)
    distance = np.exp(rng.uniform(np.log(min(low, high)), np.log(high)))
    distance = max(distance, CLOSEST_POINT_M - seen[..., 2].min())
    middle = np.array([width, height]) / 2
    # What would fit anywhere may stand anywhere; what is too large is cut off by the border, as it comes.
    half = np.abs(seen[..., :2]).max((0, 1)) / distance * focal
    slack = 0.95 * np.abs(middle - half) * rng.uniform(-1, 1, 2)
    if rng.random() < CUT_OFF:
        slack += half * rng.uniform(-0.7, 0.7, 2)
    offset = slack / focal * distance
    matrix = np.array([[focal, 0, middle[0]], [0, focal, middle[1]], [0, 0, 1]])
    return Camera(matrix, (width, height), rotation, np.array([*offset, distance]) - rotation @ centre)


def told(
    outline: Array, keypoints: Array, camera: Camera, time_s: Array, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Boxes (T, 4) and COCO keypoints (T, 17, 3) as a person detector would give them that looks now and then.

    outline (T, N, 3): points of the person's surface; keypoints (T, 17, 3); time_s (T,) seconds.
    """
    limits = np.array(camera.size)
    looks = np.arange(0, time_s[-1] + INTERVAL_S, INTERVAL_S)
    frames = np.abs(time_s - looks[:, None]).argmin(1)
    surface, joints = camera.pixels(outline[frames]), camera.pixels(keypoints[frames])
    boxes = np.concatenate([surface.min(1).clip(0, limits), surface.max(1).clip(0, limits)], 1)
    size = np.maximum(boxes[:, 2:] - boxes[:, :2], 1).max(1)
    grown = (boxes[:, 2:] - boxes[:, :2]) / 2 * np.expm1(BOX_SCALE * rng.normal())
    boxes = boxes + np.concatenate([-grown, grown], 1) + HINT_NOISE * size[:, None] * rng.normal(size=boxes.shape)
    error = HINT_NOISE * rng.normal(size=joints.shape) + HINT_BIAS * rng.normal(size=joints.shape[1:])
    hints = joints + size[:, None, None] * error
    inside = ((joints > 0) & (joints < limits)).all(-1)
    score = np.where(inside, rng.uniform(0.25, 0.9, inside.shape), rng.uniform(0, 0.15, inside.shape))
    found = np.concatenate([hints, score[..., None]], -1)
    swapped = rng.random(len(looks)) < SWAPPED_HINTS
    found[swapped] = found[swapped][:, KEYPOINT_MIRROR[:COCO]]
    return interpolated(time_s, looks, boxes), interpolated(time_s, looks, found)


def first_crops(boxes: Array, hints: Array, time_s: Array) -> Array:
    """The crops (T, 4) at which the detector looks first, as in a capture."""
    crops = crops_of_track(boxes, hints)
    return steady(time_s, crops)


def crop_affine(crop: Array, side: int) -> Array:
    """From pixels of the picture to those of a crop (4,) drawn with `side` pixels, in OpenGL's count: (3, 3)."""
    scale = side / crop[2]
    cos, sin = np.cos(crop[3]), np.sin(crop[3])
    turn = scale * np.array([[cos, sin], [-sin, cos]])
    # The middle of the first pixel is the origin where crops are cut out of pictures; in OpenGL its corner is.
    place = side / 2 + 0.5 * side / SIDE - turn @ crop[:2]
    return np.block([[turn, place[:, None]], [np.zeros((1, 2)), np.ones((1, 1))]])


def canvas_crop(crops: Array, camera: Camera) -> Array:
    """An upright crop (4,) that holds all crops (T, 4)."""
    low = (crops[:, :2] - 0.72 * crops[:, 2:3]).min(0)
    high = (crops[:, :2] + 0.72 * crops[:, 2:3]).max(0)
    low, high = np.maximum(low, -0.2 * np.array(camera.size)), np.minimum(high, 1.2 * np.array(camera.size))
    return np.array([*(low + high) / 2, max((high - low).max(), 8.0), 0.0])


def within_picture(crop: Array, side: int, camera: Camera) -> npt.NDArray[np.bool_]:
    """Which pixels (side, side) of a crop (4,) lie in the picture."""
    scale = crop[2] / side
    cos, sin = np.cos(crop[3]) * scale, np.sin(crop[3]) * scale
    pixel = np.arange(side) - side / 2
    x = crop[0] + cos * pixel[None, :] - sin * pixel[:, None]
    y = crop[1] + sin * pixel[None, :] + cos * pixel[:, None]
    return (x >= 0) & (x < camera.size[0]) & (y >= 0) & (y < camera.size[1])
