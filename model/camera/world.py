# SPDX-License-Identifier: GPL-3.0-or-later
"""From the camera's frame to a world with a floor: Z up, feet on z = 0, the camera looking along +Y at first."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags, vstack
from scipy.sparse.linalg import spsolve

from ..motion.contacts import contacts, spans, stillness

Array = NDArray[np.float64]

PITCH_SPREAD = 0.06
"""Radians by which the up direction that the network gives is trusted to be right."""
KNOWN_SPREAD = 1e-6
"""The same where the user gives it."""
FLOOR_SPREAD_M = 0.04
"""Metres by which a resting foot is off the floor, depth errors included."""
STEP_S = 0.5
"""Contacts closer in time than this are the same step and tell the same thing."""
BELOW = 1.5
"""How surely a foot below the floor belongs on it, beside one that rests."""
RESTING_M = 0.01
"""Metres by which a resting foot moves, or is off the floor, through errors of the pose."""
SLIDE_M_S = 0.05
"""and how fast."""
STRAYED_M = 0.05
"""A contact over which the sole strays that far, as root mean square, was a contact as likely as not."""
STEP_TRUST, ALONG_TRUST = 0.3, 0.3
"""What a step's length says of the way, beside its height, and along the line of sight once more: a step towards the
camera is seen too short, often half as long, for the whole of it, while the picture still tells how large the person
becomes. Trusted more, such a walk came out at a quarter of its length; feet are held in their places afterwards."""
ACROSS_M, DEPTH_SHARE = 0.05, 0.03
"""How far off the body may be across the line of sight, and along it, as a share of the distance."""
BEND_M_S2 = 10.0
"""How fast that error changes."""
ROUNDS = 4
DEPTH_DOUBT = 0.3
"""What a speed along the line of sight counts, beside one across it."""
SLOW_M_S = 0.3
FASTEST_M_S = 12.0
"""A camera moves no faster than that."""


class World(NamedTuple):
    """Where the camera stands, what was added to the body's path, and what rests."""

    rotation: Array
    """(3, 3) and"""
    translation: Array
    """(T, 3): x_camera = rotation · x_world + translation"""
    shift: Array
    """(T, 3) metres, world: added to the body so that resting feet rest on the floor"""
    contacts: Array
    """(T, 4) probabilities that the soles rest, above a half exactly while they do"""

    def placed(self, points: Array) -> Array:
        """Points (T, ..., 3) of the body from the camera to the world, shift included."""
        flat = points.reshape(len(points), -1, 3) - self.translation[:, None]
        return (flat @ self.rotation + self.shift[:, None]).reshape(points.shape)


def place_in_world(
    soles: Array,
    hips: Array,
    up: Array,
    said: Array,
    time_s: Array,
    observed: NDArray[np.bool_],
    centre: Array,
    pitch_deg: float | None = None,
) -> World:
    """Find the floor and let resting feet rest on it.

    soles (T, 4, 3): L heel, L toe, R heel, R toe, hips (T, 3) and up (T, 3): metres, in the frame of a camera that does
    not turn. said (T, 4): the network's probabilities of contact. Without any contact the lowest soles give the floor.
    centre (T, 3): where the camera is, in a unit that is unknown; feet tell it, one of which is slow at each moment.
    All 0 if it stays.
    pitch_deg: how far the camera looks down, if that is known.
    """
    sight = hips / np.linalg.norm(hips, axis=-1, keepdims=True)
    said = np.where(observed[:, None], said, 0.0)

    unit_m = _unit_m(soles, centre, sight, time_s) if np.any(centre) else 0.0
    placed = soles + unit_m * centre[:, None]
    weights = np.where(said > 0.5, said, 0.0) * stillness(placed, time_s)
    direction = _pitched(_mean_direction(up, observed), pitch_deg)
    doubt = np.array([PITCH_SPREAD, PITCH_SPREAD if pitch_deg is None else KNOWN_SPREAD])
    direction = _pitched(_floor_normal(placed, direction, weights, time_s, doubt), pitch_deg)
    axes = _axes(direction)
    travel, sight = unit_m * centre @ axes.T, sight @ axes.T
    feet = soles @ axes.T + travel[:, None]
    distance = np.linalg.norm(hips, axis=-1)
    start = (hips @ axes.T)[np.argmax(observed)]
    origin = np.array([start[0], start[1], _floor_height(feet, weights, observed)])
    feet = feet - origin

    shift, rests = np.zeros_like(hips), np.zeros(said.shape)
    for left in reversed(range(ROUNDS)):
        moved = feet + shift[:, None]
        rests = contacts(moved, time_s, said, observed=observed, rough=left > 0)
        low = np.where((moved[..., 2] < 0) & observed[:, None], BELOW, 0.0)
        shift = _rest_feet(feet, moved, sight, distance, rests, low, time_s)
    return World(axes.T, (origin - travel) @ axes, shift, rests)


def _unit_m(soles: Array, centre: Array, sight: Array, time_s: Array) -> float:
    """Metres in the unit in which the camera's path `centre` (T, 3) is given: at each moment some sole is slow.

    soles (T, 4, 3), as seen from where the camera is; sight (T, 3) unit lines of sight.
    """
    later = np.searchsorted(time_s, time_s + STEP_S / 4).clip(0, len(time_s) - 1)
    now = np.flatnonzero(later > np.arange(len(time_s)))
    span = (time_s[later[now]] - time_s[now])[:, None]
    steps, travel = (soles[later[now]] - soles[now]) / span[..., None], (centre[later[now]] - centre[now]) / span
    along = sight[now][:, :, None] * sight[now][:, None]
    doubt = np.eye(3) - (1 - DEPTH_DOUBT) * along

    def cost(unit_m: float) -> float:
        speed = np.linalg.norm(np.einsum("tij,tkj->tki", doubt, steps + unit_m * travel[:, None]), axis=-1).min(1)
        return float((speed / (speed + SLOW_M_S)).sum())

    fastest = float(np.percentile(np.linalg.norm(travel, axis=-1), 90))
    units = np.linspace(0, FASTEST_M_S / max(fastest, 1e-9), 401)
    return float(units[np.argmin([cost(unit) for unit in units])])


def _mean_direction(up: Array, observed: NDArray[np.bool_]) -> Array:
    chosen = up[observed] if observed.any() else up
    mean = (chosen / np.linalg.norm(chosen, axis=-1, keepdims=True)).mean(0)
    return mean / np.linalg.norm(mean)


def _pitched(up: Array, pitch_deg: float | None) -> Array:
    """The up direction (3,) for a camera that looks down by pitch_deg, the roll as it is."""
    if pitch_deg is None:
        return up
    sideways = float(np.linalg.norm(up[:2]))
    level = up[:2] / sideways if sideways > 1e-6 else np.array([0.0, -1.0])
    pitch = np.radians(pitch_deg)
    return np.array([*(np.cos(pitch) * level), -np.sin(pitch)])


def _axes(up: Array) -> Array:
    """Rows: the world's X, Y, Z in the camera's frame, Z along up, Y the level direction in which it looks."""
    forward = np.array([0, 0, 1.0]) - up * up[2]
    if np.linalg.norm(forward) < 0.1:
        forward = np.array([0, -1.0, 0]) + up * up[1]
    forward /= np.linalg.norm(forward)
    return np.stack([np.cross(forward, up), forward, up])


def _floor_normal(soles: Array, up: Array, weights: Array, time_s: Array, doubt: Array) -> Array:
    """The up direction (3,), turned so that resting feet lie in a plane, as far as the evidence carries.

    doubt (2,): by how many radians the given direction may be off to the side and in depth.
    """
    count = weights.sum()
    if count < 3:
        return up
    axes = _axes(up)
    points, w = soles[weights > 0] @ axes.T, weights[weights > 0]
    # Many frames of one step are one piece of evidence.
    per_step = max(STEP_S / max(float(np.median(np.diff(time_s))), 1e-3), 1.0) if len(time_s) > 1 else 1.0
    centred = points - np.average(points, axis=0, weights=w)
    tilt = np.zeros(2)
    for _ in range(5):
        left = centred[:, 2] - centred[:, :2] @ tilt
        robust = w / per_step / (1 + (left / (2 * FLOOR_SPREAD_M)) ** 2)
        A = centred[:, :2]
        H = (A.T * robust) @ A / FLOOR_SPREAD_M**2 + np.diag(1 / doubt**2)
        tilt = np.linalg.solve(H, (A.T * robust) @ centred[:, 2] / FLOOR_SPREAD_M**2)
    normal = np.array([-tilt[0], -tilt[1], 1.0]) @ axes
    return normal / np.linalg.norm(normal)


def _floor_height(feet: Array, weights: Array, observed: NDArray[np.bool_]) -> float:
    """Where resting feet (T, 4, 3) are, in the middle; without any, the lowest."""
    heights = feet[..., 2]
    if weights.sum() > 3:
        return _weighted_median(heights[weights > 0], weights[weights > 0])
    lowest = heights.min(1)
    return float(np.percentile(lowest[observed] if observed.any() else lowest, 5))


def _weighted_median(values: Array, weights: Array) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def _rest_feet(
    feet: Array, before: Array, sight: Array, distance: Array, rests: Array, low: Array, time_s: Array
) -> Array:
    """Shifts (T, 3) of the body: one sparse least-squares problem over the shot.

    feet (T, 4, 3) in the world, `before` (T, 4, 3) where they were found to be so far, unit lines of sight (T, 3).
    Each stretch in which a sole rests, `rests` (T, 4) > 0.5, has a place on the floor that the solution finds; `low`
    (T, 4) are the weights of soles that should be at z = 0 for another reason. The shift should be smooth, and small
    across the line of sight (where the picture knows better) but may be large along it (where it does not).
    """
    T = len(feet)
    if T < 3:
        return np.zeros((T, 3))
    sure = np.maximum(2 * rests - 1, 0)  # At the ends of a step a sole is about to move: those frames say little.
    steps = [(foot, *span) for foot in range(4) for span in spans(rests[:, foot] > 0.5).tolist()]
    for foot, first, end in steps:
        sure[first:end, foot] /= 1 + before[first:end, foot, :2].var(0).sum() / STRAYED_M**2
    unknowns = 3 * (T + len(steps))
    rows: list[csr_matrix] = []
    target: list[Array] = []

    def add(vectors: NDArray[np.intp], blocks: Array, right: Array) -> None:
        """Rows Σ_k blocks[n, k] · x[vectors[n, k]] = right[n], three components each."""
        n, k = vectors.shape
        row = np.repeat(np.arange(3 * n).reshape(n, 1, 3, 1), k, 1) + np.zeros((1, 1, 1, 3), int)
        column = 3 * vectors[..., None, None] + np.arange(3) + np.zeros((1, 1, 3, 1), int)
        values, row, column = blocks.ravel(), row.ravel(), column.ravel()
        rows.append(csr_matrix((values, (row, column)), shape=(3 * n, unknowns)))
        target.append(right.ravel())

    eye = np.eye(3)
    along = sight[..., None] * sight[:, None]
    level = sight * [1, 1, 0]
    known = STEP_TRUST * (eye - (1 - ALONG_TRUST) * level[..., None] * level[:, None])
    known[:, 2, 2] = 1
    for place, (foot, first, end) in enumerate(steps):
        frames = np.arange(first, end)
        w = sure[frames, foot, None, None] * known[frames] / RESTING_M
        vectors = np.stack([frames, np.full(end - first, T + place)], 1)
        add(vectors, np.stack([w, -w], 1), -_times(w, feet[frames, foot]))
        now, then = frames[1:], frames[:-1]
        span = np.minimum(sure[now, foot], sure[then, foot]) / (time_s[now] - time_s[then])
        w = span[:, None, None] * known[now] / SLIDE_M_S
        slid = feet[now, foot] - feet[then, foot]
        add(np.stack([now, then], 1), np.stack([w, -w], 1), -_times(w, slid))
        z = np.sqrt(end - first) / RESTING_M
        add(np.array([[T + place]]), z * np.diag([0, 0, 1.0])[None, None], np.zeros((1, 3)))
    for foot in range(4):
        frames = np.flatnonzero(low[:, foot] > 0)
        w = low[frames, foot, None] / RESTING_M * [0, 0, 1.0]
        add(frames[:, None], w[:, None, :, None] * eye, -w * feet[frames, foot])
    reach = DEPTH_SHARE * distance[:, None, None]
    add(np.arange(T)[:, None], (along / reach + (eye - along) / ACROSS_M)[:, None], np.zeros((T, 3)))
    dt = np.maximum(np.diff(time_s), 1e-3)
    middle = np.arange(1, T - 1)
    before, after, mean = dt[:-1], dt[1:], (dt[:-1] + dt[1:]) / 2
    bend = np.stack([1 / (before * mean), -1 / (before * mean) - 1 / (after * mean), 1 / (after * mean)], 1)
    add(
        np.stack([middle - 1, middle, middle + 1], 1),
        bend[..., None, None] * eye / BEND_M_S2,
        np.zeros((T - 2, 3)),
    )
    A = vstack(rows).tocsr()
    normal = (A.T @ A + diags([1e-9], shape=(unknowns, unknowns))).tocsc()
    found = np.asarray(spsolve(normal, A.T @ np.concatenate(target)))
    return found[: 3 * T].reshape(T, 3)


def _times(matrices: Array, vectors: Array) -> Array:
    """Products (N, 3) of matrices (N, 3, 3) and vectors (N, 3)."""
    return np.einsum("nij,nj->ni", matrices, vectors)
