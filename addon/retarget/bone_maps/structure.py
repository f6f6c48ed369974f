# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps a rig whose names mean nothing, by how its bones branch and where they stand at rest. No bpy.

A person is a tree with two forks into pairs of long, equal branches: the hips with the legs, and the chest with the
arms. What lies between them is the spine, what goes on from the chest is the neck and the head. Feet say where the
front is, and so which side is left.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from .bone_map import SIDES, BoneMap
from .fit import Match, Parents, chain

Array = NDArray[np.float64]

LONG = 0.2
"""A limb is at least this share of the rig's size, a part of a limb that share of the limb."""

ALIKE = 0.15
"""The two limbs of a pair differ in length by no more than this share."""

TIP = 1.4
"""The last bone above the neck marks the top of the head if the head is that much longer than the neck's last bone."""


@dataclass(frozen=True)
class _Proportions:
    """How long the parts of a limb are, and whether it turns a corner at its end.

    before: what comes before it, in lengths of its upper part; upper and after, in lengths of its lower part.
    """

    before: float
    upper: float
    after: float
    bends: bool


LEG = _Proportions(before=0.15, upper=1.0, after=0.4, bends=True)
ARM = _Proportions(before=0.5, upper=1.1, after=0.5, bends=False)


@dataclass(frozen=True)
class _Pair:
    """Two branches, from what hangs below the fork to the far end: their bones, side by side."""

    fork: str
    branches: tuple[list[str], list[str]]
    length: float


class _Tree:
    """A rig's bones as a tree in space."""

    def __init__(self, parents: Parents, heads: Mapping[str, Iterable[float]]) -> None:
        self.parents = parents
        self.heads = {bone: np.array([*heads[bone]], np.float64) for bone in parents}
        self.children: dict[str, list[str]] = {bone: [] for bone in parents}
        for bone, parent in parents.items():
            if parent in self.children:
                self.children[parent].append(bone)
        self.size = float(np.ptp(np.stack(list(self.heads.values())), axis=0).max())
        self.reach: dict[str, float] = {}
        for bone in sorted(parents, key=lambda bone: len(chain(bone, parents)), reverse=True):
            ends = (self.gap(bone, child) + self.reach[child] for child in self.children[bone])
            self.reach[bone] = max(ends, default=0.0)

    def gap(self, one: str, other: str) -> float:
        return float(np.linalg.norm(self.heads[one] - self.heads[other]))

    def branch(self, start: str) -> list[str]:
        """From a bone along the longest way to an end."""
        way = [start]
        while self.children[way[-1]]:
            way.append(max(self.children[way[-1]], key=lambda bone: self.gap(way[-1], bone) + self.reach[bone]))
        return way

    def length(self, way: Sequence[str]) -> float:
        return sum(self.gap(low, high) for high, low in zip(way[1:], way, strict=False))

    def pairs(self) -> Iterator[_Pair]:
        """Forks into two long branches of about the same length and as many bones."""
        for fork in self.parents:
            for one, other in combinations(self.children[fork], 2):
                lengths = [self.gap(fork, child) + self.reach[child] for child in (one, other)]
                if min(lengths) < LONG * self.size or max(lengths) - min(lengths) > ALIKE * max(lengths):
                    continue
                branches = self.branch(one), self.branch(other)
                if min(map(len, branches)) >= 3 and abs(len(branches[0]) - len(branches[1])) <= 1:
                    yield _Pair(fork, branches, sum(lengths) / 2)


def by_structure(parents: Parents, heads: Mapping[str, Iterable[float]]) -> Match | None:
    """The map of a rig by its shape alone; None if it has no two legs, two arms and a head where a person has them.

    heads: where each bone begins at rest (3,), in any frame.
    """
    if len(parents) < 10:
        return None
    tree = _Tree(parents, heads)
    if not tree.size:
        return None
    best: tuple[float, Match] | None = None
    pairs = list(tree.pairs())
    for legs in pairs:
        for arms in pairs:
            if legs.fork != arms.fork and not set(legs.branches[0]) & set(arms.branches[0] + arms.branches[1]):
                match = _person(tree, legs, arms)
                score = match.confidence * (legs.length + arms.length) if match else 0.0  # skirts are shorter than legs
                if match and (best is None or score > best[0]):
                    best = score, match
    return best[1] if best else None


def _person(tree: _Tree, legs: _Pair, arms: _Pair) -> Match | None:
    """The map with these legs and arms, if they make a person."""
    ways = {bone: [bone, *chain(bone, tree.parents)] for bone in (legs.fork, arms.fork)}
    common = next((bone for bone in ways[legs.fork] if bone in ways[arms.fork]), None)
    if common is None or common == arms.fork:
        return None
    up = tree.heads[arms.fork] - tree.heads[legs.fork]
    if np.linalg.norm(up) < 1e-6:
        return None
    up = up / np.linalg.norm(up)
    spine = ways[arms.fork][: ways[arms.fork].index(common)][::-1]
    top = _top(tree, arms, up)
    if not top or _rise(tree, legs, up) > 0:
        return None
    leg, arm = _parts(tree, legs, LEG), _parts(tree, arms, ARM)
    if leg is None or arm is None:
        return None
    forward = _forward(tree, legs, leg, up)
    across = np.cross(up, forward)
    sides = {"left": 0, "right": 1} if _side(tree, legs, across) > 0 else {"left": 1, "right": 0}
    if (_side(tree, legs, across) > 0) != (_side(tree, arms, across) > 0):
        return None

    joints = {"pelvis": legs.fork, "head": top[-1]}
    tips: dict[str, str] = {}
    for side in SIDES:
        way = legs.branches[sides[side]]
        joints |= {f"{side}_{name}": way[at] for name, at in zip(("hip", "knee", "ankle"), leg, strict=True)}
        if len(way) > leg[2] + 1:
            joints[f"{side}_foot"] = way[leg[2] + 1]
        way = arms.branches[sides[side]]
        joints |= {f"{side}_{name}": way[at] for name, at in zip(("shoulder", "elbow", "wrist"), arm, strict=True)}
        if arm[0]:
            joints[f"{side}_collar"] = way[0]
        if len(way) > arm[2] + 1:
            tips[f"{side}_wrist"] = way[arm[2] + 1]
    root = "" if common == legs.fork else common
    above = chain(root or legs.fork, tree.parents)
    bone_map = BoneMap(
        "Unknown names",
        joints,
        spine=tuple(bone for bone in spine if bone != legs.fork),
        neck=tuple(top[:-1]),
        root=root,
        ground=above[-1] if above else "",
        tips=tips,
    )
    return Match(bone_map, (), _likeness(tree, legs, arms, across))


def _top(tree: _Tree, arms: _Pair, up: Array) -> list[str]:
    """The neck's bones and the head, the last: what goes on upwards from between the arms."""
    taken = {branch[0] for branch in arms.branches}
    others = [bone for bone in tree.children[arms.fork] if bone not in taken]
    rising = [bone for bone in others if (tree.heads[bone] - tree.heads[arms.fork]) @ up > 0]
    if not rising:
        return []
    way = [max(rising, key=lambda bone: (tree.heads[tree.branch(bone)[-1]] - tree.heads[arms.fork]) @ up)]
    while len(tree.children[way[-1]]) == 1:  # A face, or nothing, hangs from the head.
        way.append(tree.children[way[-1]][0])
    tip = not tree.children[way[-1]] and len(way) >= 3
    return way[:-1] if tip and tree.gap(way[-2], way[-1]) > TIP * tree.gap(way[-3], way[-2]) else way


def _rise(tree: _Tree, pair: _Pair, up: Array) -> float:
    """How far the ends of two branches lie above their fork."""
    return float(np.mean([(tree.heads[way[-1]] - tree.heads[pair.fork]) @ up for way in pair.branches]))


def _side(tree: _Tree, pair: _Pair, across: Array) -> float:
    """How far the first branch lies further to one side than the second."""
    middles = [np.mean([tree.heads[bone] for bone in way], axis=0) for way in pair.branches]
    return float((middles[0] - middles[1]) @ across)


def _parts(tree: _Tree, pair: _Pair, usual: _Proportions) -> tuple[int, int, int] | None:
    """Where in both branches a limb begins, bends and ends, by the proportions of people."""
    count = min(map(len, pair.branches))
    costs = {
        parts: sum(_cost(tree, way, parts, usual) for way in pair.branches) for parts in combinations(range(count), 3)
    }
    best = min(costs, key=costs.__getitem__)
    return best if np.isfinite(costs[best]) else None


def _cost(tree: _Tree, way: Sequence[str], parts: tuple[int, int, int], usual: _Proportions) -> float:
    """How unusual a limb would be with its parts there."""
    start, middle, end = parts
    before, upper, lower, after = (
        tree.length(way[low : high + 1])
        for low, high in ((0, start), (start, middle), (middle, end), (end, len(way) - 1))
    )
    if min(upper, lower) < LONG * (before + upper + lower + after):
        return np.inf

    def off(value: float, expected: float, tolerance: float) -> float:
        return (np.log((value + 0.05) / (expected + 0.05)) / tolerance) ** 2

    cost = off(before / upper, usual.before, 1.2) + off(upper / lower, usual.upper, 0.2)
    return cost + off(after / lower, usual.after, 1.0) - (_bend(tree, way, end) if usual.bends else 0.0)


def _bend(tree: _Tree, way: Sequence[str], at: int) -> float:
    """How much a branch turns at a bone: 0 straight on or at its end, 1 a right angle or more."""
    if at + 1 >= len(way):
        return 0.0
    before, after = (tree.heads[way[k + 1]] - tree.heads[way[k]] for k in (at - 1, at))
    lengths = np.linalg.norm(before) * np.linalg.norm(after)
    return float(min(1.0, 1 - before @ after / lengths)) if lengths else 0.0


def _forward(tree: _Tree, legs: _Pair, leg: tuple[int, int, int], up: Array) -> Array:
    """Where the feet point; without feet where the knees are bent to, or how people are modelled in Blender."""
    toes = [tree.heads[way[-1]] - tree.heads[way[leg[2]]] for way in legs.branches]
    knees = [tree.heads[way[leg[1]]] - (tree.heads[way[leg[0]]] + tree.heads[way[leg[2]]]) / 2 for way in legs.branches]
    usual = np.array([0.0, -1.0, 0.0]) if abs(up[2]) > 0.7 else np.array([0.0, 0.0, 1.0])
    for guess in (np.mean(toes, axis=0), np.mean(knees, axis=0), usual):
        ahead = guess - (guess @ up) * up
        if np.linalg.norm(ahead) > 0.01 * legs.length:
            break
    return ahead / np.linalg.norm(ahead)


def _likeness(tree: _Tree, legs: _Pair, arms: _Pair, across: Array) -> float:
    """How sure it is (0..0.8): how well the branches of each pair mirror each other, and lie to the side."""
    worst = 0.0
    for pair in (legs, arms):
        one, other = ([tree.heads[bone] - tree.heads[pair.fork] for bone in way] for way in pair.branches)
        mirrored = [point - 2 * (point @ across) * across for point in other]
        off = np.mean([np.linalg.norm(a - b) for a, b in zip(one, mirrored, strict=False)])
        worst = max(worst, float(off) / pair.length)
    return 0.8 * float(np.clip(1 - 2 * worst, 0, 1))
