# SPDX-License-Identifier: GPL-3.0-or-later
"""A body of boxes, and a motion seen by a camera that hides no mistake: off-centre, tilted, rolled, moving."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from model.motion.motion import Motion
from model.motion.rotations import matrix_from_axis_angle
from model.motion.skeleton import JOINTS, PARENTS
from tests.model.motion.example import example_motion, rest_joints

CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
SIDES = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])


def write_body(path: Path) -> None:
    """A body file with a box round every bone, the left side thicker than the right, and a nose."""
    rest = rest_joints()
    boxes, owners = [], []
    for joint in range(24):
        children = [child for child, parent in enumerate(PARENTS) if parent == joint]
        ends = [rest[joint]] + [rest[child] for child in children]
        if not children:
            ends.append(rest[joint] + 0.5 * (rest[joint] - rest[PARENTS[joint]]))
        low, high = np.min(ends, 0), np.max(ends, 0)
        thickness = 0.05 if JOINTS[joint].startswith("left") else 0.03
        boxes.append((low + high) / 2 + CORNERS * ((high - low) / 2 + thickness))
        owners.append(joint)
    head = JOINTS.index("head")
    boxes.append(rest[head] + [0, 0.05, 0.12] + CORNERS * [0.015, 0.02, 0.05])
    owners.append(head)
    owner = np.repeat(owners, 8)
    np.savez(
        path,
        vertices=np.concatenate(boxes).astype(np.float32),
        joints=rest.astype(np.float32),
        faces=np.concatenate([SIDES + 8 * box for box in range(len(boxes))])[:, [0, 1, 2, 0, 2, 3]]
        .reshape(-1, 3)
        .astype(np.int32),
        weights=np.eye(24, dtype=np.float32)[owner],
    )


def seen_motion(
    footage: str = "", frames: int = 45, fps: float = 30000 / 1001, moving: bool = False, noise: float = 0
) -> Motion:
    """The example motion through a tilted, rolled, off-centre camera, standing still or moving."""
    motion = example_motion(frames=frames, fps=fps, noise=noise)
    time = motion.time_s[:, None] if moving else np.zeros((frames, 1))
    turn = matrix_from_axis_angle([0.2, -0.15, 0.1] + 0.1 * time * [1, 2, 0])
    rotation = turn @ motion.camera_rotation
    translation = motion.camera_translation + time * [0.3, 0.1, 0.5]
    return replace(
        motion,
        camera_matrix=np.array([[1100.0, 0, 700], [0, 1100, 310], [0, 0, 1]]),
        camera_rotation=rotation,
        camera_translation=translation,
        provenance={
            "footage": {**motion.provenance["footage"], "path": footage, "rotation_deg": 0},
            "camera": {"fov_deg": 60.4, "fov_source": "assumed"},
            "scale": "height assumed 1.70 m",
        },
    )


def project(motion: Motion) -> np.ndarray:
    """Pixels (T, 24, 2) of a motion's joints, by the pinhole equation."""
    seen = np.einsum("tij,tkj->tki", motion.camera_rotation, motion.joints) + motion.camera_translation[:, None]
    pixels = seen @ motion.camera_matrix.T
    return pixels[..., :2] / pixels[..., 2:]
