# SPDX-License-Identifier: GPL-3.0-or-later
"""What stages of earlier captures found, kept on the disk: the same work is not done twice.

An entry is known by all that its arrays depend on: the footage's bytes, the settings that matter for them, and the
engine's own code and weights. So there are no entries that are out of date, only some that nobody asks for any more.
"""

import hashlib
import json
import os
import time
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

ABANDONED_S: Final = 60.0
"""Nobody is still writing a file that has not changed for so long."""
KEPT_EVERY_S: Final = 2.0
"""How much of an interrupted stage's work may be lost."""

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
        except Exception:  # numpy and zipfile answer damage with whatever it leads them to.
            return None
        return arrays

    def store(self, stage: str, depends: Mapping[str, Any], arrays: Arrays) -> bool:
        """Keep a stage's arrays; whether they were. A cache that cannot be written is done without."""
        path = self._path(stage, depends)
        if path is None:
            return False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with written_beside(path) as part, part.open("wb") as file:
                np.savez(file, **dict(arrays))
        except (Failure, OSError):
            return False
        with suppress(OSError):
            _prune(path.parent)
        return True

    def kept(
        self,
        stage: str,
        depends: Mapping[str, Any],
        make: Callable[["Journal"], Result],
        pack: Callable[[Result], Arrays],
        unpack: Callable[[Arrays], Result],
    ) -> Result:
        """What a stage yields: unpacked from its entry, or made, with the help of a journal, and packed into one."""
        arrays = self.load(stage, depends)
        if arrays is not None:
            with suppress(KeyError, ValueError, TypeError):
                return unpack(arrays)
        journal = Journal(self, stage, depends)
        try:
            result = make(journal)
        except BaseException:
            journal.keep()
            raise
        self.store(stage, depends, pack(result))
        journal.forget()
        return result

    def drop(self, stage: str, depends: Mapping[str, Any]) -> None:
        """Forget a stage's arrays."""
        path = self._path(stage, depends)
        with suppress(OSError):
            if path:
                path.unlink(missing_ok=True)

    def _path(self, stage: str, depends: Mapping[str, Any]) -> Path | None:
        if self._folder is None:
            return None
        known_by = [_engine(), self._footage_sha256, stage, sorted(depends.items())]
        return self._folder / f"{stage}-{hashlib.sha256(json.dumps(known_by).encode()).hexdigest()[:32]}.npz"


class Journal:
    """What a long stage finds bit by bit, kept every few seconds: an attempt that follows an interrupted one goes on.

    A stage asks `once` for one thing after the other, each time in the same order.
    """

    def __init__(self, cache: Cache, stage: str, depends: Mapping[str, Any]) -> None:
        self._cache, self._stage, self._depends = cache, stage, depends
        self._known: list[Arrays] = []
        self._parts: list[str] = []
        self._kept = self._next = 0
        while part := cache.load(self._name(), depends):
            count = 1 + max(int(name.partition(".")[0]) for name in part)
            self._known += [_numbered(part, number) for number in range(count)]
            self._parts.append(self._name())
            self._kept += count
        self._kept_s = time.monotonic()

    def from_the_start(self) -> "Journal":
        """The journal for an attempt that begins anew."""
        self._next = 0
        return self

    def once(self, find: Callable[[], Arrays]) -> Arrays:
        """The next thing: as it was found before, or as it is found now."""
        if self._next == len(self._known):
            self._known.append(find())
            if time.monotonic() - self._kept_s > KEPT_EVERY_S:
                self.keep()
        self._next += 1
        return self._known[self._next - 1]

    def keep(self) -> None:
        """Write down what is new."""
        new = self._known[self._kept :]
        if new:
            numbered = {f"{number}.{name}": values for number, one in enumerate(new) for name, values in one.items()}
            if self._cache.store(self._name(), self._depends, numbered):  # Else all of it is tried again.
                self._parts.append(self._name())
                self._kept = len(self._known)
        self._kept_s = time.monotonic()

    def forget(self) -> None:
        """Remove what was written down."""
        for part in self._parts:
            self._cache.drop(part, self._depends)

    def _name(self) -> str:
        """The next part's: how much comes before it. Parts are not of equal length, and one may be lost."""
        return f"{self._stage}.{self._kept}"


def _numbered(part: Arrays, number: int) -> Arrays:
    """One of the things in a part of a journal."""
    return {name.partition(".")[2]: values for name, values in part.items() if name.startswith(f"{number}.")}


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
    """Remove what was not used for longest, until the rest is small enough, and what a crash left half written."""
    for path in folder.glob("*.part"):
        if time.time() - path.stat().st_mtime > ABANDONED_S:
            path.unlink(missing_ok=True)
    states = sorted(((path.stat(), path) for path in folder.iterdir()), key=lambda entry: entry[0].st_mtime)
    excess = sum(state.st_size for state, _ in states) - LARGEST_BYTES
    for state, path in states:
        if excess <= 0:
            return
        path.unlink(missing_ok=True)
        excess -= state.st_size
