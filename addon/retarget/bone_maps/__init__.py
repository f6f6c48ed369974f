# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bone of a rig stands for which joint: known families as data files, and rigs whose names mean nothing."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from .files import BUILT_IN, Family, read
from .fit import Match, Parents, fit

__all__ = ["Match", "detect", "families"]

ENOUGH = 0.5
SURE = 0.8


@cache
def families() -> tuple[Family, ...]:
    """The families that come with the add-on."""
    return tuple(read(file) for file in sorted(BUILT_IN.glob("*.toml")))


def detect(
    parents: Parents, heads: Mapping[str, Iterable[float]] | None = None, own: Iterable[Family] = ()
) -> Match | None:
    """The map that fits a rig best; None if none has half of its joints there.

    parents: the name of each bone's parent. heads: where each bone begins at rest (3,); with them a rig whose names say
    little is mapped by its structure. own: maps of the user's, which come first where they fit as well.
    """
    best = _best([fit(family, parents) for family in own], [fit(family, parents) for family in families()])
    if best.confidence < SURE and heads is not None:
        from .structure import by_structure

        built = by_structure(parents, heads)
        if built and built.confidence > best.confidence:
            best = built
    return best if best.confidence > ENOUGH else None


def _best(own: Sequence[Match], known: Sequence[Match]) -> Match:
    """The surest; of equals the user's own, then controls before the bones that follow them, then more bones."""

    def rank(match: Match) -> tuple[float, bool, bool, int]:
        controls = bool(match.bone_map.settings)
        return round(match.confidence, 2), match in own, controls, len(match.bone_map.roles())

    return max((*own, *known), key=rank)
