# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing video: H.264 in MP4, as every player and Blender open it."""

import os
from collections.abc import Iterable
from fractions import Fraction
from itertools import count
from typing import Final

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from ..files import written_beside

TICK_S: Final = Fraction(1, 360_000)
"""Fine enough to be exact at every usual rate, 24000/1001 and 60000/1001 too."""


def write_video(
    path: str | os.PathLike[str],
    frames: Iterable[NDArray[np.uint8]],
    fps: float,
    times_s: Iterable[float] | None = None,
) -> None:
    """Write RGB pictures (H, W, 3), all of one size, at a constant rate or, for a varying one, at their own times.

    `times_s` is read along with `frames`; the first picture is shown at once, whatever its time. H.264 wants even
    sides: an odd one is continued by its last row or column. The file appears under its name only when it is
    complete. Raises Failure(DISK_FULL or OUTPUT_UNWRITABLE); ValueError if there are no frames.
    """
    rate = Fraction(fps).limit_denominator(1001)
    timed = zip(frames, (index / rate for index in count()) if times_s is None else times_s, strict=False)
    with written_beside(path) as part, av.open(f"file:{part}", "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate)
        stream.codec_context.time_base = TICK_S
        reformatter = VideoReformatter()
        begin_s = None
        for rgb, time_s in timed:
            if begin_s is None:
                begin_s = time_s
                _set_up(stream, *rgb.shape[:2])
            picture = _as_bt709(reformatter, rgb)
            picture.time_base = TICK_S
            picture.pts = round((time_s - begin_s) / TICK_S)
            picture.duration = round(1 / rate / TICK_S)
            container.mux(stream.encode(picture))
        if begin_s is None:
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
