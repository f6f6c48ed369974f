# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings an engine's folder to what its plan says, whatever lies there already. No bpy.

To install, to go on after an interruption, to update and to repair are one and the same: what is missing or damaged is
fetched, the rest stays. It may be killed at any moment.
"""

import re
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from . import bundle as bundles
from . import environment as disk
from .plan import UNPACKED_FACTOR, InstallFailure, Plan, Wheel, megabytes
from .programs import Programs, why_not
from .work import alone, understood

LONGEST_PATH: Final = 171
"""Characters of the longest path inside site-packages, in torch."""

PIP_SETTINGS_IGNORED: Final = (
    "TARGET",
    "PREFIX",
    "ROOT",
    "USER",
    "REQUIRE_VIRTUALENV",
    "NO_DEPS",
    "NO_BINARY",
    "PYTHON",
)
"""Settings of a user's own pip that would lead it elsewhere; mirrors, proxies and certificates are respected."""

PIP_TELLS_PROGRESS: Final = 25
"""The first of its major versions that can."""

FRACTIONS: Final = {"environment": 0.03, "download": 0.75, "unpack": 0.92, "check": 0.99}
"""How far the work is at the end of each stage, roughly as time goes."""


class Installer(Programs):
    """Installs what a plan says. Cancelled, it leaves what it has, and the next one goes on from there.

    `check`: as of a Check.
    `environment`: in which everything is run. `online`: whether the network may be used; not needed with a `bundle`.
    """

    def __init__(
        self, folder: Path, plan: Plan, check: Sequence[str], environment: Mapping[str, str], online: bool,
        bundle: Path | None = None,
    ) -> None:  # fmt: skip
        ignored = {f"PIP_{name}" for name in PIP_SETTINGS_IGNORED}
        respected = {name: value for name, value in environment.items() if name not in ignored}
        super().__init__(folder, "Starting", folder / "install.log", respected)
        self.plan = plan
        self._check = list(check)
        self._online, self._bundle = online, bundle
        self._work = folder / "work"
        self._environment |= {name: str(self._work / "tmp") for name in ("TMPDIR", "TEMP", "TMP")}
        self._environment |= {"PYTHONDONTWRITEBYTECODE": "1", "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        self._packages = disk.site_packages(folder, plan.version)
        self._needs_network = False

    def keep_offline(self) -> None:
        """Blender may no longer go online: stop, unless all that is still to be done goes without a network."""
        if self._needs_network:
            self.cancel(
                InstallFailure(
                    "Blender is no longer allowed to go online: the download was stopped.",
                    "Allow it in the preferences under System > Network and continue: what is there is kept.",
                )
            )

    def _do(self) -> None:
        if not disk.version_of(self.folder):
            self._refuse_offline()
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with alone(self.folder / "busy") as lock:
                # If Blender dies, pip may live on for a while: until then nobody else is to work here.
                self._inherited = () if sys.platform == "win32" else (lock,)
                self._install()
        except (InstallFailure, OSError) as error:
            self.log.write(str(error))
            raise

    def _install(self) -> None:
        damaged = disk.damaged(self._packages)
        self._refuse_in_vain(damaged)
        begun = {"key": self.plan.key, "build": self.plan.build.name, "version": self.plan.version}
        disk.write_state(self.folder, begun)
        (self._work / "tmp").mkdir(parents=True, exist_ok=True)
        self._make_environment(damaged)
        self._install_libraries()
        self._tell("Comparing every file with its record", FRACTIONS["unpack"])
        if still := disk.damaged(self._packages):
            names = ", ".join(disk.name_and_version(info)[0] for info in still)
            raise InstallFailure(f"Files of {names} are missing.", "Try again; the log says what happened.")
        self._tell("Running the engine on this machine", FRACTIONS["check"])
        lines, status = self._run([disk.python_of(self.folder), *self._check])
        why = why_not(lines, status)
        found = {
            "site": str(self._packages.relative_to(self.folder / "env")),
            "packages": sorted(info.name for info in self._packages.glob("*.dist-info")),
            "check": {"passed": not why, "lines": lines},
        }
        disk.remove(self._work)
        disk.write_state(self.folder, begun | found)
        if why:
            raise InstallFailure(
                f"All is installed, but it does not run: {why}", "Repair it; the log says what happened."
            )
        self._tell("Done", 1.0)

    def _refuse_in_vain(self, damaged: Iterable[Path]) -> None:
        """Raises InstallFailure before anything is changed: a ready engine stays ready where another cannot be had."""
        there = {} if disk.version_of(self.folder) != self.plan.version else disk.installed(self._packages)
        for info in damaged:
            there.pop(disk.name_and_version(info)[0], None)
        if self._missing(there) or there.get("torch") != self.plan.torch:
            self._refuse_offline()
            if self._bundle:
                bundles.refuse_other(self._bundle, self.plan)
            self._check_room()
            self._needs_network = not self._bundle

    def _missing(self, there: Mapping[str, str]) -> list[Wheel]:
        """The wheels of the plan that are not among what is installed; torch is not one of them."""
        return [wheel for wheel in self.plan.wheels if there.get(disk.canonical(wheel.name)) != wheel.version]

    def _make_environment(self, damaged: Iterable[Path]) -> None:
        self._tell("Making an environment", 0.0)
        python, version = disk.python_of(self.folder), "import sys; print('%d.%d' % sys.version_info[:2])"
        if not python.exists() or self._run([python, "-c", version]) != ([self.plan.version], 0):
            if disk.version_of(self.folder) != self.plan.version:
                disk.remove(self.folder / "env")
            # Over what is there: the libraries outlive a Blender that was moved or brought up to date.
            _, status = self._run([self.plan.python, "-m", "venv", "--without-pip", self.folder / "env"])
            if status or not python.exists():
                raise InstallFailure(
                    f"{self.plan.python} cannot make a virtual environment.",
                    f"Install Python {self.plan.version} from python.org, make one with it, and name it as the engine.",
                )
        disk.sweep(self._packages)
        for info in damaged:
            # Without its record it counts as not installed, and is installed over what is left of it.
            disk.remove(info)
        self._check_path_length()
        if "pip" not in disk.installed(self._packages):
            self._demand([disk.python_of(self.folder), "-m", "ensurepip"])

    def _check_path_length(self) -> None:
        """Windows may not allow paths as long as torch's."""
        probe = self._packages / ("~" + "d" * 80)
        try:
            probe.mkdir(parents=True)
            (probe / ("f" * (LONGEST_PATH - 82))).touch()
        except OSError as error:
            raise InstallFailure(
                f"The folder's path is too long for what is inside ({self._packages}).",
                "Turn on long paths in Windows, or choose an engine installed elsewhere.",
            ) from error
        finally:
            shutil.rmtree(probe, ignore_errors=True)

    def _install_libraries(self) -> None:
        there = disk.installed(self._packages)
        missing = self._missing(there)
        if not missing and there.get("torch") == self.plan.torch:
            return
        source = self._source()
        downloads = _Downloads(
            self.plan, lambda line, part: self._tell(line, _between("environment", "download", part))
        )
        # The installer first: an old pip cannot say how far it is.
        for wheels in ([wheel for wheel in missing if wheel.name == "pip"], [w for w in missing if w.name != "pip"]):
            if wheels:
                listed = self._work / "missing.txt"
                listed.write_text("\n".join(wheel.line for wheel in wheels), encoding="utf-8")
                self._pip([*source, "--no-deps", "--require-hashes", "-r", listed], downloads.hear)
        # Its index is its own, and so are the libraries of some of its builds.
        index = [] if self._bundle else ["--index-url", self.plan.build.index]
        self._pip([*source, *index, f"torch=={self.plan.torch}"], downloads.hear)
        self._needs_network = False

    def _source(self) -> list[str | Path]:
        if self._bundle:
            wheels, total = self._work / "wheels", self.plan.download_size
            bundles.unpack(self._bundle, self.plan, wheels, lambda done: self._tell(
                f"Unpacking the bundle, {megabytes(done)}", _between("environment", "download", done / total) / 2
            ))  # fmt: skip
            return ["--isolated", "--no-index", "--find-links", wheels]
        return ["--cache-dir", self._work / "cache"]

    def _refuse_offline(self) -> None:
        if not self._online and not self._bundle:
            raise InstallFailure(
                "Blender is not allowed to go online.",
                "Allow it in the preferences under System > Network, or install from a bundle.",
            )

    def _check_room(self) -> None:
        needed = UNPACKED_FACTOR * self.plan.download_size - disk.size_of(self.folder)
        free = shutil.disk_usage(self.folder).free
        if free < needed:
            raise InstallFailure(
                f"{megabytes(needed)} of disk are needed for the engine, {megabytes(free)} are free.",
                "Make room and press the button again.",
            )

    def _pip(self, arguments: Sequence[str | Path], hear: Callable[[str], None]) -> None:
        # Libraries are compiled when they are first imported: of most, nothing ever is.
        install = [disk.python_of(self.folder), "-m", "pip", "install", "--no-compile", "--no-warn-script-location"]
        if int(disk.installed(self._packages)["pip"].partition(".")[0]) >= PIP_TELLS_PROGRESS:
            install += ["--progress-bar", "raw"]
        self._demand([*install, *arguments], hear)

    def _demand(self, command: Sequence[str | Path], hear: Callable[[str], None] | None = None) -> None:
        lines, status = self._run(command, hear)
        if status:
            raise understood("\n".join(lines)) or InstallFailure(
                f"pip failed: {lines[-1] if lines else status}", "The log says what happened; try again."
            )


class _Downloads:
    """What pip's lines say about how far the whole download is."""

    def __init__(self, plan: Plan, tell: Callable[[str, float], None]) -> None:
        self._plan, self._tell = plan, tell
        self._sizes = {disk.canonical(wheel.name): wheel.size for wheel in plan.wheels} | {"torch": plan.build.size}
        self._done, self._name, self._size = 0, "", 0

    def hear(self, line: str) -> None:
        if found := re.match(r"\s*(?:Downloading|Using cached|Processing) \S*?([\w.]+)-[^/\s]+\.whl", line):
            self._done += self._size
            self._name = disk.canonical(found[1])
            self._size = self._sizes.get(self._name, 0)
            self._say(0)
        elif found := re.fullmatch(r"Progress (\d+) of (\d+)", line):
            self._size = int(found[2]) or self._size
            self._say(int(found[1]))
        elif line.startswith("Installing collected packages"):
            self._done, self._size = self._done + self._size, 0
            listed = line.partition(": ")[2].split(", ")
            self._tell(f"Unpacking {listed[-1] if len(listed) < 3 else f'{len(listed)} libraries'}", self._part(0))

    def _say(self, bytes_of_file: int) -> None:
        size = f", {bytes_of_file / 1e6:.0f} of {self._size / 1e6:.0f} MB" if bytes_of_file else ""
        self._tell(f"Downloading {self._name}{size}", self._part(bytes_of_file))

    def _part(self, bytes_of_file: int) -> float:
        return min((self._done + bytes_of_file) / self._plan.download_size, 1.0)


def _between(earlier: str, later: str, part: float) -> float:
    return FRACTIONS[earlier] + (FRACTIONS[later] - FRACTIONS[earlier]) * min(part, 1.0)
