# SPDX-License-Identifier: GPL-3.0-or-later
"""What is evaluated: a person before a camera, what the detectors saw of it, and what is true."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from .own_body import OwnBody

LIMBS = (5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
"""Shoulders to wrists and hips to ankles among the keypoints."""
HIP = 17
FEET = (19, 21, 20, 22)
"""Left heel, left toe, right heel, right toe among the keypoints: the order of contacts."""


class SourceError(Exception):
    """Data to evaluate on that is missing or not as it should be; the text says what."""


@dataclass(frozen=True)
class Shot:
    """One person in T consecutive frames of one camera; metres, camera axes (OpenCV), mid-hip at the origin."""

    group: str
    """Under which the results are also given apart: a camera, a subject"""
    time_s: NDArray[np.float64]
    """(T,)"""
    rays: Tensor
    """(T, 23, 2) the detected keypoints as x/z, y/z"""
    confidence: Tensor
    """(T, 23)"""
    world: Tensor | None
    """(T, 23, 3) the detector's own 3D, seen along the direction to the person"""
    features: Tensor | None
    """(T, 1152) of the image"""
    observed: Tensor
    """(T,) False where the person was not seen and the values are interpolated"""
    joints: NDArray[np.float64]
    """(T, 23, 3) true keypoints, NaN where unknown"""
    mesh: NDArray[np.float64] | None = None
    """(T, V, 3) true vertices of the body's coarse level"""
    up: NDArray[np.float64] | None = None
    """(T, 3) away from the ground"""
    contacts: NDArray[np.bool_] | None = None
    """(T, 4) which of FEET rest"""
    own: OwnBody | None = None
    """The truth as a body model has it that the user brought; frames with unknown joints say nothing"""
    missed: int | None = None
    """How many more frames have a truth, but the person was not found in them; None where that cannot be"""

    @property
    def fps(self) -> float:
        """Frames a second on average."""
        return (len(self.time_s) - 1) / max(float(self.time_s[-1] - self.time_s[0]), 1e-9)


class Answer(NamedTuple):
    """What a method says of a shot; metres, camera axes, mid-hip at the origin."""

    joints: NDArray[np.float64]
    """(T, 23, 3)"""
    place: NDArray[np.float64]
    """(T, 3) where the mid-hip is"""
    mesh: NDArray[np.float64] | None = None
    """(T, V, 3)"""
    up: NDArray[np.float64] | None = None
    """(T, 3)"""
    contacts: NDArray[np.float64] | None = None
    """(T, 4) probabilities"""
    own: OwnBody | None = None
    """The same body as the shot's own, in the recovered pose"""
