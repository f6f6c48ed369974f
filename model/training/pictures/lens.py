# SPDX-License-Identifier: GPL-3.0-or-later
"""What a camera does to the light that reaches it: contrast, colour, few pixels, blur, noise, compression."""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from ...people.blazepose import SIDE
from .clothes import Array

BLURRED = 0.25
"""So many windows have motion blur."""
FEWEST_PIXELS = 24


class Lens(NamedTuple):
    """One window's camera: blur in pixels of the crop, exposure in intervals between frames, noise in levels of 255.

    jpeg: quality, or 0 for none; contrast, brightness and tint (3,): factors.
    """

    blur: float
    exposure: float
    noise: float
    jpeg: int
    contrast: float
    brightness: float
    tint: Array


def random_lens(rng: np.random.Generator) -> Lens:
    return Lens(
        blur=rng.uniform(0, 1.1) if rng.random() < 0.5 else 0.0,
        exposure=rng.uniform(0.2, 0.9) if rng.random() < BLURRED else 0.0,
        noise=rng.uniform(1, 7) if rng.random() < 0.6 else 0.0,
        jpeg=int(rng.uniform(35, 92)) if rng.random() < 0.5 else 0,
        contrast=rng.uniform(0.75, 1.2),
        brightness=rng.uniform(0.85, 1.3),
        tint=rng.uniform(0.92, 1.06, 3),
    )


def taken(
    picture: npt.NDArray[np.float32], pixels: float, lens: Lens, rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """A crop (SIDE, SIDE, 3), levels 0..255, as it is taken; its side is so many `pixels` of the camera's picture."""
    picture = ((picture - 128) * lens.contrast + 128 * lens.brightness) * lens.tint.astype(np.float32)
    if pixels < SIDE:
        side = max(int(pixels), FEWEST_PIXELS)
        picture = np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA), np.float32)
    if lens.blur > 0.2:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), lens.blur), np.float32)
    if lens.noise:
        picture = picture + lens.noise * rng.standard_normal((*picture.shape[:2], 1), np.float32)
    result = np.clip(picture, 0, 255).astype(np.uint8)
    if lens.jpeg:
        encoded = cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, lens.jpeg])[1]
        result = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
    return np.asarray(cv2.resize(result, (SIDE, SIDE)), np.uint8) if len(result) != SIDE else result
