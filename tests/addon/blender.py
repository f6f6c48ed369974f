# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a script in a Blender of its own: bpy from a wheel, empty user resources, a time limit."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
MARKER = "RESULT "
PYTHONS = {"5.0": Path(sys.executable), "5.2": ROOT / ".venv-blender-3.13/bin/python"}


def add_python(python: Path) -> None:
    """Run the tests in another Python's bpy too, under its version as "4.2". Raises OSError, ValueError."""
    question = "import importlib.metadata; print(*importlib.metadata.version('bpy').split('.')[:2], sep='.')"
    done = subprocess.run([python, "-c", question], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(f"it has no bpy ({done.stderr.splitlines()[-1]})")
    PYTHONS[done.stdout.strip()] = python.absolute()


@dataclass(frozen=True)
class Run:
    """What a script's main() returned, and everything that Blender printed meanwhile."""

    result: Any
    output: str


@dataclass(frozen=True)
class Blender:
    """One version of Blender with a folder of user resources that only one test uses."""

    version: str
    resources: Path

    def run(self, script: Path, timeout_s: float = 900, **arguments: Any) -> Run:
        """Call main(**arguments) of a script in Blender; arguments and result pass as JSON."""
        python = PYTHONS[self.version]
        if not python.exists():
            import pytest  # not in Blender's environment, which imports this file too

            pytest.skip(f"no Blender {self.version} on this machine (it needs Python 3.13)")
        self.resources.mkdir(parents=True, exist_ok=True)
        environment = {
            name: value for name, value in os.environ.items() if name not in ("DISPLAY", "REEL_TO_RIG_PYTHON")
        }
        environment |= {
            "BLENDER_USER_RESOURCES": str(self.resources),
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "LIBGL_ALWAYS_SOFTWARE": "1",
        }
        command = [str(python), "-m", "tests.addon.inside", str(script), json.dumps(arguments)]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", timeout=timeout_s, check=False
        )
        output = done.stdout + done.stderr
        assert done.returncode == 0, output
        marked = [line for line in done.stdout.splitlines() if line.startswith(MARKER)]
        assert len(marked) == 1, output
        return Run(json.loads(marked[0].removeprefix(MARKER)), output.replace(marked[0], ""))
