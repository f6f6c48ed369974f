# SPDX-License-Identifier: GPL-3.0-or-later
"""Where SMPL's joints sit on the joints of another hierarchy."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ...motion.rotations import Array
from .clip import J
from .recording import ConvertError, Recording

SPINE = {"spine1": 0.27, "spine2": 0.62, "spine3": 0.75}
"""Shares of the way from between the hips to the neck, as they come out for CMU's skeletons."""
COLLAR = 0.4
"""Where a collar bone begins on the way to the shoulder, if the source lets it begin in the middle of the chest."""
MIDDLE = 0.1
"""A collar bone nearer to the middle than that share of the shoulder's distance begins there."""

CMU_JOINTS = {"root", "lowerback", "upperback", "thorax", "lowerneck"} | {
    f"{side}{name}" for side in "lr" for name in ("wrist", "hand", "fingers", "fingers end")
}


class Attachment(NamedTuple):
    """A point (3,) of the rest pose, the joint that carries it, and the joint it turns with."""

    point: Array
    carrier: int
    turner: int


def attach(recording: Recording, found: dict[str, int], rest: Array, tpose: Array) -> dict[str, Attachment]:
    """An attachment for each of SMPL's joints, on joints in rest pose (J, 3): metres, Y up, origin between the hips.

    `found` is what find_joints gives, tpose (24, 3) the joints of the free body. Raises ConvertError.
    """
    parents = recording.parents
    at = {name: joint for joint, name in enumerate(recording.names)}
    root = _common(parents, found["left hip"], found["right hip"])
    chest = _common(parents, found["left shoulder"], found["right shoulder"])
    pelvis = tpose[J["pelvis"]] - (tpose[J["left_hip"]] + tpose[J["right_hip"]]) / 2
    attached = {
        "pelvis": Attachment(pelvis, root, root),
        "neck": Attachment(rest[found["neck"]], chest, found["neck"]),
        "head": Attachment(rest[found["head"]], found["head"], found["head"]),
    }
    for side in ("left", "right"):
        for name, part in (
            ("hip", "hip"), ("knee", "knee"), ("ankle", "ankle"), ("foot", "ball"), ("shoulder", "shoulder"),
            ("elbow", "elbow"), ("wrist", "wrist"),
        ):  # fmt: skip
            joint = found[f"{side} {part}"]
            attached[f"{side}_{name}"] = Attachment(rest[joint], joint, joint)
        shoulder, elbow, wrist = (found[f"{side} {part}"] for part in ("shoulder", "elbow", "wrist"))
        collar = found.get(f"{side} collar", parents[shoulder])
        begin = rest[collar]
        if abs(begin[0]) < MIDDLE * abs(rest[shoulder, 0]):
            begin = begin + COLLAR * (rest[shoulder] - begin)
        attached[f"{side}_collar"] = Attachment(begin, chest, collar)
        if f"{side} hand" in found:
            hand = rest[found[f"{side} hand"]]
        else:
            forearm = rest[wrist] - rest[elbow]
            hand_m = np.linalg.norm(tpose[J[f"{side}_hand"]] - tpose[J[f"{side}_wrist"]])
            hand = rest[wrist] + forearm * hand_m / np.linalg.norm(forearm)
        attached[f"{side}_hand"] = Attachment(hand, wrist, wrist)
    if at.keys() >= CMU_JOINTS:
        return attached | _as_in_cmu(at, rest)
    return attached | _along_spine(_chain(parents, root, chest), rest, found["neck"])


def _as_in_cmu(at: dict[str, int], rest: Array) -> dict[str, Attachment]:
    """CMU's three bones of the back; wrists farther out than CMU's, whose forearms are 19 cm; palms at the fingers."""
    lower, upper, thorax, neck = (rest[at[name]] for name in ("lowerback", "upperback", "thorax", "lowerneck"))
    attached = {
        "spine1": Attachment(lower + 0.35 * (upper - lower), at["root"], at["upperback"]),
        "spine2": Attachment(thorax, at["thorax"], at["thorax"]),
        "spine3": Attachment(thorax + 0.6 * (neck - thorax), at["thorax"], at["thorax"]),
    }
    for side in ("left", "right"):
        wrist, palm, fingers, tips = (at[f"{side[0]}{name}"] for name in ("wrist", "hand", "fingers", "fingers end"))
        attached[f"{side}_wrist"] = Attachment(rest[wrist] + 0.6 * (rest[palm] - rest[wrist]), wrist, wrist)
        attached[f"{side}_hand"] = Attachment((rest[fingers] + rest[tips]) / 2, fingers, wrist)
    return attached


def _along_spine(chain: Sequence[int], rest: Array, neck: int) -> dict[str, Attachment]:
    """SMPL's spine at its shares of a chain of joints from the hips to the chest, which goes on to the neck."""
    stops = np.concatenate([np.zeros((1, 3)), rest[[*chain, neck]]])
    way = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(stops, axis=0), axis=-1))])
    carriers = (chain[0], *chain)

    def carrier(share: float) -> int:
        return carriers[int(np.searchsorted(way[1:-1], share * way[-1], side="right"))]

    ends = (*list(SPINE.values())[1:], 1.0)
    return {
        name: Attachment(
            np.array([np.interp(share * way[-1], way, axis) for axis in stops.T]),
            chain[0] if name == "spine1" else carrier(share),
            carrier((share + end) / 2),
        )
        for (name, share), end in zip(SPINE.items(), ends, strict=True)
    }


def _chain(parents: Sequence[int], root: int, chest: int) -> list[int]:
    """The joints from the hips to the chest."""
    chain = [chest]
    while chain[0] != root:
        if parents[chain[0]] < 0:
            raise ConvertError("its spine does not lead from the hips to the shoulders")
        chain.insert(0, parents[chain[0]])
    return chain


def _common(parents: Sequence[int], a: int, b: int) -> int:
    """The last joint from which both a and b descend."""
    above_a: list[int] = []
    while a >= 0:
        above_a.append(a)
        a = parents[a]
    while b not in above_a:
        b = parents[b]
    return b
