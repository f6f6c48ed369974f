# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m model doctor`: what the engine has, on which device it would run, and what it lacks."""

import importlib
import importlib.metadata
import platform
import re
import sys
from pathlib import Path

from .devices import best_device
from .protocol import ENGINE_VERSION, PROTOCOL_VERSION, Failure

REQUIREMENTS = Path(__file__).resolve().parents[1] / "requirements" / "engine.txt"
MODULES = {"opencv-python-headless": "cv2", "PyWavelets": "pywt"}
"""Packages whose module has another name than they have."""


def main() -> int:
    """Print the report; 0 if a capture could run."""
    print(f"Reel to Rig engine {ENGINE_VERSION}, protocol {PROTOCOL_VERSION}")
    print(f"Python {platform.python_version()} at {sys.executable}, {platform.platform()}")
    lacks = [problem for name, version in _required() if (problem := _check_package(name, version))]
    device = best_device()
    memory = f", {device.memory_mb} MiB" if device.memory_mb else ""
    print(f"device: {device.kind} ({device.name}{memory})")
    lacks += _check_weights()
    for problem in lacks:
        print(f"MISSING: {problem}")
    print("Everything that a capture needs is there." if not lacks else "A capture cannot run yet; see above.")
    return 1 if lacks else 0


def _required() -> list[tuple[str, str]]:
    """Name and pinned version of every package in requirements/engine.txt."""
    text = REQUIREMENTS.read_text(encoding="utf-8")
    return re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)", text, re.MULTILINE)


def _check_package(name: str, wanted: str) -> str:
    try:
        found = importlib.metadata.version(name)
        importlib.import_module(MODULES.get(name, name))
    except (ImportError, OSError) as error:
        print(f"  {name}: {error}")
        return f"{name} {wanted}: pip install {name}=={wanted}"
    same = found.partition("+")[0] == wanted
    print(f"  {name} {found}" + ("" if same else f" (tested with {wanted})"))
    return ""


def _check_weights() -> list[str]:
    from .weights.registry import cards, locate  # noqa: PLC0415 - after the packages were reported on

    problems = []
    for card in cards():
        try:
            locate(card.name)
            print(f"  {card.name}: {card.size / 1e6:.1f} MB, intact")
        except Failure as failure:
            problems.append(f"{failure.message} {failure.hint}")
    return problems
