# SPDX-License-Identifier: GPL-3.0-or-later
"""What one person does in the footage: 2D keypoints, rough 3D and image features of every frame."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np
import numpy.typing as npt

from ..footage import Frame
from ..motion.skeleton import KEYPOINTS
from ..protocol import Code, Failure
from . import blazepose
from .blazepose import Landmarks, crop_around
from .runtime import Network, open_network
from .tracks import Track, interpolated

Array = npt.NDArray[np.float64]

BATCH: Final = 8
FOUND: Final = 0.5
"""Below this score there is nobody in the crop."""
SURE_JOINT: Final = 0.2
BODY_MARGIN: Final = 1.15
"""Head and feet reach beyond the outermost keypoints."""
OUTSIDE: Final = 0.1
"""What is left of the confidence in a keypoint beyond the picture's edge: it was guessed."""
PELVIS: Final = KEYPOINTS.index("pelvis")
MOVED: Final = (0.12, 0.2, 0.35)
"""A crop is worth a second look if it should have been elsewhere by this share of its side, of another size by this
factor's logarithm, or turned by this many radians."""


@dataclass(frozen=True)
class Observations:
    """One person in T frames.

    time_s (T,); observed (T,), False where nothing trustworthy was seen and the values are interpolated;
    keypoints (T, 23, 3): x, y in pixels and a confidence 0..1; world (T, 23, 3) metres, axes of the camera (x right,
    y down, z away from it), pelvis at 0; features (T, 1152).
    """

    time_s: Array
    observed: npt.NDArray[np.bool_]
    keypoints: Array
    world: Array
    features: npt.NDArray[np.float16]


def observe(
    frames: Iterable[Frame], track: Track, quality: str, device: str, report: Callable[[int], None]
) -> Observations:
    """Observe the person of a track in those of the frames that lie within the track's time.

    `quality` is "full" or "draft", `device` "cpu" or a torch device; `report` is called with the number of frames
    done and may raise Cancelled. Raises Failure: PEOPLE_NONE if the person is seen in no frame, WEIGHTS_MISSING or
    WEIGHTS_CORRUPT.
    """
    network = open_network(blazepose.WEIGHTS[quality], device)
    times: list[float] = []
    seen: list[Landmarks] = []
    size = (0, 0)
    first, last = track.time_s[[0, -1]] + (-1e-6, 1e-6)
    wanted = (frame for frame in frames if first <= frame.time_s <= last)
    while batch := list(islice(wanted, BATCH)):
        times.extend(frame.time_s for frame in batch)
        seen.append(_look(network, batch, track))
        size = batch[0].rgb.shape[1::-1]
        report(len(times))
    if not any((part.score >= FOUND).any() for part in seen):
        raise Failure(Code.PEOPLE_NONE, f"Person {track.id} could not be seen clearly in any frame.")
    return _assembled(np.array(times), blazepose.joined(seen), track, size)


def _look(network: Network, batch: list[Frame], track: Track) -> Landmarks:
    """The landmarks in a few frames, looking twice where the track's crop was off."""
    crops = crops_of_track(*track.at(np.array([frame.time_s for frame in batch])))
    landmarks = _run(network, batch, crops)
    wanted = _wanted(landmarks)
    again = np.flatnonzero((landmarks.score >= FOUND) & differs(crops, wanted))
    if len(again):
        landmarks = blazepose.replaced(landmarks, again, _run(network, [batch[i] for i in again], wanted[again]))
    return landmarks


def _run(network: Network, batch: list[Frame], crops: Array) -> Landmarks:
    pictures = [blazepose.cut(frame.rgb, crop) for frame, crop in zip(batch, crops, strict=True)]
    return blazepose.decode(network(blazepose.network_input(pictures)), crops)


def _wanted(landmarks: Landmarks) -> Array:
    points = landmarks.points
    return crop_around(points[:, blazepose.CROP_CENTRE], points[:, blazepose.CROP_TOP])


def crops_of_track(boxes: Array, keypoints: Array) -> Array:
    """Upright crops (T, 4) around whole bodies, from COCO keypoints (T, 17, 3) and, where they are unsure, boxes.

    As BlazePose wants them: a circle around the middle of the hips that holds the body, hips to shoulders upwards.
    """
    sure = keypoints[..., 2] > SURE_JOINT
    hips, shoulders = (keypoints[:, list(pair), :2].mean(1) for pair in (blazepose.HIPS, blazepose.SHOULDERS))
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    half_height = (boxes[:, 3] - boxes[:, 1]) / 2
    known = sure[:, list(blazepose.HIPS)].all(1)
    centre = np.where(known[:, None], hips, middle)
    distance = np.hypot(*np.moveaxis(keypoints[..., :2] - centre[:, None], -1, 0))
    radius = BODY_MARGIN * np.where(sure, distance, 0).max(1)
    radius = np.where(known, np.maximum(radius, half_height), np.maximum(half_height, (boxes[:, 2] - boxes[:, 0]) / 2))
    up = shoulders - hips
    length = np.hypot(up[:, 0], up[:, 1])
    known &= sure[:, list(blazepose.SHOULDERS)].all(1) & (length > 0.1 * radius)
    direction = np.where(known[:, None], up / np.maximum(length, 1e-9)[:, None], (0, -1))
    return crop_around(centre, centre + direction * np.maximum(radius, 1)[:, None])


def differs(crops: Array, others: Array) -> npt.NDArray[np.bool_]:
    """Whether crops (T, 4) and others are so far apart that a second look pays."""
    away = np.hypot(*(others[:, :2] - crops[:, :2]).T) / crops[:, 2]
    scaled = np.abs(np.log(others[:, 2] / crops[:, 2]))
    turned = np.abs((others[:, 3] - crops[:, 3] + np.pi) % (2 * np.pi) - np.pi)
    return (np.stack([away, scaled, turned], -1) > MOVED).any(-1)


def _assembled(time_s: Array, seen: Landmarks, track: Track, size: tuple[int, int]) -> Observations:
    """Landmarks as keypoints, the doubtful ones given little confidence, the missing ones interpolated."""
    sure = np.minimum(seen.visibility, seen.presence)
    keypoints = blazepose.keypoints_23(np.concatenate([seen.points, sure[..., None]], -1))
    outside = ((keypoints[..., :2] < 0) | (keypoints[..., :2] > size)).any(-1)
    keypoints[..., 2] *= np.where(outside, OUTSIDE, 1)
    world = blazepose.keypoints_23(seen.world)
    world -= world[:, PELVIS, None]
    observed = seen.score >= FOUND
    known = np.flatnonzero(observed)
    keypoints[..., :2] = interpolated(time_s, time_s[known], keypoints[known, :, :2])
    keypoints[~observed, :, 2] = 0
    return Observations(
        time_s=time_s,
        observed=observed,
        keypoints=keypoints,
        world=interpolated(time_s, time_s[known], world[known]),
        features=interpolated(time_s, time_s[known], seen.features[known]).astype(np.float16),
    )
