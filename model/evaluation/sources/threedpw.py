# SPDX-License-Identifier: GPL-3.0-or-later
"""3DPW (von Marcard et al., ECCV 2018), for those who hold its licence: sequenceFiles/SPLIT/*.pkl and imageFiles.

The pickles are read without running anything of them. Joints are SMPL's, as the files give them.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...body.files import KEYPOINT_JOINTS
from ...body.pickles import read_pickle
from ...motion.skeleton import KEYPOINTS
from ..shots import LIMBS
from .camera import Camera
from .footage import Reference, View, view_of_pictures

FPS = 30.0
WANTED = ("sequence", "cam_intrinsics", "cam_poses", "campose_valid", "jointPositions")
JOINTS = [KEYPOINT_JOINTS[KEYPOINTS[limb]] for limb in LIMBS]


def sequences(folder: Path, split: str = "test") -> Iterator[tuple[View, list[Reference]]]:
    """Each sequence of a split with the people who were measured in it.

    Raises FileNotFoundError if there is none, ValueError for a file that is not one of 3DPW's.
    """
    files = sorted((folder / "sequenceFiles" / split).glob("*.pkl"))
    if not files:
        raise FileNotFoundError(f"no .pkl in {folder / 'sequenceFiles' / split}")
    for file in files:
        with file.open("rb") as stream:
            data = read_pickle(stream, lambda name: name in WANTED)
        if missing := [name for name in WANTED if name not in data]:
            raise ValueError(f"{file.name} lacks {', '.join(missing)}")
        images = sorted((folder / "imageFiles" / str(data["sequence"])).glob("*.jpg"))
        if not images:
            raise FileNotFoundError(f"no pictures in {folder / 'imageFiles' / str(data['sequence'])}")
        poses = np.asarray(data["cam_poses"], np.float64)[: len(images)]
        time_s = np.arange(len(poses)) / FPS
        camera = Camera(file.stem, np.asarray(data["cam_intrinsics"], np.float64))
        yield (
            view_of_pictures(camera, images[: len(poses)], time_s),
            [
                Reference(time_s, _limbs(positions, poses, valid))
                for positions, valid in zip(data["jointPositions"], data["campose_valid"], strict=True)
            ],
        )


def _limbs(positions: np.ndarray, poses: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Limb joints (N, 12, 3) in the camera's frame of positions (N, 72) in the world; NaN for an unsure camera."""
    world = np.asarray(positions, np.float64).reshape(-1, 24, 3)[: len(poses), JOINTS]
    seen = np.einsum("nij,nkj->nki", poses[:, :3, :3], world) + poses[:, None, :3, 3]
    return np.where(np.asarray(valid, bool)[: len(poses), None, None], seen, np.nan)
