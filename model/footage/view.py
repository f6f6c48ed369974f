# SPDX-License-Identifier: GPL-3.0-or-later
"""From a decoded picture, as it is stored, to the upright RGB picture that a viewer sees."""

import math
from fractions import Fraction
from functools import cache

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, ColorTrc, VideoReformatter
from numpy.typing import NDArray

UNSPECIFIED = 2
"""FFmpeg's number for a colour matrix that the file does not name."""


class View:
    """How the pictures of one clip are shown, taken from its first one.

    width, height: pixels of the upright picture. rotation_deg: 0, 90, 180 or 270 clockwise from stored to upright.
    """

    def __init__(self, first: VideoFrame, pixel_aspect: Fraction | None) -> None:
        self._stored_width = max(1, round(first.width * (pixel_aspect or 1)))
        self._stored_height = first.height
        self._transposed, self._flip, self.rotation_deg = _orientation(first)
        sides = self._stored_width, self._stored_height
        self.width, self.height = sides[::-1] if self._transposed else sides
        self._reformatter = VideoReformatter()

    def rgb(self, picture: VideoFrame) -> NDArray[np.uint8]:
        """The upright picture, (height, width, 3) uint8, sRGB; one of another size is scaled to the first one's."""
        matrix = None
        if picture.colorspace == UNSPECIFIED:
            matrix = Colorspace.ITU709 if picture.height >= 720 else Colorspace.ITU601
        # HLG is made to look right on an ordinary screen as it is. PQ is not.
        pq = picture.color_trc == ColorTrc.SMPTE2084
        reformatted = self._reformatter.reformat(
            picture,
            self._stored_width,
            self._stored_height,
            "rgb48le" if pq else "rgb24",
            src_colorspace=matrix,
            dst_color_range=ColorRange.JPEG,
        )
        values = reformatted.to_ndarray()
        rgb = _srgb_of_pq()[np.asarray(values, np.uint16)] if pq else np.ascontiguousarray(values, np.uint8)
        if self._transposed:
            rgb = cv2.transpose(rgb)
        if self._flip is not None:
            rgb = cv2.flip(rgb, self._flip)
        return np.asarray(rgb, np.uint8)


@cache
def _srgb_of_pq() -> NDArray[np.uint8]:
    """For each 16-bit value of SMPTE ST 2084 (PQ) the 8-bit sRGB one; the white of paper, 203 cd/m², becomes white."""
    root = (np.arange(1 << 16) / 0xFFFF) ** (1 / 78.84375)
    luminance = 10_000 * (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125)
    linear = np.minimum(luminance / 203, 1)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(255 * srgb).astype(np.uint8)


def _orientation(picture: VideoFrame) -> tuple[bool, int | None, int]:
    """Whether to transpose the stored picture; how OpenCV is to flip it after that; the clockwise turn in degrees.

    FFmpeg's display matrix (a b u; c d v; x y w) carries stored (p, q), y down, to (a p + c q, b p + d q).
    """
    if "DISPLAYMATRIX" not in picture.side_data:
        return False, None, 0
    a, b, _, c, d = np.frombuffer(picture.side_data["DISPLAYMATRIX"], np.int32)[:5].tolist()
    if a * d == b * c:
        return False, None, 0
    mirrored = a * d < b * c
    turn = math.degrees(math.atan2(b, -a if mirrored else a))
    transposed = abs(b) > abs(a)
    x, y = (c, b) if transposed else (a, d)
    flip = {(False, False): None, (True, False): 1, (False, True): 0, (True, True): -1}[x < 0, y < 0]
    return transposed, flip, round(turn / 90) % 4 * 90
