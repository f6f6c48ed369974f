# SPDX-License-Identifier: GPL-3.0-or-later
"""When heels and toes rest on the ground. Everything in seconds and metres, so that no frame rate is special."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from .motion import Motion, forward_kinematics

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

STILL_M_S: Final = 0.3
"""A sole of this speed rests as likely as not."""
WITHIN_S: Final = 0.1
"""The time over which the speed is taken: long enough for noise to cancel out, shorter than any step."""
NEAR_M: Final = 0.06
"""A sole that far above the floor rests as likely as not."""
ENTER: Final = 0.6
LEAVE: Final = 0.35
"""A contact begins at one probability and lasts until the other: one that hovers about a half does not flicker."""
SHORTEST_S: Final = 0.07
"""Nothing rests, and no step is taken, for less than this."""
PLACE_S: Final = 0.05
"""A sole has left its place when it is farther from where it was over that time"""
PLACE_M: Final = 0.004
"""than this,"""
PLACE_USUAL: Final = 3.0
"""and so many times as far as is usual during the contact: a captured one creeps and trembles."""

FEET: Final = ((7, 10), (8, 11))
"""Ankle and ball of the left and the right foot among SMPL's joints."""
HEEL_BELOW_ANKLE: Final = np.array([0.0, -0.52, -0.065])
TOE_BELOW_BALL: Final = np.array([0.0, -0.06, -0.06])
"""Where the sole touches the ground first, in lengths from ankle to ball, T-pose (Y up, facing +Z)."""


def contacts_of(motion: Motion, floor_m: float = 0.0) -> NDArray[np.float32]:
    """Contacts (T, 4) of any motion, from what its feet do and from what its own `contacts` say, if they say anything.

    The result is as `contacts` returns it. The world's floor is at z = floor_m.
    """
    said = np.asarray(motion.contacts, np.float64) if np.any(motion.contacts) else None
    return contacts(soles_of(motion), motion.time_s, said, floor_m, motion.observed).astype(np.float32)


def soles_of(motion: Motion) -> Array:
    """Soles (T, 4, 3), world, metres: L heel, L toe, R heel, R toe, where an average foot of that length has them."""
    turns = forward_kinematics(motion.local_rotations(), np.zeros((24, 3)))[0]
    return soles_under(turns, np.asarray(motion.joints, np.float64))


def soles_under(turns: Array, joints: Array) -> Array:
    """As `soles_of`, for the rotations (T, 24, 3, 3) and places (T, 24, 3) of the joints in the world."""
    soles = np.empty((len(joints), 4, 3))
    for side, (ankle, ball) in enumerate(FEET):
        length = float(np.median(np.linalg.norm(joints[:, ball] - joints[:, ankle], axis=-1)))
        soles[:, 2 * side] = joints[:, ankle] + turns[:, ankle] @ (length * HEEL_BELOW_ANKLE)
        soles[:, 2 * side + 1] = joints[:, ball] + turns[:, ball] @ (length * TOE_BELOW_BALL)
    return soles


def contacts(
    soles: Array,
    time_s: NDArray[np.floating],
    said: NDArray[np.floating] | None = None,
    floor_m: float = 0.0,
    observed: Flags | None = None,
    *,
    rough: bool = False,
) -> Array:
    """Probabilities (T, 4) that soles (T, 4, 3), world (Z up), metres, rest; above a half exactly while they do.

    `said` (T, 4) is another opinion, a network's probabilities, that is weighed in; time_s (T,) may be uneven.
    Where a frame was not `observed` (T,), nothing rests. `rough`: soles slide yet, so that contacts have no exact ends.
    """
    probability = stillness(soles, time_s) / (1 + (np.maximum(soles[..., 2] - floor_m, 0) / NEAR_M) ** 4)
    if said is not None:
        probability = _both(probability, said)
    if observed is not None:
        probability = np.where(observed[:, None], probability, 0.0)
    rests = resting(probability, time_s)
    if not rough:
        rests = _in_place(rests, soles, time_s)
    return np.where(rests, np.maximum(probability, 0.51), np.minimum(probability, 0.49))


def stillness(soles: Array, time_s: NDArray[np.floating]) -> Array:
    """How likely each of the soles (T, K, 3) rests for all that its speed tells (T, K): 1 for one that stands still.

    One that has just come to rest or is about to leave stands still on one side of the moment only.
    """
    slowest = np.minimum(_speed(soles, time_s, -1), _speed(soles, time_s, 1))
    return 1 / (1 + (np.where(np.isfinite(slowest), slowest, 0.0) / STILL_M_S) ** 4)


def _speed(points: Array, time_s: NDArray[np.floating], side: int) -> Array:
    """Speeds (T, K) of points (T, K, 3) by a line through what comes before (side -1) or after (1), WITHIN_S long.

    Infinite where nothing comes.
    """
    T, count = len(points), _neighbours(time_s, side, WITHIN_S)
    n, t, tt, x, tx = np.ones(T), np.zeros(T), np.zeros(T), np.zeros(points.shape), np.zeros(points.shape)
    for k in range(1, int(count.max(initial=0)) + 1):
        here = np.flatnonzero(count >= k)
        dt = time_s[here + side * k] - time_s[here]
        away = points[here + side * k] - points[here]
        n[here] += 1
        t[here] += dt
        tt[here] += dt**2
        x[here] += away
        tx[here] += dt[:, None, None] * away
    spread = tt - t**2 / n
    slope = (tx - (t / n)[:, None, None] * x) / np.maximum(spread, 1e-12)[:, None, None]
    return np.where((count > 0)[:, None], np.linalg.norm(slope, axis=-1), np.inf)


def _in_place(rests: Flags, soles: Array, time_s: NDArray[np.floating]) -> Flags:
    """Contacts (T, K) of soles (T, K, 3) without frames at their ends in which the sole is not in its place.

    Speed over a time tells surely that a sole rests, but not when that begins and ends: one that is off already has
    hardly moved yet, taken over that time.
    """
    rests = rests.copy()
    since, until = (_away(soles, time_s, side) for side in (-1, 1))
    for point in range(rests.shape[1]):
        for first, end in spans(rests[:, point]).tolist():
            here = slice(first, end)
            usual = np.median(np.minimum(since[here, point], until[here, point]))
            allowed = max(PLACE_M, PLACE_USUAL * float(usual))
            arrived = np.logical_or.accumulate(until[here, point] <= allowed) if first > 0 else True
            stays = np.logical_or.accumulate(since[here, point][::-1] <= allowed)[::-1] if end < len(rests) else True
            rests[here, point] = np.logical_and(arrived, stays)
        _forget_short(rests[:, point], time_s, state=True)
    return rests


def _away(points: Array, time_s: NDArray[np.floating], side: int) -> Array:
    """How far (T, K) points (T, K, 3) are from their mean place over PLACE_S before (side -1) or after (1)."""
    total, count = np.zeros(points.shape), _neighbours(time_s, side, PLACE_S)
    for k in range(1, int(count.max(initial=0)) + 1):
        here = np.flatnonzero(count >= k)
        total[here] += points[here + side * k] - points[here]
    return np.linalg.norm(total / np.maximum(count, 1)[:, None, None], axis=-1)


def _neighbours(time_s: NDArray[np.floating], side: int, within_s: float) -> NDArray[np.intp]:
    """How many frames (T,) come within a time before (side -1) or after (1) each; the next in any case."""
    frames = np.arange(len(time_s))
    if side > 0:
        count = np.searchsorted(time_s, np.asarray(time_s) + within_s + 1e-4) - 1 - frames
        return np.maximum(count, frames < len(time_s) - 1)
    return np.maximum(frames - np.searchsorted(time_s, np.asarray(time_s) - within_s - 1e-4), frames > 0)


def resting(probability: NDArray[np.floating], time_s: NDArray[np.floating]) -> Flags:
    """Whether each point rests (T, K): probabilities (T, K) with hysteresis, without moments too short to be true."""
    rests = np.empty(np.shape(probability), bool)
    for point in range(rests.shape[1]):
        rests[:, point] = _hysteresis(probability[:, point])
        for state in (False, True):
            _forget_short(rests[:, point], time_s, state)
    return rests


def _forget_short(flags: Flags, time_s: NDArray[np.floating], state: bool) -> None:
    """Take back, in flags (T,), a state that lasts too short to be true."""
    for first, end in spans(flags == state):
        if first > 0 and end < len(flags) and time_s[end] - time_s[first] < SHORTEST_S:
            flags[first:end] = not state


def spans(flags: Flags) -> NDArray[np.intp]:
    """The stretches of flags (T,) that are true, (N, 2): first frame, frame after the last."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return edges.reshape(-1, 2)


def _hysteresis(probability: NDArray[np.floating]) -> Flags:
    """True from ENTER on until LEAVE, also backwards in time: a stretch above LEAVE that reaches ENTER somewhere."""
    rests = np.zeros(len(probability), bool)
    for first, end in spans(probability > LEAVE):
        rests[first:end] = probability[first:end].max() >= ENTER
    return rests


def _both(a: NDArray[np.floating], b: NDArray[np.floating]) -> Array:
    """Two independent opinions as one: their odds multiplied."""
    a, b = np.clip(a, 0.01, 0.99), np.clip(b, 0.01, 0.99)
    return a * b / (a * b + (1 - a) * (1 - b))
