# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading footage: what a file holds, and its pictures one after the other, each with its real time."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Final

import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from ..protocol import Code, Failure
from .container import decoded, opened, unreadable
from .view import View

SMALLEST_SIDE: Final = 64
SEEK_FROM_S: Final = 3.0
SEEK_MARGIN_S: Final = 1.0
RESTART_S: Final = 1.0
PACKETS_LOOKED_AT: Final = 300
USUAL_FPS: Final = 30.0
TIME_TOLERANCE_S: Final = 1e-6

RGB = NDArray[np.uint8]


@dataclass(frozen=True)
class FootageInfo:
    """What a file of footage holds.

    width, height: pixels of the upright picture with square pixels, as `read` yields it. fps: nominal, the mean where
    the rate varies. duration_s, frames: by the container, so an estimate (a damaged file may hold less).
    rotation_deg: by how much the stored picture is turned clockwise to stand upright: 0, 90, 180 or 270.
    """

    path: str
    width: int
    height: int
    fps: float
    duration_s: float
    frames: int
    rotation_deg: int
    variable_rate: bool
    codec: str


class Frame:
    """A picture: its number among those read, its time in seconds from the clip's first picture, RGB (H, W, 3).

    Colours are converted when they are first asked for: whoever only looks at some frames pays only for those.
    """

    def __init__(self, index: int, time_s: float, rgb: RGB | Callable[[], RGB]) -> None:
        self.index, self.time_s, self._rgb = index, time_s, rgb

    @property
    def rgb(self) -> RGB:
        if callable(self._rgb):
            self._rgb = self._rgb()
        return self._rgb


def probe(path: str | os.PathLike[str]) -> FootageInfo:
    """What `path` holds, from its header, its first picture and the times of its packets.

    Raises Failure: FOOTAGE_MISSING, FOOTAGE_UNREADABLE, FOOTAGE_NO_VIDEO, FOOTAGE_TOO_SMALL.
    """
    _, view, _ = _first_picture(path)
    with opened(path) as (container, stream):
        duration_s = _stated_duration_s(container, stream)
        time_base_s = float(stream.time_base or 0)
        times, packets = _packet_times(container, stream, None if duration_s is None else PACKETS_LOOKED_AT)
        stated_rate = float(stream.average_rate or stream.guessed_rate or 0)
        stated_frames = stream.frames
        codec = stream.codec_context.name
    steps = np.diff(times)
    steps = steps[steps > 0] * time_base_s
    variable = _varies(steps, time_base_s)
    measured_rate = float(1 / steps.mean()) if len(steps) else 0.0
    rates = (measured_rate, stated_rate) if variable else (stated_rate, measured_rate)
    fps = next((rate for rate in rates if 1 <= rate <= 1000), USUAL_FPS)
    if packets is not None:
        # All of it was seen: no need to believe what is stated.
        duration_s = float(steps.sum()) + 1 / fps if len(steps) else packets / fps
    frames = packets or stated_frames or max(1, round((duration_s or 0) * fps))
    return FootageInfo(
        os.fspath(path), view.width, view.height, fps, duration_s or 0.0, frames, view.rotation_deg, variable, codec
    )


def read(path: str | os.PathLike[str], start_s: float = 0.0, end_s: float | None = None) -> Iterator[Frame]:
    """The pictures shown from `start_s` on and before `end_s`, decoded as they are asked for.

    A damaged file yields what can be decoded. Raises Failure as `probe` does, when the first picture is asked for.
    """
    first, view, origin_s = _first_picture(path)
    worth_seeking = start_s >= SEEK_FROM_S and first.pts is not None
    index = 0
    for picture, absolute_s in _timed_pictures(path, origin_s + start_s if worth_seeking else None):
        time_s = absolute_s - origin_s
        if end_s is not None and time_s >= end_s - TIME_TOLERANCE_S:
            return
        if time_s >= start_s - TIME_TOLERANCE_S:
            yield Frame(index, time_s, partial(view.rgb, picture))
            index += 1


def _first_picture(path: str | os.PathLike[str]) -> tuple[VideoFrame, View, float]:
    """The first picture that can be decoded, how to show it, and its time by the container's clock."""
    with opened(path) as (container, stream):
        picture, time_s = next(_timed(container, stream), (None, 0.0))
        if picture is None:
            raise unreadable(path, "none of its pictures can be decoded.")
        view = View(picture, stream.sample_aspect_ratio)
    if min(view.width, view.height) < SMALLEST_SIDE:
        raise Failure(Code.FOOTAGE_TOO_SMALL, f"It has {view.width} by {view.height} pixels.")
    return picture, view, time_s


def _timed_pictures(path: str | os.PathLike[str], near_s: float | None) -> Iterator[tuple[VideoFrame, float]]:
    """Pictures with their times by the container's clock, from the beginning or from somewhere before `near_s`."""
    if near_s is not None:
        with opened(path) as (container, stream):
            if _seek(container, stream, near_s - SEEK_MARGIN_S):
                pictures = _timed(container, stream)
                first = next(pictures, None)
                # Some indices lead nowhere, too far, or to pictures without a time: then from the beginning.
                if first is not None and first[0].pts is not None and first[1] <= near_s:
                    yield first
                    yield from pictures
                    return
    with opened(path) as (container, stream):
        yield from _timed(container, stream)


def _seek(container: InputContainer, stream: VideoStream, time_s: float) -> bool:
    try:
        container.seek(int(time_s / (stream.time_base or 1)), stream=stream)
    except FFmpegError:
        return False
    return True


def _timed(container: InputContainer, stream: VideoStream) -> Iterator[tuple[VideoFrame, float]]:
    """The pictures from here on with strictly increasing times in seconds, whatever the file says of them.

    Where it says nothing, a picture comes one step after the one before. A clock that starts again, as in joined
    recordings, is carried on. A picture that is not later than the one before would never be shown by a player, and
    is left out.
    """
    step_s = float(1 / (stream.average_rate or stream.guessed_rate or USUAL_FPS))
    # AVI says when a picture is decoded, not when it is shown: what its pictures have as pts is a guess.
    decoding_times = container.format.name == "avi"
    last_s, shift_s = None, 0.0
    for picture in decoded(container, stream):
        stamp = picture.dts if decoding_times else picture.pts
        if stamp is None:
            time_s = 0.0 if last_s is None else last_s + step_s
        else:
            time_s = stamp * float(picture.time_base or 0) + shift_s
        if last_s is not None and last_s - time_s > RESTART_S:
            shift_s += last_s + step_s - time_s
            time_s = last_s + step_s
        if last_s is None or time_s > last_s:
            last_s = time_s
            yield picture, time_s


def _stated_duration_s(container: InputContainer, stream: VideoStream) -> float | None:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / 1e6 if container.duration else None


def _packet_times(
    container: InputContainer, stream: VideoStream, most: int | None
) -> tuple[NDArray[np.int64], int | None]:
    """Times of the stream's packets in units of its time base, ascending, and how many packets it has.

    Only the first `most` are looked at; where there are more, their number is None. Where the container has an index
    of every picture (MP4), that is taken: it costs no reading.
    """
    index = stream.index_entries
    if len(index) > 1 and len(index) == stream.frames:
        return np.sort(np.array([entry.timestamp for entry in index], np.int64)), None
    times: list[int] = []
    packets = 0
    # A file that breaks off holds what was seen until then.
    with suppress(FFmpegError):
        for packet in islice(container.demux(stream), most):
            # PyAV's last packet is empty: it only tells the decoder that no more will come.
            packets += packet.size > 0
            time = packet.dts if packet.pts is None else packet.pts
            if time is not None:
                times.append(time)
    return np.sort(np.array(times, np.int64)), None if packets == most else packets


def _varies(steps_s: NDArray[np.float64], time_base_s: float) -> bool:
    """Whether the times between pictures differ by more than rounding to the time base explains."""
    if len(steps_s) < 2:
        return False
    usual = float(np.median(steps_s))
    return bool(np.abs(steps_s - usual).max() > 0.1 * usual + time_base_s)
