# SPDX-License-Identifier: GPL-3.0-or-later
"""What stages of earlier captures found, kept on the disk: the same work is not done twice.

An entry is known by all that its arrays depend on: the footage's bytes, the settings that matter for them, and the
engine's own code and weights. So there are no entries that are out of date, only some that nobody asks for any more.
"""

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from .files import written_beside
from .protocol import Failure

LARGEST_BYTES: Final = 2 << 30
"""Of all entries together; beyond it those go that were not used for longest."""

Arrays = Mapping[str, NDArray[Any]]
Result = TypeVar("Result")


class Cache:
    """Entries about one file of footage in a folder; without a folder nothing is kept."""

    def __init__(self, folder: str | os.PathLike[str] | None, footage_sha256: str) -> None:
        self._folder = Path(folder) if folder else None
        self._footage_sha256 = footage_sha256

    def load(self, stage: str, depends: Mapping[str, Any]) -> Arrays | None:
        """The arrays of a stage, None if they are not known, or cannot be read."""
        path = self._path(stage, depends)
        if path is None:
            return None
        try:
            with np.load(path, allow_pickle=False) as entry:
                arrays = dict(entry)
            os.utime(path)  # It was of use just now.
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
            return None
        return arrays

    def store(self, stage: str, depends: Mapping[str, Any], arrays: Arrays) -> None:
        """Keep a stage's arrays. A cache that cannot be written is done without."""
        path = self._path(stage, depends)
        if path is None:
            return
        with suppress(Failure, OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            with written_beside(path) as part, part.open("wb") as file:
                np.savez(file, **dict(arrays))
            _prune(path.parent)

    def kept(
        self,
        stage: str,
        depends: Mapping[str, Any],
        make: Callable[[], Result],
        pack: Callable[[Result], Arrays],
        unpack: Callable[[Arrays], Result],
    ) -> Result:
        """What a stage yields: unpacked from its entry, or made and packed into one."""
        arrays = self.load(stage, depends)
        if arrays is not None:
            with suppress(KeyError, ValueError, TypeError):
                return unpack(arrays)
        result = make()
        self.store(stage, depends, pack(result))
        return result

    def _path(self, stage: str, depends: Mapping[str, Any]) -> Path | None:
        if self._folder is None:
            return None
        known_by = [_engine(), self._footage_sha256, stage, sorted(depends.items())]
        return self._folder / f"{stage}-{hashlib.sha256(json.dumps(known_by).encode()).hexdigest()[:32]}.npz"


@cache
def _engine() -> str:
    """A digest of the engine's code and of the cards of its weights, which hold their digests."""
    digest = hashlib.sha256()
    root = Path(__file__).parent
    for path in sorted(path for path in root.rglob("*") if path.suffix in (".py", ".toml")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _prune(folder: Path) -> None:
    """Remove what was not used for longest, until the rest is small enough; what a crash left goes the same way."""
    states = sorted(((path.stat(), path) for path in folder.iterdir()), key=lambda entry: entry[0].st_mtime)
    excess = sum(state.st_size for state, _ in states) - LARGEST_BYTES
    for state, path in states:
        if excess <= 0:
            return
        path.unlink(missing_ok=True)
        excess -= state.st_size
