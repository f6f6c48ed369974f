# SPDX-License-Identifier: GPL-3.0-or-later
"""What the detector makes of a person who is being filmed, exactly as in a capture."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...people import blazepose, observations
from ...people.blazepose import Landmarks
from ...people.runtime import Network
from ...people.tracks import interpolated
from .camera import Camera
from .clothes import Array
from .stage import Stage


@dataclass(frozen=True)
class Window:
    """What is seen of one person in T frames, and by which camera.

    keypoints (T, 23, 3): x, y in pixels and a confidence; world (T, 23, 3) metres, axes of the camera, pelvis at 0;
    features (T, 1152); score (T,); crops (T, 4) that were looked at last, looks (T,) how often.
    """

    camera: Camera
    keypoints: Array
    world: Array
    features: npt.NDArray[np.float16]
    score: Array
    crops: Array
    looks: npt.NDArray[np.int64]

    @property
    def rays(self) -> Array:
        """Directions (T, 23, 2) = (x/z, y/z) in the camera."""
        K = self.camera.matrix
        return (self.keypoints[..., :2] - K[:2, 2]) / K[[0, 1], [0, 1]]


def observe(stage: Stage, network: Network) -> Window:
    """Look as a capture looks: at the expected crop, and again where that was off."""
    crops, frames = stage.crops.copy(), np.arange(len(stage.crops))
    landmarks = _looked(stage, network, frames, crops)
    points = landmarks.points
    wanted = blazepose.crop_around(points[:, blazepose.CROP_CENTRE], points[:, blazepose.CROP_TOP])
    again = np.flatnonzero((landmarks.score >= observations.FOUND) & observations.differs(crops, wanted))
    if len(again):
        landmarks = blazepose.replaced(landmarks, again, _looked(stage, network, again, wanted[again]))
        crops[again] = wanted[again]
    return _window(stage, landmarks, crops, 1 + np.isin(frames, again))


def _looked(stage: Stage, network: Network, frames: npt.NDArray[np.int64], crops: Array) -> Landmarks:
    pictures = [stage.picture(int(frame), crop) for frame, crop in zip(frames, crops, strict=True)]
    return blazepose.decode(network(blazepose.network_input(pictures)), crops)


def _window(stage: Stage, seen: Landmarks, crops: Array, looks: npt.NDArray[np.int64]) -> Window:
    """Landmarks as a capture hands them on: sides put right, doubts in the confidence, gaps filled."""
    sure = np.minimum(seen.visibility, seen.presence)
    keypoints = blazepose.keypoints_23(np.concatenate([seen.points, sure[..., None]], -1))
    world = blazepose.keypoints_23(seen.world)
    world -= world[:, observations.PELVIS, None]
    features = seen.features.astype(np.float64)
    time_s, boxes = stage.time_s, stage.boxes
    size = observations.usual(time_s, (boxes[:, 2:] - boxes[:, :2]).max(1))
    known = seen.score >= observations.FOUND
    if known.any():
        keypoints[known], world[known], known[known] = observations.checked(
            time_s[known],
            keypoints[known],
            world[known],
            stage.hints[known],
            boxes[known],
            size[known],
            stage.camera.size,
        )
    keypoints[..., 2] *= known[:, None]
    if known.any():
        for values in (keypoints[..., :2], world, features):
            values[:] = interpolated(time_s, time_s[known], values[known])
    return Window(stage.camera, keypoints, world, features.astype(np.float16), seen.score, crops, looks)
