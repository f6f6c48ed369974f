# SPDX-License-Identifier: GPL-3.0-or-later
"""From a static camera's frame to a world with a floor: Z up, feet on z = 0, the camera looking along +Y."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags, vstack
from scipy.sparse.linalg import spsolve

Array = NDArray[np.float64]

PITCH_SPREAD = 0.06
"""Radians by which the up direction that the network gives is trusted to be right."""
FLOOR_SPREAD_M = 0.04
"""Metres by which a resting foot is off the floor, depth errors included."""
STEP_S = 0.5
"""Contacts closer in time than this are the same step and tell the same thing."""
STILL_M_S, STILL_S, RESTING_M = 0.3, 0.1, 0.06
"""A foot that is much faster than that over that time, or much higher above the floor, does not rest, whatever the
network says of it."""
BELOW = 0.3
"""How surely a foot below the floor belongs on it, beside one that rests."""
DEPTH_SHARE = 0.05
"""How far off the distance of the body may be, as a share of it."""
ROUNDS = 4


class World(NamedTuple):
    """Where the camera stands and what was added to the body's path."""

    rotation: Array
    """(3, 3) and"""
    translation: Array
    """(3,): x_camera = rotation · x_world + translation"""
    shift: Array
    """(T, 3) metres, world: added to the body so that resting feet rest on the floor"""


def place_in_world(
    soles: Array, hips: Array, up: Array, contacts: Array, time_s: Array, observed: NDArray[np.bool_]
) -> World:
    """Find the floor and let resting feet rest on it.

    soles (T, 4, 3): L heel, L toe, R heel, R toe, hips (T, 3) and up (T, 3): camera frame, metres. contacts (T, 4)
    probabilities. Without any contact the lowest soles give the floor.
    """
    said = np.where(observed[:, None], np.where(contacts > 0.5, contacts, 0.0), 0.0)
    weights = said * _still(soles, time_s)
    direction = _floor_normal(soles, _mean_direction(up, observed), weights, time_s)
    to_world = _axes(direction)
    feet, camera_hips = soles @ to_world.T, hips @ to_world.T
    heights = feet[..., 2]
    if weights.sum() > 3:
        floor = float(_weighted_median(heights[weights > 0], weights[weights > 0]))
    else:
        floor = float(np.percentile(heights.min(1)[observed] if observed.any() else heights.min(1), 5))
    start = camera_hips[np.argmax(observed)]
    origin = np.array([start[0], start[1], floor])
    feet = feet - origin
    shift = np.zeros_like(hips)
    for _ in range(ROUNDS):
        moved = feet + shift[:, None]
        height = moved[..., 2]
        weights = said * _still(moved, time_s) / (1 + (np.maximum(height, 0) / RESTING_M) ** 2) ** 2
        on_floor = np.maximum(weights, np.where((height < 0) & observed[:, None], BELOW, 0.0))
        shift = _rest_feet(feet, camera_hips, weights, on_floor, time_s)
    return World(to_world.T, to_world.T @ origin, shift)


def _still(soles: Array, time_s: Array) -> Array:
    """How likely each of the soles (T, 4, 3) rests for all that its speed tells (T, 4): 1 for one that stands still.

    One that has just come to rest or is about to leave stands still on one side of the moment only.
    """
    if len(soles) < 3:
        return np.ones(soles.shape[:2])
    speed = np.full(soles.shape[:2], np.inf)
    for apart_s in (-STILL_S, STILL_S):
        other = np.searchsorted(time_s, time_s + apart_s).clip(0, len(time_s) - 1)
        span = np.abs(time_s[other] - time_s)[:, None]
        away = np.linalg.norm(soles[other] - soles, axis=-1)
        speed = np.minimum(speed, np.where(span > 0, away / np.maximum(span, 1e-6), np.inf))
    return 1 / (1 + (speed / STILL_M_S) ** 2) ** 2


def _mean_direction(up: Array, observed: NDArray[np.bool_]) -> Array:
    chosen = up[observed] if observed.any() else up
    mean = (chosen / np.linalg.norm(chosen, axis=-1, keepdims=True)).mean(0)
    return mean / np.linalg.norm(mean)


def _axes(up: Array) -> Array:
    """Rows: the world's X, Y, Z in the camera's frame, Z along up, Y the level direction in which it looks."""
    forward = np.array([0, 0, 1.0]) - up * up[2]
    if np.linalg.norm(forward) < 0.1:
        forward = np.array([0, -1.0, 0]) + up * up[1]
    forward /= np.linalg.norm(forward)
    return np.stack([np.cross(forward, up), forward, up])


def _floor_normal(soles: Array, up: Array, weights: Array, time_s: Array) -> Array:
    """The up direction (3,), turned so that resting feet lie in a plane, as far as the evidence carries."""
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
        H = (A.T * robust) @ A / FLOOR_SPREAD_M**2 + np.eye(2) / PITCH_SPREAD**2
        tilt = np.linalg.solve(H, (A.T * robust) @ centred[:, 2] / FLOOR_SPREAD_M**2)
    normal = np.array([-tilt[0], -tilt[1], 1.0]) @ axes
    return normal / np.linalg.norm(normal)


def _weighted_median(values: Array, weights: Array) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def _rest_feet(feet: Array, hips: Array, weights: Array, on_floor: Array, time_s: Array) -> Array:
    """Shifts (T, 3) of the body: one sparse least-squares problem over the whole shot.

    feet (T, 4, 3), hips (T, 3) from the camera, both in world axes. `weights` (T, 4) say which feet should not move,
    `on_floor` (T, 4) which should be at z = 0. The shift should be smooth, and small across the line of sight (where
    the picture knows better) but may be large along it (where it does not).
    """
    T = len(feet)
    if T < 3:
        return np.zeros((T, 3))
    dt = np.maximum(np.diff(time_s), 1e-3)
    sight = hips / np.linalg.norm(hips, axis=-1, keepdims=True)
    rows: list[csr_matrix] = []
    target: list[Array] = []

    def add(frames: NDArray[np.intp], blocks: Array, right: Array) -> None:
        """Rows Σ_k blocks[n, k] · shift[frames[n, k]] = right[n], three components each."""
        n, k = frames.shape
        row = np.repeat(np.arange(3 * n).reshape(n, 1, 3, 1), k, 1) + np.zeros((1, 1, 1, 3), int)
        column = 3 * frames[..., None, None] + np.arange(3) + np.zeros((1, 1, 3, 1), int)
        rows.append(csr_matrix((blocks.ravel(), (row.ravel(), column.ravel())), shape=(3 * n, 3 * T)))
        target.append(right.ravel())

    eye = np.eye(3)
    both = np.minimum(weights[1:], weights[:-1])
    for foot in range(4):
        chosen = np.flatnonzero(both[:, foot] > 0)
        if len(chosen):
            w = (both[chosen, foot] / dt[chosen] / 0.05)[:, None, None] * eye
            step = feet[chosen + 1, foot] - feet[chosen, foot]
            add(np.stack([chosen + 1, chosen], 1), np.stack([w, -w], 1), -np.einsum("nij,nj->ni", w, step))
        low = np.flatnonzero(on_floor[:, foot] > 0)
        if len(low):
            w = (on_floor[low, foot] / 0.01)[:, None, None] * np.diag([0, 0, 1.0])
            add(low[:, None], w[:, None], -np.einsum("nij,nj->ni", w, feet[low, foot]))
    along = sight[..., None] * sight[:, None]
    distance = DEPTH_SHARE * np.linalg.norm(hips, axis=-1)[:, None, None]
    add(np.arange(T)[:, None], (along / distance + (eye - along) / 0.05)[:, None], np.zeros((T, 3)))
    middle = np.arange(1, T - 1)
    bend = np.tile(eye / 10.0, (T - 2, 1, 1)) / (dt[1:] * dt[:-1])[:, None, None]
    add(np.stack([middle - 1, middle, middle + 1], 1), np.stack([bend, -2 * bend, bend], 1), np.zeros((T - 2, 3)))
    A = vstack(rows).tocsr()
    normal = (A.T @ A + diags([1e-9], shape=(3 * T, 3 * T))).tocsc()
    return np.asarray(spsolve(normal, A.T @ np.concatenate(target))).reshape(T, 3)
