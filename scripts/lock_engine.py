# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes requirements/lock/PYTHON-PLATFORM.txt from requirements/engine.txt: every file the engine is installed from.

One line a wheel, with its hash, size and licence, so that the installer can say beforehand what it will do.
torch itself stays out: its build depends on the machine (requirements/torch.toml); what torch needs stands in the lock.
Run on Linux with pip 25 or newer; the wheels are downloaded into a folder that may be kept.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from email.parser import HeaderParser
from pathlib import Path

from pip._vendor.packaging.requirements import Requirement
from pip._vendor.packaging.utils import canonicalize_name, parse_wheel_filename

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ROOT / "requirements/lock"
PYTHONS = ("3.11", "3.13")
PLATFORMS = {
    "linux": ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"),
    "windows": ("win_amd64",),
    "macos": tuple(f"macosx_{version}_0_arm64" for version in (14, 13, 12, 11)),
}
INSTALLER = "pip==26.3"
"""The pip that installs the rest; what comes with a Python may be years old and cannot say how far it is."""


def pip(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--quiet", *arguments], check=True)


def target(python: str, platform: str) -> list[str]:
    tags = [word for tag in PLATFORMS[platform] for word in ("--platform", tag)]
    return ["--only-binary", ":all:", "--python-version", python, *tags]


def wanted(python: str) -> list[str]:
    """The pins that hold for a Python; in place of torch, the libraries that torch needs on every system."""
    lines = (ROOT / "requirements/engine.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    here = {"python_version": python, "python_full_version": f"{python}.0", "extra": "", "platform_system": ""}
    pins = [pin for pin in pins if pin.marker is None or pin.marker.evaluate(here)]
    torch = next(pin for pin in pins if pin.name == "torch")
    needs = map(Requirement, requires_of(str(torch), python))
    needs = [need for need in needs if need.marker is None or need.marker.evaluate(here)]
    return [INSTALLER, *(f"{pin.name}{pin.specifier}" for pin in [*pins, *needs] if pin.name != "torch")]


def requires_of(pin: str, python: str) -> list[str]:
    """What a package says it needs, markers included."""
    report = LOCKS / "report.json"
    pip("install", "--dry-run", "--ignore-installed", "--no-deps", "--target", str(LOCKS / "nowhere"),
        "--report", str(report), *target(python, "linux"), pin)  # fmt: skip
    found = json.loads(report.read_text(encoding="utf-8"))["install"][0]["metadata"]
    report.unlink()
    return found.get("requires_dist", [])


def line_of(wheel: Path) -> str:
    """A wheel's line in the lock, which pip reads as a requirement and the installer as a statement."""
    name, version, _, _ = parse_wheel_filename(wheel.name)
    content = wheel.read_bytes()
    return (
        f"{name}=={version} --hash=sha256:{hashlib.sha256(content).hexdigest()}  # {len(content)} {licence_of(wheel)}"
    )


def licence_of(wheel: Path) -> str:
    with zipfile.ZipFile(wheel) as archive:
        metadata = next(name for name in archive.namelist() if name.count("/") == 1 and name.endswith("/METADATA"))
        fields = HeaderParser().parsestr(archive.read(metadata).decode("utf-8"))
    classified = [text.rpartition(" :: ")[2] for text in fields.get_all("Classifier", []) if "License ::" in text]
    said = fields.get("License-Expression") or ", ".join(classified) or (fields.get("License") or "").strip()
    return said if 0 < len(said) < 80 and "\n" not in said else canonicalize_name(fields["Name"]) + "'s own"


def lock(python: str, platform: str, wheels: Path) -> Iterable[str]:
    """Download what an engine needs; its lines, pip first."""
    folder = wheels / f"{python}-{platform}"
    folder.mkdir(parents=True, exist_ok=True)
    if platform == "linux":
        pip("download", "--dest", str(folder), *target(python, platform), *wanted(python))
    else:
        # The same versions as on Linux: none of them needs more on the other systems.
        pins = [
            line.split()[0] for line in (LOCKS / f"{python}-linux.txt").read_text("utf-8").splitlines() if "==" in line
        ]
        pip("download", "--no-deps", "--dest", str(folder), *target(python, platform), *pins)
    lines = sorted(line_of(wheel) for wheel in folder.glob("*.whl"))
    return sorted(lines, key=lambda line: not line.startswith("pip=="))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheels", type=Path, required=True, help="folder for the downloaded wheels")
    wheels = parser.parse_args().wheels
    LOCKS.mkdir(exist_ok=True)
    for python in PYTHONS:
        for platform in PLATFORMS:
            text = "\n".join(lock(python, platform, wheels)) + "\n"
            head = (
                "# Made by scripts/lock_engine.py from requirements/engine.txt: name, hash, # size in bytes, licence.\n"
            )
            (LOCKS / f"{python}-{platform}.txt").write_text(head + text, encoding="utf-8")
            print(f"{python}-{platform}: {len(text.splitlines())} wheels", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
