# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading numbers out of a pickle without running anything of it.

A pickle names functions and classes and has them called. Here every name that a body file needs stands for a class of
our own that only keeps what it is given, and every other name ends the reading; so nothing of numpy, scipy or chumpy
is ever called as the file asks. What was kept becomes arrays afterwards, by the methods below, with checks.
"""

import pickle
import re
from collections.abc import Callable
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

LARGEST_MATRIX: Final = 10**8


class _Kept:
    """What a pickle made: the arguments it gave and the state it set."""

    arguments: tuple[Any, ...] = ()
    state: Any = None

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def evaluated(self) -> Any:
        """The value this stands for. Raises UnpicklingError, or whatever nonsense in the file leads to."""
        raise pickle.UnpicklingError("it holds something that is neither a number nor an array")


class _Bytes(_Kept):
    """Bytes, as Python 3 writes them for Python 2: a text to be encoded, or nothing."""

    def evaluated(self) -> bytes:
        return self.arguments[0].encode("latin1") if self.arguments else b""


class _NumberType(_Kept):
    """numpy.dtype: a code such as f8, and a state that holds the byte order."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        if not re.fullmatch(r"[<>=|]?[biuf][1248]", str(arguments[0])):
            raise pickle.UnpicklingError(f"it holds an array of {str(arguments[0])[:20]!r}: no plain numbers")

    def evaluated(self) -> np.dtype[Any]:
        order = str(self.state[1]) if self.state else "="
        code = str(self.arguments[0])
        return np.dtype(f"{order}{code}" if order in ("<", ">") and code[0] in "biuf" else code)


class _Array(_Kept):
    """numpy.ndarray, made empty and then given its state."""

    def evaluated(self) -> NDArray[Any]:
        _, shape, kind, fortran, data = self.state
        return _array(data, kind, shape, "F" if fortran else "C")


class _ArrayFromBuffer(_Kept):
    """numpy.ndarray as the newest pickles hold it."""

    def evaluated(self) -> NDArray[Any]:
        data, kind, shape, order = self.arguments
        return _array(data, kind, shape, "F" if order == "F" else "C")


class _Scalar(_Kept):
    """One of numpy's numbers."""

    def evaluated(self) -> Any:
        kind, data = self.arguments
        return _array(data, kind, (), "C").item()


class _SparseColumns(_Kept):
    """scipy.sparse.csc_matrix, by its state; evaluates to a full matrix."""

    def evaluated(self) -> NDArray[Any]:
        data, indices, bounds, shape = (_evaluated(self.state[n]) for n in ("data", "indices", "indptr", "_shape"))
        rows, columns = (int(_evaluated(n)) for n in shape)
        if rows * columns > LARGEST_MATRIX:
            raise pickle.UnpicklingError(f"it holds a matrix of {rows} x {columns}, which no body needs")
        major = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
        matrix = np.zeros((rows, columns))
        np.add.at(matrix, self._entries(indices, major), data)
        return matrix

    def _entries(self, indices: NDArray[Any], major: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        return indices, major


class _SparseRows(_SparseColumns):
    """scipy.sparse.csr_matrix."""

    def _entries(self, indices: NDArray[Any], major: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        return major, indices


class _Chumpy(_Kept):
    """An object of chumpy, the library of SMPL's first releases. Only those that hold numbers can be evaluated."""

    def evaluated(self) -> Any:
        if "x" not in self.state:
            raise pickle.UnpicklingError("it holds a formula of chumpy where an array is needed")
        return _evaluated(self.state["x"])


class _ChumpySelection(_Chumpy):
    """chumpy's indexing: entries `idxs` of the flattened `a`, in a shape of their own."""

    def evaluated(self) -> NDArray[Any]:
        chosen = np.ravel(_evaluated(self.state["a"]))[_evaluated(self.state["idxs"])]
        shape = self.state.get("preferred_shape")
        return chosen if shape is None else chosen.reshape([int(_evaluated(n)) for n in shape])


class _Rebuilt(_Kept):
    """An object as the oldest pickles make it: its class is the first argument, its state is set afterwards."""

    def evaluated(self) -> Any:
        kind = self.arguments[0]
        if not (isinstance(kind, type) and issubclass(kind, _Kept)):
            raise pickle.UnpicklingError("it holds an object of no class")
        made = kind()
        made.state = self.state
        return made.evaluated()


STAND_INS: Final[dict[str, type[_Kept]]] = {
    "numpy.ndarray": _Kept,
    "numpy.dtype": _NumberType,
    "numpy.core.multiarray._reconstruct": _Array,
    "numpy.core.multiarray.scalar": _Scalar,
    "numpy.core.numeric._frombuffer": _ArrayFromBuffer,
    "scipy.sparse.csc.csc_matrix": _SparseColumns,
    "scipy.sparse.csc.csc_array": _SparseColumns,
    "scipy.sparse.csr.csr_matrix": _SparseRows,
    "scipy.sparse.csr.csr_array": _SparseRows,
    "chumpy.reordering.Select": _ChumpySelection,
    "copyreg._reconstructor": _Rebuilt,
    "builtins.object": _Kept,
    "builtins.set": _Kept,
    "builtins.bytes": _Bytes,
    "_codecs.encode": _Bytes,
}


OTHER_NAMES: Final = {
    "numpy._core.": "numpy.core.",  # numpy 2
    "scipy.sparse._cs": "scipy.sparse.cs",  # scipy 1.8
    "copy_reg.": "copyreg.",  # Python 2
    "__builtin__.": "builtins.",  # Python 2
}


class _Keeper(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> type[_Kept]:
        name = f"{module_name}.{global_name}"
        usual = name
        for other, usual_part in OTHER_NAMES.items():
            usual = usual.replace(other, usual_part)
        if usual in STAND_INS:
            return STAND_INS[usual]
        if name.startswith("chumpy."):
            return _Chumpy
        raise pickle.UnpicklingError(f"it asks for {name}, which no body needs; it may be harmful")


def read_pickle(file: BinaryIO, wanted: Callable[[str], bool]) -> dict[str, Any]:
    """The wanted entries of the dictionary in a pickle: arrays of numbers and plain Python values, by name.

    scipy's csc and csr matrices become full arrays, chumpy's objects arrays. Raises pickle.UnpicklingError for a
    pickle that asks for anything else, and whatever error a broken one leads to.
    """
    found = _Keeper(file, encoding="latin1").load()
    if not isinstance(found, dict):
        raise pickle.UnpicklingError("it holds no dictionary")
    return {str(name): _evaluated(value) for name, value in found.items() if wanted(str(name))}


def _evaluated(value: Any) -> Any:
    if isinstance(value, list):
        return [_evaluated(item) for item in value]
    return value.evaluated() if isinstance(value, _Kept) else value


def _array(data: Any, kind: Any, shape: Any, order: Any) -> NDArray[Any]:
    if not isinstance(kind, _NumberType):
        raise pickle.UnpicklingError("it holds an array of no known type")
    raw = _evaluated(data)
    raw = raw.encode("latin1") if isinstance(raw, str) else raw  # Python 2 wrote bytes as text.
    numbers = kind.evaluated()
    values = np.frombuffer(raw, numbers) if len(raw) else np.empty(0, numbers)
    return values.reshape([int(_evaluated(n)) for n in shape], order=order).astype(numbers.newbyteorder("="))
