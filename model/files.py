# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing results: never half a file, and one clear Failure when the disk or the folder refuses."""

import errno
import os
from collections.abc import Generator
from contextlib import contextmanager
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

    Raises Failure(DISK_FULL or OUTPUT_UNWRITABLE) for an OSError inside.
    """
    target = Path(path)
    part = target.with_name(target.name + ".part")
    with output_failures(target):
        try:
            yield part
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
