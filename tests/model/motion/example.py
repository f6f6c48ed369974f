# SPDX-License-Identifier: GPL-3.0-or-later
"""A motion made by formulas, for tests of what is done with motions."""

import numpy as np

from model.motion.motion import Motion, forward_kinematics
from model.motion.rotations import axis_angle_from_matrix, matrix_from_axis_angle
from model.motion.skeleton import PARENTS

OFFSETS = np.array(
    [
        [0, 0.95, 0], [0.09, -0.08, 0], [-0.09, -0.08, 0], [0, 0.11, -0.02], [0, -0.38, 0], [0, -0.38, 0],
        [0, 0.13, 0.02], [0, -0.4, -0.03], [0, -0.4, -0.03], [0, 0.06, 0], [0.02, -0.06, 0.12], [-0.02, -0.06, 0.12],
        [0, 0.21, -0.03], [0.07, 0.12, -0.02], [-0.07, 0.12, -0.02], [0, 0.09, 0.05], [0.11, 0.04, 0],
        [-0.11, 0.04, 0], [0.26, 0, 0], [-0.26, 0, 0], [0.25, 0, 0], [-0.25, 0, 0], [0.08, 0, 0], [-0.08, 0, 0],
    ]
)  # fmt: skip
UPRIGHT = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
"""SMPL's canonical Y up, facing +Z, into a Z-up world, facing -Y."""


def rest_joints() -> np.ndarray:
    """T-pose joints (24, 3) of a plausible adult, Y up, metres."""
    rest = OFFSETS.copy()
    for joint in range(1, 24):
        rest[joint] += rest[PARENTS[joint]]
    return rest


def example_motion(frames: int = 60, fps: float = 30.0, noise: float = 0.0, seed: int = 0) -> Motion:
    """Every joint swings at its own pace while the body turns and walks along +X at 1 m/s, camera four metres off."""
    random = np.random.default_rng(seed)
    time_s = np.arange(frames) / fps
    axes = random.normal(size=(24, 3))
    axes /= np.linalg.norm(axes, axis=-1, keepdims=True)
    swing = np.sin(2 * np.pi * random.uniform(0.3, 1.2, 24) * time_s[:, None] + random.uniform(0, 6, 24))
    vectors = 0.5 * swing[..., None] * axes + noise * random.normal(size=(frames, 24, 3))
    local = matrix_from_axis_angle(vectors)
    turn = matrix_from_axis_angle(0.8 * time_s[:, None] * [0, 0, 1.0])
    local[:, 0] = turn @ UPRIGHT @ local[:, 0]
    rest = rest_joints()
    trans = np.stack([time_s, 0 * time_s, 0 * time_s], -1) + [0, 0, 0.95] - rest[0]
    joints = forward_kinematics(local, rest)[1] + trans[:, None]
    rotation = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    K = np.array([[1000.0, 0, 640], [0, 1000, 360], [0, 0, 1]])
    translation = np.array([0, 1.0, 4.0])
    pixels = (joints[:, :23] @ rotation.T + translation) @ K.T
    keypoints = np.concatenate([pixels[..., :2] / pixels[..., 2:], np.ones((frames, 23, 1))], -1)
    return Motion(
        poses=axis_angle_from_matrix(local).reshape(frames, 72).astype(np.float32),
        trans=trans.astype(np.float32),
        betas=np.zeros(10, np.float32),
        mocap_framerate=fps,
        time_s=time_s,
        observed=np.ones(frames, bool),
        confidence=np.ones((frames, 24), np.float32),
        joints=joints.astype(np.float32),
        contacts=np.zeros((frames, 4), np.float32),
        keypoints=keypoints.astype(np.float32),
        camera_matrix=K,
        camera_rotation=np.broadcast_to(rotation, (frames, 3, 3)).copy(),
        camera_translation=np.broadcast_to(translation, (frames, 3)).copy(),
        provenance={"footage": {"name": "example.mp4", "width": 1280, "height": 720, "fps": fps, "start_s": 0.0}},
    )
