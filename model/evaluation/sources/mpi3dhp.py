# SPDX-License-Identifier: GPL-3.0-or-later
"""The test set of MPI-INF-3DHP (Mehta et al., 3DV 2017), for those who hold its licence.

TS*/annot_data.mat (HDF5) and TS*/imageSequence/img_*.jpg: 17 joints in the camera's frame in millimetres and in pixels;
the camera's matrix is what leads from one to the other.
"""

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from ..shots import SourceError
from .camera import Camera
from .footage import Reference, View, view_of_pictures

JOINTS = [5, 2, 6, 3, 7, 4, 11, 8, 12, 9, 13, 10]
"""The limb joints, in the order of LIMBS, among the 17."""


def sequences(folder: Path, fps: float = 25.0) -> Iterator[tuple[View, list[Reference]]]:
    """Each test sequence; frames that the data set calls invalid have no truth. Raises SourceError."""
    files = sorted(folder.glob("**/annot_data.mat"))
    if not files:
        raise SourceError(f"no annot_data.mat below {folder}")
    for file in files:
        with h5py.File(file) as data:
            pixels, joints = (np.asarray(data[name], np.float64)[:, 0] for name in ("annot2", "annot3"))
            valid = np.asarray(data["valid_frame"]).ravel() > 0
        images = sorted((file.parent / "imageSequence").glob("*.jpg"))
        if len(images) != len(joints):
            raise SourceError(f"{file.parent.name}: {len(images)} pictures for {len(joints)} frames")
        time_s = np.arange(len(joints)) / fps
        camera = Camera(file.parent.name, camera_between(joints[valid], pixels[valid]))
        limbs = np.where(valid[:, None, None], joints[:, JOINTS] / 1000, np.nan)
        yield view_of_pictures(camera, images, time_s), [Reference(time_s, limbs)]


def camera_between(points: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """The matrix (3, 3) without skew that projects points (N, J, 3) to pixels (N, J, 2) best."""
    rays = (points[..., :2] / points[..., 2:]).reshape(-1, 2)
    matrix = np.eye(3)
    for axis in range(2):
        design = np.stack([rays[:, axis], np.ones(len(rays))], 1)
        matrix[axis, [axis, 2]] = np.linalg.lstsq(design, pixels.reshape(-1, 2)[:, axis], rcond=None)[0]
    return matrix
