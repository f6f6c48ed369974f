# SPDX-License-Identifier: GPL-3.0-or-later
"""Travel that something else than the hips carries, and twist that is shared by bones along a limb. numpy only."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reel_to_rig.addon.retarget.posed import posed
from reel_to_rig.addon.retarget.root import grounded
from reel_to_rig.addon.retarget.solve import HELD, Target, TargetBone, solve

from model.motion.motion import forward_kinematics
from model.motion.rotations import angle_between, matrix_from_axis_angle
from model.motion.skeleton import JOINTS, PARENTS
from tests.addon.retarget.figures import UPRIGHT, Array, exercise, placed, random_rotation, rest
from tests.addon.retarget.test_solve import SEEDS, armature, other_body, placement, pose


@settings(max_examples=40)
@given(SEEDS, st.booleans())
def test_what_carries_the_person_and_what_is_left_are_the_whole_motion(seed: int, turns: bool) -> None:
    rng = np.random.default_rng(seed)
    local, trans = exercise(25, rng)
    target = armature(other_body(rng), random_rotation(rng), placement(rng, even=True), rng)
    whole = solve(target, local, trans, rest())
    anchor = rng.normal(size=3)
    left, ground = grounded(target, whole, anchor, turns=turns)
    np.testing.assert_allclose(ground @ pose(target, left), pose(target, whole), atol=1e-7)
    np.testing.assert_allclose(ground[:, 2], np.tile([0.0, 0, 1, 0], (25, 1)), atol=1e-9)
    hips = pose(target, left)[[target.at[1], target.at[2]]][..., :2, 3].mean(0)
    np.testing.assert_allclose(hips, np.tile(anchor[:2], (25, 1)), atol=1e-7)
    if not turns:
        np.testing.assert_allclose(ground[:, :3, :3], np.tile(np.eye(3), (25, 1, 1)), atol=1e-12)


def test_a_person_who_turns_round_is_turned_by_the_ground() -> None:
    """A whole turn and a half, without a jump; what is left does not turn at all."""
    angles = np.linspace(0, 3 * np.pi, 61)
    local = np.tile(np.eye(3), (61, 24, 1, 1))
    local[:, 0] = matrix_from_axis_angle(angles[:, None] * [0, 0, 1.0]) @ UPRIGHT
    trans = np.stack([np.cos(angles), angles, np.ones(61)], -1)
    target = armature(rest(), UPRIGHT, np.eye(4), np.random.default_rng(1))
    left, ground = grounded(target, solve(target, local, trans, rest()), np.zeros(3), turns=True)
    np.testing.assert_allclose(ground[:, :3, :3], matrix_from_axis_angle(angles[:, None] * [0, 0, 1.0]), atol=1e-9)
    np.testing.assert_allclose(left.basis, np.tile(np.eye(3), (*left.basis.shape[:2], 1, 1)), atol=1e-9)


def with_helpers(target: Target, joint: str, twists: list[float], rng: np.random.Generator) -> Target:
    """The target with bones along a joint's limb, of any roll, that share its twist."""
    number = JOINTS.index(joint)
    base = target.bones[target.at[number]]
    bones = list(target.bones)
    for twist in twists:
        helper = placed(random_rotation(rng), base.head + twist * target.limb(number))
        bones.append(
            TargetBone(
                name=f"{joint} {twist}",
                joint=number,
                parent=target.at[number],
                rest=helper[:3, :3],
                head=helper[:3, 3],
                tail=helper[:3, 3],
                socket=np.linalg.inv(placed(base.rest, base.head)) @ helper,
                twist=twist,
            )
        )
    return Target(bones, target.world)


@pytest.mark.parametrize("joint", ["left_shoulder", "right_hip", "right_elbow", "left_knee"])
@settings(max_examples=15)
@given(seed=SEEDS)
def test_helpers_share_the_twist_and_point_along_their_limb(joint: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    local, trans = exercise(15, rng)
    target = with_helpers(
        armature(other_body(rng), random_rotation(rng), placement(rng, even=True), rng), joint, [0.0, 0.5, 1.0], rng
    )
    solution = solve(target, local, trans, rest())
    turns, _ = posed(target, solution)
    number = JOINTS.index(joint)
    carried = [turns[k] @ target.bones[k].rest.T for k, bone in enumerate(target.bones) if bone.joint == number]
    limb = target.limb(number)
    own = carried[0]
    for helper in carried[1:]:
        assert angle_between(helper @ limb, own @ limb).max() < 1e-6

    def about(one: Array, other: Array) -> Array:
        """By how much (T,) one is turned about the limb beyond the other."""
        between = np.swapaxes(one, -1, -2) @ other
        axis = limb / np.linalg.norm(limb)
        side = np.cross(axis, [0.3, 0.5, 0.8])
        side = side / np.linalg.norm(side)
        turned = between @ side
        return np.unwrap(np.arctan2(turned @ np.cross(axis, side), turned @ side))

    none, half, all_of_it = carried[1:]
    np.testing.assert_allclose(about(none, half), about(half, all_of_it), atol=1e-6)
    kept = all_of_it if joint.endswith(("shoulder", "hip")) else none
    np.testing.assert_allclose(kept, own, atol=1e-6)


def test_a_forearm_takes_the_twist_of_the_wrist_and_none_of_its_bend() -> None:
    local = np.tile(np.eye(3), (3, 24, 1, 1))
    local[:, 0] = UPRIGHT
    wrist = JOINTS.index("left_wrist")
    line = rest()[wrist] - rest()[PARENTS[wrist]]
    line = line / np.linalg.norm(line)
    bend = matrix_from_axis_angle(0.9 * np.cross(line, [0.0, 1, 0]))
    local[:, wrist] = bend @ matrix_from_axis_angle(np.array([0.0, 0.8, -1.6])[:, None] * line)
    rng = np.random.default_rng(2)
    target = with_helpers(armature(rest(), UPRIGHT, np.eye(4), rng), "left_elbow", [0.25], rng)
    turns, _ = posed(target, solve(target, local, np.zeros((3, 3)), rest()))
    carried = turns[-1] @ target.bones[-1].rest.T
    wanted = matrix_from_axis_angle(np.array([0.0, 0.2, -0.4])[:, None] * (UPRIGHT @ line))
    np.testing.assert_allclose(carried, wanted, atol=1e-9)


def test_a_bone_that_is_held_travels_and_does_not_turn() -> None:
    """As the centre of MikuMikuDance's models, which carries both halves of the body."""
    rng = np.random.default_rng(4)
    local, trans = exercise(20, rng)
    whole = armature(rest(), UPRIGHT, np.eye(4), rng)
    centre = placed(random_rotation(rng), np.array([0.0, 0, 0.5]))
    bones = [TargetBone("centre", HELD, -1, centre[:3, :3], centre[:3, 3], centre[:3, 3], centre)]
    for bone in whole.bones:
        top = bone.parent < 0
        bones.append(
            replace(bone, parent=bone.parent + 1, socket=np.linalg.inv(centre) @ bone.socket if top else bone.socket)
        )
    target = Target(bones, np.eye(4))
    solution = solve(target, local, trans, rest())
    np.testing.assert_allclose(solution.basis[0], np.tile(np.eye(3), (20, 1, 1)), atol=1e-12)
    wanted = forward_kinematics(local, rest())[1] + trans[:, None]
    for joint, number in target.at.items():
        np.testing.assert_allclose(pose(target, solution)[number][:, :3, 3], wanted[:, joint], atol=1e-6)


@settings(max_examples=20)
@given(SEEDS, st.sampled_from(["left arm", "right leg", "legs", "head"]))
def test_limbs_that_are_there_do_not_mind_those_that_are_not(seed: int, gone: str) -> None:
    rng = np.random.default_rng(seed)
    local, trans = exercise(10, rng)
    parts = {
        "left arm": ("left_shoulder", "left_elbow", "left_wrist", "left_hand"),
        "right leg": ("right_hip", "right_knee", "right_ankle", "right_foot"),
        "legs": tuple(f"{side}_{joint}" for side in ("left", "right") for joint in ("hip", "knee", "ankle", "foot")),
        "head": ("head",),
    }[gone]
    whole = armature(rest(), UPRIGHT, placement(rng, even=True), rng)
    kept = [number for number, bone in enumerate(whole.bones) if JOINTS[bone.joint] not in parts or bone.share]
    bones = [
        replace(whole.bones[number], parent=kept.index(whole.bones[number].parent) if number else -1) for number in kept
    ]
    target = Target(bones, whole.world)
    one, other = solve(whole, local, trans, rest()), solve(target, local, trans, rest())
    assert other.scale == pytest.approx(one.scale)
    np.testing.assert_allclose(other.basis, one.basis[kept], atol=1e-6)
    np.testing.assert_allclose(other.location, one.location, atol=1e-5)
