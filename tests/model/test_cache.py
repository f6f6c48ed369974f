# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept comes back as it was, for the same footage and settings only, and never stops a capture."""

import os
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from model import cache, pipeline
from model.camera.background import Background
from model.people import Observations, Track

SETTINGS = {"start_s": 0.5, "end_s": None, "quality": "full"}


def kept(folder: Path, footage: str = "aa", settings: dict = SETTINGS, value: int = 1) -> int:
    """A stage that yields a number: the kept one if there is one, else `value`."""
    return cache.Cache(folder, footage).kept(
        "stage", settings, lambda: value, lambda number: {"n": np.array(number)}, lambda arrays: int(arrays["n"])
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


def example_track(number: int, frames: int, random: np.random.Generator) -> Track:
    return Track(
        number, np.arange(frames) / 30, random.random((frames, 4)), random.random(frames),
        random.random((frames, 17, 3)), random.integers(0, 255, (5 + number, 4, 3), np.uint8),
    )  # fmt: skip


def same(a: object, b: object) -> bool:
    return all(np.array_equal(getattr(a, each.name), getattr(b, each.name)) for each in fields(a))


def test_people_come_back_as_they_were(tmp_path):
    random = np.random.default_rng(1)
    people = pipeline.People([example_track(1, 9, random), example_track(2, 4, random)], [0.7], True)
    store = cache.Cache(tmp_path, "aa")
    store.store("people", SETTINGS, pipeline._packed_people(people))
    back = pipeline._unpacked_people(store.load("people", SETTINGS))
    assert (back.cuts_s, back.camera_moves) == ([0.7], True)
    assert len(back.tracks) == 2
    assert all(same(a, b) for a, b in zip(people.tracks, back.tracks, strict=True))
    nobody = pipeline._unpacked_people(pipeline._packed_people(pipeline.People([], [], False)))
    assert nobody == pipeline.People([], [], False)


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
        store.store("observations", SETTINGS, pipeline._packed_observations((seen, behind)))
        back, back_behind = pipeline._unpacked_observations(store.load("observations", SETTINGS))
        assert same(seen, back)
        assert (back_behind is None) == (behind is None)
    matrix = np.array([[250.0, 0, 128], [0, 250, 96], [0, 0, 1]])
    paths = [each.path(seen.time_s, matrix) for each in (background, back_behind)]
    assert all(np.array_equal(a, b) for a, b in zip(*paths, strict=True))
    assert np.ptp(paths[0].rotation, axis=0).max() > 0.01
