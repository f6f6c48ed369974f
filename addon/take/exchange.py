# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes as files that other tools read, and the motion files of other tools as takes. numpy only."""

import csv
import os
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from ...model.motion.contacts import contacts_of
from ...model.motion.motion import Motion, MotionFileError, forward_kinematics
from ...model.motion.rotations import axis_angle_from_matrix, matrix_from_axis_angle, project
from ...model.motion.skeleton import JOINTS

BODY_JOINTS: Final = 22
"""The joints that SMPL, SMPL-H and SMPL-X have in common; what follows are hands, or fingers and a jaw."""
SMPLH_JOINTS: Final = 52
SMPLH_BETAS: Final = 16
FASTEST_FPS: Final = 10_000.0

PELVIS: Final[Mapping[str, tuple[float, float, float]]] = {
    "smpl": (0.0, -0.22, 0.03), "smplh": (0.0, -0.22, 0.03), "smplx": (0.0, -0.35, 0.01),
}  # fmt: skip
"""Where the average pelvis is in a model's own frame, to a centimetre: `trans` counts from there."""

RATES: Final = ("mocap_framerate", "mocap_frame_rate")
"""What the frame rate is called in AMASS's files for SMPL-H and for SMPL-X."""


def write_amass(motion: Motion, rest: NDArray[np.floating], path: str | os.PathLike[str]) -> None:
    """Write an .npz as AMASS has them: SMPL-H poses (T, 156) with flat hands, trans, betas (16,), Z up, metres.

    rest (24, 3) are the joints in the T-pose. The shape of a body that is not SMPL's means nothing to other tools:
    they get the average one, its pelvis where the motion has it. Raises OSError.
    """
    ours = motion.body != "smpl"
    poses = np.zeros((len(motion), SMPLH_JOINTS * 3), np.float32)
    poses[:, : BODY_JOINTS * 3] = motion.poses[:, : BODY_JOINTS * 3]
    betas = np.zeros(SMPLH_BETAS, np.float32)
    if not ours:
        betas[: len(motion.betas)] = motion.betas
    shift = np.asarray(rest, np.float64)[0] - PELVIS["smplh"] if ours else np.zeros(3)
    np.savez_compressed(
        path,
        poses=poses,
        trans=(motion.trans + shift).astype(np.float32),
        betas=betas,
        dmpls=np.zeros((len(motion), 8), np.float32),
        gender=motion.gender,
        mocap_framerate=motion.mocap_framerate,
    )


def placed(motion: Motion, rest: NDArray[np.floating], placement: NDArray[np.floating]) -> Motion:
    """A motion of joints at rest (24, 3) where a placement (4, 4) puts its world. Of the camera nothing is kept up."""
    if (placement == np.eye(4)).all():
        return motion
    poses, pelvis = motion.poses.copy(), motion.trans + np.asarray(rest)[0]
    turns = matrix_from_axis_angle(motion.poses[:, :3].astype(np.float64))
    poses[:, :3] = axis_angle_from_matrix(project(placement[:3, :3]) @ turns)
    carried = [points @ placement[:3, :3].T + placement[:3, 3] for points in (pelvis, motion.joints)]
    trans, joints = (carried[0] - np.asarray(rest)[0]).astype(np.float32), carried[1].astype(np.float32)
    return replace(motion, poses=poses, trans=trans, joints=joints)


def write_csv(motion: Motion, path: str | os.PathLike[str]) -> None:
    """Write the joints as a table: seconds, then x, y, z of each joint in metres, Z up. Raises OSError."""
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["time_s", *(f"{joint}_{axis}" for joint in JOINTS for axis in "xyz")])
        for time_s, joints in zip(motion.time_s, motion.joints.reshape(len(motion), -1), strict=True):
            table.writerow([f"{time_s:.6f}", *(f"{value:.5f}" for value in joints)])


def read_motion(path: str | os.PathLike[str], rest: NDArray[np.floating]) -> Motion:
    """The motion in a take of ours or in any AMASS-style .npz (SMPL, SMPL-H, SMPL-X), for joints at rest (24, 3).

    Of the poses the first 22 joints are taken, of 24 all; fingers and face are left out. A file that was not made
    from footage comes without camera and keypoints. Raises MotionFileError, which says what is wrong, or OSError.
    """
    path = Path(path)
    arrays = _arrays(path)
    if {"time_s", "camera_matrix", "provenance"} <= arrays.keys():
        return Motion.load(path)
    turns = ("poses",) if "poses" in arrays else ("root_orient", "pose_body")
    rate = next((name for name in RATES if name in arrays), RATES[0])
    lacking = [name for name in (*turns, "trans", rate) if name not in arrays]
    if lacking:
        raise MotionFileError(f"{path.name} is not the motion of a body: {', '.join(lacking)} missing.")
    values = {name: _numbers(path, name, arrays[name]) for name in (*turns, "trans", rate)}
    T = len(values["trans"])
    poses = np.concatenate([values[name].reshape(len(values[name]), -1) for name in turns], -1)
    if not T or len(poses) != T or poses.shape[1] < BODY_JOINTS * 3 or poses.shape[1] % 3:
        raise MotionFileError(f"{path.name}: poses of shape {poses.shape} are not {T} times 22 joints or more.")
    if values["trans"].shape != (T, 3):
        raise MotionFileError(f"{path.name}: trans has shape {values['trans'].shape}, expected {(T, 3)}.")
    if values[rate].size != 1 or not 0 < values[rate].item() < FASTEST_FPS:
        raise MotionFileError(f"{path.name}: {rate} is not a number of frames per second.")
    return _made(path, poses, values["trans"], values[rate].item(), _model(arrays, poses), rest)


def _made(
    path: Path,
    poses: NDArray[np.float64],
    trans: NDArray[np.float64],
    fps: float,
    model: str,
    rest: NDArray[np.floating],
) -> Motion:
    T = len(poses)
    width = 72 if poses.shape[1] == 72 else BODY_JOINTS * 3
    body = np.zeros((T, 72))
    body[:, :width] = poses[:, :width]
    rest = np.asarray(rest, np.float64)
    trans = trans + PELVIS[model] - rest[0]
    joints = forward_kinematics(matrix_from_axis_angle(body.reshape(T, 24, 3)), rest)[1] + trans[:, None]
    motion = Motion(
        poses=body.astype(np.float32),
        trans=trans.astype(np.float32),
        betas=np.zeros(10, np.float32),
        mocap_framerate=fps,
        time_s=np.arange(T) / fps,
        observed=np.ones(T, bool),
        confidence=np.ones((T, 24), np.float32),
        joints=joints.astype(np.float32),
        contacts=np.zeros((T, 4), np.float32),
        keypoints=np.zeros((T, 23, 3), np.float32),
        camera_matrix=np.eye(3),
        camera_rotation=np.broadcast_to(np.eye(3), (T, 3, 3)).copy(),
        camera_translation=np.zeros((T, 3)),
        provenance={"file": path.name},
    )
    return replace(motion, contacts=contacts_of(motion))


def _arrays(path: Path) -> dict[str, Any]:
    """What an .npz holds, without what only pickle could read."""
    try:
        file = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise MotionFileError(f"{path.name} is not an .npz file.") from error
    if not isinstance(file, NpzFile):
        raise MotionFileError(f"{path.name} holds a single array, not those of a motion.")
    found: dict[str, Any] = {}
    with file:
        for name in file.files:
            try:
                found[name] = file[name]
            except ValueError:
                continue  # labels and the like, as Python objects: nobody asks for them here
            except (EOFError, zipfile.BadZipFile, zlib.error) as error:
                raise MotionFileError(f"{path.name} is damaged.") from error
    return found


def _numbers(path: Path, name: str, array: Any) -> NDArray[np.float64]:
    try:
        values = np.asarray(array, np.float64)
    except ValueError as error:
        raise MotionFileError(f"{path.name}: {name} holds no numbers.") from error
    if not values.ndim:
        values = values[None]
    if not np.isfinite(values).all():
        raise MotionFileError(f"{path.name}: {name} holds values that are not finite.")
    return values


def _model(arrays: Mapping[str, Any], poses: NDArray[np.float64]) -> str:
    """Whose pelvis `trans` counts from."""
    named = str(arrays.get("surface_model_type", arrays.get("model_type", ""))).lower()
    if named in PELVIS:
        return named
    return "smplx" if "pose_jaw" in arrays or poses.shape[1] == 55 * 3 else "smplh"
