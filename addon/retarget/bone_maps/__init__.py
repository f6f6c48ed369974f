# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bone stands for which joint: one file of data for each family of rigs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .bone_map import BoneMap
from .rigify import RIGIFY
from .smpl import SMPL

FAMILIES: Final = (RIGIFY, SMPL)
ENOUGH = 0.5


@dataclass(frozen=True)
class Match:
    """The family that a rig belongs to, and the bones of that family that it lacks or has in another place."""

    bone_map: BoneMap
    missing: tuple[str, ...]


def detect(parents: Mapping[str, str | None]) -> Match | None:
    """The family most of whose bones are in a rig and hang where they should; None if none has half of them there.

    parents: the name of each of the rig's bones' parent.
    """
    matches = [Match(bone_map, bone_map.missing(parents)) for bone_map in FAMILIES]
    best = max(matches, key=_share)
    return best if _share(best) > ENOUGH else None


def _share(match: Match) -> float:
    return 1 - len(match.missing) / len(match.bone_map.sources())
