# SPDX-License-Identifier: GPL-3.0-or-later
"""A take's motion onto an armature, as a new action."""

from dataclasses import dataclass

import bpy
import numpy as np
from bpy.utils import escape_identifier
from numpy.typing import NDArray

from ...model.protocol import Code, Failure
from ..keyframes import Curve, write_action
from ..take.data import TakeMotion
from .bone_maps import Match, detect
from .channels import rotation_channels
from .solve import Solution, Target, solve
from .target import describe, parents


@dataclass(frozen=True)
class Baked:
    """What came of it: the action, the family of the rig, the bones with keys, those it lacks, the scale."""

    action: bpy.types.Action
    family: str
    bones: tuple[str, ...]
    missing: tuple[str, ...]
    scale: float


def recognise(armature: bpy.types.Object) -> Match:
    """The family of an armature. Raises Failure(RIG_UNSUITABLE) if it is of none that is known."""
    match = detect(parents(armature))
    if match is None:
        raise Failure(Code.RIG_UNSUITABLE, f"The bones of {armature.name} are of no family that is known.")
    return match


def bake(motion: TakeMotion, armature: bpy.types.Object, name: str) -> Baked:
    """Key an armature so that it moves as a take does, in a new action; the one it had is kept.

    Limbs are switched to FK where the rig has a switch. Raises Failure(RIG_UNSUITABLE) for an armature that the motion
    cannot be put on; nothing is changed then.
    """
    match = recognise(armature)
    try:
        target = describe(armature, match.bone_map, match.missing)
    except ValueError as error:
        raise Failure(Code.RIG_UNSUITABLE, f"{armature.name}: {error}.") from error
    solution = solve(target, motion.local, motion.trans, motion.rest)
    curves = [*_commands(armature, match), *_motion_curves(armature, target, solution)]
    action = write_action(armature, name, curves, motion.frames)
    return Baked(action, match.bone_map.family, tuple(b.name for b in target.bones), match.missing, solution.scale)


def _motion_curves(armature: bpy.types.Object, target: Target, solution: Solution) -> list[Curve]:
    """The curves of the solved bones, whose other channels go back to rest."""
    assert armature.pose
    curves: list[Curve] = []
    for bone, matrices in zip(target.bones, solution.basis, strict=True):
        posed = armature.pose.bones[bone.name]
        posed.location, posed.scale = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
        channel, values = rotation_channels(matrices, posed.rotation_mode)
        curves += _curves(bone.name, channel, values)
    root = target.bones[0].name
    return [*_curves(root, "location", solution.location), *curves]


def _commands(armature: bpy.types.Object, match: Match) -> list[Curve]:
    """What puts the solved bones in command: settings, and bones that stay at rest. Keyed once each, at the start."""
    assert armature.pose
    bones = armature.pose.bones
    curves: list[Curve] = []
    for name, settings in match.bone_map.settings.items():
        for setting, value in settings.items():
            if name in bones and setting in bones[name].keys():  # noqa: SIM118 (a bone is no dictionary)
                bones[name][setting] = value
                curves += _curves(name, f'["{escape_identifier(setting)}"]', np.array([[value]]))
    for name in match.bone_map.still:
        if name in bones:
            bones[name].scale = (1.0, 1.0, 1.0)
            channel, values = rotation_channels(np.eye(3)[None], bones[name].rotation_mode)
            curves += [*_curves(name, "location", np.zeros((1, 3))), *_curves(name, channel, values)]
    return curves


def _curves(bone: str, channel: str, values: NDArray[np.floating]) -> list[Curve]:
    """The curves of a bone's channel, values (T, n)."""
    path = f'pose.bones["{escape_identifier(bone)}"]' + (channel if channel.startswith("[") else f".{channel}")
    return [Curve(path, index, values[:, index], bone) for index in range(values.shape[1])]
