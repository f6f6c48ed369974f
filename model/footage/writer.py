# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing video: H.264 in MP4, as every player and Blender open it."""

import os
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Final

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from ..files import written_beside

TICKS_PER_SECOND: Final = 90_000


def write_video(
    path: str | os.PathLike[str],
    frames: Iterable[NDArray[np.uint8]],
    fps: float,
    times_s: Sequence[float] | None = None,
) -> None:
    """Write RGB pictures (H, W, 3), all of one size, at a constant rate or, for a varying one, at their own times.

    H.264 wants even sides: an odd one is continued by its last row or column. The file appears under its name only
    when it is complete. Raises Failure(DISK_FULL or OUTPUT_UNWRITABLE); ValueError if there are no frames.
    """
    with written_beside(path) as part, av.open(f"file:{part}", "w", format="mp4") as container:
        rate = Fraction(fps).limit_denominator(1001)
        stream = container.add_stream("libx264", rate)
        tick = 1 / rate if times_s is None else Fraction(1, TICKS_PER_SECOND)
        stream.codec_context.time_base = tick
        reformatter = VideoReformatter()
        index = -1
        for index, rgb in enumerate(frames):
            if index == 0:
                _set_up(stream, *rgb.shape[:2])
            picture = _as_bt709(reformatter, rgb)
            picture.time_base = tick
            picture.pts = index if times_s is None else round(times_s[index] / tick)
            picture.duration = 1 if times_s is None else round(1 / rate / tick)
            container.mux(stream.encode(picture))
        if index < 0:
            raise ValueError("no frames to write")
        container.mux(stream.encode())


def _set_up(stream: VideoStream, height: int, width: int) -> None:
    stream.width, stream.height = width + width % 2, height + height % 2
    stream.pix_fmt = "yuv420p"
    # Without B-frames the container states the length of varying rates truly, and scrubbing is quick.
    stream.options = {"crf": "20", "preset": "veryfast", "bf": "0"}
    context = stream.codec_context
    context.colorspace = Colorspace.ITU709
    context.color_range = ColorRange.MPEG
    context.color_primaries = ColorPrimaries.BT709
    context.color_trc = ColorTrc.BT709


def _as_bt709(reformatter: VideoReformatter, rgb: NDArray[np.uint8]) -> VideoFrame:
    height, width = rgb.shape[:2]
    even = np.pad(rgb, [(0, height % 2), (0, width % 2), (0, 0)], "edge")
    return reformatter.reformat(
        VideoFrame.from_ndarray(np.ascontiguousarray(even)),
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.JPEG,
        dst_color_range=ColorRange.MPEG,
    )
