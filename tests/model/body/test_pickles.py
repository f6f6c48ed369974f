# SPDX-License-Identifier: GPL-3.0-or-later
"""Pickles that try to run something: nothing may run, and the refusal must say what was asked for."""

import builtins
import os
import pickle
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.core import multiarray

from model.body.files import load_body
from model.protocol import Code, Failure
from tests.model.body.smpl_file import smpl_arrays, write_pickle


class Calls:
    """Pickles as the call of a function, which unpickling would make, and a state, which it would set."""

    def __init__(self, function: Callable[..., Any], *arguments: Any, state: Any = None) -> None:
        self.reduced = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self) -> Any:
        return self.reduced


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """The file that an attack makes if it runs."""
    return tmp_path / "ran"


def refusal(mark: Path, data: bytes) -> str:
    file = mark.with_name("body.pkl")
    file.write_bytes(data)
    with pytest.raises(Failure) as caught:
        load_body(str(file))
    assert caught.value.code == Code.BODY_INVALID
    assert not mark.exists()
    return caught.value.message


ATTACKS = {
    "system": lambda mark: Calls(os.system, f"touch '{mark}'"),
    "eval": lambda mark: Calls(builtins.eval, f"open({str(mark)!r}, 'w').close()"),
    "exec": lambda mark: Calls(builtins.exec, f"open({str(mark)!r}, 'w').close()"),
    "open": lambda mark: Calls(builtins.open, str(mark), "w"),
    "check_call": lambda mark: Calls(subprocess.check_call, ["touch", str(mark)]),
    "loads": lambda mark: Calls(pickle.loads, pickle.dumps(Calls(os.system, f"touch '{mark}'"))),
    "list": lambda mark: Calls(list, Calls(map, os.system, [f"touch '{mark}'"])),
}


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", ATTACKS)
def test_calls_are_refused(mark: Path, name: str, protocol: int) -> None:
    data = pickle.dumps({"v_template": np.zeros((3, 3)), "notes": [ATTACKS[name](mark)]}, protocol)
    pickle.loads(data)
    assert mark.exists()  # So the attack is one.
    mark.unlink()
    assert f"{name}, which no body needs" in refusal(mark, data)


@pytest.mark.parametrize(
    "place",
    [
        lambda attack: [attack, np.array([1], object)],
        lambda attack: Calls(np.ndarray, (2,), attack),
        lambda attack: Calls(multiarray._reconstruct, np.ndarray, (0,), b"b", state=attack),
        lambda attack: Calls(multiarray.scalar, np.dtype("f8"), attack),
        lambda attack: Calls(sp.csc_matrix, (3, 3), state={"data": attack}),
        lambda attack: Calls(np.dtype, "f8", state=(3, "<", attack)),
    ],
)
def test_calls_hidden_inside_what_is_allowed_are_refused(mark: Path, place: Callable[[Any], Any]) -> None:
    for attack in (ATTACKS["system"](mark), ATTACKS["list"](mark)):
        assert "which no body needs" in refusal(mark, pickle.dumps({"weights": place(attack)}, 2))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"cos\nsystem\n(S'touch MARK'\ntR.", "os.system"),
        (b"c__builtin__\ngetattr\n(c__builtin__\n__import__\n(S'os'\ntRS'system'\ntR(S'touch MARK'\ntR.", "getattr"),
        (b"(S'touch MARK'\nios\nsystem\n.", "os.system"),
        (b"(cos\nsystem\nS'touch MARK'\no.", "os.system"),
        (b"cnumpy\nos.system\n(S'touch MARK'\ntR.", "numpy.os.system"),
        (b"\x80\x04\x8c\x05numpy\x8c\x10testing._private\x93.", "numpy.testing._private"),
        (b'c__builtin__\neval\n(S\'open("MARK", "w")\'\ntR.', "eval"),
        (b"(dS'weights'\ncchumpy.ch\nos.system\n(S'touch MARK'\ntRs.", ""),
        (b"(dS'weights'\nccopy_reg\n_reconstructor\n(cos\nsystem\nNNtRs.", "os.system"),
        (b"(dS'weights'\nccopy_reg\n_reconstructor\n(S'os.system'\nNNtRs.", "no class"),
        (b"\x80\x02\x82\x01.", "extension"),
        (b"Pmodule\n.", "persistent"),
        (b"cnumpy\nndarray\n(dS'__new__'\ncnumpy\ndtype\nsb.", ""),
        (b"\x80\x02}U\x07weightscchumpy.reordering\nSelect\n)\x81q\x00}(U\x01ah\x00U\x04idxsK\x00ubs.", "recursion"),
    ],
)
def test_handwritten_attacks_are_refused(mark: Path, data: bytes, words: str) -> None:
    assert words in refusal(mark, data.replace(b"MARK", bytes(mark)))


def test_arrays_of_objects_are_refused_with_what_is_in_them(mark: Path) -> None:
    data = pickle.dumps({"weights": np.array([ATTACKS["system"](mark)], object)}, 2)
    assert "no plain numbers" in refusal(mark, data)


def test_refused_attacks_change_nothing_for_the_next_file(mark: Path) -> None:
    refusal(mark, b"cnumpy\nndarray\n}S'__setstate__'\ncnumpy\ndtype\nsb.")
    arrays = smpl_arrays()
    body = load_body(str(write_pickle(mark.with_name("good.pkl"), arrays)))
    np.testing.assert_allclose(body.v_template.numpy(), arrays["v_template"], atol=1e-6)


def sparse(**changes: Any) -> sp.csc_matrix:
    matrix = sp.csc_matrix(np.eye(4))
    for name, value in changes.items():
        setattr(matrix, name, value)
    return matrix


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.array([{"plain": "object"}], object), "no plain numbers"),
        (np.zeros(3, [("a", "f8")]), "no plain numbers"),
        (np.array(["text"]), "no plain numbers"),
        (np.zeros(3, "datetime64[s]"), "no plain numbers"),
        (sparse(indices=np.array([0, 1, 2, 10**9], np.int32)), "out of bounds"),
        (sparse(indptr=np.array([0, 4, 2, 3, 4], np.int32)), "negative"),
        (sparse(_shape=(10**9, 10**9)), "which no body needs"),
        (
            Calls(multiarray._reconstruct, np.ndarray, (0,), b"b", state=(1, (9,), np.dtype("f8"), False, b"8 bytes!")),
            "",
        ),
        (Calls(multiarray._reconstruct, np.ndarray, (0,), b"b", state=(1, (1,), "f8", False, b"8 bytes!")), "no known"),
    ],
)
def test_arrays_that_are_not_what_they_say_are_refused(mark: Path, value: Any, words: str) -> None:
    assert words in refusal(mark, pickle.dumps({"weights": value}, 2))
