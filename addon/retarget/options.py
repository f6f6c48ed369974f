# SPDX-License-Identifier: GPL-3.0-or-later
"""How to bake: what the animator chooses. No bpy."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

RootPolicy = Literal["HIPS", "ROOT_BONE", "OBJECT", "IN_PLACE"]


class FootLock(StrEnum):
    """What is done with a target's feet."""

    AUTO = "AUTO"
    """Held while they rest, by the take's contacts."""
    ALWAYS = "ALWAYS"
    """Held in one place for the whole take."""
    GROUND = "GROUND"
    """Kept out of the floor, and free to slide."""
    NEVER = "NEVER"
    """Left as they are."""


@dataclass(frozen=True)
class Options:
    """How to bake: what carries the person over the ground, and whether the IK controls of limbs are in command.

    Whether feet and hands are held where they rest; and by how many radians bones may be off where keys are left out
    (0: a key at every frame).
    """

    root: RootPolicy = "HIPS"
    ik: bool = False
    feet: FootLock = FootLock.NEVER
    hands: bool = False
    tolerance_rad: float = 0.0
