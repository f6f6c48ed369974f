# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine's folder as it lies on the disk: what state it is in, what is damaged, and how it is cleared. No bpy.

env/         the virtual environment
state.json   which plan it follows, and what the check at the end said; without that it was not finished
work/        pip's cache and temporary files, a bundle's wheels: only while something is being installed
install.log
"""

import csv
import json
import os
import re
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any

from .plan import Plan


class State(Enum):
    """What an engine's folder holds, by what is to be done about it."""

    ABSENT = "The engine is not installed"
    INCOMPLETE = "The engine's installation was not finished"
    OUTDATED = "The engine is not the one that this version of the extension needs"
    BROKEN = "The engine is damaged"
    READY = "The engine is ready"


def state_of(folder: Path, plan: Plan | None) -> State:
    """Derived from the disk, in about a millisecond: files are looked for, not read.

    `plan`: what the extension would install now; None if that is not known, and then nothing is outdated.
    """
    written = read_state(folder)
    if not written and not (folder / "env").exists():
        return State.ABSENT
    if "check" not in written:
        return State.INCOMPLETE
    if plan and written["key"] != plan.key:
        return State.OUTDATED
    packages = folder / "env" / written["site"]
    intact = python_of(folder).exists() and all((packages / info / "RECORD").is_file() for info in written["packages"])
    return State.READY if intact and written["check"]["passed"] else State.BROKEN


def read_state(folder: Path) -> dict[str, Any]:
    try:
        return json.loads((folder / "state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def write_state(folder: Path, state: dict[str, Any]) -> None:
    part = folder / "state.json.part"
    part.write_text(json.dumps(state, indent=1), encoding="utf-8")
    part.replace(folder / "state.json")


def python_of(folder: Path) -> Path:
    return folder / "env" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def version_of(folder: Path) -> str:
    """The Python version, as "3.11", that an environment was made with; empty if there is none."""
    settings = folder / "env/pyvenv.cfg"
    text = settings.read_text(encoding="utf-8") if settings.is_file() else ""
    found = re.search(r"^version(?:_info)? = (\d+\.\d+)", text, re.MULTILINE)
    return found[1] if found else ""


def site_packages(folder: Path, version: str) -> Path:
    inside = "Lib/site-packages" if sys.platform == "win32" else f"lib/python{version}/site-packages"
    return folder / "env" / inside


def installed(packages: Path) -> dict[str, str]:
    """Version by canonical name of all that was installed to its end: pip writes RECORD last."""
    return dict(name_and_version(info) for info in packages.glob("*.dist-info") if (info / "RECORD").is_file())


def name_and_version(info: Path) -> tuple[str, str]:
    """What the name of a .dist-info folder says, the name in its canonical form."""
    name, _, version = info.name.removesuffix(".dist-info").rpartition("-")
    return canonical(name), version


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def sweep(packages: Path) -> None:
    """Take away what an interrupted pip left: packages without a record, and those that it had set aside as ~name."""
    torn = [info for info in packages.glob("*.dist-info") if not (info / "RECORD").is_file()]
    for folder in [*torn, *packages.glob("~*")]:
        remove(folder)


def damaged(packages: Path) -> list[Path]:
    """The .dist-info folders of the packages of which a file is missing or has another size than its record says."""
    return [record.parent for record in packages.glob("*.dist-info/RECORD") if not _whole(packages, record)]


def _whole(packages: Path, record: Path) -> bool:
    try:
        return all(_intact(packages / path, size) for path, size in _recorded(record))
    except (ValueError, csv.Error):  # The record itself is damaged.
        return False


def _recorded(record: Path) -> Iterator[tuple[str, str]]:
    with record.open(encoding="utf-8", newline="") as lines:
        for path, _, size in csv.reader(lines):
            if not path.endswith(".pyc"):
                yield path, size


def _intact(file: Path, size: str) -> bool:
    try:
        return not size or file.stat().st_size == int(size)
    except OSError:
        return False


def remove(path: Path) -> None:
    """Delete a file or a folder to the last byte; what is read-only too. Raises OSError."""
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)
    elif sys.version_info >= (3, 12):
        shutil.rmtree(path, onexc=_insist)
    else:
        shutil.rmtree(path, onerror=_insist)


def _insist(function: Callable[[str], object], path: str, _: object) -> None:
    Path(path).parent.chmod(stat.S_IRWXU)
    os.chmod(path, stat.S_IRWXU)  # noqa: PTH101 - a path as shutil gives it
    function(path)


def size_of(folder: Path) -> int:
    """Bytes in all files of a folder."""
    return sum(file.lstat().st_size for file in folder.rglob("*") if not file.is_dir() or file.is_symlink())
