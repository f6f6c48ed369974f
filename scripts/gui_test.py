# SPDX-License-Identifier: GPL-3.0-or-later
"""Has a scripted person import, look, bake, undo, save and reopen in a Blender with a window, under Xvfb.

The extension is built and installed as a user would have it, and the real engine runs in this Python. Pictures of
every step and the figures go to a folder. Needs a Blender (4.2 to 5.2), Xvfb and ImageMagick; says so and does
nothing where one is missing. A Blender in a chroot is named with what leads there: --blender "chroot DIR blender";
the chroot must show this checkout and --output under their own paths, and --engine must work from inside.
"""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path

from model.footage.reader import probe, read
from model.footage.writer import write_video
from scripts.build_extension import build
from scripts.gui_person import RESULT
from scripts.setup import CLIP, ROOT

SCREEN = (1440, 1000)
DISPLAY = ":87"
SHOWN_S = (1.5, 6.5)
"""The part of the clip in which the person walks."""
LIMIT_S = 3600
"""Long enough for a machine that has much else to do."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blender", default="blender", help="the Blender to use (default: the one on the path)")
    parser.add_argument("--engine", default=sys.executable, help="the engine's Python (default: this one)")
    parser.add_argument("--install", action="store_true", help="have the person install the engine instead")
    parser.add_argument("--output", type=Path, default=ROOT / "gui_test", help="folder for pictures and figures")
    parser.add_argument("--zip", type=Path, help="the extension, if it was built already")
    parser.add_argument("--seconds", type=float, default=5.0, help="how much footage is imported (default: 5)")
    chosen = parser.parse_args()
    blender = shlex.split(chosen.blender)
    missing = [name for name in (blender[-1], "Xvfb", "import") if not there(blender[:-1], name)]
    if missing:
        print(f"Skipped: {', '.join(missing)} not found. A windowed Blender, Xvfb and ImageMagick are needed.")
        return 0
    output = chosen.output.resolve()
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    footage, start_s = footage_of(chosen.seconds, output)
    arguments = {
        "zip_file": str(chosen.zip or build(output)), "engine": "" if chosen.install else chosen.engine,
        "footage": str(footage), "folder": str(output),
        "start_s": start_s, "end_s": start_s + chosen.seconds,
    }  # fmt: skip
    with screen(blender[:-1]), tempfile.TemporaryDirectory(dir=output) as resources:
        environment = os.environ | {
            "DISPLAY": DISPLAY, "LIBGL_ALWAYS_SOFTWARE": "1", "BLENDER_USER_RESOURCES": resources,
            "XDG_RUNTIME_DIR": resources, "GUI_TEST": json.dumps(arguments),
        }  # fmt: skip
        size = [str(pixels) for pixels in SCREEN]
        command = [*blender, "--enable-event-simulate", "-p", "0", "0", *size, "--python"]
        with (output / "blender.log").open("wb") as log:
            status = subprocess.run(
                [*command, str(ROOT / "scripts/gui_person.py")],
                env=environment, stdout=log, stderr=subprocess.STDOUT, timeout=LIMIT_S, check=False,
            ).returncode  # fmt: skip
    found = output / RESULT
    if status or not found.exists():
        sys.stderr.write((output / "blender.log").read_text(errors="replace")[-4000:])
        return 1
    print(found.read_text())
    return 0


def footage_of(seconds: float, folder: Path) -> tuple[Path, float]:
    """Footage that long, in a folder, and where to begin: the clip or, if that is too short, the clip to and fro."""
    first_s, last_s = SHOWN_S
    if seconds <= last_s - first_s:
        return Path(shutil.copy(CLIP, folder / "walk.mp4")), first_s
    to = [frame.rgb for frame in read(CLIP, first_s, last_s)]
    fps = probe(CLIP).fps
    write_video(folder / "to and fro.mp4", islice(cycle(to + to[-2:0:-1]), round(seconds * fps)), fps)
    return folder / "to and fro.mp4", 0.0


def there(prefix: list[str], program: str) -> bool:
    """Whether a program can be started, behind what leads to it."""
    if not prefix:
        return shutil.which(program) is not None
    return subprocess.run([*prefix, "which", program], capture_output=True, check=False).returncode == 0


@contextmanager
def screen(prefix: list[str]) -> Iterator[None]:
    """A screen in memory."""
    size = "x".join(map(str, (*SCREEN, 24)))
    server = subprocess.Popen([*prefix, "Xvfb", DISPLAY, "-screen", "0", size, "+extension", "GLX"])
    try:
        time.sleep(3)
        yield
    finally:
        server.terminate()
        server.wait(10)


if __name__ == "__main__":
    sys.exit(main())
