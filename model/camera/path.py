# SPDX-License-Identifier: GPL-3.0-or-later
"""How a camera moved, from points of the background that were followed through the pictures."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix, diags
from scipy.sparse.linalg import spsolve

from ..motion.rotations import axis_angle_from_matrix, matrix_from_axis_angle, skew

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

TURNS_ONLY: Final = 1.0
"""In units of the points' accuracy: while mere turning explains the points this well, the camera did not travel."""
WORTH_IT: Final = 0.8
"""It did if that makes the error so many times as large, or smaller."""
COARSER: Final = (16.0, 4.0)
"""At first far larger errors are taken for normal: before anything is known of distances all points have them."""
FIRST: Final = 6
"""Key frames with which to begin."""
PRIOR: Final = 0.1
"""How surely, beside one point seen once, a point is at the unit distance."""
FARTHEST: Final = 1e-3
"""The smallest inverse distance, in the unit."""
KNOWN_SHARE: Final = 0.5
"""Key frames are added while at least that share of what they show are points whose place is known."""
RECENT: Final = 24
"""So many key frames are adjusted on the way, of which the older half stays."""
MOST_ROUNDS: Final = 30
ROUNDS_ON_THE_WAY: Final = 5


class CameraPath(NamedTuple):
    """How the camera moved over T frames, beside where it was at the first of them; the unit of length is unknown."""

    rotation: Array
    """(T, 3, 3): directions in the first camera's frame to directions in each frame's"""
    centre: Array
    """(T, 3): where the camera is, in the first camera's frame; all 0 if it only turns. The unit is about the distance
    of the background."""

    @staticmethod
    def at_rest(frames: int) -> "CameraPath":
        return CameraPath(np.tile(np.eye(3), (frames, 1, 1)), np.zeros((frames, 3)))

    def part(self, frames: Indices) -> "CameraPath":
        """The path over some of the frames, beside where the camera was at the first of them."""
        first = self.rotation[frames[0]]
        return CameraPath(self.rotation[frames] @ first.T, (self.centre[frames] - self.centre[frames[0]]) @ first.T)

    def from_first(self, vectors: Array) -> Array:
        """Vectors (T, ..., 3) in each frame's axes as the first camera has them."""
        return (vectors.reshape(len(vectors), -1, 3) @ self.rotation).reshape(vectors.shape)

    @property
    def travels(self) -> bool:
        return bool(np.any(self.centre))


@dataclass(frozen=True)
class Sightings:
    """N sightings of points: frame (N,), point (N,), rays (N, 2) = (x/z, y/z). `key` (T,) marks the key frames.

    Points count from 0; each is first seen in a key frame. accuracy: of a ray.
    """

    frame: Indices
    point: Indices
    rays: Array
    key: NDArray[np.bool_]
    accuracy: float

    def less_accurate(self, times: float) -> "Sightings":
        return replace(self, accuracy=self.accuracy * times)

    def only(self, chosen: NDArray[np.bool_]) -> "Sightings":
        return replace(self, frame=self.frame[chosen], point=self.point[chosen], rays=self.rays[chosen])


@dataclass(frozen=True)
class _Scene:
    """Cameras and points.

    rotation (T, 3, 3) and centre (T, 3) are as in CameraPath. For P points: anchor (P,), the frame in which each was
    first seen, its direction there (P, 3), z = 1, and one over its distance along z (P,).
    """

    rotation: Array
    centre: Array
    anchor: Indices
    direction: Array
    inverse: Array


def camera_path(seen: Sightings, tell: Callable[[int], None] = lambda _: None) -> CameraPath:
    """Rotations and, where turning alone does not explain the sightings, positions up to scale.

    Bundle adjustment over the key frames: every point lies on the line of sight on which it was first seen, at an
    unknown inverse distance (after Civera, Davison and Montiel 2008), so that points without parallax do no harm;
    robust least squares by Levenberg and Marquardt, points eliminated. The frames between are then placed among the
    points. What moves on its own, a minority of the points, is left out by the robust weights.

    `tell` is told now and then up to which frame the way of a camera that travels is known; it may raise.
    """
    scene = _begun(seen)
    keyed = seen.only(seen.key[seen.frame])
    turning, turning_error = _adjusted(scene, keyed, travels=False)
    scene = turning
    if turning_error > TURNS_ONLY:
        travelling, error = _travelled(turning, keyed, tell)
        scene = travelling if error < WORTH_IT * turning_error else turning
    between = np.flatnonzero(~seen.key)
    scene = _between(scene, np.flatnonzero(seen.key), between)
    scene = _placed(scene, seen.only(~seen.key[seen.frame]), travels=bool(np.any(scene.centre)))
    return CameraPath(scene.rotation, scene.centre).part(np.arange(len(seen.key)))


def _travelled(turning: _Scene, seen: Sightings, tell: Callable[[int], None]) -> tuple[_Scene, float]:
    """The scene with cameras that travel, found for the first few and then for ever more of them, and the error."""
    scene, keys = turning, np.flatnonzero(seen.key)
    known = min(FIRST, len(keys))
    while True:
        # What lies far back is settled: the cost of a shot grows with its length, not with the square of it.
        since = max(0, known - RECENT)
        recent = (seen.frame <= keys[known - 1]) & (scene.anchor[seen.point] >= keys[since])
        part, still = seen.only(recent), RECENT // 2 if since else 1
        for coarser in COARSER:
            scene, _ = _adjusted(
                scene, part.less_accurate(coarser), travels=True, rounds=ROUNDS_ON_THE_WAY, still=still
            )
        tell(int(keys[known - 1]))
        if known == len(keys):
            return _adjusted(scene, seen, travels=True)
        last, before = keys[known - 1], keys[known - 2]
        more = keys[known : known + max(2, known // 2)]
        old = scene.anchor[seen.point] <= last
        sighted = np.bincount(seen.frame, minlength=len(seen.key))[more]
        share = np.bincount(seen.frame, old, len(seen.key))[more] / np.maximum(sighted, 1)
        more = more[: max(1, int(np.logical_and.accumulate(share > KNOWN_SHARE).sum()))]
        rotation, centre = scene.rotation.copy(), scene.centre.copy()
        rotation[more] = turning.rotation[more] @ turning.rotation[last].T @ rotation[last]
        centre[more] = centre[last] + (more - last)[:, None] / (last - before) * (centre[last] - centre[before])
        scene = replace(scene, rotation=rotation, centre=centre)
        among = seen.only(np.isin(seen.frame, more) & (scene.anchor[seen.point] <= last))
        for coarser in COARSER:
            scene = _placed(scene, among.less_accurate(coarser), travels=True)
        known += len(more)


def _begun(seen: Sightings) -> _Scene:
    """Cameras turned one after the other so that shared points stay where they are; all points at the unit distance."""
    count, frames = int(seen.point.max()) + 1, len(seen.key)
    order = np.lexsort((seen.frame, seen.point))
    first = order[np.searchsorted(seen.point[order], np.arange(count))]
    rays = np.concatenate([seen.rays, np.ones((len(seen.rays), 1))], 1)
    at = np.full((2, count), -1)
    rotation = np.tile(np.eye(3), (frames, 1, 1))
    by_frame = np.split(
        np.argsort(seen.frame, kind="stable"), np.searchsorted(np.sort(seen.frame), np.arange(1, frames))
    )
    for t in range(1, frames):
        at[:] = -1
        at[0, seen.point[by_frame[t - 1]]] = by_frame[t - 1]
        at[1, seen.point[by_frame[t]]] = by_frame[t]
        both = at[:, (at >= 0).all(0)]
        rotation[t] = _turn(rays[both[0]], rays[both[1]], seen.accuracy) @ rotation[t - 1]
    return _Scene(rotation, np.zeros((frames, 3)), seen.frame[first], rays[first], np.ones(count))


def _turn(before: Array, after: Array, accuracy: float) -> Array:
    """The rotation (3, 3) that turns rays (N, 3) before into those after, as most of them have it."""
    if len(before) < 3:
        return np.eye(3)
    a, b = (rays / np.linalg.norm(rays, axis=1, keepdims=True) for rays in (before, after))
    weight, turn = np.ones(len(a)), np.eye(3)
    for _ in range(10):
        u, _, vt = np.linalg.svd((b * weight[:, None]).T @ a)
        turn = u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
        off = np.linalg.norm(a @ turn.T - b, axis=1)
        weight = 1 / (1 + (off / max(2 * accuracy, float(np.median(off)))) ** 2) ** 2
    return turn


class _Linear(NamedTuple):
    """Errors (N, 2) in units of the accuracy, weighed, and their derivatives.

    By the turn and the place of the camera of the sighting (N, 2, 6) and of the one that saw the point first
    (N, 2, 6), and by the inverse distance (N, 2).
    """

    error: Array
    own: Array
    anchor: Array
    inverse: Array


def _linear(scene: _Scene, seen: Sightings) -> tuple[_Linear, float]:
    """The problem about a scene, and its robust cost (Cauchy's)."""
    a, f = scene.anchor[seen.point], seen.frame
    R, inverse = scene.rotation[f], scene.inverse[seen.point, None]
    ray, back = scene.direction[seen.point], scene.rotation[a].swapaxes(1, 2)
    away = scene.centre[a] - scene.centre[f]
    at = np.einsum("nij,nj->ni", R, np.einsum("nij,nj->ni", back, ray) + inverse * away)
    z = np.maximum(at[:, 2], 1e-3)
    error = (at[:, :2] / z[:, None] - seen.rays) / seen.accuracy
    square = (error**2).sum(1)
    P = np.zeros((len(at), 2, 3))
    P[:, 0, 0] = P[:, 1, 1] = 1 / z
    P[:, :, 2] = -at[:, :2] / z[:, None] ** 2
    weight = 1 / np.sqrt(1 + square)
    P *= (weight / seen.accuracy)[:, None, None]
    PR = P @ R
    step = PR * inverse[:, None]
    own = np.concatenate([-P @ skew(at), -step], 2)
    anchor = np.concatenate([PR @ back @ skew(ray), step], 2)
    linear = _Linear(error * weight[:, None], own, anchor, np.einsum("nij,nj->ni", PR, away))
    return linear, float(np.log1p(square).sum())


def _moved(scene: _Scene, cameras: Indices, turn: Array, shift: Array, inverse: Array) -> _Scene:
    rotation, centre = scene.rotation.copy(), scene.centre.copy()
    rotation[cameras] = matrix_from_axis_angle(turn) @ rotation[cameras]
    centre[cameras] += shift
    return replace(scene, rotation=rotation, centre=centre, inverse=np.maximum(scene.inverse + inverse, FARTHEST))


def _adjusted(
    scene: _Scene, seen: Sightings, *, travels: bool, rounds: int = MOST_ROUNDS, still: int = 1
) -> tuple[_Scene, float]:
    """The scene that fits sightings in key frames best, and the median error in units of the accuracy.

    The first `still` of the cameras stay where they are, and so do points that are not seen.
    """
    keys = np.unique(seen.frame)
    if not len(keys):
        return scene, 0.0
    still = min(still, len(keys))
    number = np.full(len(seen.key), -1)
    number[keys] = np.arange(len(keys))
    size = 6 if travels else 3
    free = np.arange(size * still, size * len(keys))
    counts = len(scene.inverse)
    sighted = np.bincount(seen.point, minlength=counts) > 0

    def jacobian(linear: _Linear) -> csr_matrix:
        n = len(seen.frame)
        values = np.concatenate([linear.own[..., :size], linear.anchor[..., :size]], 2)
        columns = np.concatenate(
            [size * number[c][:, None] + np.arange(size) for c in (seen.frame, scene.anchor[seen.point])], 1
        )
        rows = np.repeat(np.arange(2 * n), 2 * size)
        J = csr_matrix((values.ravel(), (rows, columns.repeat(2, 0).ravel())), shape=(2 * n, size * len(keys)))
        return J[:, free]

    def prior_cost(s: _Scene) -> float:
        return float((PRIOR * (s.inverse - 1) ** 2).sum()) if travels else 0.0

    damping = 1e-3
    linear, cost = _linear(scene, seen)
    cost += prior_cost(scene)
    for _ in range(rounds):
        J = jacobian(linear)
        H, g = csc_matrix(J.T @ J), J.T @ linear.error.ravel()
        W, v, gv = csr_matrix((len(g), counts)), np.ones(counts), np.zeros(counts)
        if travels:
            rows = np.arange(2 * len(seen.frame))
            V = csr_matrix((linear.inverse.ravel(), (rows, seen.point.repeat(2))), shape=(len(rows), counts))
            W = csr_matrix(J.T @ V)
            v = np.bincount(seen.point, (linear.inverse**2).sum(1), counts) + PRIOR
            gv = V.T @ linear.error.ravel() + np.where(sighted, PRIOR * (scene.inverse - 1), 0.0)
        while True:
            eliminate = csr_matrix(W @ diags(1 / (v * (1 + damping))))
            damped = H + damping * diags(H.diagonal() + 1e-3)
            step: Array = np.asarray(spsolve(csc_matrix(damped - eliminate @ W.T), eliminate @ gv - g))
            inverse = -(gv + W.T @ step) / (v * (1 + damping))
            parts = np.concatenate([np.zeros(size * still), step]).reshape(-1, size)
            shift = parts[:, 3:] if travels else np.zeros((len(keys), 3))
            tried = _moved(scene, keys, parts[:, :3], shift, inverse)
            tried_linear, tried_cost = _linear(tried, seen)
            tried_cost += prior_cost(tried)
            if tried_cost < cost or damping > 1e8:
                break
            damping *= 10
        gain = cost - tried_cost
        if gain > 0:
            scene, linear, cost = tried, tried_linear, tried_cost
            damping = max(damping / 10, 1e-9)
        if gain < 1e-4 * cost:
            break
    again = seen.frame != scene.anchor[seen.point]
    plain = linear.error[again]
    weighed = (plain**2).sum(1)  # e² / (1 + e²) of the errors e: weights were 1 / (1 + e²).
    return scene, float(np.median(np.sqrt(weighed / np.maximum(1 - weighed, 1e-9)))) if again.any() else 0.0


def _between(scene: _Scene, keys: Indices, frames: Indices) -> _Scene:
    """The scene with `frames` put between their neighbours among the key frames."""
    if not len(frames):
        return scene
    after = np.searchsorted(keys, frames).clip(1, len(keys) - 1) if len(keys) > 1 else np.zeros(len(frames), int)
    left, right = keys[np.maximum(after - 1, 0)], keys[after]
    share = np.clip((frames - left) / np.maximum(right - left, 1), 0, 1)[:, None]
    rotation, centre = scene.rotation.copy(), scene.centre.copy()
    turn = axis_angle_from_matrix(rotation[right] @ rotation[left].swapaxes(1, 2))
    rotation[frames] = matrix_from_axis_angle(share * turn) @ rotation[left]
    centre[frames] = centre[left] + share * (centre[right] - centre[left])
    return replace(scene, rotation=rotation, centre=centre)


def _placed(scene: _Scene, seen: Sightings, *, travels: bool) -> _Scene:
    """The scene with each camera that has sightings moved to where it sees the points best; the points stay."""
    frames = np.unique(seen.frame)
    if not len(frames):
        return scene
    number = np.searchsorted(frames, seen.frame)
    size = 6 if travels else 3
    for _ in range(5):
        linear, _ = _linear(scene, seen)
        J = linear.own[..., :size]
        H, g = np.zeros((len(frames), size, size)), np.zeros((len(frames), size))
        np.add.at(H, number, J.swapaxes(1, 2) @ J)
        np.add.at(g, number, np.einsum("nek,ne->nk", J, linear.error))
        # A frame with next to no points stays where its neighbours have put it.
        H += np.diag([1e4] * 3 + [1.0] * (size - 3))
        step = -np.linalg.solve(H, g[..., None])[..., 0]
        shift = step[:, 3:] if travels else np.zeros((len(frames), 3))
        scene = _moved(scene, frames, step[:, :3], shift, np.zeros(len(scene.inverse)))
    return scene
