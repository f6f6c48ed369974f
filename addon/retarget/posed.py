# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a target's bones are once they are posed, and which channels pose them so. numpy only."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from .solve import Array, Solution, Target


def posed(target: Target, solution: Solution) -> tuple[Array, Array]:
    """Orientations (K, T, 3, 3) and heads (K, T, 3) of a target's bones, in armature space, as Blender poses them."""
    turns, heads = np.empty_like(solution.basis), np.empty(solution.basis.shape[:-1])
    for number, bone in enumerate(target.bones):
        carried, heads[number] = bone.socket[:3, :3], bone.socket[:3, 3]
        if bone.parent >= 0:
            carried = turns[bone.parent] @ bone.socket[:3, :3]
            heads[number] = heads[bone.parent] + turns[bone.parent] @ bone.socket[:3, 3]
        if number == 0:
            heads[0] = heads[0] + solution.location @ bone.socket[:3, :3].T
        turns[number] = (carried if bone.inherits else bone.rest) @ solution.basis[number]
    return turns, heads


def rebased(target: Target, basis: Array, turns: Array, numbers: Iterable[int]) -> Array:
    """The basis rotations (K, T, 3, 3), those of some bones such that bones are oriented as `turns` (K, T, 3, 3) say.

    Bones that hang from these and are not among the numbers are carried along.
    """
    basis = basis.copy()
    for number in numbers:
        bone = target.bones[number]
        carried: NDArray[np.floating] = bone.rest
        if bone.inherits:
            carried = turns[bone.parent] @ bone.socket[:3, :3] if bone.parent >= 0 else bone.socket[:3, :3]
        basis[number] = np.swapaxes(carried, -1, -2) @ turns[number]
    return basis
