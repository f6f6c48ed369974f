# SPDX-License-Identifier: GPL-3.0-or-later
"""Rigs of every family: skeletons in a body, at rest in the pose and the units that the family uses. numpy only."""

from dataclasses import dataclass

import numpy as np

from model.motion.rotations import matrix_from_axis_angle
from model.motion.skeleton import JOINTS, PARENTS
from tests.addon.retarget.corpus.skeletons import FAMILIES, LINES, SIDES
from tests.addon.retarget.figures import UPRIGHT, Array, rest


@dataclass(frozen=True)
class Rig:
    """`parents` and `heads` (3,) of its bones in armature space, Z up, facing -Y; `roles`, the truth about them."""

    name: str
    family: str
    parents: dict[str, str | None]
    heads: dict[str, Array]
    roles: dict[str, str]


def rigs(rng: np.random.Generator) -> list[Rig]:
    """One of each, in bodies of other proportions, with arms hung at any angle between a T and an A."""
    return [make(name, rng.uniform(0, 60), rng) for name in LINES]


def make(name: str, arms_deg: float, rng: np.random.Generator) -> Rig:
    """A rig of a family whose arms hang so many degrees below the horizontal."""
    joints = body(arms_deg, rng)
    parents: dict[str, str | None] = {}
    heads: dict[str, Array] = {}
    roles: dict[str, str] = {}
    for line in LINES[name].strip().splitlines():
        bone, above, place, *role = line.split()
        for side, word in zip(("left", "right"), SIDES[name], strict=True) if "{}" in bone else [("", "")]:
            spelt = _spelt(name, bone.replace("{}", word))
            parents[spelt] = None if above == "-" else _spelt(name, above.replace("{}", word))
            heads[spelt] = UPRIGHT @ _place(joints, place, side)
            if role:
                roles[_role(role[0], side)] = spelt
    return Rig(name, FAMILIES[name], parents, heads, roles)


def _spelt(rig: str, bone: str) -> str:
    """Names with spaces are written with lines in this table."""
    return bone.replace("_", " ") if rig in ("biped", "mmd_english") and not bone.endswith(("_L", "_R")) else bone


def _role(role: str, side: str) -> str:
    words = role.split("_")
    return " ".join([f"{side}_{words[0]}" if side else words[0], *words[1:]])


def _place(joints: dict[str, Array], place: str, side: str) -> Array:
    start, _, rest_of = place.partition(">")
    if not rest_of:
        return joints[start] if start in joints else joints[f"{side}_{start}"]
    end, _, share = rest_of.partition(":")
    return _place(joints, start, side) + float(share) * (_place(joints, end, side) - _place(joints, start, side))


def body(arms_deg: float, rng: np.random.Generator) -> dict[str, Array]:
    """The places of joints and other points of somebody, Y up, facing +Z, metres, on the ground."""
    person = rest()
    joints = person.copy()
    longer = rng.uniform(0.88, 1.12, 24)
    for joint, name in enumerate(JOINTS):
        if name.startswith("right_"):
            longer[joint] = longer[joint - 1]
        if joint:
            part = person[joint] - person[PARENTS[joint]]
            arm = name.partition("_")[2]
            if arm in ("elbow", "wrist", "hand"):
                sign = -1 if name.startswith("left") else 1
                part = matrix_from_axis_angle(np.radians(sign * arms_deg) * np.array([0, 0, 1.0])) @ part
            joints[joint] = joints[PARENTS[joint]] + part * longer[joint]
    joints[:, 1] += 0.02 - joints[:, 1].min()
    points = dict(zip(JOINTS, joints, strict=True))
    points["floor"] = joints[0] * [1, 0, 1]
    points["crown"] = points["head"] + [0, 0.18, 0]
    for side in ("left", "right"):
        hand = points[f"{side}_hand"] - points[f"{side}_wrist"]
        across = np.cross(hand, [0, 1, 0]) * (1 if side == "right" else -1)
        points[f"{side}_index"] = points[f"{side}_hand"] + 0.2 * np.abs(across) * [0, 0, 1]
        points[f"{side}_thumb"] = points[f"{side}_wrist"] + 0.4 * hand + 0.4 * np.abs(across) * [0, 0, 1]
        points[f"{side}_fingers"] = points[f"{side}_hand"] + 0.5 * hand
        points[f"{side}_toes"] = points[f"{side}_foot"] + [0, -0.01, 0.06]
    return points
