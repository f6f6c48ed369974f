# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the bones of a family in a rig by their names and by what they hang from. No bpy."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from .bone_map import SIDES, BoneMap, IkLimb, above
from .files import Family

Parents = Mapping[str, str | None]
ENDS = {f"{side}_{joint}": f"{side}_{end}" for joint, end in (("wrist", "hand"), ("ankle", "foot")) for side in SIDES}
SEPARATORS = re.compile(r"[\s_.\-]+")


@dataclass(frozen=True)
class Match:
    """The bones of a rig that stand for joints, the roles of the family that no bone of it plays, and how sure it is.

    bone_map has the rig's own names and only bones that it has. confidence (0..1) is the share of the family's joints
    that were found in their places.
    """

    bone_map: BoneMap
    missing: tuple[str, ...]
    confidence: float


def canonical(name: str) -> str:
    """A bone's name without what writers of files change: name spaces, case, separators, full-width letters."""
    return SEPARATORS.sub("", unicodedata.normalize("NFKC", name).rpartition(":")[2].casefold())


def fit(family: Family, parents: Parents) -> Match:
    """What of a family a rig has; parents: the name of each of its bones' parent."""
    index: dict[str, str] = {}
    for bone in parents:
        short = canonical(bone)
        index.setdefault(family.prefix.sub("", short, count=1), bone)
    wanted = family.bone_map

    def find(name: str) -> str:
        if name in parents:
            return name
        short = canonical(name)
        return index.get(short) or index.get(family.prefix.sub("", short, count=1), "")

    found = _renamed(wanted, find)
    wrong = set(_misplaced(found, parents))
    good = _renamed(found, lambda bone: "" if bone in wrong else bone)
    shown = {ENDS.get(joint) for joint in good.tips}  # Where the limb ends is known without its last bone.
    missing = [joint for joint in wanted.joints if joint not in good.joints and joint not in shown]
    missing += [chain for chain in ("spine", "neck") if getattr(wanted, chain) and not getattr(good, chain)]
    places = len(wanted.joints) + bool(wanted.spine) + bool(wanted.neck)
    if wanted.root and not good.root:
        missing.append("root")
    return Match(good, tuple(missing), 1 - min(len(missing), places) / places)


def _renamed(bone_map: BoneMap, find: Callable[[str], str]) -> BoneMap:
    """A map with each name replaced, and left out where find() gives an empty one."""

    def row(names: Sequence[str]) -> tuple[str, ...]:
        return tuple(found for found in map(find, names) if found)

    def table(names: Mapping[str, str]) -> dict[str, str]:
        return {key: found for key, found in ((key, find(name)) for key, name in names.items()) if found}

    def properties(settings: Mapping[str, Mapping[str, float]]) -> dict[str, Mapping[str, float]]:
        return {find(bone): values for bone, values in settings.items() if find(bone)}

    twist = {joint: row(names) for joint, names in bone_map.twist.items()}
    ik = {
        joint: IkLimb(find(limb.goal), find(limb.pole), find(limb.toe), row(limb.stiff))
        for joint, limb in bone_map.ik.items()
    }
    return replace(
        bone_map,
        joints=table(bone_map.joints),
        spine=row(bone_map.spine),
        neck=row(bone_map.neck),
        root=find(bone_map.root) if bone_map.root else "",
        ground=find(bone_map.ground) if bone_map.ground else "",
        twist={joint: names for joint, names in twist.items() if names},
        tips=table(bone_map.tips),
        settings=properties(bone_map.settings),
        still=row(bone_map.still),
        ik={joint: limb for joint, limb in ik.items() if limb.goal and limb.pole},
        ik_settings=properties(bone_map.ik_settings),
    )


def _misplaced(found: BoneMap, parents: Parents) -> list[str]:
    """Bones that hang from another bone than they should."""
    links = [(low, high) for low, high in above(found) if not (found.loose and high.endswith("collar"))]
    must = [(found.joints[low], found.joints[high]) for low, high in links]
    if not found.loose:
        trunk = [*found.spine, *found.neck, *([found.joints["head"]] if "head" in found.joints else [])]
        must += [(low, high) for high, low in pairwise(trunk)]
    if found.traveller:
        must += [(bone, found.traveller) for bone in found.sources() if bone != found.traveller]
        must += [(found.traveller, found.ground)] if found.ground and not found.loose else []
    must += [(helper, found.joints[j]) for j, helpers in found.twist.items() if j in found.joints for helper in helpers]
    must += [(tip, found.joints[joint]) for joint, tip in found.tips.items() if joint in found.joints]
    ancestors = {bone: set(chain(bone, parents)) for bone, _ in must}
    wrong = [low for low, high in must if high not in ancestors[low]]
    if found.ground and found.traveller in wrong:  # It is the ground bone that is out of place.
        wrong = [found.ground if bone == found.traveller else bone for bone in wrong]
    return wrong


def chain(bone: str, parents: Parents) -> list[str]:
    """A bone's ancestors, the nearest first."""
    found: list[str] = []
    up = parents.get(bone)
    while up is not None and up not in found:
        found.append(up)
        up = parents.get(up)
    return found
