# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing results: never half a file, and one clear Failure when the disk or the folder refuses."""

import errno
import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from .protocol import Code, Failure


@contextmanager
def output_failures(path: str | os.PathLike[str]) -> Generator[None]:
    """Turn an OSError raised while `path` is written into Failure(DISK_FULL) or Failure(OUTPUT_UNWRITABLE)."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        code = Code.DISK_FULL if full else Code.OUTPUT_UNWRITABLE
        raise Failure(code, f"{os.fspath(path)}: {os.strerror(error.errno or errno.EIO)}.") from error


@contextmanager
def written_beside(path: str | os.PathLike[str]) -> Generator[Path]:
    """The name to write under, in the folder of `path`; renamed to `path` at the end, removed if anything fails.

    No two writers get the same name, so of two results for one path the last one stays, whole.
    Raises Failure(DISK_FULL or OUTPUT_UNWRITABLE) for an OSError inside.
    """
    target = Path(path)
    part = target.with_name(f"{target.name}.{secrets.token_hex(4)}.part")
    with output_failures(target):
        try:
            yield part
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Fail before the work is done, as `written_beside` would after it. Raises Failure as it does."""
    target = Path(path)
    with output_failures(target):
        if target.exists() and not target.is_file():
            raise Failure(Code.OUTPUT_UNWRITABLE, f"{target}: it is a folder or a device.", "Choose another name.")
        part = target.with_name(f"{target.name}.{secrets.token_hex(4)}.part")
        part.touch()
        part.unlink()


def same_file(a: str | os.PathLike[str], b: str | os.PathLike[str]) -> bool:
    """Whether two paths lead to one file, be it there or not."""
    with suppress(OSError):
        return Path(a).samefile(b)
    return os.path.realpath(a) == os.path.realpath(b)
