# SPDX-License-Identifier: GPL-3.0-or-later
"""Any human hierarchy onto SMPL's joints."""

import numpy as np

from ...motion.rotations import Array, between
from ...motion.skeleton import JOINTS, PARENTS
from .attachments import attach
from .clip import Clip, J
from .names import find_joints
from .recording import ConvertError, Recording

AIMS = {
    "left_hip": "left_knee", "right_hip": "right_knee", "left_knee": "left_ankle", "right_knee": "right_ankle",
    "left_ankle": "left_foot", "right_ankle": "right_foot", "spine1": "spine2", "spine2": "spine3", "neck": "head",
    "left_collar": "left_shoulder", "right_collar": "right_shoulder", "left_shoulder": "left_elbow",
    "right_shoulder": "right_elbow", "left_elbow": "left_wrist", "right_elbow": "right_wrist",
    "left_wrist": "left_hand", "right_wrist": "right_hand",
}  # fmt: skip
"""The joint that each joint with a single bone points at. Pelvis, chest and head turn as the source does."""
ENDS = ("left_foot", "right_foot", "left_hand", "right_hand")
"""Joints without a rotation of their own."""
UNITS_M = (1.0, 0.0254, 0.01, 0.001, 0.0254 / 0.45)
"""Units of length in use; the last is CMU's."""
ANKLE_TO_HEAD_M, STATURE_M, TALLEST = 1.45, 1.75, 1.35
"""Of a usual person, and how many times taller, or smaller, somebody may be."""


def mapped_clip(recording: Recording, rest: Recording, tpose: Array, scale: float | None = None) -> Clip:
    """A recording as SMPL's joints; tpose (24, 3) are the joints of the free body, metres.

    Every joint is a point that some joint of the source carries. It turns as the source does from its rest pose, after
    the least rotation of the T-pose's bone into the rest pose's, and then by the least that points the bone exactly at
    the next joint: twist comes from the source's rotations, swing from its positions.

    `rest` has one frame, the rest pose. `scale` is metres a unit, guessed from the height if the file does not say.
    Raises ConvertError where joints are missing, or where nobody stands in the rest pose.
    """
    found = find_joints(recording.names)
    rest_turn, rest_place = (frames[0] for frames in rest.world())
    up, facing = _standing(rest_place, found)
    head, *ankles = (rest_place[found[name]] @ up for name in ("head", "left ankle", "right ankle"))
    tall = head - sum(ankles) / 2
    scale = scale or recording.unit_m or min(UNITS_M, key=lambda unit: abs(np.log(tall * unit / ANKLE_TO_HEAD_M)))
    if not 1 / TALLEST < tall * scale / ANKLE_TO_HEAD_M < TALLEST:
        height_m = tall * scale / ANKLE_TO_HEAD_M * STATURE_M
        raise ConvertError(f"somebody about {height_m:.2g} m tall: say with --scale how many metres its unit has")
    # From here on metres and Y up. In the rest pose the person faces +Z, and the origin is between the hips.
    to_y_up = between(up, np.array([0, 1.0, 0]))
    middle = (rest_place[found["left hip"]] + rest_place[found["right hip"]]) / 2
    rest_place = (rest_place - middle) @ facing * scale
    turn, place = recording.world()
    turn, place = to_y_up @ turn @ np.swapaxes(rest_turn, -1, -2) @ facing, place @ to_y_up.T * scale
    attached = attach(recording, found, rest_place, tpose)
    points = np.stack([attached[name].point for name in JOINTS])
    carriers = [attached[name].carrier for name in JOINTS]
    joints = place[:, carriers] + np.einsum("tjrc,jc->tjr", turn[:, carriers], points - rest_place[carriers])
    rotations = turn[:, [attached[name].turner for name in JOINTS]]
    for name, aim in AIMS.items():
        joint, end = J[name], J[aim]
        bone = tpose[end] - tpose[joint]
        twisted = rotations[:, joint] @ between(bone, points[end] - points[joint])
        rotations[:, joint] = between(twisted @ bone, joints[:, end] - joints[:, joint]) @ twisted
    for name in ENDS:
        rotations[:, J[name]] = rotations[:, PARENTS[J[name]]]
    parents = list(PARENTS[1:])
    inverse = np.swapaxes(rotations[:, parents], -1, -2)
    local = np.concatenate([rotations[:, :1], inverse @ rotations[:, 1:]], 1)
    bones = (inverse @ (joints[:, 1:] - joints[:, parents])[..., None])[..., 0]
    return Clip(recording.fps, local, joints, np.concatenate([np.zeros((1, 3)), bones.mean(0)]))


def _standing(rest: Array, found: dict[str, int]) -> tuple[Array, Array]:
    """The world's axis (3,) that points up, and left, up and forward as columns (3, 3), of a person in rest (J, 3)."""
    left = rest[found["left hip"]] - rest[found["right hip"]]
    spine = rest[found["neck"]] - (rest[found["left hip"]] + rest[found["right hip"]]) / 2
    legs = np.stack([rest[found[f"{side} ankle"]] - rest[found[f"{side} hip"]] for side in ("left", "right")])
    axis = int(np.argmax(np.abs(spine)))
    up = np.eye(3)[axis] * np.sign(spine[axis])
    left = left - up * (left @ up)
    down = legs @ -up > 0.7 * np.linalg.norm(legs, axis=-1)
    if not (left.any() and down.all() and spine @ up > 0.8 * np.linalg.norm(spine)):
        raise ConvertError("nobody stands in its rest pose: try --rest first, if its first frame is a T-pose")
    left = left / np.linalg.norm(left)
    return up, np.stack([left, up, np.cross(left, up)], -1)
