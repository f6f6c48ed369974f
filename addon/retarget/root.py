# SPDX-License-Identifier: GPL-3.0-or-later
"""What carries a person over the ground: the hips, a bone on the ground, the object, or nothing. numpy only."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...model.motion.rotations import matrix_from_axis_angle, project, quaternion_from_matrix
from .posed import posed
from .solve import Array, Solution, Target

PELVIS = 0


def grounded(
    target: Target, solution: Solution, anchor: NDArray[np.floating], *, turns: bool
) -> tuple[Solution, Array]:
    """Take a solution's travel over the ground out of it, and its turning about the vertical if it `turns`.

    anchor (3,): a point in the world that stands under the person while the target is at rest. Returns the motion on
    the spot over the anchor, with its heights and tilts, and the matrices (T, 4, 4) in the world that carry the target,
    as it stands, to where it is to move so: both together are the solution.
    """
    orientations, heads = posed(target, solution)
    upright = np.array([1.0, 1.0, 0.0])
    places = heads[[target.at[joint] for joint in target.bottom]].mean(0)
    under = (places @ target.world[:3, :3].T + target.world[:3, 3]) * upright
    turn = np.tile(np.eye(3), (len(under), 1, 1))
    if turns:
        hips = target.at.get(PELVIS, 0)
        carried = orientations[hips] @ target.bones[hips].rest.T
        turn = matrix_from_axis_angle(_heading(target.turn @ carried @ target.turn.T)[:, None] * [0.0, 0.0, 1.0])
    ground = np.tile(np.eye(4), (len(under), 1, 1))
    ground[:, :3, :3] = turn
    ground[:, :3, 3] = under - turn @ (anchor * upright)

    back = np.linalg.inv(target.world) @ np.linalg.inv(ground) @ target.world
    basis = solution.basis.copy()
    for number, bone in enumerate(target.bones):
        if bone.parent < 0:
            basis[number] = bone.socket[:3, :3].T @ project(back[:, :3, :3]) @ orientations[number]
    moved = np.einsum("tij,tj->ti", back[:, :3, :3], heads[0]) + back[:, :3, 3] - target.bones[0].socket[:3, 3]
    return replace(solution, basis=basis, location=moved @ target.bones[0].socket[:3, :3]), ground


def _heading(hips: Array) -> Array:
    """By how much (T,) the hips are turned about the vertical, without jumps, for their rotations (T, 3, 3) from rest.

    The twist of a swing-twist decomposition: well defined unless a person is upside down.
    """
    q = quaternion_from_matrix(hips)
    return np.unwrap(2 * np.arctan2(q[:, 3], q[:, 0]))
