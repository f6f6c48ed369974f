# SPDX-License-Identifier: GPL-3.0-or-later
"""Speed and memory, as ratios from one run where that is possible: these machines are noisy.

capture CLIP   milliseconds a frame by stage and peak memory; the last line has `fps`, `overhead_share` (all but the
               person detector's and the keypoint networks' own time, as a share of the run) and `memory_ratio_10x`
               (peak memory on the clip ten times over, to that on the clip)
network        what the networks cost, see scripts/benchmark_network.py
bake           putting a take on a rig against the usual ways, see scripts/benchmark_bake.py
start          what the extension adds to Blender's start, see scripts/benchmark_start.py
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from model import pipeline
from model.footage import probe, read, write_video
from model.people import runtime
from model.protocol import CaptureSettings

from . import benchmark_network

TIMES_OVER = 10


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benchmark", choices=("capture", "network", "bake", "start"))
    parser.add_argument("clip", type=Path, nargs="?")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.benchmark == "network":
        return benchmark_network.main([])
    if options.benchmark in ("bake", "start"):
        return in_blender(f"scripts.benchmark_{options.benchmark}")
    if options.clip is None:
        parser.error("capture needs a CLIP")
    if options.child:
        print(json.dumps(measured_capture(options.clip)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        longer = looped(options.clip, Path(folder) / "looped.mp4")
        once, ten = in_child(options.clip), in_child(longer)
    frames = once["frames"]
    print(f"{frames} frames in {once['seconds']:.1f} s")
    for stage, seconds in once["stages_s"].items():
        print(f"  {stage:10s} {1000 * seconds / frames:8.2f} ms a frame")
    networks_ms = 1000 * once["networks_s"] / frames
    print(f"  networks   {networks_ms:8.2f} ms a frame of these: detector and keypoint networks")
    print(f"peak memory {once['memory_mb']:.0f} MB, {TIMES_OVER} times over {ten['memory_mb']:.0f} MB")
    row = {
        "fps": round(frames / once["seconds"], 2),
        "overhead_share": round(1 - once["networks_s"] / once["seconds"], 3),
        "memory_ratio_10x": round(ten["memory_mb"] / once["memory_mb"], 3),
    }
    print(json.dumps(row))
    return 0


def in_blender(module: str) -> int:
    """Run a module in a Blender without any of the user's settings, and leave nothing compiled in the checkout."""
    with tempfile.TemporaryDirectory() as folder:
        compiled = {"PYTHONPYCACHEPREFIX": f"{folder}/compiled", "PYTHONDONTWRITEBYTECODE": ""}
        environment = {**os.environ, "BLENDER_USER_RESOURCES": folder, **compiled}
        return subprocess.run([sys.executable, "-m", module], env=environment, check=False).returncode


def in_child(clip: Path) -> dict[str, Any]:
    """Measure in a process of its own, whose peak memory is nobody else's."""
    command = [sys.executable, "-m", "scripts.benchmarks", "capture", str(clip), "--child"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def measured_capture(clip: Path) -> dict[str, Any]:
    """Run one capture and say what it took. The time inside the third-party networks is counted at their door."""
    networks_s = 0.0
    original = runtime.OnnxRuntime.__call__

    def timed(self: runtime.OnnxRuntime, pictures: Any) -> Any:
        nonlocal networks_s
        begun = time.perf_counter()
        try:
            return original(self, pictures)
        finally:
            networks_s += time.perf_counter() - begun

    runtime.OnnxRuntime.__call__ = timed
    with tempfile.TemporaryDirectory() as folder:
        settings = CaptureSettings(str(clip), str(Path(folder) / "take.npz"), device="cpu")
        begun = time.perf_counter()
        result = pipeline.capture(settings, lambda *_: None, lambda: False)
        seconds = time.perf_counter() - begun
    return {
        "frames": result.summary["frames"],
        "seconds": seconds,
        "stages_s": result.summary["stages_s"],
        "networks_s": networks_s,
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def looped(clip: Path, target: Path) -> Path:
    """The clip ten times over, as one file."""
    info = probe(clip)
    write_video(target, (frame.rgb for _ in range(TIMES_OVER) for frame in read(clip)), info.fps)
    return target


if __name__ == "__main__":
    sys.exit(main())
