# SPDX-License-Identifier: GPL-3.0-or-later
"""How well an armature follows a take. numpy only."""

import numpy as np
from numpy.typing import NDArray

from ...model.motion.motion import forward_kinematics
from ...model.motion.rotations import angle_between, axis_angle_from_matrix, project
from .solve import AIMED, ENDS, HELD, Array, Target, align, blend


def direction_errors(
    target: Target, carried: NDArray[np.floating], local: NDArray[np.floating], rest: NDArray[np.floating]
) -> dict[str, Array]:
    """For each bone the angle (T,) in degrees by which it misses the take.

    carried (T, K, 4, 4) is what Blender made of the bones: the world matrices that carry each from where it stands at
    rest in the world to where it is posed. local (T, 24, 3, 3) and rest (24, 3) are the take's. Limbs that are aimed
    (solve.AIMED) are measured from joint to joint; of the others the whole orientation is compared, since the lines
    through trunks and feet lie differently in every body.
    """
    carried = np.asarray(carried, np.float64)
    source, joints = forward_kinematics(local, rest)
    aligned = align(target, rest)

    def place(number: int, point: Array) -> Array:
        in_world = target.world[:3, :3] @ point + target.world[:3, 3]
        return carried[:, number, :3, :3] @ in_world + carried[:, number, :3, 3]

    errors: dict[str, Array] = {}
    for number, bone in enumerate(target.bones):
        if bone.joint == HELD or (bone.twist is not None and target.at[bone.joint] != number):
            continue  # It says nothing of its own.
        if bone.joint in AIMED:
            if not target.limb(bone.joint).any():
                continue
            end = target.at.get(ENDS[bone.joint])
            tip = place(number, bone.tail) if end is None else place(end, target.bones[end].head)
            limb = joints[:, ENDS[bone.joint]] - joints[:, bone.joint]
            angle = angle_between(tip - place(number, bone.head), limb)
        else:
            wanted = blend(source, bone, rest) @ aligned[number] @ target.turn.T
            miss = np.swapaxes(wanted, -1, -2) @ project(carried[:, number, :3, :3])
            angle = np.linalg.norm(axis_angle_from_matrix(miss), axis=-1)
        errors[bone.name] = np.degrees(angle)
    return errors
