# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights are what their cards say, or the user is told which file is not."""

import hashlib
import shutil

import pytest

from model.protocol import Code, Failure
from model.weights import registry

CONTENT = bytes(range(256)) * 16


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "net.bin").write_bytes(CONTENT)
    write_card(tmp_path)
    return tmp_path


def write_card(folder, **changes):
    card = {
        "title": '"A net"',
        "file": '"net.bin"',
        "sha256": f'"{hashlib.sha256(CONTENT).hexdigest()}"',
        "size": len(CONTENT),
        "licence": '"CC0-1.0"',
        "origin": '"made here"',
    } | changes
    lines = [f"{key} = {value}" for key, value in card.items() if value is not None]
    (folder / "net.toml").write_text("\n".join([*lines, "[checks]", "figure = 1.5"]), encoding="utf-8")


def code_of(folder, name="net"):
    with pytest.raises(Failure) as caught:
        registry.locate(name, [folder])
    return caught.value.code


def test_a_file_that_is_what_its_card_says_is_found(folder):
    assert registry.locate("net", [folder]) == folder / "net.bin"
    (card,) = registry.cards([folder])
    assert (card.name, card.title, card.licence, card.size) == ("net", "A net", "CC0-1.0", len(CONTENT))
    assert card.details["checks"] == {"figure": 1.5}


@pytest.mark.parametrize("position", [0, 1000, len(CONTENT) - 1])
def test_one_flipped_bit_is_noticed_even_after_the_file_was_good(folder, position):
    registry.locate("net", [folder])
    damaged = bytearray(CONTENT)
    damaged[position] ^= 1
    (folder / "net.bin").write_bytes(damaged)
    assert code_of(folder) == Code.WEIGHTS_CORRUPT


def test_a_truncated_file_is_noticed(folder):
    (folder / "net.bin").write_bytes(CONTENT[:-1])
    assert code_of(folder) == Code.WEIGHTS_CORRUPT


def test_a_missing_file_and_an_unknown_name_are_missing(folder):
    assert code_of(folder, "other") == Code.WEIGHTS_MISSING
    (folder / "net.bin").unlink()
    assert code_of(folder) == Code.WEIGHTS_MISSING


@pytest.mark.parametrize("changes", [{"sha256": None}, {"size": '"many"'}, {"title": '"open'}])
def test_a_card_that_cannot_be_read_is_corrupt(folder, changes):
    write_card(folder, **changes)
    assert code_of(folder) == Code.WEIGHTS_CORRUPT


def test_everything_shipped_is_verified_and_described(capsys):
    assert registry.main() == 0
    printed = capsys.readouterr().out
    for card in registry.cards():
        assert card.sha256 in printed
        assert card.licence in printed
        assert registry.locate(card.name) == card.path


def test_the_table_says_which_file_is_damaged(capsys, tmp_path):
    weights = tmp_path / "weights"
    shutil.copytree(registry.MODEL / "weights" / "third_party", weights)
    damaged = weights / "pose_landmark_full.onnx"
    data = bytearray(damaged.read_bytes())
    data[12345] ^= 4
    damaged.write_bytes(data)
    assert registry.main([weights]) == 1
    printed = capsys.readouterr().out
    assert printed.count("verified") == 2
    assert "pose_landmark_full.onnx is not the file that its card describes" in printed


def test_third_party_files_carry_their_licence_and_say_that_they_were_changed():
    folder = registry.MODEL / "weights" / "third_party"
    cards = registry.cards([folder])
    assert {card.path.name for card in cards} == {path.name for path in folder.glob("*.onnx")}
    for card in cards:
        text = (folder / card.details["licence_file"]).read_text(encoding="utf-8")
        assert "Apache License" in text
        assert "Version 2.0" in text
        assert "changed" in card.details["notes"]
        assert max(v for k, v in card.details["checks"].items() if k.endswith("_px")) < 0.1
