# SPDX-License-Identifier: GPL-3.0-or-later
"""The one engine process of this Blender: started when it is first needed, kept warm, ended with the add-on."""

from pathlib import Path

from .client import EngineClient, engine_command, engine_environment

ROOT = Path(__file__).resolve().parents[2]


class _Running:
    client: EngineClient | None = None
    python: Path | None = None
    log: Path | None = None


def client(python: Path, log: Path) -> EngineClient:
    """The client of the engine that runs in a given Python and logs to a given file."""
    if _Running.client and (_Running.python, _Running.log) != (python, log):
        close()
    if not _Running.client:
        _Running.client = EngineClient(engine_command(python), engine_environment(ROOT), log)
        _Running.python, _Running.log = python, log
    return _Running.client


def log_file() -> Path | None:
    """The log of the engine that was started last, None if there was none."""
    return _Running.log


def busy() -> bool:
    """Whether the engine has something to do."""
    return _Running.client is not None and _Running.client.busy


def close() -> None:
    """End the engine, whatever it is doing."""
    if _Running.client:
        _Running.client.close()
    _Running.client = None
