# SPDX-License-Identifier: GPL-3.0-or-later

import errno

import numpy as np
import pytest

from model.footage import probe, read, write_video
from model.protocol import Code, Failure

from .clips import GREEN, RED, number_of, picture


def test_what_is_written_is_what_is_read(tmp_path):
    path = tmp_path / "Überlagerung 1.mp4"
    write_video(path, (picture(i) for i in range(12)), 30000 / 1001)
    info = probe(path)
    assert (info.width, info.height, info.codec, info.frames) == (320, 240, "h264", 12)
    assert info.fps == pytest.approx(30000 / 1001)
    frames = list(read(path))
    assert [number_of(frame.rgb) for frame in frames] == list(range(12))
    np.testing.assert_allclose([frame.time_s for frame in frames], np.arange(12) * 1001 / 30000, atol=1e-6)
    np.testing.assert_allclose(frames[3].rgb[-20, 20], RED, atol=5)
    np.testing.assert_allclose(frames[3].rgb[-20, -20], GREEN, atol=5)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("fps", [24000 / 1001, 25, 30000 / 1001, 60000 / 1001, 120])
def test_usual_rates_are_exact(tmp_path, fps):
    path = tmp_path / "rate.mp4"
    write_video(path, [picture(0)] * 30, fps)
    assert probe(path).fps == pytest.approx(fps, rel=1e-9)
    assert not probe(path).variable_rate
    np.testing.assert_allclose([frame.time_s for frame in read(path)], np.arange(30) / fps, atol=1e-9)


def test_odd_sides_are_continued_to_even_ones(tmp_path):
    path = tmp_path / "odd.mp4"
    write_video(path, [picture(i, 321, 241) for i in range(3)], 25)
    assert (probe(path).width, probe(path).height) == (322, 242)
    rgb = next(read(path)).rgb
    np.testing.assert_allclose(rgb[-1, 10], RED, atol=8)
    np.testing.assert_allclose(rgb[-20, -1], GREEN, atol=8)


def test_varying_rate_is_kept(tmp_path):
    path = tmp_path / "uneven.mp4"
    times_s = [0.0, 0.033, 0.1, 0.4, 0.433]
    write_video(path, (picture(i) for i in range(5)), 30, (7.5 + time_s for time_s in times_s))
    assert probe(path).variable_rate
    np.testing.assert_allclose([frame.time_s for frame in read(path)], times_s, atol=1e-4)
    assert probe(path).duration_s == pytest.approx(0.433 + 1 / 30, abs=0.01)


@pytest.mark.parametrize("folder", ["missing", "file.txt"])
def test_folder_in_which_nothing_can_be_written_is_a_failure(tmp_path, folder):
    (tmp_path / "file.txt").touch()
    with pytest.raises(Failure) as caught:
        write_video(tmp_path / folder / "out.mp4", [picture(0)], 25)
    assert caught.value.code == Code.OUTPUT_UNWRITABLE
    assert "out.mp4" in caught.value.message


def test_full_disk_leaves_nothing_behind_and_the_old_file_alone(tmp_path):
    path = tmp_path / "out.mp4"
    path.write_bytes(b"the result of yesterday")

    def frames():
        yield from (picture(i) for i in range(30))
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(Failure) as caught:
        write_video(path, frames(), 25)
    assert caught.value.code == Code.DISK_FULL
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"the result of yesterday"


def test_no_frames_are_an_error_without_a_file(tmp_path):
    with pytest.raises(ValueError, match="no frames"):
        write_video(tmp_path / "none.mp4", [], 25)
    assert list(tmp_path.iterdir()) == []
