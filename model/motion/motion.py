# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion: one person, one shot, as a capture yields it and as a take is made from it."""

import json
import os
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from .rotations import axis_angle_from_matrix, matrix_from_axis_angle
from .skeleton import PARENTS

F32 = NDArray[np.float32]


PER_FRAME: Final = (
    "poses", "trans", "time_s", "observed", "confidence", "joints", "contacts", "keypoints", "camera_rotation",
    "camera_translation",
)  # fmt: skip
"""The arrays of a motion that have a row for each frame."""


class MotionFileError(ValueError):
    """A file that does not hold a motion."""


@dataclass(frozen=True)
class Motion:
    """Arrays over T frames; see the table in docs/motion.md for the meaning of each.

    poses (T, 72) axis-angle of SMPL's 24 joints, local to the parent, the root's in the world (Z up).
    trans (T, 3) world metres: the pelvis stands at its rest position plus trans, as in AMASS.
    joints (T, 24, 3) world metres. contacts (T, 4): L heel, L toe, R heel, R toe. keypoints (T, 23, 3): x, y in
    source pixels, confidence. camera_*: OpenCV camera, x_camera = rotation · x_world + translation.
    """

    poses: F32
    trans: F32
    betas: F32
    mocap_framerate: float
    time_s: NDArray[np.float64]
    observed: NDArray[np.bool_]
    confidence: F32
    joints: F32
    contacts: F32
    keypoints: F32
    camera_matrix: NDArray[np.float64]
    camera_rotation: NDArray[np.float64]
    camera_translation: NDArray[np.float64]
    provenance: dict[str, Any] = field(default_factory=dict)
    body: str = "free"
    gender: str = "neutral"
    model_type: str = "smpl"

    def __post_init__(self) -> None:
        T = len(self.poses)
        shapes = {
            "poses": (T, 72), "trans": (T, 3), "betas": (10,), "time_s": (T,), "observed": (T,),
            "confidence": (T, 24), "joints": (T, 24, 3), "contacts": (T, 4), "keypoints": (T, 23, 3),
            "camera_matrix": (3, 3), "camera_rotation": (T, 3, 3), "camera_translation": (T, 3),
        }  # fmt: skip
        for name, shape in shapes.items():
            found = np.shape(getattr(self, name))
            if found != shape:
                raise MotionFileError(f"{name} has shape {found}, expected {shape}")
        for name in shapes:
            if not np.isfinite(getattr(self, name)).all():
                raise MotionFileError(f"{name} holds values that are not finite")
        if not (np.diff(self.time_s) > 0).all():
            raise MotionFileError("time_s does not ascend")
        if not 0 < self.mocap_framerate < np.inf:
            raise MotionFileError(f"mocap_framerate is {self.mocap_framerate}, expected a number of frames per second")

    def __len__(self) -> int:
        return len(self.poses)

    def local_rotations(self) -> NDArray[np.float64]:
        """Rotation matrices (T, 24, 3, 3), each joint relative to its parent, the root relative to the world."""
        return matrix_from_axis_angle(self.poses.reshape(-1, 24, 3))

    def with_pose(
        self, local: NDArray[np.floating], trans: NDArray[np.floating], rest: NDArray[np.floating]
    ) -> "Motion":
        """The same motion with other rotations (T, 24, 3, 3), translation (T, 3) and joints by FK on rest (24, 3)."""
        joints = forward_kinematics(local, rest)[1] + np.asarray(trans)[:, None]
        return replace(
            self,
            poses=axis_angle_from_matrix(local).reshape(-1, 72).astype(np.float32),
            trans=np.asarray(trans, np.float32),
            joints=joints.astype(np.float32),
        )

    def part(self, frames: NDArray[np.bool_] | slice) -> "Motion":
        """Some of the frames."""
        return replace(self, **{name: getattr(self, name)[frames] for name in PER_FRAME})

    def and_then(self, later: "Motion") -> "Motion":
        """This motion with another one of the same body, lens and footage after it."""
        both = {name: np.concatenate([getattr(self, name), getattr(later, name)]) for name in PER_FRAME}
        return replace(self, **both)

    def with_provenance(self, provenance: dict[str, Any]) -> "Motion":
        """The same motion with another account of where it came from."""
        return replace(self, provenance=provenance)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write an .npz beside its final name, then rename: a reader never sees half a file. Raises OSError."""
        target = Path(path)
        part = target.with_name(target.name + ".part")
        try:
            with part.open("wb") as file:
                self.write(file)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def write(self, file: IO[bytes]) -> None:
        """Write the .npz into an open file."""
        arrays: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        arrays["provenance"] = json.dumps(self.provenance)
        np.savez_compressed(file, **arrays)

    @staticmethod
    def load(path: str | os.PathLike[str] | IO[bytes]) -> "Motion":
        """Read what `save` or `write` wrote. Raises MotionFileError for all else, FileNotFoundError for nothing."""
        try:
            with np.load(path, allow_pickle=False) as data:
                names = {f.name for f in fields(Motion)}
                missing = sorted(names - set(data.files))
                if missing:
                    raise MotionFileError(f"{path}: not a take, {', '.join(missing)} missing")
                arrays: dict[str, Any] = {name: data[name] for name in names}
            for name in ("body", "gender", "model_type"):
                arrays[name] = str(arrays[name])
            arrays["provenance"] = dict(json.loads(str(arrays["provenance"])))
            arrays["mocap_framerate"] = float(arrays["mocap_framerate"])
            return Motion(**arrays)
        except (FileNotFoundError, MotionFileError):
            raise
        # What numpy, zipfile and zlib raise for damaged files is neither documented nor of one kind.
        except Exception as error:
            raise MotionFileError(f"{path}: not a take ({error})") from error


def forward_kinematics(
    local: NDArray[np.floating], rest: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Global rotations (T, 24, 3, 3) and joint positions (T, 24, 3), metres, before translation.

    local (T, 24, 3, 3) rotations relative to the parent; rest (24, 3) joint positions in the T-pose. The pelvis stays
    at its rest position, as in SMPL.
    """
    rotations = np.array(local, np.float64)
    positions = np.empty((len(rotations), 24, 3))
    positions[:, 0] = rest[0]
    for joint in range(1, 24):
        parent = PARENTS[joint]
        positions[:, joint] = positions[:, parent] + rotations[:, parent] @ (rest[joint] - rest[parent])
        rotations[:, joint] = rotations[:, parent] @ rotations[:, joint]
    return rotations, positions
