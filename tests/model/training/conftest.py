# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion to train on, written once."""

from pathlib import Path

import numpy as np
import pytest

from model.motion.motion import forward_kinematics
from model.motion.rotations import axis_angle_from_matrix
from model.motion.skeleton import PARENTS
from tests.model.motion.example import example_motion, rest_joints

Z_UP_TO_Y_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
FRAMES = 90


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips of the example motion in the layout of the training set: Y up, pelvis at the root."""
    path = tmp_path_factory.mktemp("motion")
    rest = rest_joints()
    rest = rest - rest[0]
    rotations, roots, joints = [], [], []
    for seed in (0, 1):
        motion = example_motion(FRAMES, seed=seed)
        local = motion.local_rotations()
        local[:, 0] = Z_UP_TO_Y_UP @ local[:, 0]
        rotations.append(axis_angle_from_matrix(local))
        roots.append((motion.trans + rest_joints()[0]) @ Z_UP_TO_Y_UP.T)
        joints.append(forward_kinematics(local, rest)[1])
    vectors = np.concatenate(rotations)
    parents = np.array(PARENTS)
    offsets = rest - np.where(parents[:, None] >= 0, rest[parents], 0)
    np.savez(
        path / "walks.npz", fps=np.int32(30), root_rot=vectors[:, 0].astype(np.float32),
        rot=vectors[:, 1:].astype(np.float16), root=np.concatenate(roots).astype(np.float32),
        joints=np.concatenate(joints).astype(np.float16), clip_start=np.array([0, FRAMES]),
        clip_len=np.array([FRAMES, FRAMES]), clip_floor_y=np.zeros(2, np.float32), clip_subject=np.array(["a", "b"]),
        clip_offsets=np.stack([offsets, offsets]).astype(np.float32),
    )  # fmt: skip
    return path
