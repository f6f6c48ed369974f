# SPDX-License-Identifier: GPL-3.0-or-later
"""What a take holds inside the .blend, and how to get it out again."""

import io
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...model.motion.motion import Motion
from ...model.motion.planting import hold_feet
from ...model.motion.skeleton import REGIONS
from ...model.motion.smoothing import smooth
from ...model.protocol import Code, Failure
from . import geometry
from .props import Settings, applied, take_of

F32 = NDArray[np.float32]


@dataclass(frozen=True)
class Body:
    """A person in the T-pose, SMPL's canonical frame, metres: what the engine writes beside a motion.

    vertices (V, 3), joints (24, 3), faces (F, 3), weights (V, 24): how much each joint moves each vertex.
    """

    vertices: F32
    joints: F32
    faces: NDArray[np.int32]
    weights: F32

    @staticmethod
    def average() -> "Body":
        """The average of the bodies that come with the extension."""
        with np.load(Path(__file__).parents[2] / "model/body/free.npz", allow_pickle=False) as data:
            weights, regressor = (_dense(data, name) for name in ("weights", "J_regressor"))
            vertices = data["v_template"]
            return Body(vertices, regressor @ vertices, data["f"].astype(np.int32), weights)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> "Body":
        """Read a body file. Raises Failure(BODY_INVALID)."""
        try:
            with np.load(path, allow_pickle=False) as data:
                body = Body(data["vertices"], data["joints"], data["faces"], data["weights"])
        except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as error:  # TypeError: an .npy
            raise Failure(Code.BODY_INVALID, f"{path}: {error}") from error
        vertices = len(body.vertices)
        fits = (
            body.vertices.shape == (vertices, 3)
            and body.joints.shape == (24, 3)
            and body.weights.shape == (vertices, 24)
            and body.faces.ndim == 2
            and body.faces.max(initial=0) < vertices
        )
        if not fits:
            raise Failure(Code.BODY_INVALID, f"{path}: its arrays do not fit together")
        return body


@dataclass(frozen=True)
class TakeMotion:
    """The motion that is on an armature, in the conventions of Motion.

    frames (T,) scene frames; local (T, 24, 3, 3) rotations relative to the parent, the root's relative to the world;
    trans (T, 3) world metres; rest (24, 3) joints in the T-pose; contacts (T, 4); time_s (T,) seconds.
    placement (4, 4): where the animator put the world of the capture, floor and all, in the scene's; scaled evenly.
    remarks: what the animator should know of it, each a sentence without its full stop.
    """

    frames: NDArray[np.float64]
    local: NDArray[np.float64]
    trans: NDArray[np.float64]
    rest: NDArray[np.float64]
    contacts: F32
    time_s: NDArray[np.float64]
    placement: NDArray[np.float64] = field(default_factory=lambda: np.eye(4))
    remarks: tuple[str, ...] = ()


def _dense(data: Mapping[str, Any], name: str) -> F32:
    """A matrix of which only the rows, columns and values that are not zero are stored."""
    matrix = np.zeros(tuple(data[f"{name}_shape"]), np.float32)
    matrix[data[f"{name}_rows"], data[f"{name}_columns"]] = data[f"{name}_values"]
    return matrix


def store(armature: bpy.types.Object, file: bytes, rest: NDArray[np.floating]) -> None:
    """Keep a raw motion, as the bytes of its file, and its rest joints (24, 3) with an armature."""
    take = take_of(armature)
    take.motion = file
    take.rest = stored_joints(rest)
    take.is_take = True


def written(motion: Motion) -> bytes:
    """A motion as the bytes of its file."""
    file = io.BytesIO()
    motion.write(file)
    return file.getvalue()


def stored_joints(rest: NDArray[np.floating]) -> bytes:
    """Rest joints (24, 3) as a take keeps them."""
    return np.asarray(rest, np.float32).tobytes()


def raw(armature: bpy.types.Object) -> Motion:
    """The motion as it was captured. Raises MotionFileError if the armature holds none."""
    return parsed(take_of(armature).motion)


@lru_cache(maxsize=4)
def parsed(file: bytes) -> Motion:
    """The motion in the bytes of a motion file. Raises MotionFileError."""
    return Motion.load(io.BytesIO(file))


def rest_joints(armature: bpy.types.Object) -> NDArray[np.float64]:
    """The joints in the T-pose (24, 3), canonical, metres."""
    return _joints(take_of(armature).rest)


def _joints(rest: bytes) -> NDArray[np.float64]:
    return np.frombuffer(rest, np.float32).reshape(24, 3).astype(np.float64)


@lru_cache(maxsize=4)
def smoothed(file: bytes, rest: bytes, strength: float, regions: tuple[float, ...], held: bool) -> Motion:
    """The motion in a motion file, smoothed, and its feet held if they are to be. No bpy: any thread may call it.

    The factors by region are in REGIONS' order.

    Keying, baking and exporting want the same one over and over, and an import has it computed beside Blender's own
    work. Raises MotionFileError.
    """
    motion = smooth(parsed(file), _joints(rest), strength, dict(zip(REGIONS, regions, strict=True)))
    return hold_feet(motion, _joints(rest)) if held else motion


def settled(armature: bpy.types.Object, settings: Settings | None = None) -> Motion:
    """The raw motion under settings, by default those that it is keyed by, above the floor that was set.

    Nothing is evaluated, and keys that were edited by hand are not looked at.
    """
    take = take_of(armature)
    motion = smoothed(take.motion, take.rest, *(settings or applied(take)))
    up = np.array([0, 0, take.floor_m], np.float32)
    # The camera sees the same: what the world loses in height, its translation gains.
    shift = np.asarray(motion.camera_rotation, np.float64) @ up
    return replace(
        motion,
        trans=motion.trans - up,
        joints=motion.joints - up,
        camera_translation=motion.camera_translation + shift,
    )


def read(armature: bpy.types.Object, settings: Settings | None = None) -> TakeMotion:
    """The settled motion of a take, as bakes want it."""
    take, motion = take_of(armature), settled(armature, settings)
    return TakeMotion(
        frames=geometry.scene_frames(motion.time_s, take.start, take.fps),
        local=motion.local_rotations(),
        trans=motion.trans.astype(np.float64),
        rest=rest_joints(armature),
        contacts=motion.contacts,
        time_s=motion.time_s,
    )
