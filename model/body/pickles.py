# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading numbers out of a pickle without running anything of it.

A pickle names functions and classes to be called. Here every name that a body file needs stands for an inert
stand-in of our own, which only keeps what it is given or makes an array of plain numbers; every other name ends the
reading. So numpy, scipy and chumpy are never called with arguments chosen by the file.
"""

import pickle  # noqa: S403 - only with the stand-ins below
import re
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

PLAIN_NUMBERS = re.compile(r"([<>=|]?)([biuf])([1248])")


class _Record:
    """An object of a known class, kept as its state."""

    state: dict[str, Any]

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, dict):
            raise pickle.UnpicklingError("an object's state is not a dictionary")
        self.state = state


class _Sparse(_Record):
    """A scipy.sparse matrix in compressed columns or rows."""


class _Columns(_Sparse):
    kind = staticmethod(sp.csc_matrix)


class _Rows(_Sparse):
    kind = staticmethod(sp.csr_matrix)


class _Chumpy(_Record):
    """A leaf of chumpy's expression graph, which holds its value as `x`."""


class _ChumpySelection(_Chumpy):
    """Some entries `idxs` of another chumpy object `a`, in a shape of their own."""


class _Numbers:
    """What becomes of a dtype: its code, and its byte order once the state has told it."""

    def __init__(self, code: Any) -> None:
        match = PLAIN_NUMBERS.fullmatch(_text(code))
        if match is None:
            raise pickle.UnpicklingError(f"arrays of {code!r} are not plain numbers")
        self.dtype = np.dtype(match.group())

    def __setstate__(self, state: Any) -> None:
        order = _text(state[1])
        self.dtype = self.dtype.newbyteorder("=" if order == "|" else order)  # pyright: ignore[reportArgumentType]


class _Array:
    """What becomes of an array: empty until its state is set."""

    values: NDArray[Any]

    def __setstate__(self, state: Any) -> None:
        _, shape, numbers, fortran, data = state
        self.values = _values(data, numbers, shape, "F" if fortran else "C")


class _Maker:
    """A function that a pickle may call; it cannot be altered from within the pickle."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make

    def __call__(self, *arguments: Any) -> Any:
        return self._make(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("an attempt to alter a function")


def _text(value: Any) -> str:
    return value.decode("latin1") if isinstance(value, bytes) else str(value)


def _values(data: Any, numbers: Any, shape: Any, order: Any) -> NDArray[Any]:
    if not isinstance(numbers, _Numbers):
        raise pickle.UnpicklingError("an array without a type of numbers")
    raw = data.encode("latin1") if isinstance(data, str) else data
    values = np.frombuffer(raw, numbers.dtype).reshape(tuple(int(n) for n in shape), order="F" if order == "F" else "C")
    return values.astype(numbers.dtype.newbyteorder("="))


def _array_from_buffer(data: Any, numbers: Any, shape: Any, order: Any) -> _Array:
    array = _Array()
    array.values = _values(data, numbers, shape, order)
    return array


def _new_record(kind: Any, *_: Any) -> _Record:
    if not (isinstance(kind, type) and issubclass(kind, _Record)):
        raise pickle.UnpicklingError("an object of a class that no body needs")
    return kind()


def _bytes(text: Any, encoding: Any) -> bytes:
    if _text(encoding) not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"bytes written as {encoding!r}")
    return str(text).encode("latin1")


class _ArrayClass:
    """Stands for the name numpy.ndarray, which a pickle only passes on to the function that makes arrays."""


STAND_INS: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _ArrayClass,
    ("numpy", "dtype"): _Maker(lambda code, *_: _Numbers(code)),  # pyright: ignore[reportUnknownLambdaType]
    ("multiarray", "_reconstruct"): _Maker(lambda *_: _Array()),
    ("multiarray", "scalar"): _Maker(lambda numbers, data: _values(data, numbers, (), "C").item()),
    ("numeric", "_frombuffer"): _Maker(_array_from_buffer),
    ("csc", "csc_matrix"): _Columns,
    ("csr", "csr_matrix"): _Rows,
    ("copyreg", "_reconstructor"): _Maker(_new_record),
    ("copyreg", "__newobj__"): _Maker(_new_record),
    ("_codecs", "encode"): _Maker(_bytes),
    ("builtins", "object"): _Record,
}
"""Stand-ins by the last part of the module's name and the name; numpy and scipy have moved these between modules."""

MODULES = re.compile(
    r"numpy|numpy\._?core\.(multiarray|numeric)|scipy\.sparse\._?cs[cr]|copyreg|_codecs|builtins|chumpy(\.\w+)*"
)


class _NumbersOnly(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        if MODULES.fullmatch(module_name):
            if module_name.startswith("chumpy"):
                return _ChumpySelection if global_name == "Select" else _Chumpy
            stand_in = STAND_INS.get((module_name.rpartition(".")[2].lstrip("_" if "sparse" in module_name else ""), global_name))
            if stand_in is not None:
                return stand_in
        raise pickle.UnpicklingError(f"it asks for {module_name}.{global_name}, which no body needs")

    def persistent_load(self, pid: Any, /) -> Any:
        raise pickle.UnpicklingError("it refers to objects outside the file")


def read_pickle(file: BinaryIO) -> dict[str, Any]:
    """The dictionary in a pickle: numpy arrays of numbers by name, beside plain Python values.

    scipy's csc and csr matrices become full arrays, chumpy's leaves and selections arrays; what else was made with
    chumpy is left out. Raises pickle.UnpicklingError, and whatever else a broken pickle leads to.
    """
    found = _NumbersOnly(file, encoding="latin1").load()
    if not isinstance(found, dict):
        raise pickle.UnpicklingError("it holds no dictionary")
    plain = {_text(name): _plain(value) for name, value in found.items()}
    return {name: value for name, value in plain.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, _Array):
        return value.values
    if isinstance(value, _Sparse):
        state = {name: _plain(part) for name, part in value.state.items()}
        parts = (state["data"], state["indices"], state["indptr"])
        return value.kind(parts, shape=state["_shape"]).toarray()  # pyright: ignore[reportAttributeAccessIssue]
    if isinstance(value, _ChumpySelection):
        source, indices = _plain(value.state["a"]), _plain(value.state["idxs"])
        shape = _plain(value.state.get("preferred_shape"))
        return source.ravel()[indices].reshape(indices.shape if shape is None else shape)
    if isinstance(value, _Chumpy):
        return _plain(value.state.get("x"))
    return None if isinstance(value, (_Record, _Numbers, _ArrayClass)) else value
