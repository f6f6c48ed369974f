# SPDX-License-Identifier: GPL-3.0-or-later
"""Pieces of a take come while its footage is being looked at, where the take will be, and leave nothing behind."""

import threading
from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import pytest

from model import growing, pipeline
from model.motion.motion import PER_FRAME, Motion
from model.protocol import Cancelled, CaptureSettings, Code, Failure

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def grown(demo_clip, tmp_path_factory):
    """A capture of five seconds: the pieces as they came, and the take."""
    folder, pieces, stages = tmp_path_factory.mktemp("grown"), [], [""]
    settings = CaptureSettings(
        str(demo_clip), str(folder / "take.npz"), start_s=1.2, end_s=6.2, quality="draft", device="cpu"
    )

    def show(files, first_s, last_s):
        with np.load(files["body"]) as body:
            pieces.append((Motion.load(files["take"]), dict(body), first_s, last_s, stages[-1]))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(growing, "SHARE", 1.0)  # All pieces, however slow this machine is.
        pipeline.capture(settings, lambda stage, *_: stages.append(stage), lambda: False, show)
    return SimpleNamespace(
        pieces=pieces, take=Motion.load(folder / "take.npz"), files=sorted(path.name for path in folder.iterdir())
    )


def test_pieces_come_one_after_the_other_while_the_pose_is_read(grown):
    assert len(grown.pieces) >= 2
    before = -1.0
    for motion, _, first_s, last_s, stage in grown.pieces:
        assert stage == "keypoints"
        assert len(motion) <= growing.PIECE
        assert before < motion.time_s[0] == first_s < last_s == motion.time_s[-1]
        assert set(motion.time_s) <= set(grown.take.time_s)
        before = last_s


def test_pieces_are_of_one_body_in_one_world(grown):
    first, body, *_ = grown.pieces[0]
    for motion, other, *_ in grown.pieces:
        assert np.array_equal(motion.betas, first.betas)
        assert (motion.camera_rotation == first.camera_rotation[0]).all()
        assert (motion.camera_translation == first.camera_translation[0]).all()
        assert all(np.array_equal(body[name], other[name]) for name in body)
    for (before, *_), (after, *_) in zip(grown.pieces[:-1], grown.pieces[1:], strict=True):
        # No further than a woman walks in the time between.
        gap_s = after.time_s[0] - before.time_s[-1]
        assert np.linalg.norm(after.trans[0] - before.trans[-1]) < 0.1 + 3 * gap_s


def test_over_the_footage_pieces_lie_where_the_take_does(grown):
    for piece, *_ in grown.pieces:
        both = np.isin(grown.take.time_s, piece.time_s)
        off = np.linalg.norm(pixels(piece) - pixels(grown.take.part(both)), axis=-1)
        assert np.median(off) < 15  # of 1768


def pixels(motion):
    seen = np.einsum("tij,tkj->tki", motion.camera_rotation, motion.joints) + motion.camera_translation[:, None]
    seen = seen @ motion.camera_matrix.T
    return seen[..., :2] / seen[..., 2:]


def test_nothing_is_left_but_the_take_and_its_body(grown):
    assert grown.files == ["take.body.npz", "take.npz"]


def test_parts_joined_are_the_whole(grown):
    whole = grown.take
    again = whole.part(slice(0, 7)).and_then(whole.part(slice(7, None)))
    for each in fields(Motion):
        assert np.array_equal(getattr(again, each.name), getattr(whole, each.name))
    assert set(PER_FRAME) == {
        each.name for each in fields(Motion) if np.shape(getattr(whole, each.name))[:1] == (len(whole),)
    }


@pytest.mark.parametrize("trouble", ["cancelled", "shown", "solved"])
def test_whatever_happens_to_a_piece(demo_clip, tmp_path, monkeypatch, trouble):
    """A cancel ends the capture and takes the pieces along; no error in them does either."""
    shown = threading.Event()

    def show(*_):
        shown.set()
        if trouble == "shown":
            raise ValueError(trouble)

    if trouble == "solved":
        monkeypatch.setattr(growing, "assemble", lambda *_, **__: 1 / 0)
    settings = CaptureSettings(
        str(demo_clip), str(tmp_path / "take.npz"), start_s=2.0, end_s=4.2, quality="draft", device="cpu"
    )
    if trouble == "cancelled":
        with pytest.raises(Cancelled):
            pipeline.capture(settings, lambda *_: None, shown.is_set, show)
        assert list(tmp_path.iterdir()) == []
    else:
        pipeline.capture(settings, lambda *_: None, lambda: False, show)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["take.body.npz", "take.npz"]
    assert shown.is_set() == (trouble != "solved")


def test_a_piece_without_anybody_is_left_out_and_time_is_kept(monkeypatch):
    """What is only shown gets a tenth of the time; where that does not do, pieces come later."""
    clock, asked = [100.0], []
    monkeypatch.setattr(growing.time, "perf_counter", lambda: clock[0])

    def part(first, end):
        asked.append((first, end, clock[0]))
        clock[0] += 1.0
        raise Failure(Code.PEOPLE_NONE)

    grows = growing.Growing(*[None] * 8, begun_s=100.0)
    times = list(np.arange(1000) / 30)
    for seen in range(8, 1000, 8):
        clock[0] += 0.5
        grows.look(times[:seen], part)
    assert [(first, end) for first, end, _ in asked[:3]] == [(0, 56), (40, 104), (88, 152)]
    began_s = [began_s - 100 for *_, began_s in asked]
    assert all(number <= growing.SHARE * (began - 1) for number, began in enumerate(began_s[1:], 1))
    assert len(asked) == pytest.approx(growing.SHARE * (clock[0] - 100), abs=2)
