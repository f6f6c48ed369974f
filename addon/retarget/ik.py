# SPDX-License-Identifier: GPL-3.0-or-later
"""The IK controls of limbs that are solved already: goals, poles and toes that lead to the same pose."""

import bpy
import numpy as np

from ...model.motion.rotations import matrix_from_axis_angle
from .bone_maps.bone_map import BoneMap, IkLimb
from .posed import posed
from .solve import ENDS, JOINTS, TOES, Array, Solution, Target
from .target import carrier, location_axes

NEARLY_STRAIGHT = 0.002
"""A limb bent by no more than about this share of its length has its pole where its first bone's own axes say."""

STRAIGHT = 1e-4
"""A limb bent by less than this share of its length at rest says nothing about where its pole should be."""


def controls(
    armature: bpy.types.Object, bone_map: BoneMap, target: Target, solution: Solution
) -> dict[str, tuple[Array, Array]]:
    """For each IK control its rotation (T, 3, 3) in its own space, and its location channels (T, 3).

    The controls' settings must be in force. Limbs that are not whole are left out.
    """
    assert armature.pose
    bones = armature.pose.bones
    turns, heads = posed(target, solution)
    poses = np.zeros((*turns.shape[:2], 4, 4))
    poses[..., :3, :3], poses[..., :3, 3], poses[..., 3, 3] = turns, heads, 1.0
    wanted: dict[str, Array] = {}
    toes: set[str] = set()  # They only turn.
    for name, limb in bone_map.ik.items():
        first = JOINTS.index(name)
        joints = (first, ENDS[first], ENDS[ENDS[first]])
        if not set(joints) <= set(target.at):
            continue
        wanted[limb.goal] = _carried(bones[limb.goal], target, poses, joints[2])
        wanted[limb.pole] = _pole(bones[limb.pole], target, poses, joints)
        toe = _toe(limb, joints[2], target)
        if toe is not None:
            toes.add(limb.toe)
            wanted[limb.toe] = _carried(bones[limb.toe], target, poses, toe)

    found: dict[str, tuple[Array, Array]] = {}
    for name, pose in wanted.items():
        above, socket = carrier(bones[name], armature, wanted, bone_map.still)
        stands = np.array(socket) if above is None else wanted[above] @ np.array(socket)
        basis = np.linalg.inv(stands) @ pose
        location = basis[:, :3, 3] @ location_axes(bones[name].bone).T
        found[name] = basis[:, :3, :3], np.zeros_like(location) if name in toes else location
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
    """Where a pole is (T, 4, 4): to the side to which its limb bends, as far from the bend as at rest.

    At rest the pole need not lie quite where the limb is bent to; the angle between them is kept.
    """
    start, bend, end = (poses[target.at[joint]][:, :3, 3] for joint in joints)
    heads = np.array([target.bones[target.at[joint]].head for joint in joints])
    at_rest = np.array(control.bone.head_local)
    limb = end - start
    line = limb / np.linalg.norm(limb, axis=-1, keepdims=True)
    usual = _across(_carried(control, target, poses, joints[0])[:, :3, 3] - start, limb)
    usual = usual / np.linalg.norm(usual, axis=-1, keepdims=True)
    turn = matrix_from_axis_angle(_angle_at_rest(heads, at_rest) * line)
    bent = np.einsum("tij,tj->ti", turn, _across(bend - start, limb))
    away = bent + NEARLY_STRAIGHT * np.linalg.norm(heads[1] - heads[0]) * usual
    away = away / np.linalg.norm(away, axis=-1, keepdims=True)
    result = np.tile(np.array(control.bone.matrix_local), (len(limb), 1, 1))
    result[:, :3, 3] = bend + np.linalg.norm(at_rest - heads[1]) * away
    return result


def _angle_at_rest(heads: Array, pole: Array) -> float:
    """From where a limb's heads (3, 3) bend to, about its line, to its pole (3,), radians; 0 if they are straight."""
    limb = heads[2] - heads[0]
    bent, aside = _across(np.stack([heads[1], pole]) - heads[0], limb[None])
    if np.linalg.norm(bent) < STRAIGHT * np.linalg.norm(limb):
        return 0.0
    return float(np.arctan2(np.cross(bent, aside) @ limb / np.linalg.norm(limb), bent @ aside))


def _across(vector: Array, line: Array) -> Array:
    """The part of vectors (T, 3) that is square to lines (T, 3)."""
    along = np.sum(vector * line, -1, keepdims=True) / np.maximum(np.sum(line * line, -1, keepdims=True), 1e-12)
    return vector - along * line
