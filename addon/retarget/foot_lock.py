# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds a target's feet where they rest, and out of the floor, after retargeting. numpy only.

Another body's legs carry its feet elsewhere than the take's: they slide, float or sink. Everything is done in a frame
with the world's floor at z = 0 and its heights, in which the armature stands unscaled.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...model.motion.contacts import HEEL_BELOW_ANKLE, TOE_BELOW_BALL, Flags, resting, spans, stillness
from ...model.motion.easing import eased
from ...model.motion.planting import EASE_S, SOURCE_AXES, TOE_LENGTH, Foot, overlapping, plant, reached, settled
from ...model.motion.rotations import between
from ...model.motion.two_bone import Limb
from .options import FootLock
from .posed import posed, rebased
from .solve import ANKLES, ELBOWS, HIPS, KNEES, SHOULDERS, TOES, WRISTS, Array, Solution, Target, match_trunk

STILL_HAND = 3.0
"""A hand counts as still at so many times less speed than a sole."""
LOW_BALL = 0.15
"""A rig whose balls of the feet are that near above its origin, in lengths of a leg, stands on its origin."""
SHORT_FOOT, AVERAGE_FOOT = 0.05, 0.17
"""Below the one a foot is taken to have no length of its own, and gets the other; in lengths of a leg."""
X, Y, Z = np.eye(3)


@dataclass(frozen=True)
class Ground:
    """The frame of the floor: x = size · turn · (armature space) + origin; z is the height above the world's floor.

    upright (3, 3) carries armature space, where the rig is at rest, into a frame in which it stands facing along y.
    """

    turn: Array
    size: float
    origin: Array
    upright: Array

    @staticmethod
    def under(target: Target, rest: NDArray[np.floating]) -> "Ground":
        """For a take with rest joints (24, 3)."""
        world, trunk = target.world[:3, :3], match_trunk(target, np.asarray(rest, np.float64))
        size = float(np.linalg.norm(world[2]))
        turn = target.turn @ between(world[2], target.turn[2])
        return Ground(turn, size, target.world[:3, 3], SOURCE_AXES @ trunk)

    def place(self, points: Array) -> Array:
        """Points (…, 3) of armature space in this frame."""
        return self.size * points @ self.turn.T + self.origin


@dataclass(frozen=True)
class Sole:
    """Where a foot touches the floor at rest: under the heel, the ball and the tip of the toes (3,), armature space."""

    heel: Array
    toe: Array
    tip: Array


def lock_feet(
    target: Target,
    solution: Solution,
    rest: NDArray[np.floating],
    contacts: NDArray[np.floating],
    time_s: NDArray[np.floating],
    mode: FootLock = FootLock.AUTO,
) -> Solution:
    """The solution with its feet held, kept out of the floor, or left alone, by mode.

    rest (24, 3) are the take's joints at rest, contacts (T, 4) its probabilities that L heel, L toe, R heel, R toe
    rest on the floor; time_s (T,) may be uneven. The hips are moved up and down only, and as little as the legs allow.
    Legs of which a part is missing are left alone.
    """
    if mode == FootLock.NEVER:
        return solution
    time_s = np.asarray(time_s, np.float64)
    ground = Ground.under(target, rest)
    turns, heads = posed(target, solution)
    legs = feet_of(target, ground, turns, heads)
    if not legs:
        return solution
    rests = settled(contacts, time_s) | (mode == FootLock.ALWAYS)
    feet = list(legs.values())
    on = [overlapping(rests[:, 2 * side : 2 * side + 2]) for side in legs]

    lift = _lift(feet, on)
    feet = [replace(foot, leg=foot.leg.moved(lift * Z)) for foot in feet]
    if mode == FootLock.GROUND:
        on = [np.zeros_like(flags) for flags in on]
    drop, found = plant(feet, on, time_s)

    changed: set[int] = set()
    for side, leg in zip(legs, found, strict=True):
        for joint, turn in zip(_joints(side), leg, strict=True):
            changed |= _turn(target, ground, turns, joint, turn)
    moved = ((lift - drop)[:, None] * Z) @ ground.turn / ground.size
    return replace(
        solution,
        basis=rebased(target, solution.basis, turns, changed),
        location=solution.location + moved @ target.bones[0].socket[:3, :3],
    )


def lock_hands(
    target: Target,
    solution: Solution,
    rest: NDArray[np.floating],
    wrists: NDArray[np.floating],
    time_s: NDArray[np.floating],
) -> Solution:
    """The solution with each hand held in place while the take's is still; wrists (T, 2, 3) are the take's, metres."""
    time_s = np.asarray(time_s, np.float64)
    ground = Ground.under(target, rest)
    turns, heads = posed(target, solution)
    still = resting(stillness(STILL_HAND * np.asarray(wrists, np.float64), time_s), time_s)
    changed: set[int] = set()
    for side in (0, 1):
        joints = SHOULDERS[side], ELBOWS[side], WRISTS[side]
        if not set(joints) <= set(target.at):
            continue
        arm = _limb(target, ground, turns, heads, joints, -Y)
        held = arm.end.copy()
        for first, end in spans(still[:, side]):
            held[first:end] = arm.end[first:end].mean(0)
        goal = arm.end + eased(held - arm.end, still[:, side], time_s, EASE_S)
        upper, lower = reached(arm, arm.root, goal, still[:, side], time_s)
        for joint, turn in zip(joints[:2], (upper, lower), strict=True):
            changed |= _turn(target, ground, turns, joint, turn)
        changed.add(target.at[joints[2]])
    return replace(solution, basis=rebased(target, solution.basis, turns, changed))


def feet_of(target: Target, ground: Ground, turns: Array, heads: Array) -> dict[int, Foot]:
    """The left (0) and right (1) foot, as far as they hang from whole legs, of a target posed as `posed` says."""
    whole = [side for side in (0, 1) if {HIPS[side], KNEES[side], ANKLES[side]} <= set(target.at)]
    return {side: foot_of(target, ground, turns, heads, side) for side in whole}


def foot_of(target: Target, ground: Ground, turns: Array, heads: Array, side: int) -> Foot:
    """The left (0) or right (1) foot of a target posed with orientations and heads (K, T, …) in armature space."""
    joints = _joints(side)
    under = sole(target, ground, side)
    ankle = target.at[joints[2]]
    toes = target.at.get(joints[3], ankle)
    start = target.bones[ankle].head
    ball = target.bones[toes].head if toes != ankle else under.toe

    def upright(way: Array) -> Array:
        return ground.size * ground.upright @ way

    return Foot(
        leg=_limb(target, ground, turns, heads, joints[:3], Y),
        foot=_carried(target, ground, turns, ankle),
        toes=_carried(target, ground, turns, toes),
        heel=upright(under.heel - start),
        toe=upright(under.toe - start),
        ball=upright(ball - start),
        tip=upright(under.tip - ball),
    )


def _joints(side: int) -> tuple[int, int, int, int]:
    return HIPS[side], KNEES[side], ANKLES[side], TOES[side]


def sole(target: Target, ground: Ground, side: int) -> Sole:
    """The sole of a target's left (0) or right (1) foot.

    Soles are flat at rest. A rig whose feet are at its origin stands on that; else it stands as an average foot does.
    """
    _, forward, up = ground.upright
    leg = target.length_m({joint: target.bones[at].head for joint, at in target.at.items()})
    ankle, foot = target.bones[target.at[ANKLES[side]]].head, target.limb(ANKLES[side])
    ahead = foot - (foot @ up) * up
    if np.linalg.norm(ahead) < SHORT_FOOT * leg:  # The rig does not say where the foot ends.
        ahead = AVERAGE_FOOT * leg * forward
        foot = ahead + HEEL_BELOW_ANKLE[1] * AVERAGE_FOOT * leg * up
    ball, length = ankle + foot, np.linalg.norm(foot)
    ahead = ahead / np.linalg.norm(ahead)
    floor = 0.0 if 0 <= ball @ up < LOW_BALL * leg else ball @ up + TOE_BELOW_BALL[1] * length

    tip = ball
    if TOES[side] in target.at:
        own = target.bones[target.at[TOES[side]]].tail
        tip = own if (own - ball) @ ahead > 0.1 * length else ball + TOE_LENGTH * length * ahead
    heel, toe = (ankle + HEEL_BELOW_ANKLE[2] * length * ahead, ball + TOE_BELOW_BALL[2] * length * ahead)
    return Sole(*(point + (floor - point @ up) * up for point in (heel, toe, tip)))


def _limb(target: Target, ground: Ground, turns: Array, heads: Array, joints: tuple[int, ...], bends_to: Array) -> Limb:
    """The limb of three joints, whose middle one bends to a side (3,) of the upright rig."""
    root, middle, end = (ground.place(heads[target.at[joint]]) for joint in joints)
    return Limb(root, middle, end, _carried(target, ground, turns, target.at[joints[0]]) @ bends_to)


def _carried(target: Target, ground: Ground, turns: Array, number: int) -> Array:
    """The rotations (T, 3, 3) that carry what stands upright at rest to where a bone takes it."""
    return ground.turn @ turns[number] @ (ground.upright @ target.bones[number].rest).T


def _turn(target: Target, ground: Ground, turns: Array, joint: int, turn: Array) -> set[int]:
    """Turn all bones of a joint by (T, 3, 3), in the frame of the floor; returns their numbers."""
    numbers = {number for number, bone in enumerate(target.bones) if bone.joint == joint}
    for number in numbers:
        turns[number] = ground.turn.T @ turn @ ground.turn @ turns[number]
    return numbers


def _lift(feet: Sequence[Foot], on: Sequence[Flags]) -> float:
    """How much higher the whole rig must be for its feet to be flat on the floor when they are, as a rule."""
    deep = [-foot.heel[2] - foot.leg.end[flags.all(1), 2] for foot, flags in zip(feet, on, strict=True)]
    deep = np.concatenate(deep)
    return float(np.median(deep)) if len(deep) else 0.0
