# SPDX-License-Identifier: GPL-3.0-or-later
"""The report on a bake, which is kept with its action."""

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import bpy

KEPT_AS = "reel_to_rig_quality"


@dataclass(frozen=True)
class Figure:
    """One measure of a bake, in words: its value, what more there is to say, the scene frame at which it is worst.

    It is doubtful where it deserves a look.
    """

    label: str
    value: float
    unit: str
    note: str
    frame: float
    doubtful: bool

    def __str__(self) -> str:
        number = f"{self.value:.2f}" if self.unit else f"{self.value:.0f}"  # without a unit it is a count
        text = f"{self.label}: {number}{self.unit}"
        return f"{text} ({self.note})" if self.note else text


@dataclass(frozen=True)
class Quality:
    """What can be said of a bake without looking at it; slide and penetration of rigs that have legs only."""

    directions: Figure
    worst_limb: Figure
    jitter: Figure
    travel: Figure
    flips: Figure
    slide: Figure | None = None
    penetration: Figure | None = None
    before: str = ""
    """What was done to the motion after it was measured, if anything was."""

    def figures(self) -> list[Figure]:
        """All there are, in the order in which they are shown."""
        return [
            figure
            for figure in (
                self.directions, self.worst_limb, self.slide, self.penetration, self.jitter, self.travel, self.flips,
            )
            if figure
        ]  # fmt: skip

    def to_json(self) -> str:
        """As text, which `from_json` reads."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> "Quality":
        """What `to_json` wrote. Raises ValueError for all else."""
        try:
            rows = json.loads(text)
            before = str(rows.pop("before", ""))
            return Quality(**{name: row and Figure(**row) for name, row in rows.items()}, before=before)
        except (TypeError, AttributeError) as error:
            raise ValueError(f"no report of a bake: {error}") from error


def keep(action: "bpy.types.Action", quality: Quality) -> None:
    """Keep a report with the action that it is about."""
    action[KEPT_AS] = quality.to_json()


def kept(item: "bpy.types.Object | None") -> Quality | None:
    """The report on the action that an object has now, if it came with one."""
    action = item.animation_data.action if item and item.animation_data else None
    try:
        return Quality.from_json(action[KEPT_AS]) if action and KEPT_AS in action else None
    except ValueError:
        return None
