# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m model doctor`: what the engine has, on which device it would run, and what it lacks."""

import importlib
import importlib.metadata
import platform
import re
import sys
import time
from pathlib import Path

from .devices import Device, best_device
from .protocol import ENGINE_VERSION, PROTOCOL_VERSION, Failure

REQUIREMENTS = Path(__file__).resolve().parents[1] / "requirements" / "engine.txt"
MODULES = {"opencv-python-headless": "cv2", "PyWavelets": "pywt"}
"""Packages whose module has another name than they have."""

FRAMES = 81
MARKER = re.compile(r'^(\S+?)==(\S+)(?: *; *python_version (<|>=) "3\.(\d+)")?$', re.MULTILINE)


def main() -> int:
    """Print the report; 0 if a capture could run."""
    print(f"Reel to Rig engine {ENGINE_VERSION}, protocol {PROTOCOL_VERSION}")
    print(f"Python {platform.python_version()} at {sys.executable}, {platform.platform()}")
    lacks = [problem for name, version in _required() if (problem := _check_package(name, version))]
    device = best_device()
    memory = f", {device.memory_mb} MiB" if device.memory_mb else ""
    print(f"device: {device.kind} ({device.name}{memory})")
    lacks += _check_weights()
    if not lacks:
        lacks += _check_network(device)
    for problem in lacks:
        print(f"MISSING: {problem}")
    print("Everything that a capture needs is there." if not lacks else "A capture cannot run yet; see above.")
    return 1 if lacks else 0


def _required() -> list[tuple[str, str]]:
    """Name and pinned version of every package that requirements/engine.txt lists for this Python."""
    pins = MARKER.findall(REQUIREMENTS.read_text(encoding="utf-8"))
    return [
        (name, version)
        for name, version, side, minor in pins
        if not side or (side == "<") == (sys.version_info.minor < int(minor))
    ]


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


def _check_network(device: Device) -> list[str]:
    """Run our network where a capture would: that a library can be imported says little about a graphics card."""
    import torch  # noqa: PLC0415

    from .pipeline import NETWORK  # noqa: PLC0415
    from .recovery import recover  # noqa: PLC0415
    from .weights.network import load_network  # noqa: PLC0415

    rays = torch.linspace(-0.2, 0.2, 46).reshape(23, 2).expand(FRAMES, 23, 2)
    try:
        network = load_network(NETWORK, torch.device(device.kind))
        begun = time.perf_counter()
        found = recover(network, rays, torch.ones(FRAMES, 23), torch.arange(FRAMES).numpy() / 30, lambda _: None)
    except (RuntimeError, Failure) as error:
        return [f"the network does not run on {device.kind} ({device.name}): {error}"]
    if not found.mesh.isfinite().all():
        return [f"the network computes nonsense on {device.kind} ({device.name})"]
    print(f"network: {FRAMES} frames in {time.perf_counter() - begun:.2f} s on {device.kind}")
    return []
