# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a zip from which the engine is installed on a machine without a network.

Run it on a machine of the same kind that is online, with the Python that Blender has on the other one (3.11 up to
Blender 5.0, 3.13 from 5.1 on). Standard library and pip only.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from addon.engine.installation.bundle import write_bundle
from addon.engine.installation.plan import InstallFailure, Plan, builds, make_plan, megabytes, this_platform


def download(plan: Plan, folder: Path) -> None:
    """All wheels of a plan into a folder. Raises CalledProcessError."""
    lines, pins = folder / "lines.txt", folder / "pins.txt"
    lines.write_text("\n".join(wheel.line for wheel in plan.wheels), encoding="utf-8")
    pins.write_text("\n".join(f"{wheel.name}=={wheel.version}" for wheel in plan.wheels), encoding="utf-8")
    pip = [plan.python, "-m", "pip", "download", "--only-binary", ":all:", "--dest", folder]
    subprocess.run([*pip, "--no-deps", "--require-hashes", "-r", lines], check=True)
    # What torch needs besides is there by now, except the libraries of some builds, which its own index has.
    own = ["--index-url", plan.build.index, "--find-links", folder, "-c", pins]
    subprocess.run([*pip, *own, f"torch=={plan.torch}"], check=True)


def main() -> int:
    choices = ["auto", *(entry["name"] for entry in builds(this_platform(), everything=True))]
    parser = argparse.ArgumentParser(prog="bundle_engine", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, help="default: dist/engine-PYTHON-PLATFORM-BUILD.zip")
    parser.add_argument("--build", choices=choices, default="auto", help="which torch; default: what fits this machine")
    arguments = parser.parse_args()
    try:
        plan = make_plan(arguments.build)
    except InstallFailure as failure:
        print(failure, file=sys.stderr)
        return 1
    output = arguments.output or Path("dist") / f"engine-{plan.version}-{plan.platform}-{plan.build.name}.zip"
    output.parent.mkdir(parents=True, exist_ok=True)
    print("\n".join(plan.statement()[:3]))
    with tempfile.TemporaryDirectory(dir=output.parent) as folder:
        download(plan, Path(folder))
        write_bundle(plan, Path(folder), output)
    print(f"{output} ({megabytes(output.stat().st_size)})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
