# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion of SMPL's 24 joints, as a motion folder holds it."""

from dataclasses import dataclass, replace

import numpy as np

from ...motion.motion import forward_kinematics
from ...motion.rotations import Array
from ...motion.skeleton import JOINTS, PARENTS
from .recording import Recording

J = {name: joint for joint, name in enumerate(JOINTS)}


@dataclass(frozen=True)
class Clip:
    """T frames: Y up, metres, pelvis at joints[:, 0].

    local (T, 24, 3, 3): rotations relative to the parent, none in the T-pose. joints (T, 24, 3): positions in the
    world. offsets (24, 3): bones, from the parent in the T-pose.
    """

    fps: float
    local: Array
    joints: Array
    offsets: Array

    def __len__(self) -> int:
        return len(self.joints)

    def part(self, first: int, length: int) -> "Clip":
        """Some of the frames."""
        span = slice(first, first + length)
        return replace(self, local=self.local[span], joints=self.joints[span])

    def error_m(self) -> Array:
        """Distances (T, 24) between joints and the forward kinematics of the rotations on the offsets."""
        rest = np.zeros((24, 3))
        for joint in range(1, 24):
            rest[joint] = rest[PARENTS[joint]] + self.offsets[joint]
        forward = forward_kinematics(self.local, rest)[1] + self.joints[:, :1]
        return np.linalg.norm(forward - self.joints, axis=-1)


def offsets_of(rest: Array) -> Array:
    """Bones (24, 3) from the parent of joints in T-pose (24, 3); nothing for the pelvis."""
    return np.concatenate([np.zeros((1, 3)), rest[1:] - rest[list(PARENTS[1:])]])


def smpl_clip(recording: Recording) -> Clip:
    """A recording of SMPL's own joints, as it is."""
    _, joints = recording.world()
    return Clip(recording.fps, recording.local, joints, recording.offsets)
