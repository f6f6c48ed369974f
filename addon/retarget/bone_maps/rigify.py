# SPDX-License-Identifier: GPL-3.0-or-later
"""The controls of a human that Rigify generated, limbs switched to FK."""

from typing import Final

from .bone_map import BoneMap

SIDES: Final = {"left": "L", "right": "R"}
LIMBS: Final = {
    "collar": "shoulder", "shoulder": "upper_arm_fk", "elbow": "forearm_fk", "wrist": "hand_fk",
    "hip": "thigh_fk", "knee": "shin_fk", "ankle": "foot_fk", "foot": "toe_fk",
}  # fmt: skip

# The torso control carries both halves of the spine: spine_fk hangs the pelvis from it, the others rise from it. So it
# takes the motion of the lowest segment above the pelvis.
RIGIFY: Final = BoneMap(
    family="Rigify",
    root="torso",
    joints={"pelvis": "spine_fk", "head": "head"}
    | {f"{side}_{joint}": f"{bone}.{end}" for side, end in SIDES.items() for joint, bone in LIMBS.items()},
    spine=("torso", "spine_fk.002", "spine_fk.003"),
    neck=("neck",),
    settings={"torso": {"neck_follow": 1.0, "head_follow": 1.0}}
    | {
        f"{limb}_parent.{end}": {"IK_FK": 1.0, "FK_limb_follow": 0.0}
        for limb in ("upper_arm", "thigh")
        for end in SIDES.values()
    },
    still=("hips", "chest", "spine_fk.001"),
)
