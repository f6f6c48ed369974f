# SPDX-License-Identifier: GPL-3.0-or-later
"""Inverse kinematics of limbs of two bones: thigh and shin, upper arm and forearm. numpy only."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .rotations import between

Array = NDArray[np.float64]

STRAIGHT = 1 - 1e-6
"""How far a limb can be stretched, as a share of its length, without losing the plane in which it bends."""

GIVES = 0.5
"""The share of a limb's slack by which it is stretched at most; a bent joint keeps about 70 % of its bend then."""


@dataclass(frozen=True)
class Limb:
    """Where a limb's joints are (T, 3), and which way its middle one bends (T, 3)."""

    root: Array
    middle: Array
    end: Array
    forward: Array

    @property
    def lengths(self) -> tuple[Array, Array]:
        """Of the upper and the lower bone (T,)."""
        upper, lower = self.middle - self.root, self.end - self.middle
        return np.linalg.norm(upper, axis=-1), np.linalg.norm(lower, axis=-1)

    @property
    def extent(self) -> Array:
        """From root to end (T,)."""
        return np.linalg.norm(self.end - self.root, axis=-1)

    def moved(self, by: Array) -> "Limb":
        """The limb somewhere else, by (3,) or (T, 3)."""
        return Limb(self.root + by, self.middle + by, self.end + by, self.forward)


def softened(limb: Limb, distance: Array) -> Array:
    """Distances (T,) from root to end that the limb can take up, near those that are wanted (T,).

    What is not farther than the limb is stretched already stays as it is. Beyond that it gives less and less, and takes
    up no more than GIVES of what is left: a knee that is about to be stretched slows down instead of snapping.
    """
    room = np.maximum(GIVES * (limb.lengths[0] + limb.lengths[1] - limb.extent), 1e-9)
    further = distance - limb.extent
    return limb.extent + np.where(further > 0, room * -np.expm1(-np.maximum(further, 0) / room), further)


def reach(limb: Limb, root: Array, goal: Array, distance: Array) -> tuple[Array, Array]:
    """How the two bones turn (T, 3, 3), (T, 3, 3) when the root moves to (T, 3) and the end towards a goal (T, 3).

    The end comes to lie at a distance (T,) from the root, as far as the bones allow. The plane in which the limb bends
    turns with the limb; a limb that was straight bends the way its middle joint does.
    """
    upper, lower = limb.lengths
    distance = np.clip(distance, np.abs(upper - lower) * (2 - STRAIGHT) + 1e-9, (upper + lower) * STRAIGHT)
    old, new = _unit(limb.end - limb.root), _unit(goal - root)
    swing = between(old, new)
    thigh, shin = _turned(swing, limb.middle - limb.root), _turned(swing, limb.end - limb.middle)

    along = (upper**2 - lower**2 + distance**2) / (2 * distance)
    aside = np.sqrt(np.maximum(upper**2 - along**2, 0))
    bent = thigh - _along(thigh, new)
    forward = _turned(swing, limb.forward)
    ahead = _unit(forward - _along(forward, new))
    more = np.maximum(aside - np.linalg.norm(bent, axis=-1), 0)
    direction = _unit(bent + more[:, None] * ahead)

    middle = along[:, None] * new + aside[:, None] * direction
    return between(thigh, middle) @ swing, between(shin, distance[:, None] * new - middle) @ swing


def _unit(vectors: Array) -> Array:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def _along(vectors: Array, direction: Array) -> Array:
    """The part of vectors (T, 3) along unit directions (T, 3)."""
    return np.sum(vectors * direction, -1, keepdims=True) * direction


def _turned(turns: Array, vectors: Array) -> Array:
    return np.einsum("tij,tj->ti", turns, vectors)
