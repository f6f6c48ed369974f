# SPDX-License-Identifier: GPL-3.0-or-later
"""The IK controls of limbs that are solved already: goals, poles and toes that lead to the same pose."""

import bpy
import numpy as np

from .bone_maps.bone_map import BoneMap, IkLimb
from .posed import posed
from .solve import ENDS, JOINTS, TOES, Array, Solution, Target
from .target import carrier

BENT = 0.05
"""A limb bent by less than about this share of its length has its pole where its first bone's own axes say."""


def controls(
    armature: bpy.types.Object, bone_map: BoneMap, target: Target, solution: Solution
) -> dict[str, tuple[Array, Array]]:
    """For each IK control its rotation (T, 3, 3) and location (T, 3), in its own space.

    The controls' settings must be in force. Limbs that are not whole are left out.
    """
    assert armature.pose
    bones = armature.pose.bones
    turns, heads = posed(target, solution)
    poses = np.zeros((*turns.shape[:2], 4, 4))
    poses[..., :3, :3], poses[..., :3, 3], poses[..., 3, 3] = turns, heads, 1.0
    wanted: dict[str, Array] = {}
    for name, limb in bone_map.ik.items():
        first = JOINTS.index(name)
        joints = (first, ENDS[first], ENDS[ENDS[first]])
        if not set(joints) <= set(target.at):
            continue
        wanted[limb.goal] = _carried(bones[limb.goal], target, poses, joints[2])
        wanted[limb.pole] = _pole(bones[limb.pole], target, poses, joints)
        toe = _toe(limb, joints[2], target)
        if toe is not None:
            wanted[limb.toe] = _carried(bones[limb.toe], target, poses, toe)

    found: dict[str, tuple[Array, Array]] = {}
    for name, pose in wanted.items():
        above, socket = carrier(bones[name], armature, wanted, bone_map.still)
        stands = np.array(socket) if above is None else wanted[above] @ np.array(socket)
        basis = np.linalg.inv(stands) @ pose
        found[name] = basis[:, :3, :3], basis[:, :3, 3]
    return found


def _toe(limb: IkLimb, ankle: int, target: Target) -> int | None:
    """The joint that a limb's toe control follows."""
    joint = ENDS[ankle]
    return joint if limb.toe and joint in TOES and joint in target.at else None


def _carried(control: bpy.types.PoseBone, target: Target, poses: Array, joint: int) -> Array:
    """Where a control is (T, 4, 4) that moves with a joint's bone."""
    bone = target.bones[target.at[joint]]
    rest = np.eye(4)
    rest[:3, :3], rest[:3, 3] = bone.rest, bone.head
    return poses[target.at[joint]] @ np.linalg.inv(rest) @ np.array(control.bone.matrix_local)


def _pole(control: bpy.types.PoseBone, target: Target, poses: Array, joints: tuple[int, ...]) -> Array:
    """Where a pole is (T, 4, 4): beside the bend of its limb, as far off as at rest."""
    start, bend, end = (poses[target.at[joint]][:, :3, 3] for joint in joints)
    heads = np.array([target.bones[target.at[joint]].head for joint in joints])
    carried = _carried(control, target, poses, joints[0])
    far = np.linalg.norm(np.array(control.bone.head_local) - heads[1])
    usual = _across(carried[:, :3, 3] - start, end - start)
    usual = usual / np.linalg.norm(usual, axis=-1, keepdims=True)
    bent = _across(bend - start, end - start)
    away = bent + BENT * BENT * np.linalg.norm(heads[1] - heads[0]) * usual
    result = np.tile(np.array(control.bone.matrix_local), (len(poses[0]), 1, 1))
    result[:, :3, 3] = bend + far * away / np.linalg.norm(away, axis=-1, keepdims=True)
    return result


def _across(vector: Array, line: Array) -> Array:
    """The part of vectors (T, 3) that is square to lines (T, 3)."""
    along = np.sum(vector * line, -1, keepdims=True) / np.maximum(np.sum(line * line, -1, keepdims=True), 1e-12)
    return vector - along * line
