# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reel_to_rig.addon.retarget.bone_maps.bone_map import CHAINS, BoneMap
from reel_to_rig.addon.retarget.quality import direction_errors
from reel_to_rig.addon.retarget.solve import AIMED, ENDS, HIPS, TOES, Solution, Target, TargetBone, solve

from model.motion.motion import forward_kinematics
from model.motion.rotations import angle_between, matrix_from_axis_angle
from model.motion.skeleton import JOINTS, PARENTS
from tests.addon.retarget.figures import UPRIGHT, Array, exercise, placed, random_rotation, rest

SEEDS = st.integers(0, 2**32 - 1)


def armature(
    joints: Array, turn: Array, world: Array, rng: np.random.Generator, spine: int = 3, neck: int = 1
) -> Target:
    """An armature with joints (24, 3), turned as a whole, whose bones have any roll and point anywhere."""
    bone_map = BoneMap(
        family="made up",
        joints={joint: joint for joint in JOINTS if joint not in CHAINS},
        spine=tuple(f"spine {k}" for k in range(spine)),
        neck=tuple(f"neck {k}" for k in range(neck)),
    )
    place = dict(zip(JOINTS, joints, strict=True))
    heads = {joint: place[joint] for joint in bone_map.joints}
    above: dict[str, str | None] = {j: JOINTS[PARENTS[JOINTS.index(j)]] for j in bone_map.joints if j != "pelvis"}
    for chain, line, carrier in (
        (bone_map.spine, ("pelvis", "spine1", "spine2", "spine3"), "pelvis"),
        (bone_map.neck, ("neck", "head"), bone_map.spine[-1]),
    ):
        knots = np.stack([place[joint] for joint in line])
        for k, bone in enumerate(chain):
            along = (k + (carrier == "pelvis")) / len(chain) * (len(line) - 1)
            heads[bone] = np.array([np.interp(along, range(len(line)), axis) for axis in knots.T])
            above[bone] = chain[k - 1] if k else carrier
    above |= {"pelvis": None, "head": bone_map.neck[-1]}
    above |= {f"{side}_collar": bone_map.spine[-1] for side in ("left", "right")}

    sources = bone_map.sources()
    order = ["pelvis", *bone_map.spine, *bone_map.neck, *(j for j in JOINTS if j in heads and j != "pelvis")]
    rests = {bone: placed(random_rotation(rng), turn @ heads[bone]) for bone in order}
    bones: list[TargetBone] = []
    for bone in order:
        parent = above[bone]
        bones.append(
            TargetBone(
                name=bone,
                joint=sources[bone].joint,
                towards=sources[bone].towards,
                share=sources[bone].share,
                parent=-1 if parent is None else order.index(parent),
                rest=rests[bone][:3, :3],
                head=rests[bone][:3, 3],
                tail=rests[bone][:3, 3] + rests[bone][:3, 1] * 0.1,
                socket=rests[bone] if parent is None else np.linalg.inv(rests[parent]) @ rests[bone],
            )
        )
    return Target(bones, world)


def pose(target: Target, solution: Solution) -> Array:
    """World matrices (K, T, 4, 4) of the posed bones, put together as Blender does."""
    posed: list[Array] = []
    for number, bone in enumerate(target.bones):
        channels = placed(
            solution.basis[number], solution.location if number == 0 else np.zeros_like(solution.location)
        )
        posed.append((bone.socket if bone.parent < 0 else posed[bone.parent] @ bone.socket) @ channels)
    return target.world @ np.stack(posed)


def other_body(rng: np.random.Generator) -> Array:
    """Joints (24, 3) of a body with other proportions whose limbs point anywhere at rest."""
    person = rest()
    joints = person.copy()
    for joint in range(1, 24):
        part = person[joint] - person[PARENTS[joint]]
        if PARENTS[joint] in AIMED or joint in TOES:
            part = random_rotation(rng) @ part
        joints[joint] = joints[PARENTS[joint]] + part * rng.uniform(0.5, 1.8)
    return joints


def placement(rng: np.random.Generator, *, even: bool) -> Array:
    """The matrix of an object that stands anywhere, any way round, in any size."""
    scale = rng.uniform(0.2, 4) * (1 if even else rng.uniform(0.4, 2.5, 3))
    return placed(random_rotation(rng) * scale, rng.uniform(-3, 3, 3))


@settings(max_examples=60)
@given(SEEDS, st.booleans(), st.integers(1, 6), st.integers(1, 3))
def test_limbs_point_as_the_takes_do_on_any_armature(seed: int, even: bool, spine: int, neck: int) -> None:
    rng = np.random.default_rng(seed)
    local, trans = exercise(20, rng)
    target = armature(other_body(rng), random_rotation(rng), placement(rng, even=even), rng, spine, neck)
    posed = pose(target, solve(target, local, trans, rest()))
    _, joints = forward_kinematics(local, rest())
    for joint in AIMED:
        start, end = (posed[target.at[j]][:, :3, 3] for j in (joint, ENDS[joint]))
        wanted = joints[:, ENDS[joint]] - joints[:, joint]
        assert np.degrees(angle_between(end - start, wanted)).max() < 0.001, JOINTS[joint]


@settings(max_examples=60)
@given(SEEDS, st.booleans())
def test_a_copy_of_the_person_stands_where_the_person_does(seed: int, square: bool) -> None:
    """Same joints, other axes, turned inside the armature and placed anywhere: every joint lands where it should."""
    rng = np.random.default_rng(seed)
    turn = random_rotation(rng) if not square else np.roll(np.eye(3), rng.integers(3), axis=0)
    assume(square or np.abs(turn).max(0).min() < 0.9)  # not a little off a right angle, which is taken for one
    local, trans = exercise(20, rng)
    world = placement(rng, even=True)
    target = armature(rest(), turn, world, rng)
    solution = solve(target, local, trans, rest())
    scale = np.cbrt(np.linalg.det(world[:3, :3]))
    assert solution.scale == pytest.approx(scale)
    wanted = scale * (forward_kinematics(local, rest())[1] + trans[:, None])
    posed = pose(target, solution)
    for joint, number in target.at.items():
        np.testing.assert_allclose(posed[number][:, :3, 3], wanted[:, joint], atol=1e-6)


@settings(max_examples=30)
@given(SEEDS)
def test_the_quality_measure_sees_an_error_of_a_known_size(seed: int) -> None:
    rng = np.random.default_rng(seed)
    local, trans = exercise(10, rng)
    target = armature(other_body(rng), np.eye(3), placement(rng, even=True), rng)
    posed = pose(target, solve(target, local, trans, rest()))
    at_rest = target.world @ np.stack([placed(bone.rest, bone.head) for bone in target.bones])
    carried = np.swapaxes(posed @ np.linalg.inv(at_rest)[:, None], 0, 1)
    assert max(error.max() for error in direction_errors(target, carried, local, rest()).values()) < 0.001

    head, elbow, wrist = (target.at[JOINTS.index(joint)] for joint in ("head", "left_elbow", "left_wrist"))
    start, end = posed[elbow][:, :3, 3], posed[wrist][:, :3, 3]
    across = np.cross(end - start, rng.normal(size=3))
    turn = matrix_from_axis_angle(np.radians(2) * across / np.linalg.norm(across, axis=-1, keepdims=True))
    for number in (head, wrist):
        about = placed(np.tile(np.eye(3), (len(start), 1, 1)), start)
        carried[:, number] = about @ placed(turn, np.zeros(3)) @ np.linalg.inv(about) @ carried[:, number]
    errors = direction_errors(target, carried, local, rest())
    np.testing.assert_allclose(errors["left_elbow"], 2.0, atol=1e-3)
    np.testing.assert_allclose(errors["head"], 2.0, atol=1e-3)
    assert errors["right_elbow"].max() < 0.001


def test_a_metre_of_travel_is_a_metre_times_the_ratio_of_the_legs() -> None:
    local = np.tile(np.eye(3), (2, 24, 1, 1))
    local[:, 0] = UPRIGHT
    joints = rest() * 1.3
    target = armature(joints, UPRIGHT, np.eye(4), np.random.default_rng(1))
    solution = solve(target, local, np.array([[0.0, 0, 1], [0.6, -0.8, 1]]), rest())
    assert solution.scale == pytest.approx(1.3)
    hips = pose(target, solution)[[target.at[hip] for hip in HIPS]][:, :, :3, 3].mean(0)
    np.testing.assert_allclose(hips[1] - hips[0], [0.78, -1.04, 0], atol=1e-9)


def test_feet_stay_on_the_ground_and_flat_though_ankles_differ_in_height() -> None:
    """In the T-pose, upright: soles as flat as at rest, balls of the feet as high as the person's times the scale."""
    local = np.tile(np.eye(3), (1, 24, 1, 1))
    local[:, 0] = UPRIGHT
    joints = rest()
    for toe in TOES:
        joints[toe] += [0, -0.04, 0]
    target = armature(joints, UPRIGHT, np.eye(4), np.random.default_rng(2))
    person = forward_kinematics(local, rest())[1] + [0, 0, 1]
    posed = pose(target, solve(target, local, np.array([[0.0, 0, 1]]), rest()))
    for toe in TOES:
        assert posed[target.at[toe]][0, 2, 3] == pytest.approx(person[0, toe, 2], abs=1e-9)
        foot = target.at[PARENTS[toe]]
        np.testing.assert_allclose(posed[foot][0, :3, :3], target.bones[foot].rest, atol=1e-9)


def test_targets_that_cannot_work_are_refused() -> None:
    rng = np.random.default_rng(3)
    whole = armature(rest(), UPRIGHT, np.eye(4), rng)
    with pytest.raises(ValueError, match="faces"):
        Target([whole.bones[whole.at[0]]], np.eye(4))
    with pytest.raises(ValueError, match="hips"):
        Target([], np.eye(4))
    with pytest.raises(ValueError, match="mirrored"):
        Target(whole.bones, np.diag([-1.0, 1, 1, 1]))
    with pytest.raises(ValueError, match="extent"):
        armature(np.zeros((24, 3)), UPRIGHT, np.eye(4), rng)
