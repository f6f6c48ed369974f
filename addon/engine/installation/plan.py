# SPDX-License-Identifier: GPL-3.0-or-later
"""What is going to be installed on this machine, from where and how large: read from requirements/. No bpy."""

import ctypes
import hashlib
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

REQUIREMENTS: Final = Path(__file__).resolve().parents[3] / "requirements"
PLATFORMS: Final = {
    ("linux", "x86_64"): "linux",
    ("win32", "amd64"): "windows",
    ("darwin", "arm64"): "macos",
}
LOCK_LINE: Final = re.compile(r"(?P<name>[\w.-]+)==(?P<version>\S+) --hash=sha256:\w+  # (?P<size>\d+) (?P<licence>.+)")
UNPACKED_FACTOR: Final = 5
"""How much room an installation takes at its height, in sizes of its download (measured: 4.2 with the cpu build)."""

MAJOR, MINOR = 75, 76
"""What the CUDA driver calls a card's compute capability."""


class InstallFailure(Exception):
    """Why there is no engine, and what can be done about it; one line each."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message} {hint}")
        self.message, self.hint = message, hint


@dataclass(frozen=True)
class Wheel:
    """One line of a lock; size in bytes."""

    name: str
    version: str
    size: int
    licence: str
    line: str


@dataclass(frozen=True)
class Build:
    """One of torch's builds, as requirements/torch.toml describes it."""

    name: str
    label: str
    index: str
    size: int
    licence: str
    local: str

    @staticmethod
    def of(entry: dict[str, Any]) -> "Build":
        name = entry["name"]
        return Build(
            name, entry["label"], entry["index"], entry["size_mb"] * 10**6, entry["licence"], entry.get("local", name)
        )


@dataclass(frozen=True)
class Plan:
    """All that an installation depends on. `python` creates the environment, `version` is its "3.11"."""

    python: Path
    version: str
    platform: str
    wheels: tuple[Wheel, ...]
    build: Build
    torch: str

    @cached_property
    def key(self) -> str:
        """What an installation is known by: another key, and it is outdated."""
        parts = [self.version, self.platform, self.torch, *(wheel.line.partition("  #")[0] for wheel in self.wheels)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    @property
    def download_size(self) -> int:
        return sum(wheel.size for wheel in self.wheels) + self.build.size

    def statement(self, bundled: bool = False) -> list[str]:
        """What an animator should know before anything is downloaded or unpacked, a sentence or two a line."""
        licences = sorted({wheel.licence for wheel in self.wheels})
        room = f"{megabytes(UNPACKED_FACTOR * self.download_size)} of disk while it is installed"
        count = f"{len(self.wheels) + 1} libraries for Python {self.version}"
        if bundled:
            source = "From the bundle: nothing is downloaded. Every file is compared with its known hash."
        else:
            room = f"about {megabytes(self.download_size)} to download, {room}"
            source = (
                f"From pypi.org and {self.build.index.partition('://')[2]}, or your own pip mirror; every file is "
                "compared with its known hash."
            )
        return [
            f"{count}, with torch {self.torch} ({self.build.label}): {room}.",
            source,
            f"Licences: {self.build.licence}; the others: {', '.join(licences)}.",
            "Into a folder of the extension's own. Blender's Python is not changed, and no administrator is needed.",
        ]


def megabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 10**9 else f"{size / 1e6:.0f} MB"


def make_plan(build: str = "auto", requirements: Path = REQUIREMENTS) -> Plan:
    """The plan for this machine. Raises InstallFailure where no library exists for it."""
    system = this_platform()
    python, version = find_python(system, requirements)
    entries = builds(system, requirements, everything=build != "auto")
    fitting = [Build.of(entry) for entry in entries if build in ("auto", entry["name"])]
    if not fitting:
        raise InstallFailure(f"There is no build {build} of torch for {system}.", "Choose another one.")
    torch = torch_version(requirements) + (f"+{fitting[0].local}" if fitting[0].local else "")
    return Plan(python, version, system, tuple(read_lock(lock_file(requirements, version, system))), fitting[0], torch)


def this_platform() -> str:
    """This machine as the locks name it. Raises InstallFailure if it has none."""
    name = PLATFORMS.get((sys.platform, platform.machine().lower()))
    if name is None:
        raise InstallFailure(
            f"torch is not made for {sys.platform} on {platform.machine()}.",
            "It is for Linux and Windows on x86-64, and for macOS on Apple silicon.",
        )
    return name


def find_python(system: str, requirements: Path) -> tuple[Path, str]:
    """The Python to make the environment with, Blender's own if there are wheels for it. Raises InstallFailure."""
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    candidates: list[tuple[str | None, str]] = [(sys.executable, own)]
    candidates += [(shutil.which(f"python{version}"), version) for version in ("3.13", "3.11")]
    for python, version in candidates:
        if python and lock_file(requirements, version, system).is_file():
            return Path(python), version
    raise InstallFailure(
        f"The engine's libraries are not made for this Blender's Python {own}.",
        "Install Python 3.13 or 3.11 from python.org and try again, or choose an engine installed elsewhere.",
    )


def lock_file(requirements: Path, version: str, system: str) -> Path:
    return requirements / "lock" / f"{version}-{system}.txt"


def read_lock(file: Path) -> Iterator[Wheel]:
    for line in file.read_text(encoding="utf-8").splitlines():
        if found := LOCK_LINE.fullmatch(line):
            yield Wheel(found["name"], found["version"], int(found["size"]), found["licence"], line)


def torch_version(requirements: Path) -> str:
    text = (requirements / "engine.txt").read_text(encoding="utf-8")
    found = re.search(r"^torch==(\S+)", text, re.MULTILINE)
    assert found, "engine.txt pins torch"
    return found[1]


def builds(system: str, requirements: Path = REQUIREMENTS, everything: bool = False) -> list[dict[str, Any]]:
    """The builds of torch that run on this machine, the best first; or everything there is for the system."""
    import tomllib

    entries = tomllib.loads((requirements / "torch.toml").read_text(encoding="utf-8"))["build"]
    entries = [entry for entry in entries if system in entry["platforms"]]
    return entries if everything else [entry for entry in entries if _fits(entry)]


def _fits(entry: dict[str, Any]) -> bool:
    if entry["device"] == "nvidia":
        driver, capability = cuda()
        lowest, highest = entry["capability"]
        return driver >= entry["driver"] and lowest <= capability <= highest
    if entry["device"] == "amd":
        return os.access("/dev/kfd", os.R_OK | os.W_OK)
    return True


def cuda() -> tuple[float, float]:
    """The newest CUDA version that the NVIDIA driver knows and the first card's compute capability; zeros without."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return 0.0, 0.0
    version, major, minor = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    calls = (
        (driver.cuInit, 0),
        (driver.cuDriverGetVersion, ctypes.byref(version)),
        (driver.cuDeviceGetAttribute, ctypes.byref(major), MAJOR, 0),
        (driver.cuDeviceGetAttribute, ctypes.byref(minor), MINOR, 0),
    )
    if any(function(*arguments) for function, *arguments in calls):
        return 0.0, 0.0
    return version.value // 1000 + version.value % 1000 // 10 / 10, major.value + minor.value / 10
