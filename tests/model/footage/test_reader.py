# SPDX-License-Identifier: GPL-3.0-or-later
"""Footage of every kind, written by the tests: what comes out must be what was put in, upright and in time."""

import os
import random
import struct
import subprocess
import sys
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace

from model.footage import probe, read, reader
from model.protocol import Code, Failure

from .clips import GREEN, RED, is_upright, number_of, picture, write, write_sound

B_FRAMES = {"bf": "3", "b_strategy": "0"}
UNEVEN_MS = [0, 40, 80, 200, 213, 400, 900, 933, 966, 1000]
QUIET = {"x265-params": "log-level=none"}


def numbers_and_times(path, *span):
    frames = list(read(path, *span))
    assert [frame.index for frame in frames] == list(range(len(frames)))
    return [number_of(frame.rgb) for frame in frames], [frame.time_s for frame in frames]


def patch(path, box, offset, values):
    """Overwrite big-endian 32-bit integers, `offset` bytes after the name of an MP4 box."""
    data = bytearray(path.read_bytes())
    start = data.index(box) + 4 + offset
    data[start : start + 4 * len(values)] = struct.pack(f">{len(values)}i", *values)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("name", "settings", "codec"),
    [
        ("plain.mp4", {}, "h264"),
        ("b.mp4", {"options": B_FRAMES}, "h264"),
        ("b.mov", {"options": B_FRAMES}, "h264"),
        ("b.mkv", {"options": B_FRAMES}, "h264"),
        ("b.ts", {"options": B_FRAMES}, "h264"),
        ("b.avi", {"options": B_FRAMES}, "h264"),
        ("b.flv", {"options": B_FRAMES}, "h264"),
        ("b.h264", {"options": B_FRAMES, "muxer": "h264"}, "h264"),
        ("fragmented.mp4", {"container_options": {"movflags": "frag_keyframe+empty_moov"}}, "h264"),
        ("ten_bit.mp4", {"codec": "libx265", "pix_fmt": "yuv420p10le", "options": QUIET}, "hevc"),
        ("vp9.webm", {"codec": "libvpx-vp9"}, "vp9"),
        ("packed.avi", {"codec": "mpeg4", "options": {"bf": "2"}}, "mpeg4"),
        ("camera.avi", {"codec": "mjpeg", "pix_fmt": "yuvj420p", "color_range": ColorRange.JPEG}, "mjpeg"),
        ("studio.mov", {"codec": "prores_ks", "pix_fmt": "yuv422p10le"}, "prores"),
        ("path with spaces, Ünïcode, видео и 🎬 50%d.mp4", {}, "h264"),
    ],
)
def test_every_container_yields_every_picture_at_its_time(tmp_path, name, settings, codec):
    path = write(tmp_path / name, **settings)
    info = probe(path)
    assert (info.width, info.height, info.rotation_deg, info.variable_rate, info.codec) == (320, 240, 0, False, codec)
    assert info.fps == pytest.approx(25)
    assert info.duration_s == pytest.approx(0.8)
    assert info.frames == 20
    numbers, times = numbers_and_times(path)
    assert numbers == list(range(20))
    np.testing.assert_allclose(times, np.arange(20) / 25, atol=1e-9 if codec == "h264" else 1e-3)
    assert all(is_upright(frame.rgb) for frame in read(path))


@pytest.mark.parametrize("name", ["uneven.mp4", "uneven.mkv", "uneven.mov"])
@pytest.mark.parametrize("options", [{"bf": "0"}, B_FRAMES])
def test_variable_rate_keeps_its_times(tmp_path, name, options):
    path = write(tmp_path / name, 10, times_ms=UNEVEN_MS, options=options)
    info = probe(path)
    assert info.variable_rate
    assert info.fps == pytest.approx(9, rel=0.1)
    numbers, times = numbers_and_times(path)
    assert numbers == list(range(10))
    np.testing.assert_allclose(times, np.array(UNEVEN_MS) / 1000, atol=1e-4)


def test_rounding_to_milliseconds_is_no_variable_rate(tmp_path):
    path = write(tmp_path / "thirty.mkv", 60, fps=30)
    assert not probe(path).variable_rate
    assert probe(path).fps == pytest.approx(30, abs=0.1)


@pytest.mark.parametrize("name", ["late.mkv", "late.mp4", "late.ts"])
def test_time_counts_from_the_first_picture(tmp_path, name):
    path = write(tmp_path / name, 10, times_ms=[5000 + 40 * i for i in range(10)])
    np.testing.assert_allclose(numbers_and_times(path)[1], np.arange(10) / 25, atol=1e-3)
    assert probe(path).duration_s == pytest.approx(0.4, abs=0.01)


@pytest.mark.parametrize("options", [{"bf": "0"}, B_FRAMES])
def test_edit_list_cuts_the_beginning(tmp_path, options):
    """A phone trims a video by an edit list: the pictures before it are in the file, but never shown."""
    path = write(tmp_path / "trimmed.mp4", options=options)
    data = path.read_bytes()
    entry = data.index(b"elst") + 12
    duration, media_time = struct.unpack(">2i", data[entry : entry + 8])
    ticks = struct.unpack(">i", data[data.index(b"mdhd") + 16 : data.index(b"mdhd") + 20])[0] // 25
    patch(path, b"elst", 8, [duration * 15 // 20, media_time + 5 * ticks])
    numbers, times = numbers_and_times(path)
    assert numbers == list(range(5, 20))
    np.testing.assert_allclose(times, np.arange(15) / 25, atol=1e-9)


def test_joined_recordings_go_on_in_time(tmp_path):
    first, second = write(tmp_path / "1.ts", 20), write(tmp_path / "2.ts", 36)
    path = tmp_path / "joined.ts"
    path.write_bytes(second.read_bytes() + first.read_bytes())
    numbers, times = numbers_and_times(path)
    assert numbers[:36] == list(range(36))
    assert len(numbers) >= 54
    assert np.diff(times).min() > 0
    assert np.diff(times).max() < 0.2


# The matrices (a, b, c, d) of QuickTime's track header, as cameras write them, in 16.16 fixed point.
@pytest.mark.parametrize(
    ("matrix", "stored", "rotation"),
    [
        ((1, 0, 0, 1), lambda rgb: rgb, 0),
        ((0, 1, -1, 0), lambda rgb: np.rot90(rgb, 1), 90),
        ((-1, 0, 0, -1), lambda rgb: np.rot90(rgb, 2), 180),
        ((0, -1, 1, 0), lambda rgb: np.rot90(rgb, 3), 270),
        ((-1, 0, 0, 1), lambda rgb: rgb[:, ::-1], 0),
        ((0, 1, 1, 0), lambda rgb: rgb.transpose(1, 0, 2), 90),
    ],
)
def test_display_matrix_is_applied(tmp_path, matrix, stored, rotation):
    upright = [picture(i, 240, 320) for i in range(5)]
    path = write(tmp_path / "phone.mp4", pictures=[np.ascontiguousarray(stored(rgb)) for rgb in upright])
    a, b, c, d = (value << 16 for value in matrix)
    patch(path, b"tkhd", 40, [a, b, 0, c, d, 0, 0, 0, 1 << 30])
    info = probe(path)
    assert (info.width, info.height, info.rotation_deg) == (240, 320, rotation)
    frames = list(read(path))
    assert [number_of(frame.rgb) for frame in frames] == list(range(5))
    assert all(is_upright(frame.rgb) for frame in frames)
    assert all(frame.rgb.flags.c_contiguous and frame.rgb.shape == (320, 240, 3) for frame in frames)


def test_matrix_of_zeros_is_no_rotation(tmp_path):
    path = write(tmp_path / "broken.mp4", 2)
    patch(path, b"tkhd", 40, [0] * 9)
    assert probe(path).rotation_deg == 0
    assert is_upright(next(read(path)).rgb)


BT709, BT2020 = {"colorspace": 1}, {"colorspace": 9}


@pytest.mark.parametrize(
    "settings",
    [
        {"name": "untagged.mp4"},
        {"name": "large.mp4", "width": 1280, "height": 720, "colorspace": Colorspace.ITU709},
        {"name": "tagged.mp4", "colorspace": Colorspace.ITU709, "tags": BT709},
        {"name": "full.mp4", "color_range": ColorRange.JPEG, "tags": {"color_range": 2}},
        {"name": "wide.mp4", "pix_fmt": "yuv444p10le", "colorspace": Colorspace.BT2020, "tags": BT2020},
        {"name": "jpeg.avi", "codec": "mjpeg", "pix_fmt": "yuvj422p", "color_range": ColorRange.JPEG},
        {"name": "rgb.mkv", "codec": "ffv1", "pix_fmt": "bgr0"},
        {"name": "alpha.mov", "codec": "png", "pix_fmt": "rgba"},
        {"name": "deep.mkv", "codec": "ffv1", "pix_fmt": "gbrp10le"},
        {"name": "raw.avi", "codec": "rawvideo", "pix_fmt": "yuyv422"},
        {"name": "argb.mov", "codec": "qtrle", "pix_fmt": "argb"},
        {"name": "raw12.nut", "codec": "rawvideo", "pix_fmt": "nv12"},
    ],
    ids=lambda settings: settings["name"],
)
def test_colours_survive_every_format(tmp_path, settings):
    settings = dict(settings)
    path = write(tmp_path / settings.pop("name"), 2, **settings)
    rgb = next(read(path)).rgb
    height, width = rgb.shape[:2]
    assert rgb.dtype == np.uint8
    np.testing.assert_allclose(rgb[-height // 8, width // 8], RED, atol=4)
    np.testing.assert_allclose(rgb[-height // 8, -width // 8], GREEN, atol=4)
    np.testing.assert_allclose(rgb[height // 2, width // 2], 40, atol=3)


def pq_code(nits):
    """The 10-bit limited-range luma code of SMPTE ST 2084 for a luminance."""
    y = (nits / 10_000) ** 0.1593017578125
    return round(64 + 876 * ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375)


def test_hdr_is_brought_to_ordinary_brightness(tmp_path):
    """PQ puts the white of paper (203 cd/m²) at 58 percent of its range; on an ordinary screen it is nearly white."""
    luminances = np.array([5, 50, 203])
    luma = np.repeat([pq_code(nits) for nits in luminances], 64).astype("<u2")
    frame = VideoFrame(192, 64, "yuv420p10le")
    for plane, row in zip(frame.planes, (luma, np.full(96, 512, "<u2"), np.full(96, 512, "<u2")), strict=True):
        rows = np.zeros((plane.height, plane.line_size // 2), "<u2")
        rows[:, : plane.width] = row
        plane.update(rows.tobytes())
    path = tmp_path / "hdr.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 192, 64, "yuv420p10le"
        for tagged in (stream.codec_context, frame):
            tagged.colorspace, tagged.color_trc, tagged.color_primaries, tagged.color_range = 9, 16, 9, 1
        frame.pts, frame.time_base = 0, Fraction(1, 25)
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    rgb = next(read(path)).rgb
    # sRGB's curve, with that white at its top.
    expected = 255 * (1.055 * (luminances / 203) ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(rgb[32, [32, 96, 160]], expected[:, None] * np.ones(3), atol=8)


@pytest.mark.parametrize(("name", "codec", "pix_fmt"), [("o.mkv", "ffv1", "yuv420p"), ("o.mp4", "libx264", "yuv444p")])
def test_odd_size(tmp_path, name, codec, pix_fmt):
    path = write(tmp_path / name, 3, codec=codec, pix_fmt=pix_fmt, width=321, height=241)
    assert (probe(path).width, probe(path).height) == (321, 241)
    assert numbers_and_times(path)[0] == [0, 1, 2]
    assert next(read(path)).rgb.shape == (241, 321, 3)


def test_pixels_that_are_not_square_are_made_square(tmp_path):
    path = write(tmp_path / "anamorphic.mp4", 2, tags={"sample_aspect_ratio": Fraction(4, 3)})
    assert (probe(path).width, probe(path).height) == (427, 240)
    assert next(read(path)).rgb.shape == (240, 427, 3)


def test_change_of_size_within_the_clip_is_scaled_away(tmp_path):
    path = tmp_path / "changing.h264"
    small = write(tmp_path / "small.h264", 3, muxer="h264", width=160, height=120)
    path.write_bytes(write(tmp_path / "large.h264", 3, muxer="h264").read_bytes() + small.read_bytes())
    frames = list(read(path))
    assert len(frames) == 6
    assert {frame.rgb.shape for frame in frames} == {(240, 320, 3)}
    assert all(is_upright(frame.rgb) for frame in frames)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("one.mp4", {}),
        ("one.png", {"codec": "png", "pix_fmt": "rgb24", "muxer": "image2"}),
        ("one.jpg", {"codec": "mjpeg", "pix_fmt": "yuvj420p", "muxer": "image2", "color_range": ColorRange.JPEG}),
    ],
)
def test_one_picture_is_one_frame(tmp_path, name, settings):
    path = write(tmp_path / name, 1, **settings)
    assert probe(path).frames == 1
    assert 0 < probe(path).duration_s < 0.1
    assert numbers_and_times(path) == ([0], [0.0])
    assert is_upright(next(read(path)).rgb)


def nothing(_):
    pass


@pytest.mark.parametrize(
    ("name", "make", "code", "says"),
    [
        ("missing.mp4", nothing, Code.FOOTAGE_MISSING, "missing.mp4"),
        ("bad\0name.mp4", nothing, Code.FOOTAGE_MISSING, "name"),
        ("x" * 300 + ".mp4", nothing, Code.FOOTAGE_MISSING, "xxx"),
        ("folder.mp4", Path.mkdir, Code.FOOTAGE_UNREADABLE, "folder.mp4: it is a folder."),
        ("pipe.mp4", os.mkfifo, Code.FOOTAGE_UNREADABLE, "it is not a file."),
        ("empty.mp4", Path.touch, Code.FOOTAGE_UNREADABLE, "it is empty."),
        ("text.mp4", lambda p: p.write_text("not a video\n" * 999), Code.FOOTAGE_UNREADABLE, "text.mp4"),
        ("noise.mp4", lambda p: p.write_bytes(random.Random(0).randbytes(99_999)), Code.FOOTAGE_UNREADABLE, ""),
        ("notes.txt", lambda p: p.write_text("not a video\n" * 999), Code.FOOTAGE_NO_VIDEO, "notes.txt"),
        ("sound.m4a", write_sound, Code.FOOTAGE_NO_VIDEO, "sound.m4a"),
        ("cover.mp4", lambda p: write_sound(p, cover=True), Code.FOOTAGE_NO_VIDEO, "cover.mp4"),
        ("narrow.mkv", lambda p: write_plain(p, 8, 240), Code.FOOTAGE_TOO_SMALL, "8 by 240 pixels"),
        ("playlist.m3u8", lambda p: p.write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n"), None, ""),
    ],
)
def test_what_is_no_footage_is_said_clearly(tmp_path, name, make, code, says):
    path = tmp_path / name
    make(path)
    for use in (probe, lambda path: next(read(path))):
        with pytest.raises(Failure) as caught:
            use(path)
        assert code is None or caught.value.code == code
        assert says in caught.value.message


def write_plain(path, width, height):
    write(path, pictures=[np.full((height, width, 3), 90, np.uint8)] * 3, codec="ffv1")


def test_file_without_its_header_is_unreadable(tmp_path):
    whole = write(tmp_path / "whole.mp4").read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole[: len(whole) * 9 // 10])
    with pytest.raises(Failure) as caught:
        probe(path)
    assert caught.value.code == Code.FOOTAGE_UNREADABLE


@pytest.mark.parametrize("name", ["cut.mp4", "cut.mkv", "cut.ts", "cut.avi"])
def test_truncated_footage_yields_what_is_there(tmp_path, name):
    settings = {"codec": "mpeg4"} if name.endswith("avi") else {}
    options = {"movflags": "faststart"} if name.endswith("mp4") else {}
    whole = write(tmp_path / f"whole_{name}", 36, container_options=options, **settings)
    cut = tmp_path / name
    data = whole.read_bytes()
    counts, codes = [], set()
    for share in (0.95, 0.8, 0.6, 0.4, 0.2, 0.02):
        cut.write_bytes(data[: int(share * len(data))])
        try:
            probe(cut)
            numbers = numbers_and_times(cut)[0]
        except Failure as failure:
            numbers = []
            codes.add(failure.code)
        # What is cut through may show itself or the picture before.
        assert numbers[:-3] == list(range(len(numbers[:-3])))
        assert numbers == sorted(numbers)
        counts.append(len(numbers))
    assert codes <= {Code.FOOTAGE_UNREADABLE}
    assert counts == sorted(counts, reverse=True)
    assert 10 < counts[0] < 36


@pytest.mark.parametrize("name", ["damaged.mp4", "damaged.mkv", "damaged.avi"])
def test_damage_anywhere_ends_in_pictures_or_a_failure(tmp_path, name):
    whole = write(tmp_path / f"whole_{name}", 10, codec="mpeg4").read_bytes()
    path = tmp_path / name
    chance = random.Random(3)
    outcomes = set()
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(chance.choice([1, 10, 200])):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(data)
        try:
            probe(path)
            times = [frame.time_s for frame in islice(read(path), 50)]
            assert (np.diff(times) > 0).all()
            outcomes.add("pictures" if times else "none")
        except Failure as failure:
            outcomes.add(failure.code)
    assert outcomes <= {
        "pictures", Code.FOOTAGE_UNREADABLE, Code.FOOTAGE_NO_VIDEO, Code.FOOTAGE_TOO_SMALL,
    }  # fmt: skip
    assert "pictures" in outcomes


LONG = {
    "long.mp4": {"options": {**B_FRAMES, "g": "25"}},
    "long.mkv": {"options": {**B_FRAMES, "g": "25"}},
    "long.ts": {"options": {**B_FRAMES, "g": "25"}},
    "long.webm": {"codec": "libvpx-vp9", "options": {"g": "25", "deadline": "realtime", "cpu-used": "8"}},
    "long.avi": {"codec": "mpeg4", "options": {"g": "25"}},
    "long.h264": {"options": {**B_FRAMES, "g": "25"}, "muxer": "h264"},
}


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory):
    folder, made = tmp_path_factory.mktemp("long"), {}

    def make(name):
        if name not in made:
            small = [picture(i % 30, 288, 64) for i in range(200)]
            made[name] = write(folder / name, pictures=small, **LONG[name])
        return made[name]

    return make


@pytest.mark.parametrize("name", LONG)
def test_part_of_a_clip_is_the_same_as_in_the_whole(long_clip, name):
    path = long_clip(name)
    whole = {round(frame.time_s, 3): frame.rgb for frame in read(path)}
    assert len(whole) == 200
    for start_s, end_s in ((0.0, 0.2), (1.0, 1.2), (5.2, 5.4), (6.99, 7.3), (7.8, None), (4.0, 4.0), (60.0, None)):
        frames = list(read(path, start_s, end_s))
        expected = [t for t in whole if t >= start_s - 1e-3 and (end_s is None or t < end_s - 1e-3)]
        assert [round(frame.time_s, 3) for frame in frames] == expected
        for frame in frames:
            np.testing.assert_array_equal(frame.rgb, whole[round(frame.time_s, 3)])


@pytest.mark.parametrize(("name", "seeks"), [(name, name != "long.h264") for name in LONG])
def test_late_start_does_not_decode_what_comes_before(long_clip, monkeypatch, name, seeks):
    count, original = [0], reader.decoded

    def counted(*args):
        for decoded_picture in original(*args):
            count[0] += 1
            yield decoded_picture

    monkeypatch.setattr(reader, "decoded", counted)
    assert len(list(read(long_clip(name), 7.0, 7.2))) == 5
    assert (count[0] < 80) == seeks


def test_pictures_are_read_as_they_are_asked_for(long_clip, monkeypatch):
    count, original = [0], reader.decoded

    def counted(*args):
        for decoded_picture in original(*args):
            count[0] += 1
            yield decoded_picture

    monkeypatch.setattr(reader, "decoded", counted)
    next(read(long_clip("long.mp4")))
    assert count[0] <= 3


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process counts its parent's memory as its own")
def test_memory_does_not_grow_with_the_clip(tmp_path):
    """Peak memory of a process that reads 30 and one that reads 240 pictures of 2.7 MB."""
    code = (
        "import sys; from pathlib import Path; from model.footage import read\n"
        "count = sum(1 for _ in read(sys.argv[1]))\n"
        "print(count, Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])"
    )
    still = picture(0, 1280, 720)
    peaks_mb = {}
    for count in (30, 240):
        path = write(tmp_path / f"{count}.mp4", pictures=[still] * count, options={"preset": "ultrafast"})
        root = Path(__file__).resolve().parents[3]
        output = subprocess.run(
            [sys.executable, "-c", code, str(path)], cwd=root, capture_output=True, text=True, timeout=120, check=True
        )
        read_count, peak_kb = map(int, output.stdout.split())
        assert read_count == count
        peaks_mb[count] = peak_kb / 1024
    assert peaks_mb[240] < peaks_mb[30] * 1.5
