# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips made by the tests. Each picture tells its own number, so that what comes out can be checked.

A white square of SQUARE pixels moves from the left to the right on a dark picture, at the top; the corner at the
bottom left is red, the one at the bottom right green: together they tell which way is up.
"""

from fractions import Fraction

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace

SQUARE = 16
STEP = 8
RED, GREEN = (220, 30, 30), (30, 200, 30)


def picture(number, width=320, height=240):
    """RGB (height, width, 3)."""
    rgb = np.full((height, width, 3), 40, np.uint8)
    rgb[-height // 4 :, : width // 4] = RED
    rgb[-height // 4 :, -width // 4 :] = GREEN
    left = STEP * number % (width - SQUARE)
    rgb[8 : 8 + SQUARE, left : left + SQUARE] = 255
    return rgb


def number_of(rgb):
    """The number that a picture tells; fails if there is no square or it is out of place."""
    columns = np.flatnonzero(rgb[8 : 8 + SQUARE].mean(axis=(0, 2)) > 150)
    assert abs(len(columns) - SQUARE) <= 2, "no square"
    assert abs(columns[0] / STEP - round(columns[0] / STEP)) < 0.3, "square out of place"
    return round(columns[0] / STEP)


def is_upright(rgb, tolerance=30):
    """Whether red is at the bottom left and green at the bottom right."""
    height, width = rgb.shape[:2]
    found = (
        rgb[-height // 8, width // 8].astype(int) - RED,
        rgb[-height // 8, -width // 8].astype(int) - GREEN,
        rgb[height // 4, width // 8].astype(int) - 40,
    )
    return all(np.abs(difference).max() < tolerance for difference in found)


def write(
    path,
    count=20,
    *,
    pictures=None,
    codec="libx264",
    pix_fmt="yuv420p",
    fps=25,
    times_ms=None,
    rotation=None,
    options=None,
    width=320,
    height=240,
    container_options=None,
    muxer=None,
    tags=None,
    colorspace=Colorspace.ITU601,
    color_range=ColorRange.MPEG,
):
    """Write a clip with PyAV, independently of the code under test; `times_ms` gives each picture's own time."""
    pictures = [picture(i, width, height) for i in range(count)] if pictures is None else pictures
    with av.open(str(path), "w", format=muxer, options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=fps)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = pix_fmt
        stream.options = options or {}
        if times_ms is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for name, value in (tags or {}).items():
            setattr(stream.codec_context, name, value)
        if rotation is not None:
            stream.set_display_rotation(*rotation)
        for i, rgb in enumerate(pictures):
            frame = VideoFrame.from_ndarray(rgb).reformat(
                format=pix_fmt, dst_colorspace=colorspace, src_color_range=ColorRange.JPEG, dst_color_range=color_range
            )
            frame.time_base = Fraction(1, fps) if times_ms is None else Fraction(1, 1000)
            frame.pts = i if times_ms is None else times_ms[i]
            for name, value in (tags or {}).items():
                if hasattr(frame, name):
                    setattr(frame, name, value)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_sound(path, codec="aac", cover=False):
    """A file that holds sound only, with a cover picture if asked for."""
    with av.open(str(path), "w") as container:
        sound = container.add_stream(codec, rate=44100)
        art = None
        if cover:
            art = container.add_stream("mjpeg", rate=1)
            art.width, art.height, art.pix_fmt = 320, 240, "yuvj420p"
            art.disposition = av.stream.Disposition.attached_pic
        frame_size = 1024
        for i in range(20):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, frame_size), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 44100, i * frame_size
            container.mux(sound.encode(frame))
        container.mux(sound.encode())
        if art:
            frame = VideoFrame.from_ndarray(picture(0)).reformat(format="yuvj420p")
            frame.pts = 0
            container.mux(art.encode(frame))
            container.mux(art.encode())
    return path
