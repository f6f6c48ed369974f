# SPDX-License-Identifier: GPL-3.0-or-later
"""AMASS-style .npz files: rotations of SMPL's joints, Z up (Mahmood et al., AMASS, 2019); our own takes are such files.

The shape in them belongs to a body that is not free, so the motion is put on the free body of mean shape.
"""

import zipfile
from pathlib import Path

import numpy as np

from ...motion.rotations import Array, matrix_from_axis_angle
from ...motion.skeleton import JOINTS, PARENTS
from .recording import ConvertError, Recording

Y_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
RATES = ("mocap_framerate", "mocap_frame_rate")
BODY_JOINTS = 22
"""SMPL, SMPL-H and SMPL-X agree about these; hands differ, and are left as they are in the T-pose."""


def read(path: Path, offsets: Array) -> Recording:
    """Read an .npz; offsets (24, 3) of the body's T-pose, metres. Raises ConvertError, OSError.

    The pelvis stands at `trans`: where the body's own pelvis lies is a constant, which the height of the floor undoes.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            arrays = {
                name: np.asarray(data[name], np.float64) for name in ("poses", "trans", *RATES) if name in data.files
            }
    except (TypeError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ConvertError(f"is no .npz of plain arrays ({error})") from error
    rate = next((name for name in RATES if name in arrays), RATES[0])
    missing = [name for name in ("poses", "trans", rate) if name not in arrays]
    if missing:
        raise ConvertError(f"holds no {', no '.join(missing)}")
    poses, trans, fps = (arrays[name] for name in ("poses", "trans", rate))
    T = len(trans)
    if T < 2 or poses.ndim != 2 or poses.shape[1] not in (72, 156, 165) or trans.shape != (len(poses), 3):
        raise ConvertError(f"poses {poses.shape} and trans {trans.shape} are not (N, 72|156|165) and (N, 3)")
    if not (np.isfinite(poses).all() and np.isfinite(trans).all() and fps > 0):
        raise ConvertError("holds values that are not finite")
    local = np.tile(np.eye(3), (T, 24, 1, 1))
    local[:, :BODY_JOINTS] = matrix_from_axis_angle(poses[:, : 3 * BODY_JOINTS].reshape(T, BODY_JOINTS, 3))
    local[:, 0] = Y_UP @ local[:, 0]
    return Recording(JOINTS, PARENTS, offsets, local, trans @ Y_UP.T, float(fps), unit_m=1.0)
