# SPDX-License-Identifier: GPL-3.0-or-later
"""A file of footage is read, and no other, whatever its name or its content says."""

import socket

import numpy as np
import pytest

from model.footage import probe, read
from model.protocol import Failure

from .clips import number_of, write

PLAYLIST = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"


def opens(path):
    """Whether there is anything to see."""
    try:
        return probe(path).frames > 0 and next(read(path)).rgb.size > 0
    except Failure:
        return False


@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.m3u8", PLAYLIST),
        ("list.mp4", PLAYLIST),
        ("script.ffconcat", "ffconcat version 1.0\nfile {}\n"),
        ("script.mp4", "ffconcat version 1.0\nfile {}\n"),
        ("list.pls", "[playlist]\nFile1={}\nNumberOfEntries=1\n"),
        (
            "page.sdp",
            "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=x:{}\n",
        ),
    ],
)
def test_files_that_name_other_files_are_no_footage(tmp_path, name, content, absolute):
    other = write(tmp_path / "other.ts")
    assert opens(other)
    path = tmp_path / name
    path.write_text(content.format(f"file:{other}" if absolute else other.name))
    assert not opens(path)


def test_name_that_is_a_pattern_means_the_file_of_that_name(tmp_path):
    still = {"codec": "mjpeg", "pix_fmt": "yuvj420p", "muxer": "image2", "container_options": {"update": "1"}}
    pictures = [
        write(tmp_path / f"{number}.jpg", pictures=[picture], **still) for number, picture in enumerate(shades())
    ]
    for number, picture in enumerate(pictures[:2], 1):
        (tmp_path / f"img{number:03d}.jpg").write_bytes(picture.read_bytes())
    named = tmp_path / "img%03d.jpg"
    named.write_bytes(pictures[2].read_bytes())
    seen = [frame.rgb.mean() for frame in read(named)]
    assert seen == pytest.approx([150], abs=3)


def shades():
    return [np.full((64, 64, 3), shade, np.uint8) for shade in (50, 100, 150)]


@pytest.mark.parametrize("address", ["http://{}/clip.mp4", "tcp://{}", "rtmp://{}/live", "ftp://{}/clip.mp4"])
def test_addresses_are_names_of_files_that_are_not_there(tmp_path, monkeypatch, address):
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        assert not opens(address.format(f"127.0.0.1:{server.getsockname()[1]}"))
        with pytest.raises(TimeoutError):
            server.accept()


def test_addresses_within_a_playlist_are_not_called(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        path = tmp_path / "list.m3u8"
        path.write_text(PLAYLIST.format(f"http://127.0.0.1:{server.getsockname()[1]}/x.ts"))
        assert not opens(path)
        with pytest.raises(TimeoutError):
            server.accept()


def test_words_that_ffmpeg_takes_for_protocols_are_names_of_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    clip = write(tmp_path / "clip.mp4", 3)
    for name in (f"file:{clip}", f"concat:{clip}|{clip}", f"subfile,,start,0,end,0,,:{clip}", f"cache:{clip}", "-"):
        assert not opens(name)
    (tmp_path / "concat:clip.mp4|clip.mp4").write_bytes(clip.read_bytes())
    assert [number_of(frame.rgb) for frame in read("concat:clip.mp4|clip.mp4")] == [0, 1, 2]
