# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns a take's motion into pose channels of another armature. numpy only.

For every bone: W_target = W_source · A · R_target_rest, all in the world, where A carries the target's rest pose onto
the source's. A is the whole trick: it comes from the directions of the limbs, never from the axes of the bones, so
neither a bone's roll nor where it happens to point plays a part.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray

from ...model.motion.motion import forward_kinematics
from ...model.motion.rotations import axis_angle_from_matrix, between, matrix_from_axis_angle, project
from ...model.motion.skeleton import JOINTS, PARENTS

Array = NDArray[np.float64]

HIPS = (JOINTS.index("left_hip"), JOINTS.index("right_hip"))
KNEES = (JOINTS.index("left_knee"), JOINTS.index("right_knee"))
ANKLES = (JOINTS.index("left_ankle"), JOINTS.index("right_ankle"))
TOES = (JOINTS.index("left_foot"), JOINTS.index("right_foot"))
SHOULDERS = (JOINTS.index("left_shoulder"), JOINTS.index("right_shoulder"))
ELBOWS = (JOINTS.index("left_elbow"), JOINTS.index("right_elbow"))
WRISTS = (JOINTS.index("left_wrist"), JOINTS.index("right_wrist"))
HANDS = (JOINTS.index("left_hand"), JOINTS.index("right_hand"))

AIMED = HIPS + KNEES + SHOULDERS + ELBOWS + WRISTS
"""Joints whose limb points where the take's points. The trunk, head and feet turn as the take's do instead: a spine
or an ankle of another shape would else lean, or stand on its toes, where the person stands upright."""

ENDS = dict(zip(AIMED + ANKLES, KNEES + ANKLES + ELBOWS + WRISTS + HANDS + TOES, strict=True))
"""The joint at the far end of a limb that starts at a joint."""

NEEDED = HIPS + KNEES + ANKLES + SHOULDERS
"""Without these there is no telling how large an armature is, or which way it faces."""

UP = np.array([0.0, 1.0, 0.0])
UPRIGHT_WITHIN = np.radians(10.0)
SHORTEST = 1e-6


@dataclass(frozen=True)
class TargetBone:
    """A bone that gets keys, in armature space.

    It takes the motion of `joint`, turned by `share` (0..1) towards that of the joint `towards`. `parent` is the number
    of the bone that carries it (-1: none), which stands before it in the row; `socket` (4, 4) is where it stands in
    that bone's space while it is not posed itself, whatever lies between the two. `rest` (3, 3) has its rest axes in
    columns. If it does not inherit rotation it keeps its rest orientation whatever its parent does.
    """

    name: str
    joint: int
    parent: int
    rest: Array
    head: Array
    tail: Array
    socket: Array
    inherits: bool = True
    towards: int = 0
    share: float = 0.0


@dataclass(frozen=True)
class Target:
    """An armature: its bones, parents first, the first one of which travels; `world` (4, 4) is its object's matrix.

    Raises ValueError if a joint in NEEDED has no bone, if the hips or legs have no extent, or if `world` mirrors.
    """

    bones: Sequence[TargetBone]
    world: Array

    def __post_init__(self) -> None:
        missing = [JOINTS[joint] for joint in NEEDED if joint not in self.at]
        if missing:
            raise ValueError(f"no bone for {', '.join(missing)}")
        if np.linalg.det(self.world[:3, :3]) <= 0:
            raise ValueError("the object's scale is mirrored or zero")
        left, right = (self.bones[self.at[hip]].head for hip in HIPS)
        if min(np.linalg.norm(left - right), self.leg_m) < 1e-6:
            raise ValueError("the hips or legs have no extent")

    @cached_property
    def at(self) -> dict[int, int]:
        """The bone that stands for each joint, as far as one does alone."""
        return {bone.joint: number for number, bone in enumerate(self.bones) if not bone.share}

    @cached_property
    def leg_m(self) -> float:
        """The length of a leg from hip to ankle in the world."""
        heads = {joint: self.world[:3, :3] @ self.bones[self.at[joint]].head for joint in HIPS + KNEES + ANKLES}
        return _leg_length(heads)

    @cached_property
    def turn(self) -> Array:
        """The object's rotation (3, 3), without its scale."""
        return project(self.world[:3, :3])

    def limb(self, joint: int) -> Array:
        """From the start to the end of the limb at a joint (3,), at rest, in armature space."""
        bone = self.bones[self.at[joint]]
        end = self.at.get(ENDS[joint])
        return (bone.tail if end is None else self.bones[end].head) - bone.head


@dataclass(frozen=True)
class Solution:
    """Pose channels over T frames, bones in the target's order.

    basis (K, T, 3, 3) rotations, each in its bone's own space; location (T, 3) of the first bone, in its own space.
    scale is the factor from the take's size to the target's.
    """

    basis: Array
    location: Array
    scale: float


def solve(
    target: Target, local: NDArray[np.floating], trans: NDArray[np.floating], rest: NDArray[np.floating]
) -> Solution:
    """The pose channels with which the target moves as a take does.

    local (T, 24, 3, 3), trans (T, 3) and rest (24, 3) are as in Motion. The target's hips pass where the take's do,
    scaled about the world's origin by the ratio of the legs' lengths, heights included.
    """
    rest = np.asarray(rest, np.float64)
    source, joints = forward_kinematics(local, rest)
    joints = joints + np.asarray(trans)[:, None]
    aligned = align(target, rest)

    frames = len(source)
    basis = np.empty((len(target.bones), frames, 3, 3))
    pose = np.empty_like(basis)
    heads = np.empty((len(target.bones), frames, 3))
    for number, bone in enumerate(target.bones):
        wanted = target.turn.T @ blend(source, bone) @ aligned[number] @ bone.rest
        if bone.joint in AIMED:
            wanted = _aim(target, bone, wanted, source[:, bone.joint] @ _source_limb(rest, bone.joint))
        carried = bone.socket[:3, :3]
        heads[number] = bone.socket[:3, 3]
        if bone.parent >= 0:
            carried = pose[bone.parent] @ carried
            heads[number] = heads[bone.parent] + pose[bone.parent] @ bone.socket[:3, 3]
        basis[number] = np.swapaxes(carried if bone.inherits else bone.rest, -1, -2) @ wanted
        pose[number] = wanted

    scale = target.leg_m / _leg_length(dict(enumerate(rest)))
    hips = scale * joints[:, HIPS].mean(1) + [0, 0, _lift(target, match_trunk(target, rest), rest, scale)]
    to_armature = np.linalg.inv(target.world)
    travel = hips @ to_armature[:3, :3].T + to_armature[:3, 3] - heads[[target.at[hip] for hip in HIPS]].mean(0)
    return Solution(basis, travel @ target.bones[0].socket[:3, :3], scale)


def blend(source: Array, bone: TargetBone) -> Array:
    """The world rotation (T, 3, 3) of what a bone takes its motion from, for the source's (T, 24, 3, 3)."""
    start = source[:, bone.joint]
    if not bone.share:
        return start
    way = axis_angle_from_matrix(np.swapaxes(start, -1, -2) @ source[:, bone.towards])
    return start @ matrix_from_axis_angle(bone.share * way)


def align(target: Target, rest: NDArray[np.floating]) -> Array:
    """For each bone the rotation A (K, 3, 3) from armature space, at rest, to the source's canonical T-pose.

    rest (24, 3): the source's joints. The trunk is matched as a whole. A limb is then bent the shortest way, joint by
    joint from the trunk outwards, so that it gets no twist that its own joints would not give it.
    """
    trunk = match_trunk(target, rest)
    turns: dict[int, Array] = {}
    for joint in AIMED:  # thighs before shins, upper arms before forearms before hands
        if joint in target.at:
            turn = turns.get(PARENTS[joint], trunk)
            turns[joint] = _swing(turn, target.limb(joint), _source_limb(rest, joint))
    up = trunk.T @ UP
    for ankle, toe in zip(ANKLES, TOES, strict=True):
        # Both soles are flat at rest: only where the toes point matters, not how high the ankle is.
        ahead = target.limb(ankle) - (target.limb(ankle) @ up) * up
        turns[ankle] = turns[toe] = _swing(trunk, ahead, _source_limb(rest, ankle) * [1, 0, 1])
    return np.stack([turns.get(bone.joint, trunk) for bone in target.bones])


def match_trunk(target: Target, rest: NDArray[np.floating]) -> Array:
    """The rotation (3, 3) from armature space to the source's canonical frame, by hips and shoulders.

    People are modelled upright along an axis of their armature; where the trunks' lines differ by a few degrees, that
    is the shape of a back, and no lean.
    """
    of_target = {joint: target.bones[target.at[joint]].head for joint in HIPS + SHOULDERS}
    turn = _trunk_axes(dict(enumerate(rest))) @ _trunk_axes(of_target).T
    square = max(_quarter_turns(), key=lambda candidate: np.sum(candidate * turn))
    off = np.linalg.norm(axis_angle_from_matrix(square.T @ turn))
    return square if off < UPRIGHT_WITHIN else turn


def _trunk_axes(heads: dict[int, Array]) -> Array:
    """Left, up and forward, in columns (3, 3)."""
    left = heads[HIPS[0]] - heads[HIPS[1]]
    left = left / np.linalg.norm(left)
    up = heads[SHOULDERS[0]] + heads[SHOULDERS[1]] - heads[HIPS[0]] - heads[HIPS[1]]
    up = up - (up @ left) * left
    up = up / np.linalg.norm(up)
    return np.stack([left, up, np.cross(left, up)], -1)


def _quarter_turns() -> list[Array]:
    """The 24 rotations that carry axes onto axes."""
    signed = [
        np.eye(3)[list(order)] * signs for order in permutations(range(3)) for signs in product((1.0, -1.0), repeat=3)
    ]
    return [matrix for matrix in signed if np.linalg.det(matrix) > 0]


def _aim(target: Target, bone: TargetBone, wanted: Array, direction: Array) -> Array:
    """Orientations (T, 3, 3) turned the last bit by which an object's uneven scale bends the limb's direction."""
    limb = target.limb(bone.joint)
    if np.linalg.norm(limb) < SHORTEST:
        return wanted
    return between(wanted @ bone.rest.T @ limb, direction @ np.linalg.inv(target.world[:3, :3]).T) @ wanted


def _swing(turn: Array, limb: Array, goal: Array) -> Array:
    """The rotation `turn` (3, 3), turned on so that it carries a limb (3,) into the direction goal (3,)."""
    if np.linalg.norm(limb) < SHORTEST:
        return turn
    return between(turn @ limb, goal) @ turn


def _source_limb(rest: Array, joint: int) -> Array:
    return rest[ENDS[joint]] - rest[joint]


def _leg_length(heads: dict[int, Array]) -> float:
    parts = [(hip, knee) for hip, knee in zip(HIPS, KNEES, strict=True)]
    parts += [(knee, ankle) for knee, ankle in zip(KNEES, ANKLES, strict=True)]
    return float(sum(np.linalg.norm(heads[end] - heads[start]) for start, end in parts)) / 2


def _lift(target: Target, trunk: Array, rest: Array, scale: float) -> float:
    """How much higher than the take's the hips must be, metres, for the balls of the feet to keep their height.

    Ankles are not equally high above the balls of the feet in all bodies.
    """
    if not all(toe in target.at for toe in TOES):
        return 0.0
    size = np.linalg.norm(target.world[:3, :3] @ trunk.T @ UP)
    own = -np.mean([UP @ trunk @ target.limb(ankle) for ankle in ANKLES]) * size
    return float(own - scale * np.mean(rest[ANKLES, 1] - rest[TOES, 1]))
