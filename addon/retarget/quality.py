# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures how well an armature follows a take, for a report and for tests. numpy only."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...model.motion.motion import forward_kinematics
from ...model.motion.planting import settled
from ...model.motion.rotations import angle_between, axis_angle_from_matrix, project
from .foot_lock import Ground, feet_of
from .posed import posed
from .report import Figure, Quality
from .solve import AIMED, ANKLES, ENDS, HELD, TOES, Array, Solution, Target, align, blend

DOUBTFUL_DEG, DOUBTFUL_LIMB_DEG = 3.0, 10.0
DOUBTFUL_SLIDE_CM_S, DOUBTFUL_DEPTH_CM = 1.0, 0.5
DOUBTFUL_JITTER, DOUBTFUL_TRAVEL = 1.5, 0.05


def measure(
    target: Target,
    solution: Solution,
    local: NDArray[np.floating],
    trans: NDArray[np.floating],
    rest: NDArray[np.floating],
    contacts: NDArray[np.floating],
    time_s: NDArray[np.floating],
    frames: NDArray[np.floating],
    rotations: Mapping[str, NDArray[np.floating]],
) -> Quality:
    """The report on a target that moves by a solution, for a take (as in `solve` and `lock_feet`).

    frames (T,) are the scene's, rotations the channels (T, 3) or (T, 4) that are written, by data path.
    """
    turns, heads = posed(target, solution)
    feet = {target.bones[target.at[joint]].name for joint in ANKLES + TOES if joint in target.at}  # They lie flat.
    errors = direction_errors(target, _carried(target, turns, heads), local, rest)
    errors = {name: error for name, error in errors.items() if name not in feet}
    means = {name: float(error.mean()) for name, error in errors.items()}
    together = np.stack(list(errors.values()))
    worst = max(means, key=means.__getitem__)
    mean = float(together.mean())

    source = forward_kinematics(local, rest)[1] + np.asarray(trans)[:, None]
    joints = sorted(target.at)
    places = heads[[target.at[joint] for joint in joints]] @ target.world[:3, :3].T + target.world[:3, 3]
    own = _jerk(places, time_s) / solution.scale
    of_take = float(_jerk(source[:, joints].swapaxes(0, 1), time_s).mean())
    shakes = float(own.mean()) / max(of_take, 1e-9)
    hips = [joints.index(joint) for joint in target.bottom]
    way = _path_m(places[hips].mean(0)) / solution.scale
    ratio = way / max(_path_m(source[:, list(target.bottom)].mean(1)), 1e-9) if way > 0.1 else 1.0
    flipped = np.sum([_flips(path, values) for path, values in rotations.items()], 0)
    quality = Quality(
        directions=Figure("Limb directions", mean, "°", "mean", _at(frames, together.mean(0)), mean > DOUBTFUL_DEG),
        worst_limb=Figure(
            "Worst bone", means[worst], "°", worst, _at(frames, errors[worst]), means[worst] > DOUBTFUL_LIMB_DEG
        ),
        jitter=Figure("Jitter", shakes, " × the take's", "", _at(frames, own), shakes > DOUBTFUL_JITTER),
        travel=Figure("Travel", ratio, " × the take's", "", float(frames[0]), abs(ratio - 1) > DOUBTFUL_TRAVEL),
        flips=Figure("Flips", float(flipped.sum()), "", "", _at(frames, flipped), bool(flipped.any())),
    )
    return _with_feet(quality, target, turns, heads, rest, contacts, time_s, frames)


def _with_feet(
    quality: Quality, target: Target, turns: Array, heads: Array, rest: NDArray[np.floating],
    contacts: NDArray[np.floating], time_s: NDArray[np.floating], frames: NDArray[np.floating],
) -> Quality:  # fmt: skip
    """The report with what can be said of the feet."""
    feet = feet_of(target, Ground.under(target, rest), turns, heads)
    if not feet:
        return quality
    rests = settled(contacts, time_s)
    speeds = np.zeros((len(frames), 0))
    depths = np.zeros(len(frames))
    for side, foot in feet.items():
        soles = foot.soles()
        depths = np.maximum(depths, 100 * np.maximum(-soles[..., 2].min(1), 0))
        both = rests[1:, 2 * side : 2 * side + 2] & rests[:-1, 2 * side : 2 * side + 2]
        speed = np.zeros((len(frames), 2))
        if len(frames) > 1:
            step = np.diff(soles[:, :2], axis=0) / np.diff(time_s)[:, None, None]
            speed[1:] = np.where(both, 100 * np.linalg.norm(step, axis=-1), np.nan)
            speed[0] = np.nan
        speeds = np.concatenate([speeds, speed], 1)
    known = speeds[np.isfinite(speeds)]
    slide = float(known.mean()) if len(known) else 0.0
    most = np.nan_to_num(speeds).max(1)
    # A slide that is measured hardly ever says hardly anything.
    held = float(np.mean(rests.any(1)))
    deepest, share = float(depths.max()), float(np.mean(depths > DOUBTFUL_DEPTH_CM))
    return replace(
        quality,
        slide=Figure(
            "Foot slide",
            slide,
            " cm/s",
            f"a foot rests in {held:.0%} of frames; at most {most.max():.2f}",
            _at(frames, most),
            slide > DOUBTFUL_SLIDE_CM_S or not rests.any(),
        ),
        penetration=Figure(
            "In the floor", deepest, " cm", f"{share:.0%} of frames", _at(frames, depths), deepest > DOUBTFUL_DEPTH_CM
        ),
    )


def _at(frames: NDArray[np.floating], badness: Array) -> float:
    return float(frames[int(np.argmax(badness))])


def _carried(target: Target, turns: Array, heads: Array) -> Array:
    """The world matrices (T, K, 4, 4) that carry bones from rest to the pose of orientations and heads (K, T, …)."""
    inside = np.zeros((*turns.shape[:2], 4, 4))
    at_rest = np.array([bone.head for bone in target.bones])
    inside[..., :3, :3] = turns @ np.array([bone.rest.T for bone in target.bones])[:, None]
    inside[..., :3, 3] = heads - np.einsum("ktij,kj->kti", inside[..., :3, :3], at_rest)
    inside[..., 3, 3] = 1.0
    return np.swapaxes(target.world @ inside @ np.linalg.inv(target.world), 0, 1)


def _jerk(places: Array, time_s: NDArray[np.floating]) -> Array:
    """The mean third derivative (T,), m/s³, of places (K, T, 3): what shakes shows there."""
    if places.shape[1] < 4:
        return np.zeros(places.shape[1])
    for _ in range(3):
        places = np.gradient(places, np.asarray(time_s, np.float64), axis=1)
    return np.linalg.norm(places, axis=-1).mean(0)


def _path_m(places: Array) -> float:
    """The length of a way (T, 3) over the ground."""
    return float(np.linalg.norm(np.diff(places[:, :2], axis=0), axis=-1).sum())


def _flips(path: str, values: NDArray[np.floating]) -> Array:
    """1 (T,) where channels jump to another way of saying what they said before, or nearly so."""
    steps = np.zeros(len(values))
    if path.endswith("quaternion"):
        steps[1:] = np.sum(values[1:] * values[:-1], -1) < 0
    elif path.endswith("axis_angle"):
        steps[1:] = np.sum(values[1:, 1:] * values[:-1, 1:], -1) * np.sin(values[1:, 0] / 2) ** 2 < -0.01
    else:
        steps[1:] = np.abs(np.diff(values, axis=0)).max(-1) > np.pi
    return steps


def direction_errors(
    target: Target, carried: NDArray[np.floating], local: NDArray[np.floating], rest: NDArray[np.floating]
) -> dict[str, Array]:
    """For each bone the angle (T,) in degrees by which it misses the take.

    carried (T, K, 4, 4) is what Blender made of the bones: the world matrices that carry each from where it stands at
    rest in the world to where it is posed. local (T, 24, 3, 3) and rest (24, 3) are the take's. Limbs that are aimed
    (solve.AIMED) are measured from joint to joint; of the others the whole orientation is compared, since the lines
    through trunks and feet lie differently in every body.
    """
    carried = np.asarray(carried, np.float64)
    source, joints = forward_kinematics(local, rest)
    aligned = align(target, rest)
    stretch = target.world[:3, :3].T @ target.world[:3, :3]
    even = np.allclose(stretch, stretch[0, 0] * np.eye(3), rtol=0, atol=1e-9 * stretch[0, 0])

    def place(number: int, point: Array) -> Array:
        in_world = target.world[:3, :3] @ point + target.world[:3, 3]
        return carried[:, number, :3, :3] @ in_world + carried[:, number, :3, 3]

    errors: dict[str, Array] = {}
    for number, bone in enumerate(target.bones):
        if bone.joint == HELD or (bone.twist is not None and target.at[bone.joint] != number):
            continue  # It says nothing of its own.
        if bone.joint in AIMED:
            if not target.limb(bone.joint).any():
                continue
            end = target.at.get(ENDS[bone.joint])
            tip = place(number, bone.tail) if end is None else place(end, target.bones[end].head)
            limb = joints[:, ENDS[bone.joint]] - joints[:, bone.joint]
            angle = angle_between(tip - place(number, bone.head), limb)
        else:
            wanted = blend(source, bone, rest) @ aligned[number] @ target.turn.T
            turned = carried[:, number, :3, :3]
            miss = np.swapaxes(wanted, -1, -2) @ (turned if even else project(turned))
            angle = np.linalg.norm(axis_angle_from_matrix(miss), axis=-1)
        errors[bone.name] = np.degrees(angle)
    return errors
