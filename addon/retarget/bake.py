# SPDX-License-Identifier: GPL-3.0-or-later
"""A take's motion onto an armature, as a new action."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import bpy
import numpy as np
from bpy.utils import escape_identifier
from numpy.typing import NDArray

from ...model.motion.motion import forward_kinematics
from ...model.motion.rotations import project
from ...model.protocol import Code, Failure
from ..keyframes import Curve, Tolerance, write_action
from ..take.data import TakeMotion
from . import ik
from .bone_maps import Match, detect
from .bone_maps.bone_map import BoneMap
from .bones import heads, parents
from .channels import rotation_channels
from .foot_lock import lock_feet, lock_hands
from .mapping import presets
from .options import Options, RootPolicy
from .quality import measure
from .remarks import overriding, remarks
from .report import Quality, keep
from .root import grounded
from .solve import WRISTS, Solution, Target, solve
from .target import carrier, describe, location_axes


@dataclass(frozen=True)
class Baked:
    """What came of it: the action, the family of the rig, the bones with keys, what it lacks, the scale, remarks."""

    action: bpy.types.Action
    family: str
    bones: tuple[str, ...]
    missing: tuple[str, ...]
    scale: float
    remarks: tuple[str, ...]
    quality: Quality


def recognise(armature: bpy.types.Object) -> Match:
    """The bones of an armature. Raises Failure(RIG_UNSUITABLE) if it is not known and not built as a person is."""
    match = detect(parents(armature), heads(armature), presets.load_all())
    if match is None:
        raise Failure(
            Code.RIG_UNSUITABLE,
            f"The bones of {armature.name} are of no family that is known, and not those of a person.",
        )
    return match


def bake(
    motion: TakeMotion,
    armature: bpy.types.Object,
    name: str,
    match: Match | None = None,
    options: Options | None = None,
) -> Baked:
    """Key an armature so that it moves as a take does, in a new action; the one it had is kept.

    match says which bones to key; without it they are recognised. Raises Failure(RIG_UNSUITABLE) for an armature that
    the motion cannot be put on; nothing is changed then.
    """
    match, options = match or recognise(armature), options or Options()
    bone_map = match.bone_map
    if options.root == "ROOT_BONE":
        if not bone_map.ground:
            raise Failure(Code.RIG_UNSUITABLE, f"{armature.name} has no root bone above its hips.", NO_ROOT_BONE)
        bone_map = replace(bone_map, still=(*bone_map.still, bone_map.ground))
    if options.ik and not bone_map.ik:
        raise Failure(Code.RIG_UNSUITABLE, f"No IK controls of {armature.name} are known.", NO_IK)
    try:
        target = describe(armature, bone_map, motion.placement)
    except ValueError as error:
        raise Failure(Code.RIG_UNSUITABLE, f"{armature.name}: {error}.") from error

    solution = _held(target, solve(target, motion.local, motion.trans, motion.rest), motion, options)
    whole = solution
    solution, carried = _rooted(armature, bone_map, target, solution, options.root)
    noted = remarks(armature, target)
    settings = {**bone_map.settings, **(bone_map.ik_settings if options.ik else {})}
    held = [name for name in bone_map.still if name != bone_map.ground]
    curves = [*_commands(armature, held, settings), *carried, *motion_curves(armature, target, solution)]
    if options.ik:
        curves += _ik_curves(armature, bone_map, target, solution)
    curves += _freed(armature, bone_map)
    lever_m = target.leg_m / np.cbrt(np.linalg.det(target.world[:3, :3]))
    tolerance = Tolerance(options.tolerance_rad, options.tolerance_rad * lever_m) if options.tolerance_rad else None
    action = write_action(armature, name, curves, motion.frames, tolerance)
    bones = tuple(bone.name for bone in target.bones)
    later = ["IK"] * options.ik + ["sparse keys"] * bool(tolerance)
    quality = replace(_quality(target, whole, motion, curves), before=" and ".join(later))
    keep(action, quality)
    return Baked(action, bone_map.family, bones, match.missing, solution.scale, noted, quality)


NO_ROOT_BONE = "Choose another way for the root, or name the bone in the bone map."
NO_IK = "Bake onto FK controls instead."


def _held(target: Target, solution: Solution, motion: TakeMotion, options: Options) -> Solution:
    """The solution with feet and hands held as the options want it."""
    if options.hands:
        joints = forward_kinematics(motion.local, motion.rest)[1] + motion.trans[:, None]
        solution = lock_hands(target, solution, motion.rest, joints[:, list(WRISTS)], motion.time_s)
    return lock_feet(target, solution, motion.rest, motion.contacts, motion.time_s, options.feet)


def _quality(target: Target, solution: Solution, motion: TakeMotion, curves: Sequence[Curve]) -> Quality:
    """The report on a solution and the curves made of it."""
    rows: dict[str, list[NDArray[np.floating]]] = {}
    for curve in curves:
        if "rotation_" in curve.data_path and len(curve.values) == len(motion.frames):
            rows.setdefault(curve.data_path, []).append(curve.values)
    rotations = {path: np.stack(values, -1) for path, values in rows.items()}
    return measure(
        target, solution, motion.local, motion.trans, motion.rest, motion.contacts, motion.time_s, motion.frames,
        rotations,
    )  # fmt: skip


def motion_curves(armature: bpy.types.Object, target: Target, solution: Solution) -> list[Curve]:
    """The curves of the solved bones, whose other channels go back to rest."""
    assert armature.pose
    curves: list[Curve] = []
    for bone, matrices in zip(target.bones, solution.basis, strict=True):
        posed = armature.pose.bones[bone.name]
        posed.location, posed.scale = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
        channel, values = rotation_channels(matrices, posed.rotation_mode)
        curves += _curves(bone.name, channel, values)
    root = target.bones[0].name
    location = solution.location @ location_axes(armature.pose.bones[root].bone).T
    return [*_curves(root, "location", location), *curves]


def _ik_curves(armature: bpy.types.Object, bone_map: BoneMap, target: Target, solution: Solution) -> list[Curve]:
    """The curves of the IK controls, which lead to the pose of the solved bones."""
    assert armature.pose
    assert bpy.context.view_layer
    bpy.context.view_layer.update()  # The settings decide what the controls hang from.
    curves: list[Curve] = []
    for name, (rotation, location) in ik.controls(armature, bone_map, target, solution).items():
        control = armature.pose.bones[name]
        control.scale = (1.0, 1.0, 1.0)
        channel, values = rotation_channels(project(rotation), control.rotation_mode)
        curves += [*_curves(name, "location", location), *_curves(name, channel, values)]
    stiff = [name for limb in bone_map.ik.values() for name in limb.stiff]
    return [*curves, *(curve for name in stiff for curve in _curves(name, "ik_stretch", np.zeros((1, 1))))]


def _rooted(
    armature: bpy.types.Object, bone_map: BoneMap, target: Target, solution: Solution, root: RootPolicy
) -> tuple[Solution, list[Curve]]:
    """The solution without what something else than the hips carries, and the curves of that."""
    if root == "HIPS":
        return solution, []
    assert armature.pose
    anchor = np.zeros(3)
    if root == "ROOT_BONE":
        anchor = np.array(armature.pose.bones[bone_map.ground].bone.head_local)
    turns = root != "IN_PLACE" and all(bone.inherits for bone in target.bones)
    anchor = target.world[:3, :3] @ anchor + target.world[:3, 3]
    solution, ground = grounded(target, solution, anchor, turns=turns)
    if root == "ROOT_BONE":
        return solution, _ground_curves(armature, bone_map, target, ground)
    return solution, _object_curves(armature, target, ground) if root == "OBJECT" else []


def _ground_curves(
    armature: bpy.types.Object, bone_map: BoneMap, target: Target, ground: NDArray[np.float64]
) -> list[Curve]:
    """The curves of the root bone, which carries the person over the ground."""
    assert armature.pose
    bone = armature.pose.bones[bone_map.ground]
    _, socket = carrier(bone, armature, (), bone_map.still)
    pose = np.linalg.inv(target.world) @ ground @ target.world @ np.array(bone.bone.matrix_local)
    basis = np.linalg.inv(np.array(socket)) @ pose
    bone.scale = (1.0, 1.0, 1.0)
    channel, values = rotation_channels(project(basis[:, :3, :3]), bone.rotation_mode)
    location = basis[:, :3, 3] @ location_axes(bone.bone).T
    return [*_curves(bone.name, "location", location), *_curves(bone.name, channel, values)]


def _object_curves(armature: bpy.types.Object, target: Target, ground: NDArray[np.float64]) -> list[Curve]:
    """The curves of the object itself, which carries the person over the ground."""
    basis = np.array(armature.matrix_basis) @ np.linalg.inv(target.world) @ ground @ target.world
    # What the object has beside its channels, Blender adds to them.
    if armature.rotation_mode == "QUATERNION":
        turned = armature.delta_rotation_quaternion.to_matrix()
    else:
        turned = armature.delta_rotation_euler.to_matrix()
    rotation = np.array(turned).T @ project(basis[:, :3, :3])
    channel, values = rotation_channels(rotation, armature.rotation_mode)
    named = {"location": basis[:, :3, 3] - np.array(armature.delta_location), channel: values}
    return [Curve(path, k, rows[:, k], "Object") for path, rows in named.items() for k in range(rows.shape[1])]


def _commands(
    armature: bpy.types.Object, held: Sequence[str], settings: Mapping[str, Mapping[str, float]]
) -> list[Curve]:
    """What puts the solved bones in command: settings, and bones held at rest. Keyed once each, at the start."""
    assert armature.pose
    bones = armature.pose.bones
    curves: list[Curve] = []
    for name, values in settings.items():
        for setting, value in values.items():
            if name in bones and setting in bones[name].keys():  # noqa: SIM118 (a bone is no dictionary)
                bones[name][setting] = type(bones[name][setting])(value)
                curves += _curves(name, f'["{escape_identifier(setting)}"]', np.array([[value]]))
    for name in held:
        if name in bones:
            bones[name].scale = (1.0, 1.0, 1.0)
            channel, values = rotation_channels(np.eye(3)[None], bones[name].rotation_mode)
            curves += [*_curves(name, "location", np.zeros((1, 3))), *_curves(name, channel, values)]
    return curves


def _freed(armature: bpy.types.Object, bone_map: BoneMap) -> list[Curve]:
    """Curves that turn off the constraints that would keep the solved bones from moving. Keyed once, at the start."""
    return [
        curve
        for bone, constraint in overriding(armature, bone_map)
        for curve in _curves(bone, f'constraints["{escape_identifier(constraint)}"].influence', np.zeros((1, 1)))
    ]


def _curves(bone: str, channel: str, values: NDArray[np.floating]) -> list[Curve]:
    """The curves of a bone's channel, values (T, n)."""
    path = f'pose.bones["{escape_identifier(bone)}"]' + (channel if channel.startswith("[") else f".{channel}")
    return [Curve(path, index, values[:, index], bone) for index in range(values.shape[1])]
