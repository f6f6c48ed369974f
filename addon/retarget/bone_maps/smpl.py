# SPDX-License-Identifier: GPL-3.0-or-later
"""A take's own armature, and copies of it: bones with the names of SMPL's joints."""

from typing import Final

from ....model.motion.skeleton import JOINTS
from .bone_map import BoneMap

CHAINS: Final = ("spine1", "spine2", "spine3", "neck")

SMPL: Final = BoneMap(
    family="Take",
    root="pelvis",
    joints={joint: joint for joint in JOINTS if joint not in CHAINS},
    spine=("spine1", "spine2", "spine3"),
    neck=("neck",),
)
