# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept comes back as it was, for the same footage and settings only, and never stops a capture."""

import os
import time
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from model import cache, pipeline
from model.camera.background import Background
from model.kept import People, packed_observations, packed_people, unpacked_observations, unpacked_people
from model.motion.motion import Motion
from model.people import Observations, Track, runtime
from model.protocol import Cancelled, CaptureSettings

SETTINGS = {"start_s": 0.5, "end_s": None, "quality": "full"}


def kept(folder: Path, footage: str = "aa", settings: dict = SETTINGS, value: int = 1) -> int:
    """A stage that yields a number: the kept one if there is one, else `value`."""
    return cache.Cache(folder, footage).kept(
        "stage", settings, lambda _: value, lambda number: {"n": np.array(number)}, lambda arrays: int(arrays["n"])
    )


def test_the_same_is_not_made_twice_and_anything_else_is(tmp_path):
    assert kept(tmp_path / "new") == 1
    assert kept(tmp_path / "new", value=2) == 1
    assert kept(tmp_path / "new", footage="bb", value=3) == 3
    assert kept(tmp_path / "new", settings={**SETTINGS, "quality": "draft"}, value=4) == 4
    assert kept(tmp_path / "new", value=5) == 1


def test_another_engine_makes_everything_anew(tmp_path, monkeypatch):
    kept(tmp_path)
    monkeypatch.setattr(cache, "_engine", lambda: "another")
    assert kept(tmp_path, value=2) == 2


def test_without_a_folder_nothing_is_kept():
    assert [kept(None, value=value) for value in (1, 2)] == [1, 2]


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 half an archive", None])
def test_a_damaged_entry_is_made_anew(tmp_path, damage):
    kept(tmp_path)
    (entry,) = tmp_path.iterdir()
    if damage is None:
        np.savez(entry, other=np.zeros(3))  # whole, but not what is looked for
    else:
        entry.write_bytes(damage)
    assert kept(tmp_path, value=2) == 2
    assert kept(tmp_path, value=3) == 2


def test_whatever_byte_of_an_entry_is_damaged_it_is_read_as_it_was_or_made_anew(tmp_path):
    kept(tmp_path)
    (entry,) = tmp_path.iterdir()
    whole = entry.read_bytes()
    for place in range(0, len(whole), 2):
        for changed in (whole[place] ^ 0x41, whole[place] ^ 0x80):
            entry.write_bytes(whole[:place] + bytes([changed]) + whole[place + 1 :])
            assert kept(tmp_path, value=2) in (1, 2), place
    np.save(tmp_path / "array", np.zeros(3))
    (tmp_path / "array.npy").replace(entry)
    assert kept(tmp_path, value=3) == 3


def test_a_journal_goes_on_after_a_part_could_not_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "KEPT_EVERY_S", -1.0)
    store, real, count = cache.Cache(tmp_path, "aa"), cache.np.savez, [0]

    def savez(*given, **arrays):
        count[0] += 1
        if count[0] == 3:
            raise OSError
        real(*given, **arrays)

    monkeypatch.setattr(cache.np, "savez", savez)
    journal = cache.Journal(store, "stage", SETTINGS)
    for number in range(9):
        journal.once(lambda number=number: {"n": np.array(number)})
    again = cache.Journal(store, "stage", SETTINGS)
    found = [int(again.once(lambda: {"n": np.array(-1)})["n"]) for _ in range(9)]
    assert found == list(range(9))


def test_a_folder_that_cannot_be_written_is_done_without(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    assert kept(tmp_path / "file" / "folder", value=7) == 7


def test_what_was_not_used_for_longest_goes_first(tmp_path, monkeypatch):
    for number in range(4):
        kept(tmp_path, footage=str(number), value=number)
    entries = {number: cache.Cache(tmp_path, str(number))._path("stage", SETTINGS) for number in range(4)}
    for number in (1, 0, 2, 3):
        os.utime(entries[number], (1000 + number, 1000 + number))
    kept(tmp_path, footage="0", value=9)  # used again: no longer the oldest
    monkeypatch.setattr(cache, "LARGEST_BYTES", 3 * entries[0].stat().st_size)
    kept(tmp_path, footage="4", value=4)
    assert {number: path.exists() for number, path in entries.items()} == {0: True, 1: False, 2: False, 3: True}


def test_what_a_crash_left_half_written_goes(tmp_path):
    for name, age_s in (("old.npz.12ab.part", 3600), ("new.npz.34cd.part", 1)):
        (tmp_path / name).write_bytes(b"half")
        os.utime(tmp_path / name, (time.time() - age_s,) * 2)
    kept(tmp_path)
    assert [path.name for path in tmp_path.glob("*.part")] == ["new.npz.34cd.part"]


def example_track(number: int, frames: int, random: np.random.Generator) -> Track:
    return Track(
        number, np.arange(frames) / 30, random.random((frames, 4)), random.random(frames),
        random.random((frames, 17, 3)), random.integers(0, 255, (5 + number, 4, 3), np.uint8),
    )  # fmt: skip


def same(a: object, b: object) -> bool:
    return all(np.array_equal(getattr(a, each.name), getattr(b, each.name)) for each in fields(a))


def test_people_come_back_as_they_were(tmp_path):
    random = np.random.default_rng(1)
    people = People([example_track(1, 9, random), example_track(2, 4, random)], [0.7], True)
    store = cache.Cache(tmp_path, "aa")
    store.store("people", SETTINGS, packed_people(people))
    back = unpacked_people(store.load("people", SETTINGS))
    assert (back.cuts_s, back.camera_moves) == ([0.7], True)
    assert len(back.tracks) == 2
    assert all(same(a, b) for a, b in zip(people.tracks, back.tracks, strict=True))
    nobody = unpacked_people(packed_people(People([], [], False)))
    assert nobody == People([], [], False)


def test_observations_and_the_background_behind_them_come_back_as_they_were(tmp_path):
    random = np.random.default_rng(2)
    seen = Observations(
        np.arange(6) / 30, random.random(6) > 0.3, random.random((6, 23, 3)), random.random((6, 23, 3)),
        random.random((6, 1152)).astype(np.float16),
    )  # fmt: skip
    background = Background([])
    picture = np.kron(random.integers(0, 255, (24, 32, 3), np.uint8), np.ones((8, 8, 1), np.uint8))
    for frame in range(6):
        background.see(frame / 30, np.roll(picture, 3 * frame, axis=1))
    store = cache.Cache(tmp_path, "aa")
    for behind in (None, background):
        store.store("observations", SETTINGS, packed_observations((seen, behind)))
        back, back_behind = unpacked_observations(store.load("observations", SETTINGS))
        assert same(seen, back)
        assert (back_behind is None) == (behind is None)
    matrix = np.array([[250.0, 0, 128], [0, 250, 96], [0, 0, 1]])
    paths = [each.path(seen.time_s, matrix) for each in (background, back_behind)]
    assert all(np.array_equal(a, b) for a, b in zip(*paths, strict=True))
    assert np.ptp(paths[0].rotation, axis=0).max() > 0.01


def counted(journal: cache.Journal, things: int, found: list[int]) -> list[int]:
    """What a stage yields that finds one number after the other, and stops short if `found` gets too long."""
    journal.from_the_start()

    def find(number: int) -> dict:
        if len(found) == 5:
            raise KeyboardInterrupt
        found.append(number)
        return {"n": np.array(number), "row": np.full((number, 2), 0.5)}

    seen = [journal.once(lambda number=number: find(number)) for number in range(things)]
    assert all(one["row"].shape == (number, 2) for number, one in enumerate(seen))
    return [int(one["n"]) for one in seen]


@pytest.mark.parametrize("every_s", [0.0, 1000.0])
def test_an_interrupted_stage_goes_on_where_it_stopped(tmp_path, monkeypatch, every_s):
    monkeypatch.setattr(cache, "KEPT_EVERY_S", every_s)
    store, first, second = cache.Cache(tmp_path, "aa"), [], []

    def attempt(found: list[int]) -> list[int]:
        return store.kept(
            "stage", SETTINGS, lambda journal: counted(journal, 8, found), lambda all_: {"all": np.array(all_)},
            lambda arrays: arrays["all"].tolist(),
        )  # fmt: skip

    with pytest.raises(KeyboardInterrupt):
        attempt(first)
    assert first == [0, 1, 2, 3, 4]
    assert attempt(second) == list(range(8))
    assert second == [5, 6, 7]
    assert len(list(tmp_path.iterdir())) == 1  # the whole; its parts are gone
    assert attempt(third := []) == list(range(8))
    assert third == []


def test_a_journal_goes_on_before_what_is_damaged_and_begins_anew_for_a_new_attempt(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "KEPT_EVERY_S", 0.0)
    store = cache.Cache(tmp_path, "aa")
    counted(cache.Journal(store, "stage", SETTINGS), 4, [])
    store._path("stage.2", SETTINGS).write_bytes(b"PK\x03\x04 half an archive")
    journal, found = cache.Journal(store, "stage", SETTINGS), []
    assert counted(journal, 4, found) == [0, 1, 2, 3]
    assert found == [2, 3]
    assert counted(journal, 5, found) == [0, 1, 2, 3, 4]
    assert found == [2, 3, 4]
    journal.forget()
    assert list(tmp_path.iterdir()) == []


def test_a_journal_whose_beginning_was_lost_mixes_nothing_up(tmp_path):
    store = cache.Cache(tmp_path, "aa")
    journal = cache.Journal(store, "stage", SETTINGS)
    for things in (3, 5):
        counted(journal, things, [])
        journal.keep()
    first, second = (store._path(f"stage.{before}", SETTINGS) for before in (0, 3))
    first.unlink()
    again = cache.Journal(store, "stage", SETTINGS)
    counted(again, 2, [])
    again.keep()
    assert second.exists()
    assert counted(cache.Journal(store, "stage", SETTINGS), 5, found := []) == [0, 1, 2, 3, 4]
    assert found == [2, 3, 4]


@pytest.mark.engine
@pytest.mark.parametrize("stage", ["people", "keypoints"])
def test_an_interrupted_capture_goes_on_within_a_stage_and_yields_the_same(demo_clip, tmp_path, monkeypatch, stage):
    looked, where = [], [("", 0)]
    original = runtime.OnnxRuntime.__call__
    monkeypatch.setattr(
        runtime.OnnxRuntime, "__call__", lambda self, pictures: looked.append(len(pictures)) or original(self, pictures)
    )

    def capture(name: str, folder: Path | None, until: int | None) -> tuple[Motion, int]:
        settings = CaptureSettings(
            str(demo_clip), str(tmp_path / name), start_s=2.0, end_s=4.0, quality="draft", device="cpu",
            cache=folder and str(folder),
        )  # fmt: skip
        looked.clear()
        pipeline.capture(
            settings,
            lambda *at: where.__setitem__(0, at),
            lambda: until is not None and where[0][0] == stage and where[0][1] >= until,
        )
        return Motion.load(tmp_path / name), sum(looked)

    whole, all_looks = capture("whole.npz", None, None)
    with pytest.raises(Cancelled):
        capture("part.npz", tmp_path / "kept", 24)
    before = sum(looked)
    again, looks = capture("again.npz", tmp_path / "kept", None)
    assert before > 0
    assert looks == all_looks - before
    for each in fields(Motion):
        if each.name != "provenance":
            assert np.array_equal(getattr(whole, each.name), getattr(again, each.name)), each.name
    kept_now = sorted(path.name.partition("-")[0] for path in (tmp_path / "kept").iterdir())
    assert kept_now == ["observations", "people", "take"]
