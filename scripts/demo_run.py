# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration: zip → Blender → engine → take → Rigify human, on the Sports2D clip; results in demo/."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from model.assembly import Shot, posed_vertices
from model.body.files import load_body
from model.footage import probe, read, write_video
from model.motion.motion import Motion
from model.motion.planting import hold_feet
from model.motion.smoothing import smooth
from model.overlay import draw_body, draw_keypoints, draw_overlay, scaled_down
from scripts.build_extension import build
from scripts.demo_blender import MARKER
from scripts.setup import CLIP, ROOT

OUT = ROOT / "demo"
MOMENTS = 6
TILE = 480
SMOOTHING = 0.5
"""As the form suggests it."""


def main() -> int:
    begun = time.perf_counter()
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    footage = OUT / "footage.mp4"
    shutil.copyfile(CLIP, footage)
    print("Building the extension ...", flush=True)
    zip_file = build(ROOT / "dist")
    print("Importing the clip in Blender and baking it onto a Rigify human ...", flush=True)
    found = in_blender(zip_file, footage)
    print("Drawing the overlay and the contact sheet ...", flush=True)
    shot = smoothed_shot(Motion.load(OUT / "take.npz"))
    info = probe(footage)
    write_video(
        OUT / "overlay.mp4", draw_overlay(read(footage), shot.motion, posed_vertices(shot), shot.faces), info.fps
    )
    cv2.imwrite(str(OUT / "contact_sheet.png"), contact_sheet(shot, footage, found)[..., ::-1])
    shutil.rmtree(OUT / "rig")
    print()
    for name, what in (
        ("reel_to_rig.blend", "the scene: footage, recovered body, Rigify character"),
        ("take.npz", "the captured motion"),
        ("overlay.mp4", "body and keypoints over the footage"),
        ("contact_sheet.png", "six moments: footage, keypoints, body, rig from a second angle"),
    ):
        print(f"  {OUT.relative_to(Path.cwd()) if OUT.is_relative_to(Path.cwd()) else OUT}/{name}: {what}")
    print("Stages in seconds: " + ", ".join(f"{name} {value}" for name, value in found["stages_s"].items()))
    print(f"Bake: {found['baking_s']} s. Import: {found['frames']} frames in {found['seconds']} s,", end=" ")
    print(f"{found['frames'] / found['seconds']:.1f} frames per second. All: {time.perf_counter() - begun:.0f} s.")
    return 0


def in_blender(zip_file: Path, footage: Path) -> dict[str, Any]:
    """Do the animator's part in a Blender without settings of its own, and return what it reports."""
    arguments = {
        "zip_file": str(zip_file), "engine": sys.executable, "footage": str(footage), "folder": str(OUT),
        "moments": MOMENTS,
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as resources:
        environment = os.environ | {"BLENDER_USER_RESOURCES": resources, "LIBGL_ALWAYS_SOFTWARE": "1"}
        command = [sys.executable, str(ROOT / "scripts/demo_blender.py"), json.dumps(arguments)]
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith(MARKER)]
    if done.returncode or not lines:
        sys.exit(f"{done.stdout}{done.stderr}\nThe part in Blender failed; see above.")
    return json.loads(lines[0].removeprefix(MARKER))


def smoothed_shot(raw: Motion) -> Shot:
    """The take as the animator sees it."""
    import torch  # noqa: PLC0415

    body = load_body(None)
    vertices, joints = (x[0].numpy() for x in body.shaped(torch.from_numpy(raw.betas)[None]))
    return Shot(hold_feet(smooth(raw, joints, SMOOTHING), joints), body, vertices, joints)


def contact_sheet(shot: Shot, footage: Path, found: dict[str, Any]) -> np.ndarray:
    """RGB picture of rows: footage, keypoints, body over footage, rig; a column for each moment."""
    motion, vertices = shot.motion, posed_vertices(shot)
    wanted = [int(np.abs(motion.time_s - t).argmin()) for t in found["times_s"]]
    columns = []
    for frame in read(footage):
        index = int(np.abs(motion.time_s - frame.time_s).argmin())
        if index not in wanted or abs(motion.time_s[index] - frame.time_s) > 1e-3:
            continue
        rgb, scale = scaled_down(frame.rgb)
        keypoints = motion.keypoints[index] * [scale, scale, 1]
        camera = motion.camera_matrix * [[scale], [scale], [1]]
        in_camera = vertices(index) @ motion.camera_rotation[index].T + motion.camera_translation[index]
        pictures = [rgb, draw_keypoints(rgb, keypoints), draw_body(rgb, in_camera, shot.faces, camera)]
        rig = cv2.imread(found["pictures"][wanted.index(index)])[..., ::-1]
        columns.append(
            np.vstack([*(around(picture, keypoints) for picture in pictures), cv2.resize(rig, (TILE, TILE))])
        )
    return np.hstack(columns)


def around(picture: np.ndarray, keypoints: np.ndarray) -> np.ndarray:
    """A square of the picture around the person, TILE pixels wide; what lies beyond its edge is black."""
    low, high = keypoints[:, :2].min(0), keypoints[:, :2].max(0)
    side = 1.5 * float((high - low).max())
    left, top = (low + high) / 2 - side / 2
    matrix = np.array([[TILE / side, 0, -left * TILE / side], [0, TILE / side, -top * TILE / side]])
    return cv2.warpAffine(picture, matrix, (TILE, TILE), flags=cv2.INTER_LINEAR)


if __name__ == "__main__":
    sys.exit(main())
