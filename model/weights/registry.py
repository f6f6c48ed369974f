# SPDX-License-Identifier: GPL-3.0-or-later
"""Which weights there are, where they came from, under which licence, and whether they are still what they were.

Every file of weights has a card beside it: a TOML file of the same stem. A card must give `title`, `file`, `sha256`,
`size` (bytes), `licence` and `origin`; whatever else it gives (how the file was made, checks, figures) is for readers.
"""

import hashlib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from ..protocol import Code, Failure

MODEL: Final = Path(__file__).resolve().parents[1]
FOLDERS: Final = (MODEL / "weights", MODEL / "weights" / "third_party", MODEL / "body")
BLOCK: Final = 1 << 20


@dataclass(frozen=True)
class Card:
    """What is known about one file of weights. `path` is the file; `details` is everything in the card."""

    name: str
    title: str
    path: Path
    sha256: str
    size: int
    licence: str
    origin: str
    details: dict[str, Any] = field(repr=False)


def cards(folders: Iterable[Path] = FOLDERS) -> list[Card]:
    """The cards in the folders, by folder and name. Raises Failure(WEIGHTS_CORRUPT) for a card that is none."""
    return [_read(path) for folder in folders for path in sorted(folder.glob("*.toml"))]


def locate(name: str, folders: Iterable[Path] = FOLDERS) -> Path:
    """The file of the weights called `name` (a card's stem), after its hash was verified, once in a process.

    Raises Failure: WEIGHTS_MISSING, or WEIGHTS_CORRUPT if the file is not the one that the card describes.
    """
    for folder in folders:
        path = folder / f"{name}.toml"
        if path.is_file():
            card = _read(path)
            _verify(card)
            return card.path
    raise Failure(Code.WEIGHTS_MISSING, f"{name} is not among the weights.")


def main(folders: Iterable[Path] = FOLDERS) -> int:
    """Print a table of all weights and verify each. The exit status is 0 if every file is what its card says."""
    failures = 0
    for card in cards(folders):
        try:
            _verify(card)
            state = "verified"
        except Failure as failure:
            state = failure.message
            failures += 1
        print(f"{card.name}: {state}\n  {card.title}")
        print(f"  {card.path.parent.name}/{card.path.name}, {card.size / 1e6:.1f} MB, sha256 {card.sha256}")
        print(f"  {card.licence}; from {card.origin}")
    return 1 if failures else 0


def _read(path: Path) -> Card:
    try:
        details = tomllib.loads(path.read_text(encoding="utf-8"))
        return Card(
            name=path.stem,
            title=str(details["title"]),
            path=path.parent / str(details["file"]),
            sha256=str(details["sha256"]),
            size=int(details["size"]),
            licence=str(details["licence"]),
            origin=str(details["origin"]),
            details=details,
        )
    except (KeyError, ValueError) as error:
        raise Failure(Code.WEIGHTS_CORRUPT, f"The card {path.name} cannot be read: {error}.") from error


def _verify(card: Card) -> None:
    try:
        state = card.path.stat()
    except OSError as error:
        raise Failure(Code.WEIGHTS_MISSING, f"{card.path.name} is not there.") from error
    if state.st_size != card.size:
        raise Failure(Code.WEIGHTS_CORRUPT, f"{card.path.name} has {state.st_size} bytes instead of {card.size}.")
    # A file that changes while the engine runs is read again.
    if _sha256(card.path, state.st_mtime_ns) != card.sha256:
        raise Failure(Code.WEIGHTS_CORRUPT, f"{card.path.name} is not the file that its card describes.")


@cache
def _sha256(path: Path, _changed_ns: int) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
