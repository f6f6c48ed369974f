# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs the engine for real (CPU build): interrupted at three points and resumed, repaired, offline, uninstalled.

Prints what happened, how long it took and how large it is; ends with 0 if all went as it should.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from addon.engine.installation.environment import State, python_of, site_packages, size_of, state_of
from addon.engine.installation.installer import Installer
from addon.engine.installation.plan import Plan, make_plan, megabytes
from addon.engine.installation.work import Removal, Work

ROOT = Path(__file__).resolve().parents[1]
CHECK = ("-m", "model", "doctor")
STOPS = ("Downloading opencv", "Unpacking", "Unpacking torch")
"""Lines of progress at which the installation is interrupted: amid a download, and twice amid the unpacking."""


def environment() -> dict[str, str]:
    own = {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1", "PYTHONNOUSERSITE": "1", "PYTHONUTF8": "1"}
    return {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"} | own


def follow(work: Work, stop: Callable[[str], bool] = lambda _: False) -> None:
    """Wait for the end, or for a line at which to cancel; print how it went."""
    begun, lines = time.monotonic(), [""]
    work.start()
    while work.running:
        if work.line != lines[-1]:
            lines.append(work.line)
        if stop(work.line):
            time.sleep(1)  # into the middle of it
            work.cancel()
            work.wait()
        time.sleep(0.1)
    outcome = work.failure or ("cancelled" if work.cancelled else "done")
    print(
        f"  {outcome} after {time.monotonic() - begun:.0f} s, at {work.fraction:.0%}, {len(lines) - 1} lines",
        flush=True,
    )


def installer(folder: Path, plan: Plan, online: bool = True, bundle: Path | None = None) -> Installer:
    return Installer(folder, plan, CHECK, environment(), online, bundle)


def expect(folder: Path, plan: Plan, wanted: State) -> None:
    found = state_of(folder, plan)
    print(
        f"  state: {found.name}, {megabytes(size_of(folder)) if folder.exists() else 'nothing on the disk'}", flush=True
    )
    if found is not wanted:
        sys.exit(f"{wanted.name} was expected; see {folder / 'install.log'}")


def install_with_interruptions(folder: Path, plan: Plan) -> None:
    for line in STOPS:
        print(f"install, and interrupt at: {line}")
        follow(installer(folder, plan), lambda now, line=line: now.startswith(line))
        expect(folder, plan, State.INCOMPLETE)
    print("resume")
    follow(installer(folder, plan))
    expect(folder, plan, State.READY)


def repair(folder: Path, plan: Plan) -> None:
    lost = site_packages(folder, plan.version) / "scipy/signal/__init__.py"
    print(f"delete {lost.relative_to(folder)}, and repair")
    lost.unlink()
    follow(installer(folder, plan))
    expect(folder, plan, State.READY)
    if not lost.is_file():
        sys.exit("The file is still missing.")
    print("delete the environment's Python, and repair")
    python_of(folder).unlink()
    expect(folder, plan, State.BROKEN)
    follow(installer(folder, plan))
    expect(folder, plan, State.READY)


def install_offline(folder: Path, plan: Plan, bundle: Path) -> None:
    """In a network namespace of its own, where the system allows one; else it is pip that is told not to look."""
    again = [sys.executable, "-m", "scripts.install_test", "--offline", str(bundle), "--folder", str(folder)]
    alone = ["unshare", "--net", "--map-root-user"]
    possible = subprocess.run([*alone, "true"], capture_output=True, check=False).returncode == 0
    print(f"install offline from the bundle{', without any network' if possible else ''}", flush=True)
    subprocess.run([*(alone if possible else []), *again], cwd=ROOT, check=True)
    expect(folder, plan, State.READY)


def uninstall(folder: Path, plan: Plan) -> None:
    print("uninstall")
    follow(Removal(folder))
    expect(folder, plan, State.ABSENT)
    if folder.exists():
        sys.exit(f"{folder} is still there.")


def main() -> int:
    parser = argparse.ArgumentParser(prog="install_test", description=__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / ".cache/install_test", help="emptied before and after")
    parser.add_argument("--offline", type=Path, metavar="BUNDLE", help="only install from a bundle, and leave it there")
    arguments = parser.parse_args()
    plan = make_plan("cpu")
    if arguments.offline:
        follow(installer(arguments.folder, plan, online=False, bundle=arguments.offline))
        return 0 if state_of(arguments.folder, plan) is State.READY else 1
    shutil.rmtree(arguments.folder, ignore_errors=True)
    engine, bundle = arguments.folder / "engine", arguments.folder / "bundle.zip"
    print("\n".join(plan.statement()))
    install_with_interruptions(engine, plan)
    repair(engine, plan)
    uninstall(engine, plan)
    print("make a bundle", flush=True)
    making = [sys.executable, "-m", "scripts.bundle_engine", "--build", "cpu", "-o", str(bundle)]
    subprocess.run(making, cwd=ROOT, check=True)
    install_offline(engine, plan, bundle)
    uninstall(engine, plan)
    shutil.rmtree(arguments.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
