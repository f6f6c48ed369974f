# SPDX-License-Identifier: GPL-3.0-or-later
"""MoveNet MultiPose: up to six people in a picture, each with a box and 17 COCO keypoints.

The network ends at CenterNet heads (Zhou et al., "Objects as Points", 2019) on a grid of a quarter of the picture's
resolution; what turns them into people is here, in numpy.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

WEIGHTS: Final = "movenet_multipose"
LONG_SIDE: Final = 512
"""With 256 small people are missed."""
MULTIPLE: Final = 32
CELL: Final = 4
LARGEST_CROWD: Final = 6
PEAK_WIDTH: Final = 5
JOINT_SPREAD: Final = 0.3
"""A joint is looked for around its guess under a Gaussian whose variance is this share of the shorter grid side."""
FAINTEST_JOINT: Final = 0.127
"""Joints below this do not count in the score of a person."""

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class People:
    """P people: boxes (P, 4) as left, top, right, bottom; keypoints (P, 17, 3) as x, y, score; scores (P,)."""

    boxes: Array
    keypoints: Array
    scores: Array


def fit(rgb: npt.NDArray[np.uint8]) -> tuple[Array, float]:
    """The picture as the network wants it, (1, h, w, 3) in 0..255, and how many of its pixels make one of `rgb`.

    The long side becomes LONG_SIDE; the right and the bottom are padded with black to a multiple of MULTIPLE.
    """
    height, width = rgb.shape[:2]
    scale = LONG_SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    padded = np.zeros((1, -(-size[1] // MULTIPLE) * MULTIPLE, -(-size[0] // MULTIPLE) * MULTIPLE, 3), np.float32)
    padded[0, : size[1], : size[0]] = small
    return padded, scale


def decode(heads: dict[str, Array], threshold: float) -> People:
    """The people in one picture, most certain first, in pixels of the network's input.

    `heads`, each (1, channels, h, w) over cells: centre (1, a probability), size (2: height, width), offset (2: y, x),
    joint_guess (34: y, x for each joint, from the centre's cell), joint_heat (17, a probability), joint_offset (34).
    A person's score is its centre's probability times the mean score of its joints.
    """
    centre = heads["centre"][0, 0]
    is_peak = centre >= cv2.dilate(centre, np.ones((PEAK_WIDTH, PEAK_WIDTH), np.uint8))
    ys, xs = np.nonzero(is_peak & (centre > threshold))
    best = np.argsort(-centre[ys, xs], kind="stable")[:LARGEST_CROWD]
    people = [_person(heads, int(y), int(x)) for y, x in zip(ys[best], xs[best], strict=True)]
    people = sorted((p for p in people if p[2] > threshold), key=lambda p: -p[2])
    return People(
        np.array([p[0] for p in people], np.float32).reshape(-1, 4),
        np.array([p[1] for p in people], np.float32).reshape(-1, 17, 3),
        np.array([p[2] for p in people], np.float32),
    )


def _person(heads: dict[str, Array], y: int, x: int) -> tuple[Array, Array, float]:
    """Box, keypoints and score of the person whose centre lies in the cell (y, x)."""
    rows, columns = heads["centre"].shape[2:]
    limits = np.array([rows, columns], np.float32)
    middle = np.array([y, x]) + heads["offset"][0, :, y, x]
    half = np.maximum(heads["size"][0, :, y, x], 0) / 2
    low, high = np.clip(middle - half, 0, limits), np.clip(middle + half, 0, limits)
    box = np.concatenate([low[::-1], high[::-1]]) * CELL

    (y0, x0), (y1, x1) = np.ceil(low).astype(int), np.ceil(high).astype(int)
    if y1 <= y0 or x1 <= x0:
        return box, np.zeros((17, 3), np.float32), 0.0
    guess = heads["joint_guess"][0, :, y, x].reshape(17, 2) + (y, x)
    spread = JOINT_SPREAD * min(rows, columns)
    near_y = np.exp(-((np.arange(y0, y1) - guess[:, :1]) ** 2) / spread)
    near_x = np.exp(-((np.arange(x0, x1) - guess[:, 1:]) ** 2) / spread)
    heat = heads["joint_heat"][0, :, y0:y1, x0:x1] * near_y[:, :, None] * near_x[:, None, :]
    flat = heat.reshape(17, -1)
    at = flat.argmax(1)
    score = flat[np.arange(17), at]
    row, column = y0 + at // (x1 - x0), x0 + at % (x1 - x0)
    joints = np.arange(17)
    joint_y = row + heads["joint_offset"][0, 2 * joints, row, column]
    joint_x = column + heads["joint_offset"][0, 2 * joints + 1, row, column]
    keypoints = np.stack([joint_x * CELL, joint_y * CELL, score], 1).astype(np.float32)
    counted = score > FAINTEST_JOINT
    mean = float(score[counted].mean()) if counted.any() else 0.0
    return box, keypoints, mean * float(heads["centre"][0, 0, y, x])
