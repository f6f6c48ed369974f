# SPDX-License-Identifier: GPL-3.0-or-later
"""3DPW (von Marcard et al., ECCV 2018), for those who hold its licence: sequenceFiles/SPLIT/*.pkl and imageFiles.

The pickles are read without running anything of them. Joints are SMPL's, as the files give them; vertices are there for
whoever has SMPL's models of men and women.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...body.files import KEYPOINT_JOINTS
from ...body.model import BodyModel
from ...body.pickles import read_pickle
from ...motion.rotations import matrix_from_axis_angle
from ...motion.skeleton import KEYPOINTS
from ..own_body import OwnBody
from ..shots import LIMBS, SourceError
from .camera import Camera
from .footage import Reference, View, view_of_pictures

Array = NDArray[np.float64]

FPS = 30.0
WANTED = ("sequence", "cam_intrinsics", "cam_poses", "campose_valid", "jointPositions", "poses", "betas", "genders")
JOINTS = [KEYPOINT_JOINTS[KEYPOINTS[limb]] for limb in LIMBS]


def sequences(
    folder: Path, split: str = "test", bodies: Mapping[str, BodyModel] | None = None
) -> Iterator[tuple[View, list[Reference]]]:
    """Each sequence of a split with the people who were measured in it; bodies: SMPL's by gender, "m" and "f".

    Raises SourceError.
    """
    files = sorted((folder / "sequenceFiles" / split).glob("*.pkl"))
    if not files:
        raise SourceError(f"no .pkl in {folder / 'sequenceFiles' / split}")
    for file in files:
        with file.open("rb") as stream:
            data = read_pickle(stream, lambda name: name in WANTED)
        if missing := [name for name in WANTED if name not in data]:
            raise SourceError(f"{file.name} lacks {', '.join(missing)}")
        images = sorted((folder / "imageFiles" / str(data["sequence"])).glob("*.jpg"))
        if not images:
            raise SourceError(f"no pictures in {folder / 'imageFiles' / str(data['sequence'])}")
        poses = np.asarray(data["cam_poses"], np.float64)[: len(images)]
        time_s = np.arange(len(poses)) / FPS
        camera = Camera(file.stem, np.asarray(data["cam_intrinsics"], np.float64))
        yield (
            view_of_pictures(camera, images[: len(poses)], time_s),
            [
                Reference(time_s, _limbs(data, person, poses), _own(data, person, poses, bodies or {}))
                for person in range(len(data["jointPositions"]))
            ],
        )


def _limbs(data: Mapping[str, Any], person: int, poses: Array) -> Array:
    """Limb joints (N, 12, 3) in the camera's frame, whose poses are (N, 4, 4); NaN where the camera is unsure."""
    world = np.asarray(data["jointPositions"][person], np.float64).reshape(-1, 24, 3)[: len(poses), JOINTS]
    seen = np.einsum("nij,nkj->nki", poses[:, :3, :3], world) + poses[:, None, :3, 3]
    valid = np.asarray(data["campose_valid"][person], bool)[: len(poses)]
    return np.where(valid[:, None, None], seen, np.nan)


def _own(data: Mapping[str, Any], person: int, poses: Array, bodies: Mapping[str, BodyModel]) -> OwnBody | None:
    body = bodies.get(str(data["genders"][person]))
    if body is None:
        return None
    turns = np.asarray(data["poses"][person], np.float64).reshape(-1, 24, 3)[: len(poses)]
    local = matrix_from_axis_angle(turns)
    local[:, 0] = poses[:, :3, :3] @ local[:, 0]
    betas = np.asarray(data["betas"][person], np.float64).ravel()[:10]
    return OwnBody(body, torch.from_numpy(local).float(), torch.from_numpy(betas).float())
