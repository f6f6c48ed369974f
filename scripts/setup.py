# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets up everything that the demonstration and the tests need, inside the checkout. Standard library only.

Run by scripts/demo and scripts/test with Python 3.11. A second run finds everything done and needs no network.
"""

import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = ROOT / ".venv"
BLENDER_313 = ROOT / ".venv-blender-3.13"
CLIP = ROOT / ".cache/sports2d/demo.mp4"
CLIP_SHA256 = "d9a66417185647b112304b57093f0c180f37a768e6a14daca75ca541f3b78039"

LIBRARIES = {
    "libX11.so.6": "libx11-6",
    "libXrender.so.1": "libxrender1",
    "libXfixes.so.3": "libxfixes3",
    "libXi.so.6": "libxi6",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libSM.so.6": "libsm6",
    "libICE.so.6": "libice6",
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libEGL_mesa.so.0": "libegl-mesa0",
}
"""What Blender loads from the system, by the Debian package that brings it."""


def main() -> int:
    missing = missing_packages()
    if missing:
        print("Some system packages are missing. On Debian or Ubuntu, this installs them:", file=sys.stderr)
        print(f"  sudo apt install {' '.join(missing)}", file=sys.stderr)
        return 1
    make_environment(ENVIRONMENT, Path(sys.executable), ["engine.txt", "blender.txt", "dev.txt", "train.txt"])
    install_stubs()
    fetch_clip()
    if "--blender-3.13" in sys.argv:
        python = find_python_313()
        if python:
            make_environment(BLENDER_313, python, ["blender-3.13.txt"])
        else:
            print("No Python 3.13 on this machine: the tests in Blender 5.2 will be skipped.")
    return 0


def missing_packages() -> list[str]:
    """Debian packages that are not there, found by what Blender would load."""
    missing = []
    for library, package in LIBRARIES.items():
        try:
            ctypes.CDLL(library)
        except OSError:
            missing.append(package)
    drivers = [folder for pattern in ("*/dri", "dri") for folder in Path("/usr/lib").glob(pattern)]
    if not any(any(folder.glob("*swrast*")) or any(folder.glob("libgallium*")) for folder in drivers):
        missing.append("libgl1-mesa-dri")
    try:
        import ensurepip  # noqa: F401, PLC0415 - Debian keeps it in a package of its own
    except ImportError:
        missing.append("python3.11-venv")
    return missing


def make_environment(folder: Path, python: Path, lists: list[str]) -> None:
    """Make a virtual environment with the pinned packages, unless it is there already as these lists say."""
    files = [ROOT / "requirements" / name for name in lists]
    wanted = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    stamp = folder / ".installed"
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print(f"Installing into {folder.name}; the first time this downloads about 1 GB.", flush=True)
    stamp.unlink(missing_ok=True)
    if not (folder / "bin/python").exists():
        subprocess.run([python, "-m", "venv", folder], check=True)
    arguments = [word for file in files for word in ("-r", str(file))]
    subprocess.run([folder / "bin/python", "-m", "pip", "install", "--quiet", *arguments], check=True)
    stamp.write_text(wanted)


def install_stubs() -> None:
    """Type stubs of Blender's modules, outside site-packages, where they would hide the real ones."""
    wanted = (ROOT / "requirements/stubs.txt").read_text()
    stamp = ENVIRONMENT / "stubs/.installed"
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    shutil.rmtree(stamp.parent, ignore_errors=True)
    pip = [ENVIRONMENT / "bin/python", "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--target", stamp.parent, "-r", ROOT / "requirements/stubs.txt"], check=True)
    stamp.write_text(wanted)


def fetch_clip() -> None:
    """The demonstration clip out of the Sports2D wheel (BSD-3-Clause). Nothing of the wheel is installed."""
    if CLIP.is_file() and hashlib.sha256(CLIP.read_bytes()).hexdigest() == CLIP_SHA256:
        return
    folder = CLIP.parent
    folder.mkdir(parents=True, exist_ok=True)
    pip = [ENVIRONMENT / "bin/python", "-m", "pip", "download", "--quiet", "--no-deps"]
    subprocess.run([*pip, "-d", folder, "-r", ROOT / "requirements/demo.txt"], check=True)
    wheel = next(folder.glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read("Sports2D/Demo/demo.mp4")
    if hashlib.sha256(content).hexdigest() != CLIP_SHA256:
        sys.exit("The clip in the Sports2D wheel is not the one expected.")
    part = CLIP.with_suffix(".part")
    part.write_bytes(content)
    part.replace(CLIP)
    wheel.unlink()


def find_python_313() -> Path | None:
    """A Python 3.13 that runs: on the path, or one that pyenv holds."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = shutil.which("python3.13")
    candidates = [*([Path(found)] if found else []), *sorted(pyenv.glob("3.13*/bin/python3.13"))]
    for candidate in candidates:
        # A shim of pyenv may be on the path and still run nothing.
        if (
            subprocess.run([candidate, "-c", "import venv, ensurepip"], capture_output=True, check=False).returncode
            == 0
        ):
            return candidate
    return None


if __name__ == "__main__":
    sys.exit(main())
