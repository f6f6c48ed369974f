# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening a file of footage and decoding it, whatever is wrong with it."""

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import av
from av.container import InputContainer
from av.error import ArgumentError, FFmpegError
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from ..protocol import Code, Failure

CONTAINERS: Final = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,h264,hevc,ivf,obu,flv,asf,ogg,nut,mxf,dv,rm,"
    "mjpeg,yuv4mpegpipe,gif,apng,image2,png_pipe,jpeg_pipe,webp_pipe,bmp_pipe,tiff_pipe"
)
"""What footage comes in. Of what else FFmpeg knows, much holds no pictures, and playlists make it open other files."""


@contextmanager
def opened(path: str | os.PathLike[str]) -> Generator[tuple[InputContainer, VideoStream]]:
    """The container and its picture stream. Raises Failure: FOOTAGE_MISSING, FOOTAGE_UNREADABLE, FOOTAGE_NO_VIDEO."""
    _check_file(Path(path))
    try:
        # Neither a name, such as a URL or a pattern, nor what a file says may make FFmpeg open something else.
        container = av.open(
            f"file:{os.fspath(path)}",
            options={"protocol_whitelist": "file", "format_whitelist": CONTAINERS, "pattern_type": "none"},
            metadata_errors="replace",
        )
    except ArgumentError as error:  # It is of a kind that is not on the list.
        raise Failure(Code.FOOTAGE_NO_VIDEO, _named(path)) from error
    except FFmpegError as error:
        raise unreadable(path, f"{error.strerror}.") from error
    with container:
        if not container.streams:
            raise unreadable(path, "its header is damaged.")
        stream = _picture_stream(container)
        if stream is None:
            raise Failure(Code.FOOTAGE_NO_VIDEO, _named(path))
        if not stream.codec_context:
            raise unreadable(path, "its codec is not known.")
        stream.thread_type = "AUTO"
        yield container, stream


def decoded(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """All pictures that can be decoded from here on, in the order in which they are shown.

    Damaged packets are passed over; where the container itself breaks off, what the decoder still holds is yielded.
    """
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except FFmpegError:
            packet = None
        try:
            pictures = stream.decode(packet)
        except FFmpegError:
            pictures = []
        yield from pictures
        if packet is None:
            return


def unreadable(path: str | os.PathLike[str], why: str) -> Failure:
    return Failure(Code.FOOTAGE_UNREADABLE, f"{_named(path)[:-1]}: {why}")


def _named(path: str | os.PathLike[str]) -> str:
    return f"{Path(path).name}."


def _check_file(path: Path) -> None:
    try:
        size = path.stat().st_size
    except PermissionError as error:
        raise unreadable(path, "you may not read it.") from error
    except (OSError, ValueError) as error:
        raise Failure(Code.FOOTAGE_MISSING, f"{path}.") from error
    if path.is_dir():
        raise unreadable(path, "it is a folder.")
    if not path.is_file():
        raise unreadable(path, "it is not a file.")
    if not size:
        raise unreadable(path, "it is empty.")


def _picture_stream(container: InputContainer) -> VideoStream | None:
    """The stream to watch: never the cover picture of a song."""
    moving = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    best = container.streams.best("video")
    return next((s for s in moving if s is best), moving[0] if moving else None)
