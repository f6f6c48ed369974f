# SPDX-License-Identifier: GPL-3.0-or-later
"""BlazePose GHUM: 33 landmarks of one person, in the picture and in metres, from a square crop.

A crop is four numbers: x and y of its centre, its side, in pixels of the picture, and its rotation in radians, positive
turning the picture's x axis towards its y axis (clockwise on the screen). The person stands upright in it.
"""

from dataclasses import dataclass, fields
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

WEIGHTS: Final = {"full": "pose_landmark_heavy", "draft": "pose_landmark_full"}
"""By quality. `full` is MediaPipe's heavy network: its full one swaps left and right unnoticed."""
SIDE: Final = 256
LANDMARKS: Final = 39
"""33 of the body, then two that span the next crop (its centre, and a point on its circle above it), then others."""
CROP_CENTRE: Final = 33
CROP_TOP: Final = 34
CROP_MARGIN: Final = 1.25
HEAT_CELL: Final = 4
HEAT_REACH: Final = 3
FAINTEST_PEAK: Final = 0.5
FEATURES: Final = 1152

COCO: Final = (0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)
"""Where COCO's 17 keypoints stand among the landmarks."""
HEELS_AND_TOES: Final = (29, 30, 31, 32)
HIPS: Final = (11, 12)
SHOULDERS: Final = (5, 6)
"""Where hips and shoulders stand among COCO's keypoints."""

Array = npt.NDArray[np.float64]
Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Landmarks:
    """What the network says about B crops.

    points (B, 39, 2) pixels of the picture; visibility, presence (B, 39) and score (B,) probabilities;
    world (B, 39, 3) metres, the hips' middle at 0, axes of the camera (x right, y down, z away from it);
    features (B, 1152) f16.
    """

    points: Array
    visibility: Array
    presence: Array
    score: Array
    world: Array
    features: npt.NDArray[np.float16]


def joined(parts: list[Landmarks]) -> Landmarks:
    """Landmarks of several batches, one after the other."""
    return Landmarks(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Landmarks)})


def replaced(landmarks: Landmarks, at: npt.NDArray[np.intp], others: Landmarks) -> Landmarks:
    """The landmarks with those at some places in the batch exchanged for others."""
    values = {f.name: getattr(landmarks, f.name).copy() for f in fields(Landmarks)}
    for name, array in values.items():
        array[at] = getattr(others, name)
    return Landmarks(**values)


def crop_around(centre: Array, top: Array) -> Array:
    """The crops (..., 4) for a body inside the circle around `centre` (..., 2) through the point `top` above it."""
    up = top - centre
    side = 2 * CROP_MARGIN * np.hypot(up[..., 0], up[..., 1])
    rotation = np.arctan2(up[..., 0], -up[..., 1])
    return np.concatenate([centre, side[..., None], rotation[..., None]], -1)


def to_picture(points: Array, crops: Array) -> Array:
    """Points (B, N, 2) from pixels of the crops (B, 4) to pixels of the picture."""
    scale = (crops[:, 2] / SIDE)[:, None, None]
    return (points - SIDE / 2) @ _turn(crops) * scale + crops[:, None, :2]


def to_crop(points: Array, crops: Array) -> Array:
    """Points (B, N, 2) from pixels of the picture to pixels of the crops (B, 4)."""
    scale = (SIDE / crops[:, 2])[:, None, None]
    return (points - crops[:, None, :2]) @ np.swapaxes(_turn(crops), 1, 2) * scale + SIDE / 2


def _turn(crops: Array) -> Array:
    """Matrices (B, 2, 2) that turn row vectors from the crops' axes into the picture's."""
    cos, sin = np.cos(crops[:, 3]), np.sin(crops[:, 3])
    return np.stack([np.stack([cos, sin], -1), np.stack([-sin, cos], -1)], -2)


def cut(rgb: Picture, crop: Array) -> Picture:
    """The crop (SIDE, SIDE, 3) out of a picture; black where it reaches beyond."""
    corners = np.array([[[0, 0], [SIDE, 0], [0, SIDE]]], np.float64)
    origin, right, down = to_picture(corners, crop[None])[0]
    matrix = np.stack([(right - origin) / SIDE, (down - origin) / SIDE, origin], 1)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(rgb, matrix, (SIDE, SIDE), flags=flags), np.uint8)


def network_input(pictures: list[Picture]) -> npt.NDArray[np.float32]:
    """Crops as the network wants them: (B, SIDE, SIDE, 3) in 0..1."""
    return np.stack(pictures).astype(np.float32) / 255


def decode(outputs: dict[str, npt.NDArray[np.float32]], crops: Array) -> Landmarks:
    """Read the network's outputs for the crops (B, 4) they were computed from."""
    raw = outputs["landmarks"].astype(np.float64).reshape(-1, LANDMARKS, 5)
    refined = _refine(raw[..., :2], outputs["heatmap"])
    world = outputs["world"].astype(np.float64).reshape(-1, LANDMARKS, 3)
    world = np.concatenate([world[..., :2] @ _turn(crops), world[..., 2:]], -1)
    return Landmarks(
        points=to_picture(refined, crops),
        visibility=_sigmoid(raw[..., 3]),
        presence=_sigmoid(raw[..., 4]),
        score=outputs["score"].astype(np.float64).reshape(-1),
        world=world,
        features=outputs["feature"].reshape(-1, FEATURES).astype(np.float16),
    )


def _refine(points: Array, heatmap: npt.NDArray[np.float32]) -> Array:
    """Move points (B, 39, 2) to the centre of the heat (B, 39, 64, 64; logits) around them, where there is a peak."""
    rows, columns = heatmap.shape[2:]
    cell = np.floor(points / HEAT_CELL).astype(int)
    inside = ((cell >= 0) & (cell < (columns, rows))).all(-1)
    reach = np.arange(-HEAT_REACH, HEAT_REACH + 1)
    x = cell[..., 0, None] + reach
    y = cell[..., 1, None] + reach
    in_x, in_y = (x >= 0) & (x < columns), (y >= 0) & (y < rows)
    batch, landmark = np.indices(points.shape[:2])[:, :, :, None, None]
    logits = heatmap[batch, landmark, y.clip(0, rows - 1)[..., :, None], x.clip(0, columns - 1)[..., None, :]]
    heat = _sigmoid(logits.astype(np.float64)) * (in_y[..., :, None] & in_x[..., None, :])
    total = np.maximum(heat.sum((-2, -1)), 1e-9)
    centre = np.stack([(heat.sum(-2) * x).sum(-1), (heat.sum(-1) * y).sum(-1)], -1) / total[..., None]
    refined = inside & (heat.max((-2, -1)) >= FAINTEST_PEAK)
    return np.where(refined[..., None], centre * HEAT_CELL, points)


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-np.clip(x, -60, 60)))


def keypoints_23(landmarks: Array) -> Array:
    """The project's 23 keypoints (..., 23, C) out of the landmarks (..., 39, C).

    Pelvis and neck are the means of hips and shoulders.
    """
    coco = landmarks[..., COCO, :]
    pelvis = coco[..., HIPS, :].mean(-2, keepdims=True)
    neck = coco[..., SHOULDERS, :].mean(-2, keepdims=True)
    return np.concatenate([coco, pelvis, neck, landmarks[..., HEELS_AND_TOES, :]], -2)
