# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that Blender takes for the engine's Python, and that run a scripted engine instead."""

import sys
from pathlib import Path

from tests.addon.blender import ROOT

PRODUCING = ("good", "promises", "truncates", "chatty", "late")
GROWING = ("grows", "grows_and_dies")


def make_engine(folder: Path, manner: str) -> Path:
    """An engine of a manner of producing_, growing_ or pretended_engine.py. Notes its process in FOLDER/MANNER.pid.

    "no program" cannot be executed at all.
    """
    script = "-m tests.addon.capture.producing_engine"
    if manner in GROWING:
        script = "-m tests.addon.capture.growing_engine"
    elif manner not in PRODUCING:
        script = f'"{ROOT}/tests/addon/engine/pretended_engine.py"'
    engine = folder / f"python of {manner}"
    engine.write_text(
        "#!/bin/sh\n"
        f'echo $$ > "{folder}/{manner}.pid"\n'
        f'export PYTHONPATH="$PYTHONPATH:{ROOT}"\n'
        f'exec "{sys.executable}" {script} {manner}\n'
    )
    engine.chmod(0o644 if manner == "no program" else 0o755)
    return engine
