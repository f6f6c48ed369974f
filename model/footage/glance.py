# SPDX-License-Identifier: GPL-3.0-or-later
"""A first look at footage: what it holds, and a small picture of it."""

import os
from pathlib import Path
from typing import Final

import cv2

from ..files import written_beside
from .reader import FootageInfo, probe, read

THUMBNAIL_PX: Final = 320


def glance(path: str | os.PathLike[str], thumbnail: str | os.PathLike[str] | None = None) -> FootageInfo:
    """What `path` holds, as `probe` says it; its middle picture is written as a PNG file, THUMBNAIL_PX wide or high.

    Raises Failure as `probe` and `written_beside` do.
    """
    info = probe(path)
    if thumbnail is not None:
        # Nobody may be there yet at the beginning; a damaged file may end before its middle.
        frame = next(read(path, info.duration_s / 2), None) or next(read(path))
        rgb = frame.rgb
        scale = THUMBNAIL_PX / max(rgb.shape[:2])
        small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        # Not by imwrite, which fails on Windows where the user's name has letters that are not ASCII.
        encoded = cv2.imencode(".png", small[..., ::-1])[1].tobytes()
        with written_beside(thumbnail) as part:
            Path(part).write_bytes(encoded)
    return info
