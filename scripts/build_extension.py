# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds dist/reel_to_rig-VERSION.zip with Blender's own command-line tool, and validates it.

What goes into the zip stands in blender_manifest.toml under [build].
"""

import argparse
import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def blender_ext() -> Path:
    """Blender's tool for extensions, a script inside the bpy wheel that needs no Blender to run."""
    spec = importlib.util.find_spec("bpy")
    if spec is None or spec.origin is None:
        sys.exit("No bpy in this Python; install requirements/blender.txt first.")
    return next(Path(spec.origin).parent.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py"))


def build(output: Path) -> Path:
    """Make the zip in a folder and return its path. Raises CalledProcessError if the manifest or the zip is faulty."""
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))
    target = output / f"{manifest['id']}-{manifest['version']}.zip"
    output.mkdir(parents=True, exist_ok=True)
    tool = [sys.executable, str(blender_ext())]
    # Its own messages are about progress; what matters comes with a failure.
    for command in (
        ["build", "--source-dir", str(ROOT), "--output-filepath", str(target)],
        ["validate", str(target)],
    ):
        done = subprocess.run([*tool, *command], capture_output=True, text=True, check=False)
        if done.returncode:
            sys.stderr.write(done.stdout + done.stderr)
            done.check_returncode()
    return target


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="folder for the zip (default: dist)")
    zip_file = build(parser.parse_args().output)
    print(f"{zip_file} ({zip_file.stat().st_size / 1e6:.1f} MB)")
