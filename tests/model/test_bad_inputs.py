# SPDX-License-Identifier: GPL-3.0-or-later
"""Hard inputs to `python -m model capture`, each in a process of its own.

Each ends in a whole result, upright and readable, or in one line with its code; nothing else is left behind.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from model.motion.motion import Motion
from model.motion.skeleton import JOINTS, KEYPOINTS
from model.protocol import TEXTS, Code
from tests.model.footage.clips import write, write_sound

ROOT = Path(__file__).resolve().parents[2]
LONGEST_S = 120
"""A capture of these clips takes a few seconds; much longer is a hang."""

pytestmark = pytest.mark.engine


def capture(clip, output, *options):
    return subprocess.run(
        [sys.executable, "-m", "model", "capture", clip, "-o", output, "--device", "cpu", *options],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )


def take_of(clip, output, *options):
    """Capture, which has to succeed: the motion, after a look at everything that every result has to be."""
    output.parent.mkdir(exist_ok=True)
    done = capture(clip, output, *options)
    assert (done.returncode, done.stderr) == (0, "")
    files = {role: Path(file) for role, file in json.loads(done.stdout)["files"].items()}
    assert files["take"] == output
    assert sorted(output.parent.iterdir()) == sorted(files.values())
    motion = Motion.load(output)
    with np.load(files["body"], allow_pickle=False) as body:
        V = len(body["vertices"])
        assert {name: body[name].shape for name in ("vertices", "joints", "weights")} == {
            "vertices": (V, 3), "joints": (24, 3), "weights": (V, 24),
        }  # fmt: skip
        assert all(np.isfinite(body[name]).all() for name in ("vertices", "joints", "weights"))
        assert body["faces"].max() < V
    assert motion.observed.any()
    assert (np.diff(motion.time_s) > 0).all()
    assert_upright(motion)
    return motion


def assert_upright(motion):
    """Head above hips above ankles: in the world, where Z points up, and in the picture, where y points down."""
    height = {name: motion.joints[:, JOINTS.index(name), 2].mean() for name in ("head", "pelvis", "left_ankle")}
    assert height["head"] > height["pelvis"] + 0.3
    assert height["pelvis"] > height["left_ankle"] + 0.3
    down = {name: motion.keypoints[:, KEYPOINTS.index(name), 1].mean() for name in ("nose", "pelvis", "left_ankle")}
    assert down["nose"] < down["pelvis"] < down["left_ankle"]


def assert_one_line(done, code):
    """The one line on stderr, which says what is wrong, in particular, and what to do."""
    assert (done.returncode, done.stdout) == (1, "")
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    message, hint = TEXTS[code]
    assert lines[0].startswith(f"{code}: {message}")
    assert lines[0].endswith(hint)
    return lines[0]


@pytest.fixture(scope="module")
def plain(pictures, tmp_path_factory):
    """An ordinary clip and the motion in it, with which others are compared."""
    folder = tmp_path_factory.mktemp("plain")
    clip = write(folder / "plain.mp4", pictures=pictures, fps=30)
    return clip, take_of(clip, folder / "out" / "take.npz")


def keypoints_apart(motion, times_s, plain):
    """The median distance in pixels from what was seen in the same pictures of the ordinary clip, at 30 fps.

    `times_s` are the times of the pictures in the clip that `motion` was captured from.
    """
    ours = {
        int(np.abs(np.subtract(times_s, t)).argmin()): points
        for t, points in zip(motion.time_s, motion.keypoints, strict=True)
    }
    usual = {round(30 * t): points for t, points in zip(plain.time_s, plain.keypoints, strict=True)}
    both = ours.keys() & usual.keys()
    assert len(both) >= len(times_s) - 3
    return np.median([np.linalg.norm(ours[k][:, :2] - usual[k][:, :2], axis=-1) for k in both])


def empty_room(path):
    return write(path, pictures=[np.full((360, 640, 3), 90 + number, np.uint8) for number in range(12)])


def cut_off(path):
    """The end of an MP4, where most programs put what tells how to read the rest, did not arrive."""
    whole = write(path.with_name("whole.mp4")).read_bytes()
    path.write_bytes(whole[: len(whole) * 6 // 10])


@pytest.mark.parametrize(
    ("name", "make", "code", "says"),
    [
        ("missing.mp4", lambda path: None, Code.FOOTAGE_MISSING, "missing.mp4"),
        ("directory.mp4", Path.mkdir, Code.FOOTAGE_UNREADABLE, "directory.mp4: it is a folder."),
        ("empty.mp4", Path.touch, Code.FOOTAGE_UNREADABLE, "empty.mp4: it is empty."),
        ("text.mp4", lambda path: path.write_text("not a video\n" * 999), Code.FOOTAGE_UNREADABLE, "text.mp4"),
        ("truncated.mp4", cut_off, Code.FOOTAGE_UNREADABLE, "truncated.mp4"),
        ("audio only.mp4", write_sound, Code.FOOTAGE_NO_VIDEO, "audio only.mp4"),
        ("narrow.mp4", lambda path: write(path, pictures=[np.zeros((360, 8, 3), np.uint8)] * 5),
         Code.FOOTAGE_TOO_SMALL, "8 by 360 pixels"),
        ("nobody.mp4", empty_room, Code.PEOPLE_NONE, ""),
    ],
)  # fmt: skip
def test_what_cannot_be_captured_is_told_in_one_line(tmp_path, name, make, code, says):
    clip, folder = tmp_path / name, tmp_path / "out"
    make(clip)
    folder.mkdir()
    done = capture(clip, folder / "take.npz", "--overlay", folder / "overlay.mp4")
    assert says in assert_one_line(done, code)
    assert list(folder.iterdir()) == []


def test_folder_that_may_not_be_written_is_told_in_one_line_before_the_work(tmp_path, plain):
    folder = tmp_path / "out"
    folder.mkdir(0o555)
    if os.access(folder, os.W_OK):
        # To root every folder is writable, except those that are no folders on a disk.
        folder = Path("/sys")
    done = capture(plain[0], folder / "take.npz")
    assert str(folder / "take.npz") in assert_one_line(done, Code.OUTPUT_UNWRITABLE)
    assert not (folder / "take.npz").exists()
    assert list(tmp_path.glob("out/*")) == []


@pytest.mark.parametrize("folder", ["not there", "file"])
def test_folder_that_is_none_is_told_in_one_line(tmp_path, plain, folder):
    (tmp_path / "file").touch()
    done = capture(plain[0], tmp_path / folder / "take.npz")
    assert str(tmp_path / folder / "take.npz") in assert_one_line(done, Code.OUTPUT_UNWRITABLE)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("count", [1, 2])
def test_hardly_a_frame(tmp_path, pictures, count):
    clip = write(tmp_path / "short.mp4", pictures=pictures[:count], fps=30)
    motion = take_of(clip, tmp_path / "out" / "take.npz", "--overlay", tmp_path / "out" / "overlay.mp4")
    assert len(motion) == count


def test_truncated_clip_that_can_be_read_yields_what_is_there(tmp_path, pictures):
    """With its header in front and every picture coded by itself, two thirds of a file hold two thirds of the clip."""
    clip = write(
        tmp_path / "cut.mp4", pictures=pictures, fps=30, options={"g": "1"}, container_options={"movflags": "faststart"}
    )
    whole = clip.read_bytes()
    clip.write_bytes(whole[: len(whole) * 2 // 3])
    motion = take_of(clip, tmp_path / "out" / "take.npz", "--overlay", tmp_path / "out" / "overlay.mp4")
    assert 7 <= len(motion) <= 11


def test_odd_size(tmp_path, pictures, plain):
    odd = [np.ascontiguousarray(rgb[:359, :639]) for rgb in pictures]
    clip = write(tmp_path / "odd.mp4", pictures=odd, fps=30, pix_fmt="yuv444p")
    motion = take_of(clip, tmp_path / "out" / "take.npz", "--overlay", tmp_path / "out" / "overlay.mp4")
    footage = motion.provenance["footage"]
    assert (footage["width"], footage["height"]) == (639, 359)
    assert keypoints_apart(motion, np.arange(15) / 30, plain[1]) < 3


@pytest.mark.parametrize("turns", [1, 3])
def test_rotated_clip_is_captured_as_it_is_seen(tmp_path, pictures, plain, turns):
    """Stored lying on its side with a note how to turn it, as phones do: the same people in the same places."""
    lying = [np.rot90(rgb, turns).copy() for rgb in pictures]
    clip = write(tmp_path / "rotated.mp4", pictures=lying, fps=30, rotation=(-90 * turns,))
    motion = take_of(clip, tmp_path / "out" / "take.npz", "--overlay", tmp_path / "out" / "overlay.mp4")
    footage = motion.provenance["footage"]
    assert (footage["width"], footage["height"], footage["rotation_deg"]) == (640, 360, 90 * turns)
    assert keypoints_apart(motion, np.arange(15) / 30, plain[1]) < 3


def test_variable_rate_keeps_its_times(tmp_path, pictures, plain):
    times_ms = np.cumsum([0, 33, 33, 50, 33, 100, 16, 33, 33, 120, 33, 33, 16, 16, 90])
    clip = write(tmp_path / "uneven.mp4", pictures=pictures, times_ms=times_ms.tolist())
    motion = take_of(clip, tmp_path / "out" / "take.npz", "--overlay", tmp_path / "out" / "overlay.mp4")
    assert {round(1000 * t) for t in motion.time_s} <= set(times_ms.tolist())
    assert keypoints_apart(motion, times_ms / 1000, plain[1]) < 3


def test_spaces_and_letters_of_other_alphabets_in_every_path(tmp_path, plain):
    folder = tmp_path / "Kapturování 日本語 'a' \"b\" 50%"
    folder.mkdir()
    clip = folder / "мой клип №1.mp4"
    shutil.copy(plain[0], clip)
    motion = take_of(clip, folder / "vý stup" / "тейк 1.npz", "--overlay", folder / "vý stup" / "přes.mp4")
    assert motion.provenance["footage"]["name"] == clip.name
    np.testing.assert_array_equal(motion.keypoints, plain[1].keypoints)
