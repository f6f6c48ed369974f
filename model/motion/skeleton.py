# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and orders of joints, as used everywhere in the project."""

from collections.abc import Mapping
from typing import Final

JOINTS: Final = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle", "right_ankle",
    "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head", "left_shoulder",
    "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hand", "right_hand",
)  # fmt: skip
"""SMPL's 24 joints in SMPL's order."""

PARENTS: Final = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21)

KEYPOINTS: Final = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle", "pelvis", "neck", "left_heel", "right_heel", "left_big_toe", "right_big_toe",
)  # fmt: skip
"""The 23 input keypoints: COCO-17, then pelvis = mean of the hips, neck = mean of the shoulders, heels, big toes."""

KEYPOINT_MIRROR: Final = (
    0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15, 17, 18, 20, 19, 22, 21,
)  # fmt: skip
"""For each keypoint the one on the other side of the body."""

JOINT_MIRROR: Final = (
    0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20, 23, 22,
)  # fmt: skip
"""For each of SMPL's joints the one on the other side of the body."""

KEYPOINT_BONES: Final = (
    (5, 6), (5, 7), (7, 9), (6, 8), (8, 10), (5, 11), (6, 12), (11, 12), (11, 13), (13, 15), (12, 14), (14, 16),
    (15, 19), (19, 21), (15, 21), (16, 20), (20, 22), (16, 22), (0, 1), (0, 2), (1, 3), (2, 4),
)  # fmt: skip
"""Pairs of keypoints to draw a line between."""

JOINT_KEYPOINTS: Final = (
    17, 11, 12, 17, 13, 14, 17, 15, 16, 18, 21, 22, 18, 5, 6, 0, 5, 6, 7, 8, 9, 10, 9, 10,
)  # fmt: skip
"""For each of SMPL's joints the keypoint whose confidence stands for it."""

REGIONS: Final[Mapping[str, tuple[int, ...]]] = {
    "root": (0,), "trunk": (3, 6, 9), "head": (12, 15), "arms": (13, 14, 16, 17, 18, 19), "hands": (20, 21, 22, 23),
    "legs": (1, 2, 4, 5), "feet": (7, 8, 10, 11),
}  # fmt: skip
"""Joints by region of the body; the root's also has the translation."""
