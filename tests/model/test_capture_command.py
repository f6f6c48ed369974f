# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be asked of `python -m model capture`, sensible or not, and which files are there afterwards."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from model import pipeline
from model.__main__ import main
from model.motion.motion import Motion
from model.protocol import TEXTS, Cancelled, CaptureSettings, Code, Failure
from tests.model.footage.clips import write

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
def same_signals():
    """The command line takes the signal to end; here it belongs to pytest."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="module")
def footage(pictures, tmp_path_factory):
    """The bytes of a clip of two people."""
    return write(tmp_path_factory.mktemp("footage") / "clip.mp4", pictures=pictures, fps=30).read_bytes()


@pytest.fixture
def folder(footage, tmp_path, monkeypatch):
    """A folder with the clip in it, where the command runs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clip.mp4").write_bytes(footage)
    return tmp_path


def capture(*arguments):
    return main(["capture", *map(str, arguments), "--device", "cpu", "--quality", "draft"])


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def assert_one_line(capsys, code, says=""):
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1, printed.err
    assert printed.err.startswith(f"{code}: {TEXTS[code][0]}")
    assert says in printed.err
    return printed.err


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--start", "0.4", "--end", "0.2"], Code.REQUEST_INVALID, "The end is 0.2 s"),
        (["--start", "inf"], Code.REQUEST_INVALID, "The start is inf s"),
        (["--start", "1e300"], Code.REQUEST_INVALID, "The start is 1e+300 s"),
        (["--start", "-1"], Code.REQUEST_INVALID, "The start is -1 s"),
        (["--start", "nan"], Code.REQUEST_INVALID, "The start is nan s"),
        (["--end", "nan"], Code.REQUEST_INVALID, "The end is nan s"),
        (["--fov", "500"], Code.REQUEST_INVALID, "The field of view is 500°"),
        (["--fov", "nan"], Code.REQUEST_INVALID, "The field of view is nan°"),
        (["--height", "nan"], Code.REQUEST_INVALID, "The person's height is nan m"),
        (["--height", "-1.8"], Code.REQUEST_INVALID, "The person's height is -1.8 m"),
        (["--start", "999"], Code.PEOPLE_NONE, ""),
        (["--start", "0.2", "--end", "0.2"], Code.PEOPLE_NONE, ""),
        (["--person", "9"], Code.PEOPLE_UNKNOWN, "9 was asked for; there are: 1, 2."),
        (["--person", "0"], Code.PEOPLE_UNKNOWN, "0 was asked for"),
        (["--body", "clip.mp4"], Code.BODY_INVALID, "clip.mp4"),
        (["--body", "missing.npz"], Code.BODY_INVALID, "missing.npz"),
        (["--body", "."], Code.BODY_INVALID, ""),
    ],
)
def test_settings_that_cannot_be_are_told_in_one_line(folder, capsys, options, code, says):
    assert capture("clip.mp4", "-o", "take.npz", *options) == 1
    assert_one_line(capsys, code, says)
    assert names(folder) == ["clip.mp4"]


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/clip.mp4", "concat:clip.mp4|clip.mp4", "file:clip.mp4", "-"])
def test_addresses_are_names_of_files_that_are_not_there(folder, capsys, address):
    assert capture(address, "-o", "take.npz") == 1
    assert_one_line(capsys, Code.FOOTAGE_MISSING)


def test_line_breaks_in_names_do_not_break_the_line(folder, capsys):
    assert capture("first\nsecond\r\nthird.mp4", "-o", "take.npz") == 1
    assert_one_line(capsys, Code.FOOTAGE_MISSING, "first second third.mp4")


@pytest.mark.parametrize(
    ("clip", "options"),
    [
        ("clip.npz", ["-o", "clip.npz"]),
        ("clip.npz", ["-o", "clip"]),
        ("clip.npz", ["-o", "sub/../clip.npz"]),
        ("clip.npz", ["-o", "link.npz"]),
        ("clip.body.npz", ["-o", "clip.npz"]),
        ("clip.mp4", ["-o", "take.npz", "--overlay", "clip.mp4"]),
        ("clip.mp4", ["-o", "take.npz", "--overlay", "link.npz"]),
        ("link.npz", ["-o", "take.npz", "--overlay", "clip.mp4"]),
        ("clip.mp4", ["-o", "take.npz", "--overlay", "take.npz"]),
        ("clip.mp4", ["-o", "take", "--overlay", "take.body.npz"]),
        ("clip.mp4", ["-o", "own.npz", "--body", "own.npz"]),
        ("clip.mp4", ["-o", "take.npz", "--overlay", "own.npz", "--body", "own.npz"]),
    ],
)
def test_no_result_takes_the_place_of_the_footage_or_of_another(folder, footage, capsys, clip, options):
    (folder / "sub").mkdir()
    (folder / "own.npz").write_text("somebody's body")
    (folder / "link.npz").symlink_to(clip if clip != "link.npz" else "clip.mp4")
    if clip != "link.npz":
        (folder / clip).write_bytes(footage)
    before = names(folder)
    assert capture(clip, *options) == 1
    assert "would take the place of" in assert_one_line(capsys, Code.OUTPUT_UNWRITABLE)
    assert (folder / clip).read_bytes() == footage
    assert (folder / "own.npz").read_text() == "somebody's body"
    assert names(folder) == before


@pytest.mark.parametrize("output", ["", ".", "..", "sub", "sub/", "sub/take.npz", "/"])
def test_folder_in_place_of_a_file_is_told(folder, capsys, output):
    (folder / "sub" / "take.npz").mkdir(parents=True)
    assert capture("clip.mp4", "-o", output) == 1
    assert_one_line(capsys, Code.OUTPUT_UNWRITABLE, "it is a folder")
    assert names(folder) == ["clip.mp4", "sub"]
    assert names(folder / "sub") == ["take.npz"]


@pytest.mark.skipif(os.name == "nt", reason="pipes have no names there")
def test_devices_and_pipes_are_not_replaced(folder, capsys):
    os.mkfifo(folder / "pipe")
    assert capture("clip.mp4", "-o", "take.npz", "--overlay", "pipe") == 1
    assert_one_line(capsys, Code.OUTPUT_UNWRITABLE, "pipe")
    assert (folder / "pipe").is_fifo()


@pytest.mark.parametrize("name", ["long" * 100, "x" * 250])
def test_name_that_is_too_long_is_told_before_the_work(folder, capsys, name):
    assert capture("clip.mp4", "-o", f"{name}.npz") == 1
    assert_one_line(capsys, Code.OUTPUT_UNWRITABLE)


@pytest.mark.parametrize(
    ("output", "take", "body"),
    [
        ("walk", "walk.npz", "walk.body.npz"),
        ("walk.v2", "walk.v2.npz", "walk.v2.body.npz"),
        ("walk.NPZ", "walk.NPZ", "walk.body.npz"),
        ("clip.mp4", "clip.mp4.npz", "clip.mp4.body.npz"),
    ],
)
def test_results_have_sensible_names(folder, capsys, footage, output, take, body):
    assert capture("clip.mp4", "-o", output) == 0
    files = json.loads(capsys.readouterr().out)["files"]
    assert files == {"take": take, "body": body}
    assert names(folder) == sorted(["clip.mp4", take, body])
    assert Motion.load(take).observed.any()
    assert Path("clip.mp4").read_bytes() == footage


@pytest.fixture
def yesterday(folder):
    """Results that are there already."""
    files = {name: b"yesterday's " + name.encode() for name in ("take.npz", "take.body.npz", "overlay.mp4")}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return files


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "clip.mp4"}


@pytest.mark.parametrize(
    "stage", ["opening", "people", "keypoints", "recovery", "fitting", "world", "writing", "overlay"]
)
def test_cancelled_at_the_end_of_any_stage_all_files_are_as_before(folder, yesterday, stage):
    reports = []

    def report(name, done, total):
        reports.append((name, done == total))

    settings = CaptureSettings("clip.mp4", "take.npz", "overlay.mp4", quality="draft", device="cpu")
    with pytest.raises(Cancelled):
        pipeline.capture(settings, report, lambda: bool(reports) and reports[-1] == (stage, True))
    assert reports[-1] == (stage, True)
    assert contents(folder) == yesterday


def test_failure_at_the_very_end_leaves_all_files_as_before(folder, yesterday, monkeypatch, capsys):
    write_video = pipeline.write_video

    def disk_fills_up(path, frames, *rest):
        write_video(path, limited(frames), *rest)

    def limited(frames):
        for number, rgb in enumerate(frames):
            if number == 10:
                raise OSError(28, "No space left on device")
            yield rgb

    monkeypatch.setattr(pipeline, "write_video", disk_fills_up)
    assert capture("clip.mp4", "-o", "take.npz", "--overlay", "overlay.mp4") == 1
    assert_one_line(capsys, Code.DISK_FULL)
    assert contents(folder) == yesterday


def test_faults_of_ours_are_shown_in_full(folder, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(pipeline, "capture", broken)
    with pytest.raises(ZeroDivisionError):
        capture("clip.mp4", "-o", "take.npz")


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (ModuleNotFoundError("No module named 'torch'", name="torch"), Code.ENGINE_MISSING, "torch"),
        (MemoryError(), Code.DEVICE_OUT_OF_MEMORY, ""),
        (Failure(Code.WEIGHTS_CORRUPT, "product."), Code.WEIGHTS_CORRUPT, "product."),
    ],
)
def test_what_is_known_to_go_wrong_is_one_line(folder, monkeypatch, capsys, error, code, says):
    def broken(*_):
        raise error

    monkeypatch.setattr(pipeline, "capture", broken)
    assert capture("clip.mp4", "-o", "take.npz") == 1
    assert_one_line(capsys, code, says)


def started(folder, *options):
    command = [sys.executable, "-m", "model", "capture", folder / "clip.mp4", "-o", folder / "out" / "take.npz"]
    return subprocess.Popen(
        [*command, "--overlay", folder / "out" / "overlay.mp4", "--quality", "draft", "--device", "cpu", *options],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_captures_at_once_into_the_same_files_leave_whole_ones(folder):
    (folder / "out").mkdir()
    both = [started(folder) for _ in range(2)]
    for process in both:
        _, errors = process.communicate(timeout=120)
        assert (process.returncode, errors) == (0, "")
    assert names(folder / "out") == ["overlay.mp4", "take.body.npz", "take.npz"]
    assert Motion.load(folder / "out" / "take.npz").observed.any()


def size(path):
    """Of a file that may go at any moment."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


@pytest.mark.skipif(os.name == "nt", reason="there, to terminate a process is to kill it")
def test_told_to_end_it_leaves_nothing_half_done(folder, pictures):
    write(folder / "clip.mp4", pictures=pictures * 8, fps=30)
    out = folder / "out"
    out.mkdir()
    process = started(folder)
    deadline = time.monotonic() + 120
    while not any(size(path) for path in out.glob("overlay.mp4.*")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=120)
    assert (process.returncode, errors.strip()) == (130, "Cancelled.")
    assert names(out) == []


@pytest.mark.skipif(os.name == "nt", reason="there are no terminals to pretend to be")
def test_progress_on_a_terminal_does_not_run_into_the_failure(folder):
    terminal, end = os.openpty()
    command = [sys.executable, "-m", "model", "capture", "clip.mp4", "-o", "take.npz", "--person", "9"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    assert subprocess.run(command, env=environment, stdout=end, stderr=end, timeout=120, check=False).returncode == 1
    os.close(end)
    with os.fdopen(terminal, "rb") as file:
        shown = file.read1(1 << 16).decode().split("\r\n")
    # What a carriage return leads back to the beginning of is written over.
    lines = [line.split("\r")[-1] for line in shown if line]
    assert lines[:2] == ["opening         1 / 1", "people         15 / 15"]
    assert lines[2].startswith("people.unknown: ")
    assert len(lines) == 3
