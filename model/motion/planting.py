# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds feet where they rest, and out of the floor, by bending the legs. numpy only; the floor is at z = 0.

Each contact gets one place on the floor, where the foot is on average, and the leg is bent to it by two-bone inverse
kinematics. A take's own feet are held so, and those of a rig, whose other legs carry its feet elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .contacts import FEET, HEEL_BELOW_ANKLE, TOE_BELOW_BALL, Flags, resting, spans
from .easing import eased, envelope, nearness
from .motion import Motion, forward_kinematics
from .rotations import axis_angle_from_matrix, between, matrix_from_axis_angle
from .skeleton import PARENTS
from .two_bone import Array, Limb, reach, softened

EASE_S = 0.2
"""How long a foot takes from where it is held to where it swings freely."""
SINK_S = 0.15
"""How slowly the hips go down for a leg that is too short."""
DEEPEST = 0.15
"""How far the hips may go down, in lengths of a leg. Feet that would need more are pulled along."""
TOE_LENGTH = 0.4
"""From the ball of the foot to the tip of its toes, in lengths from ankle to ball, where nothing else says it."""
X, Y, Z = np.eye(3)
SOURCE_AXES = np.array([[-1.0, 0, 0], [0, 0, 1], [0, 1, 0]])
"""Right, forward and up of a take's canonical frame."""


@dataclass(frozen=True)
class Foot:
    """A leg over T frames, in the frame of the floor.

    `foot` and `toes` (T, 3, 3) carry what stands upright at rest to where it is posed. From the ankle to the heel, the
    sole under the ball, and the joint of the toes, and from there to their tip, lead (3,), all upright.
    """

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


class Turns(NamedTuple):
    """How the bones of a leg turn (T, 3, 3) so that its foot is held."""

    thigh: Array
    shin: Array
    foot: Array
    toes: Array


def hold_feet(motion: Motion, rest: NDArray[np.floating]) -> Motion:
    """The motion, its feet held where its contacts say that they rest, and out of the floor at z = 0.

    rest (24, 3) are the joints in the T-pose; soles are where an average foot has them. Held once more, it stays
    to a few millimetres, as long as the legs reach.
    A motion without any contact is left alone: nobody knows where its floor is.
    """
    on = settled(motion.contacts, motion.time_s)
    if not on.any():
        return motion
    rest = np.asarray(rest, np.float64)
    local = motion.local_rotations()
    turns, joints = forward_kinematics(local, rest)
    joints = joints + motion.trans[:, None]
    legs = [(hip, hip + 3, ankle, ball) for hip, (ankle, ball) in zip((1, 2), FEET, strict=True)]
    feet: list[Foot] = []
    for hip, knee, ankle, ball in legs:
        lead = SOURCE_AXES @ (rest[ball] - rest[ankle])
        length = np.linalg.norm(lead)
        heel, toe = length * SOURCE_AXES @ HEEL_BELOW_ANKLE, lead + length * SOURCE_AXES @ TOE_BELOW_BALL
        tip = np.array([0, TOE_LENGTH * length, toe[2] - lead[2]])
        leg = Limb(joints[:, hip], joints[:, knee], joints[:, ankle], turns[:, hip] @ SOURCE_AXES[1])
        feet.append(Foot(leg, turns[:, ankle] @ SOURCE_AXES.T, turns[:, ball] @ SOURCE_AXES.T, heel, toe, lead, tip))
    drop, found = plant(feet, [overlapping(on[:, :2]), overlapping(on[:, 2:])], motion.time_s)
    for leg, turned in zip(legs, found, strict=True):
        for joint, turn in zip(leg, turned, strict=True):
            turns[:, joint] = turn @ turns[:, joint]
    for joint in sum(legs, ()):
        local[:, joint] = turns[:, PARENTS[joint]].swapaxes(1, 2) @ turns[:, joint]
    return motion.with_pose(local, motion.trans - drop[:, None] * Z, rest)


def plant(feet: Sequence[Foot], on: Sequence[Flags], time_s: NDArray[np.floating]) -> tuple[Array, list[Turns]]:
    """How far (T,) the hips go down, and how each leg turns, so that feet are held while heel and toe are on (T, 2)."""
    time_s = np.asarray(time_s, np.float64)
    planted = [_planted(foot, flags, time_s) for foot, flags in zip(feet, on, strict=True)]
    sinking = [_sinking(foot, goal, flags) for foot, (goal, _, _), flags in zip(feet, planted, on, strict=True)]
    drop = envelope(np.max(sinking, 0), time_s, SINK_S)
    turns: list[Turns] = []
    for foot, (goal, sole, toes), flags in zip(feet, planted, on, strict=True):
        root = foot.leg.root - drop[:, None] * Z
        thigh, shin = reached(foot.leg, root, goal, flags.any(1), time_s)
        turns.append(Turns(thigh, shin, sole, toes))
    return drop, turns


def settled(contacts: NDArray[np.floating], time_s: NDArray[np.floating]) -> Flags:
    """Whether heels and toes rest (T, 4), for probabilities (T, 4), without what is too short to be true."""
    return resting((np.asarray(contacts) > 0.5).astype(np.float64), np.asarray(time_s, np.float64))


def reached(limb: Limb, root: Array, goal: Array, on: Flags, time_s: Array) -> tuple[Array, Array]:
    """How a limb's bones turn (T, 3, 3) towards a goal (T, 3): all the way while on (T,), else as far as is easy."""
    wanted = np.linalg.norm(goal - root, axis=-1)
    held = nearness(on, time_s, EASE_S)
    return reach(limb, root, goal, held * wanted + (1 - held) * softened(limb, wanted))


def overlapping(on: Flags) -> Flags:
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
