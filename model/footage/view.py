# SPDX-License-Identifier: GPL-3.0-or-later
"""From a decoded picture, as it is stored, to the upright RGB picture that a viewer sees."""

import math
from fractions import Fraction

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter
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
        # HLG and 10-bit SDR are made to look right without conversion. PQ is not.
        pq = picture.color_trc == ColorTrc.SMPTE2084
        reformatted = self._reformatter.reformat(
            picture,
            self._stored_width,
            self._stored_height,
            "rgb24",
            src_colorspace=matrix,
            dst_color_range=ColorRange.JPEG,
            dst_color_trc=ColorTrc.IEC61966_2_1 if pq else None,
            dst_color_primaries=ColorPrimaries.BT709 if pq else None,
        )
        rgb = np.asarray(np.ascontiguousarray(reformatted.to_ndarray()), np.uint8)
        if self._transposed:
            rgb = cv2.transpose(rgb)
        if self._flip is not None:
            rgb = cv2.flip(rgb, self._flip)
        return np.asarray(rgb, np.uint8)


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
