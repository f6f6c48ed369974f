# SPDX-License-Identifier: GPL-3.0-or-later
"""Wheels in a zip or a folder, for machines without a network: scripts/bundle_engine of the source makes it. No bpy.

bundle.json   {"key": the plan it is for, "build": its torch, "wheels": {file name: sha256}}
*.whl
"""

import hashlib
import json
import zipfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from .plan import InstallFailure, Plan

INDEX: Final = "bundle.json"
CHUNK: Final = 1 << 20


def write_bundle(plan: Plan, wheels: Path, zip_file: Path) -> None:
    """Put all wheels of a folder into one zip, stored: they are compressed already."""
    part = zip_file.with_name(zip_file.name + ".part")
    files = sorted(wheels.glob("*.whl"))
    with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        index = {"key": plan.key, "build": plan.build.name, "wheels": {file.name: _digest(file) for file in files}}
        archive.writestr(INDEX, json.dumps(index, indent=1))
        for file in files:
            archive.write(file, file.name)
    part.replace(zip_file)


def build_of(bundle: Path) -> str:
    """The build of torch in a bundle. Raises InstallFailure."""
    with _opened(bundle) as (index, _):
        return index["build"]


def refuse_other(bundle: Path, plan: Plan) -> None:
    """Raises InstallFailure where the bundle cannot be read, or is not for this plan."""
    with _opened(bundle) as (index, _):
        if index["key"] != plan.key:
            raise InstallFailure(
                "This bundle is for another version of the extension, or another machine.",
                "Make one on a machine that is online, with scripts/bundle_engine of the project's source, for "
                f"Python {plan.version}, {plan.platform}, {plan.build.name}.",
            )


def unpack(bundle: Path, plan: Plan, folder: Path, report: Callable[[int], None]) -> None:
    """Copy a bundle's wheels into `folder`, each compared with its hash; those that are there already stay.

    `report` is called with the bytes done and may raise. Raises InstallFailure where the bundle is not whole, or not
    for this plan.
    """
    refuse_other(bundle, plan)
    with _opened(bundle) as (index, opened):
        _copy_all(index["wheels"], folder, report, opened)


@contextmanager
def _opened(bundle: Path) -> Generator[tuple[dict[str, Any], Callable[[str], IO[bytes]]]]:
    """A bundle's index, and what opens its files. Raises InstallFailure, also for what goes wrong inside the block."""
    try:
        if bundle.is_dir():
            yield json.loads((bundle / INDEX).read_text(encoding="utf-8")), lambda name: (bundle / name).open("rb")
        else:
            with zipfile.ZipFile(bundle) as archive:
                yield json.loads(archive.read(INDEX)), archive.open
    except (FileNotFoundError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InstallFailure(
            f"{bundle} is no whole bundle of the engine ({error}).", "Copy it again, or make it anew."
        ) from error


def _copy_all(
    wheels: dict[str, str], folder: Path, report: Callable[[int], None], opened: Callable[[str], IO[bytes]]
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    done = 0
    for name, sha256 in wheels.items():
        if Path(name).name != name:
            raise ValueError(f"{name} is not the name of a file")
        target, part = folder / name, folder / f"{name}.part"
        if target.is_file():
            continue
        with opened(name) as source, part.open("wb") as copy:
            while chunk := source.read(CHUNK):
                copy.write(chunk)
                done += len(chunk)
                report(done)
        if _digest(part) != sha256:
            raise ValueError(f"{name} has another hash")
        part.replace(target)


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
