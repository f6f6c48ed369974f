# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds a target's feet where they rest, and out of the floor, after retargeting. numpy only.

Another body's legs carry its feet elsewhere than the take's: they slide, float or sink. Each contact gets one place on
the floor, where the retargeted foot is on average, and the leg is bent to it by two-bone inverse kinematics. Everything
is done in a frame with the world's floor at z = 0 and its heights, in which the armature stands unscaled.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ...model.motion.contacts import HEEL_BELOW_ANKLE, TOE_BELOW_BALL, Flags, resting, spans, stillness
from ...model.motion.rotations import axis_angle_from_matrix, between, matrix_from_axis_angle
from .easing import eased, envelope, nearness
from .posed import posed, rebased
from .solve import ANKLES, ELBOWS, HIPS, KNEES, SHOULDERS, TOES, WRISTS, Array, Solution, Target, match_trunk
from .two_bone import Limb, reach, softened

EASE_S = 0.2
"""How long a foot takes from where it is held to where it swings freely."""
SINK_S = 0.15
"""How slowly the hips go down for a leg that is too short."""
DEEPEST = 0.15
"""How far the hips may go down, in lengths of a leg. Feet that would need more are pulled along."""
STILL_HAND = 3.0
"""A hand counts as still at so many times less speed than a sole."""
TOE_LENGTH = 0.4
"""From the ball of the foot to the tip of its toes, in lengths from ankle to ball, where the rig does not say it."""
LOW_BALL = 0.15
"""A rig whose balls of the feet are that near above its origin, in lengths of a leg, stands on its origin."""
SHORT_FOOT, AVERAGE_FOOT = 0.05, 0.17
"""Below the one a foot is taken to have no length of its own, and gets the other; in lengths of a leg."""
X, Y, Z = np.eye(3)
SOURCE_AXES = np.array([[-1.0, 0, 0], [0, 0, 1], [0, 1, 0]])
"""Right, forward and up of a take's canonical frame."""


class FootLock(StrEnum):
    """What is done with a target's feet."""

    AUTO = "AUTO"
    """Held while they rest, by the take's contacts."""
    ALWAYS = "ALWAYS"
    """Held in one place for the whole take."""
    GROUND = "GROUND"
    """Kept out of the floor, and free to slide."""
    NEVER = "NEVER"
    """Left as they are."""


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


@dataclass(frozen=True)
class Foot:
    """A leg over T frames, in the frame of the floor.

    `foot` and `toes` (T, 3, 3) carry what stands upright at rest to where it is posed. From the ankle to the heel, the
    sole under the ball, and the joint of the toes, and from there to their tip, lead (3,), all upright.
    """

    joints: tuple[int, int, int, int]
    leg: Limb
    foot: Array
    toes: Array
    heel: Array
    toe: Array
    ball: Array
    tip: Array

    def soles(self) -> Array:
        """Where heel, ball and tip of the toes touch the floor, if they do (T, 3, 3)."""
        ankle = self.leg.end
        tip = ankle + self.foot @ self.ball + self.toes @ self.tip
        return np.stack([ankle + self.foot @ self.heel, ankle + self.foot @ self.toe, tip], 1)


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
    found = feet_of(target, ground, turns, heads)
    if not found:
        return solution
    rests = settled(contacts, time_s) | (mode == FootLock.ALWAYS)
    feet = list(found.values())
    on = [_overlapping(rests[:, 2 * side : 2 * side + 2]) for side in found]

    lift = _lift(feet, on)
    feet = [replace(foot, leg=foot.leg.moved(lift * Z)) for foot in feet]
    if mode == FootLock.GROUND:
        on = [np.zeros_like(flags) for flags in on]
    planted = [_planted(foot, flags, time_s) for foot, flags in zip(feet, on, strict=True)]
    sinking = [_sinking(foot, goal, flags) for foot, (goal, _, _), flags in zip(feet, planted, on, strict=True)]
    drop = envelope(np.max(sinking, 0), time_s, SINK_S)

    changed: set[int] = set()
    for foot, (goal, sole_turn, toes_turn), flags in zip(feet, planted, on, strict=True):
        root = foot.leg.root - drop[:, None] * Z
        thigh, shin = _reached(foot.leg, root, goal, flags.any(1), time_s)
        turned = (thigh, shin, sole_turn, toes_turn)
        for joint, turn in zip(foot.joints, turned, strict=True):
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
        upper, lower = _reached(arm, arm.root, goal, still[:, side], time_s)
        for joint, turn in zip(joints[:2], (upper, lower), strict=True):
            changed |= _turn(target, ground, turns, joint, turn)
        changed.add(target.at[joints[2]])
    return replace(solution, basis=rebased(target, solution.basis, turns, changed))


def settled(contacts: NDArray[np.floating], time_s: NDArray[np.floating]) -> Flags:
    """Whether heels and toes rest (T, 4), for probabilities (T, 4), without what is too short to be true."""
    return resting((np.asarray(contacts) > 0.5).astype(np.float64), np.asarray(time_s, np.float64))


def feet_of(target: Target, ground: Ground, turns: Array, heads: Array) -> dict[int, Foot]:
    """The left (0) and right (1) foot, as far as they hang from whole legs, of a target posed as `posed` says."""
    whole = [side for side in (0, 1) if {HIPS[side], KNEES[side], ANKLES[side]} <= set(target.at)]
    return {side: foot_of(target, ground, turns, heads, side) for side in whole}


def foot_of(target: Target, ground: Ground, turns: Array, heads: Array, side: int) -> Foot:
    """The left (0) or right (1) foot of a target posed with orientations and heads (K, T, …) in armature space."""
    joints = HIPS[side], KNEES[side], ANKLES[side], TOES[side]
    under = sole(target, ground, side)
    ankle = target.at[joints[2]]
    toes = target.at.get(joints[3], ankle)
    start = target.bones[ankle].head
    ball = target.bones[toes].head if toes != ankle else under.toe

    def upright(way: Array) -> Array:
        return ground.size * ground.upright @ way

    return Foot(
        joints=joints,
        leg=_limb(target, ground, turns, heads, joints[:3], Y),
        foot=_carried(target, ground, turns, ankle),
        toes=_carried(target, ground, turns, toes),
        heel=upright(under.heel - start),
        toe=upright(under.toe - start),
        ball=upright(ball - start),
        tip=upright(under.tip - ball),
    )


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


def _reached(limb: Limb, root: Array, goal: Array, on: Flags, time_s: Array) -> tuple[Array, Array]:
    """How a limb's bones turn (T, 3, 3) towards a goal (T, 3): all the way while on (T,), else as far as is easy."""
    wanted = np.linalg.norm(goal - root, axis=-1)
    held = nearness(on, time_s, EASE_S)
    return reach(limb, root, goal, held * wanted + (1 - held) * softened(limb, wanted))


def _lift(feet: Sequence[Foot], on: Sequence[Flags]) -> float:
    """How much higher the whole rig must be for its feet to be flat on the floor when they are, as a rule."""
    deep = [-foot.heel[2] - foot.leg.end[flags.all(1), 2] for foot, flags in zip(feet, on, strict=True)]
    deep = np.concatenate(deep)
    return float(np.median(deep)) if len(deep) else 0.0


def _overlapping(on: Flags) -> Flags:
    """Contacts of heel and toe (T, 2), made to overlap where one ends as the other begins: a foot rolls over both."""
    passes = (on[:-1] & on[1:, ::-1] & ~on[1:] & ~on[:-1, ::-1]).any(1)
    on = on.copy()
    on[:-1][passes] = True
    return on


def _planted(foot: Foot, on: Flags, time_s: Array) -> tuple[Array, Array, Array]:
    """Where the ankle goes (T, 3), and how the foot and its toes are turned there (T, 3, 3), for contacts on (T, 2).

    The foot is flat while heel and toe rest; on one of them it may turn, but not into the floor.
    """
    spots, heading = _spots(foot, on)
    flat = matrix_from_axis_angle(heading[:, None] * Z)
    turned = _held_turns(foot.foot, flat, on.all(1), time_s)
    line = turned @ (foot.toe - foot.heel)
    level = line * [1, 1, 0]
    sinks = np.where(on[:, 0], line[:, 2] < 0, line[:, 2] > 0)[:, None]
    turned = _held_turns(turned, between(line, np.where(sinks, level, line)) @ turned, on.any(1), time_s)

    points = np.stack([turned @ foot.heel, turned @ foot.toe], 1)
    resting_ankle = np.where(on[:, :1], spots[:, 0] - points[:, 0], spots[:, 1] - points[:, 1])
    ankle = foot.leg.end + eased(resting_ankle - foot.leg.end, on.any(1), time_s, EASE_S)
    ankle[:, 2] += np.maximum(-(ankle[:, None] + points)[..., 2].min(1), 0)

    followed = turned @ np.swapaxes(foot.foot, -1, -2)
    along = matrix_from_axis_angle(_heading(turned)[:, None] * Z)
    toes = _held_turns(followed @ foot.toes, along, on[:, 1], time_s)
    toes = _above(toes @ foot.tip, -(ankle + turned @ foot.ball)[:, 2], along @ Y) @ toes
    return ankle, followed, toes @ np.swapaxes(foot.toes, -1, -2)


def _held_turns(free: Array, held: Array, on: Flags, time_s: Array) -> Array:
    """The rotations (T, 3, 3) free, but held while on (T,), with smooth ways between."""
    away = axis_angle_from_matrix(held @ np.swapaxes(free, -1, -2))
    return matrix_from_axis_angle(eased(away, on, time_s, EASE_S)) @ free


def _above(ways: Array, lowest: Array, ahead: Array) -> Array:
    """The turns (T, 3, 3) that lift ways (T, 3) to a height (T,), if they are lower; straight down they turn ahead."""
    length = np.linalg.norm(ways, axis=-1)
    height = np.clip(lowest, ways[:, 2], length)
    level = (ways + 1e-6 * ahead) * [1, 1, 0]
    level = level / np.maximum(np.linalg.norm(level, axis=-1, keepdims=True), 1e-12)
    lifted = np.sqrt(np.maximum(length**2 - height**2, 0))[:, None] * level + height[:, None] * Z
    return between(ways, np.where((height > ways[:, 2])[:, None], lifted, ways))


def _heading(turns: Array) -> Array:
    """The angles (T,) about the upward axis by which rotations (T, 3, 3) turn, by what they do to a sideways line."""
    return np.arctan2(turns[:, 1, 0], turns[:, 0, 0])


def _spots(foot: Foot, on: Flags) -> tuple[Array, Array]:
    """Places on the floor for heel and toe (T, 2, 3) while they rest, and the heading (T,) of the flat foot.

    Each contact has one place. Where contacts of heel and toe overlap, their places are as far apart as the foot is
    long, in the foot's mean direction; what is left to choose keeps all of a stand's contacts near where they were.
    """
    spots = np.zeros((len(on), 2, 3))
    found = np.stack([foot.leg.end + foot.foot @ foot.heel, foot.leg.end + foot.foot @ foot.toe], 1)[..., :2]
    sideways = foot.foot[:, :2, 0]
    heading = _heading(foot.foot)
    for first, end in spans(on.any(1)):
        contacts = sorted((a, b, part) for part in (0, 1) for a, b in first + spans(on[first:end, part]))
        away = np.zeros((len(contacts), 2))
        for k, (start, stop, part) in enumerate(contacts):
            earlier = [j for j in range(k) if contacts[j][2] != part and contacts[j][1] > start]
            for j in earlier[-1:]:
                both = slice(start, min(stop, contacts[j][1]))
                x, y = sideways[both].sum(0)
                heading[both] = np.arctan2(y, x)
                way = _rotated(np.arctan2(y, x), (foot.toe - foot.heel)[:2])
                away[k] = away[j] + (way if part else -way)
        weight = np.array([stop - start for start, stop, _ in contacts])
        means = np.array([found[start:stop, part].mean(0) for start, stop, part in contacts])
        base = np.average(means - away, axis=0, weights=weight)
        for (start, stop, part), way in zip(contacts, away, strict=True):
            spots[start:stop, part, :2] = base + way
    return spots, heading


def _rotated(angle: float, way: Array) -> Array:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ way


def _sinking(foot: Foot, goal: Array, on: Flags) -> Array:
    """How far (T,) the hips must go down for the leg to reach a goal (T, 3) while the foot rests."""
    way = foot.leg.root - goal
    wanted = np.linalg.norm(way, axis=-1)
    can = softened(foot.leg, wanted)
    depth = way[:, 2] - np.sqrt(np.maximum(can**2 - np.sum(way[:, :2] ** 2, -1), 0))
    most = DEEPEST * (foot.leg.lengths[0] + foot.leg.lengths[1])
    return np.where(on.any(1) & (wanted > can), np.clip(depth, 0, most), 0.0)
