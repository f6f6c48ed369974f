# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns a take's motion into pose channels of another armature. numpy only.

For every bone: W_target = W_source · A · R_target_rest, all in the world, where A carries the target's rest pose onto
the source's. A is the whole trick: it comes from the directions of the limbs, never from the axes of the bones, so
neither a bone's roll nor where it happens to point plays a part.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, permutations, product

import numpy as np
from numpy.typing import NDArray

from ...model.motion.motion import forward_kinematics
from ...model.motion.rotations import (
    axis_angle_from_matrix,
    between,
    matrix_from_axis_angle,
    project,
    quaternion_from_matrix,
)
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

PAIRS = (HIPS, SHOULDERS, (JOINTS.index("left_collar"), JOINTS.index("right_collar")), KNEES)
"""Joints on the left and the right, any one pair of which says where an armature's left is."""

TOPS = (SHOULDERS, (JOINTS.index("neck"),), (JOINTS.index("head"),))
"""Joints at the upper end of the trunk, any of which say where up is."""

HELD = -1
"""The joint of a bone that keeps its rest orientation."""

UP = np.array([0.0, 1.0, 0.0])
UPRIGHT_WITHIN = np.radians(10.0)
SHORTEST = 1e-6


@dataclass(frozen=True)
class TargetBone:
    """A bone that gets keys, in armature space.

    It takes the motion of `joint` (HELD: of none), turned by `share` (0..1) towards that of the joint `towards`.
    `parent` is the number of the bone that carries it (-1: none), which stands before it in the row; `socket` (4, 4) is
    where it stands in that bone's space while it is not posed itself, whatever lies between the two. `rest` (3, 3) has
    its rest axes in columns, `tail` is where the limb that begins at `head` ends, if no other bone says so; `head`
    again where that is unknown. If it does not inherit rotation it keeps its rest orientation whatever its parent does.

    `twist` (0..1) is for bones along a limb that share its twist: how much of it the bone takes. The first bone of a
    joint in a row of bones stands for the joint, the others are its helpers.
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
    twist: float | None = None


@dataclass(frozen=True)
class Target:
    """An armature: its bones, parents first, the first one of which travels; `world` (4, 4) is its object's matrix.

    Any limb may be missing. Raises ValueError if there is no telling which way it faces or how large it is, or if
    `world` mirrors.
    """

    bones: Sequence[TargetBone]
    world: Array

    def __post_init__(self) -> None:
        if np.linalg.det(self.world[:3, :3]) <= 0:
            raise ValueError("the object's scale is mirrored or zero")
        if not self.bones or not (set(HIPS) | {0}) & set(self.at):
            raise ValueError("there is no bone for the hips")
        if not self.left or not self.top:
            raise ValueError("there are no two hips or shoulders, or nothing above them, to tell which way it faces")
        heads = {joint: self.bones[number].head for joint, number in self.at.items()}
        left, up = heads[self.left[0]] - heads[self.left[1]], _middle(heads, self.top) - _middle(heads, self.bottom)
        if np.linalg.norm(np.cross(left, up)) < SHORTEST**2 or self.leg_m < SHORTEST:
            raise ValueError("the hips, the trunk or the legs have no extent")

    @cached_property
    def at(self) -> dict[int, int]:
        """The bone that stands for each joint, as far as one does alone."""
        found: dict[int, int] = {}
        for number, bone in enumerate(self.bones):
            if not bone.share and bone.joint != HELD:
                found.setdefault(bone.joint, number)
        return found

    @cached_property
    def left(self) -> tuple[int, int] | None:
        """Two joints, the second of which lies to the right of the first."""
        return next((pair for pair in PAIRS if set(pair) <= set(self.at)), None)

    @cached_property
    def top(self) -> tuple[int, ...]:
        """The joints above the trunk; empty if there are none."""
        return next((joints for joints in TOPS if set(joints) <= set(self.at)), ())

    @cached_property
    def bottom(self) -> tuple[int, ...]:
        """The joints where the trunk begins, which pass where the take's do."""
        return tuple(hip for hip in HIPS if hip in self.at) if self.left == HIPS or 0 not in self.at else (0,)

    def length_m(self, heads: Mapping[int, Array]) -> float:
        """The length of a leg, as far as there is one, else of the trunk, by which sizes are told; for any heads."""
        legs = [leg for leg in zip(HIPS, KNEES, ANKLES, strict=True) if set(leg) <= set(self.at)]
        parts = [(heads[high], heads[low]) for leg in legs for high, low in pairwise(leg)]
        parts = parts or [(_middle(heads, self.bottom), _middle(heads, self.top))]
        return float(sum(np.linalg.norm(low - high) for high, low in parts)) / max(len(legs), 1)

    @cached_property
    def leg_m(self) -> float:
        """The length of a leg from hip to ankle in the world; of the trunk where there are no legs."""
        return self.length_m({joint: self.world[:3, :3] @ self.bones[at].head for joint, at in self.at.items()})

    @cached_property
    def turn(self) -> Array:
        """The object's rotation (3, 3), without its scale."""
        return project(self.world[:3, :3])

    def limb(self, joint: int) -> Array:
        """From the start to the end of the limb at a joint (3,), at rest, in armature space; zero if unknown."""
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
        wanted = np.tile(bone.rest, (frames, 1, 1))
        if bone.joint != HELD:
            wanted = target.turn.T @ blend(source, bone, rest) @ aligned[number] @ bone.rest
        if bone.joint in AIMED:
            wanted = _aim(target, bone, wanted, source[:, bone.joint] @ _source_limb(rest, bone.joint))
        carried = bone.socket[:3, :3]
        heads[number] = bone.socket[:3, 3]
        if bone.parent >= 0:
            carried = pose[bone.parent] @ carried
            heads[number] = heads[bone.parent] + pose[bone.parent] @ bone.socket[:3, 3]
        basis[number] = np.swapaxes(carried if bone.inherits else bone.rest, -1, -2) @ wanted
        pose[number] = wanted

    scale = scale_to(target, rest)
    hips = scale * joints[:, list(target.bottom)].mean(1) + [
        0,
        0,
        _lift(target, match_trunk(target, rest), rest, scale),
    ]
    to_armature = np.linalg.inv(target.world)
    travel = hips @ to_armature[:3, :3].T + to_armature[:3, 3] - heads[[target.at[j] for j in target.bottom]].mean(0)
    return Solution(basis, travel @ target.bones[0].socket[:3, :3], scale)


def scale_to(target: Target, rest: NDArray[np.floating]) -> float:
    """The factor from the size of a take with rest joints (24, 3) to the target's in the world."""
    return target.leg_m / target.length_m(dict(enumerate(np.asarray(rest, np.float64))))


def blend(source: Array, bone: TargetBone, rest: NDArray[np.floating]) -> Array:
    """The world rotation (T, 3, 3) of what a bone takes its motion from, for the source's (T, 24, 3, 3).

    rest (24, 3): the source's joints.
    """
    start = source[:, bone.joint]
    if bone.twist is not None:
        return start @ matrix_from_axis_angle(_twist(source, rest, bone))
    if not bone.share:
        return start
    way = axis_angle_from_matrix(np.swapaxes(start, -1, -2) @ source[:, bone.towards])
    return start @ matrix_from_axis_angle(bone.share * way)


def _twist(source: Array, rest: NDArray[np.floating], bone: TargetBone) -> Array:
    """The rotation vectors (T, 3), about its limb, by which a bone along a limb is turned beyond the limb's joint.

    Upper arms and thighs are twisted by their own joint: a bone at the joint takes none of it, one at the far end all.
    Forearms and shins are twisted by the joint at their far end, in the same way. (Swing-twist decomposition.)
    """
    limb = _source_limb(np.asarray(rest, np.float64), bone.joint)
    axis = limb / np.linalg.norm(limb)
    own = bone.joint in HIPS + SHOULDERS
    one, other = (PARENTS[bone.joint], bone.joint) if own else (bone.joint, ENDS[bone.joint])
    q = quaternion_from_matrix(np.swapaxes(source[:, one], -1, -2) @ source[:, other])
    angle = np.unwrap(2 * np.arctan2(q[:, 1:] @ axis, q[:, 0]))
    assert bone.twist is not None
    return ((bone.twist - own) * angle)[:, None] * axis


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
        if ankle not in target.at:
            continue
        # Both soles are flat at rest: only where the toes point matters, not how high the ankle is.
        ahead = target.limb(ankle) - (target.limb(ankle) @ up) * up
        turns[ankle] = turns[toe] = _swing(trunk, ahead, _source_limb(rest, ankle) * [1, 0, 1])
    for wrist, hand in zip(WRISTS, HANDS, strict=True):
        turns[hand] = turns.get(wrist, trunk)
    return np.stack([turns.get(bone.joint, trunk) for bone in target.bones])


def match_trunk(target: Target, rest: NDArray[np.floating]) -> Array:
    """The rotation (3, 3) from armature space to the source's canonical frame, by hips and shoulders.

    People are modelled upright along an axis of their armature; where the trunks' lines differ by a few degrees, that
    is the shape of a back, and no lean.
    """
    of_target = {joint: target.bones[number].head for joint, number in target.at.items()}
    turn = _trunk_axes(target, dict(enumerate(rest))) @ _trunk_axes(target, of_target).T
    square = max(_quarter_turns(), key=lambda candidate: np.sum(candidate * turn))
    off = np.linalg.norm(axis_angle_from_matrix(square.T @ turn))
    return square if off < UPRIGHT_WITHIN else turn


def _trunk_axes(target: Target, heads: Mapping[int, Array]) -> Array:
    """Left, up and forward, in columns (3, 3), by the joints that the target has."""
    assert target.left
    left = heads[target.left[0]] - heads[target.left[1]]
    left = left / np.linalg.norm(left)
    up = _middle(heads, target.top) - _middle(heads, target.bottom)
    up = up - (up @ left) * left
    up = up / np.linalg.norm(up)
    return np.stack([left, up, np.cross(left, up)], -1)


def _middle(heads: Mapping[int, Array], joints: Sequence[int]) -> Array:
    return np.mean([heads[joint] for joint in joints], axis=0)


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


def _lift(target: Target, trunk: Array, rest: Array, scale: float) -> float:
    """How much higher than the take's the hips must be, metres, for the balls of the feet to keep their height.

    Ankles are not equally high above the balls of the feet in all bodies.
    """
    feet = [(ankle, toe) for ankle, toe in zip(ANKLES, TOES, strict=True) if ankle in target.at]
    feet = [foot for foot in feet if np.linalg.norm(target.limb(foot[0])) > SHORTEST]
    if not feet:
        return 0.0
    size = np.linalg.norm(target.world[:3, :3] @ trunk.T @ UP)
    own = -np.mean([UP @ trunk @ target.limb(ankle) for ankle, _ in feet]) * size
    return float(own - scale * np.mean([rest[ankle, 1] - rest[toe, 1] for ankle, toe in feet]))
