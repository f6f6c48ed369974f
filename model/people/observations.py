# SPDX-License-Identifier: GPL-3.0-or-later
"""What one person does in the footage: 2D keypoints, rough 3D and image features of every frame."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice, takewhile
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.ndimage import median_filter

from ..footage import Frame, ahead
from ..motion.skeleton import KEYPOINT_MIRROR, KEYPOINTS
from ..protocol import Code, Failure
from . import blazepose, consistency
from .blazepose import Landmarks, crop_around
from .runtime import Arrays, Network, Once, at_first_hand, open_network
from .tracks import Track, interpolated

Array = npt.NDArray[np.float64]

BATCH: Final = 8
FOUND: Final = 0.5
"""Below this score there is nobody in the crop."""
SURE_JOINT: Final = 0.2
BODY_MARGIN: Final = 1.15
"""Head and feet reach beyond the outermost keypoints."""
PELVIS: Final = KEYPOINTS.index("pelvis")
STEADY_S: Final = 1.5
SMALLEST_SHARE: Final = 0.8
"""A crop has at least this share of the usual side within this time."""
MOVED: Final = (0.12, 0.2, 0.35)
"""A crop is worth a second look if it should have been elsewhere by this share of its side, of another size by this
factor's logarithm, or turned by this many radians."""


@dataclass(frozen=True)
class Observations:
    """One person in T frames, from the first to the last in which the person can be made out.

    time_s (T,); observed (T,), False where nothing trustworthy was seen and the values are interpolated;
    keypoints (T, 23, 3): x, y in pixels and a confidence 0..1; world (T, 23, 3) metres, axes of the camera (x right,
    y down, z away from it), pelvis at 0; features (T, 1152).
    """

    time_s: Array
    observed: npt.NDArray[np.bool_]
    keypoints: Array
    world: Array
    features: npt.NDArray[np.float16]


Meanwhile = Callable[[list[float], Callable[[int, int], Observations]], None]
"""Is given the times of the frames seen so far, and a function that says what was seen from one of them to another. As
`observe` does, that raises Failure(PEOPLE_NONE). They are looked at BATCH at a time, and only whole batches are given.
"""


def observe(
    frames: Iterable[Frame], track: Track, quality: str, device: str, report: Callable[[int], None],
    meanwhile: Meanwhile | None = None, once: Once = at_first_hand,
) -> Observations:  # fmt: skip
    """Observe the person of a track in those of the frames that lie within the track's time.

    `quality` is "full" or "draft", `device` "cpu" or a torch device; `report` is called with the number of frames
    done and may raise Cancelled; `meanwhile` is called now and then; `once` looks at one batch after the other. Raises
    Failure: PEOPLE_NONE if the person is seen in no frame, WEIGHTS_MISSING or WEIGHTS_CORRUPT.
    """
    crops = steady(track.time_s, crops_of_track(track.boxes, track.keypoints))
    first, last = track.time_s[[0, -1]] + (-1e-6, 1e-6)
    wanted = (frame for frame in takewhile(lambda frame: frame.time_s <= last, frames) if frame.time_s >= first)
    looks = ahead(_looks(wanted, track.time_s, crops), BATCH)
    network = open_network(blazepose.WEIGHTS[quality], device)
    times: list[float] = []
    seen: list[Landmarks] = []
    picture = (0, 0)

    def part(first: int, end: int) -> Observations:
        return _assembled(
            np.array(times[first:end]), blazepose.joined(seen[first // BATCH : end // BATCH]), track, picture
        )

    while batch := list(islice(looks, BATCH)):
        seen.append(Landmarks(**once(partial(_looked, network, batch))))
        times.extend(look.frame.time_s for look in batch)
        height, width = batch[0].frame.rgb.shape[:2]
        picture = width, height
        report(len(times))
        if meanwhile and len(batch) == BATCH:
            meanwhile(times, part)
    if not seen:
        raise Failure(Code.PEOPLE_NONE, f"Person {track.id} is not in this part of the footage.")
    return _assembled(np.array(times), blazepose.joined(seen), track, picture)


class _Look(NamedTuple):
    """A frame, a crop (4,), and what is in it."""

    frame: Frame
    crop: Array
    picture: blazepose.Picture


def _looks(frames: Iterable[Frame], time_s: Array, crops: Array) -> Iterator[_Look]:
    """The frames with crops on straight lines between crops (T, 4) at times (T,)."""
    for frame in frames:
        (crop,) = interpolated(np.array([frame.time_s]), time_s, crops)
        yield _Look(frame, crop, blazepose.cut(frame.rgb, crop))


def _looked(network: Network, looks: list[_Look]) -> Arrays:
    """The landmarks in a few frames, by name."""
    return vars(_seen(network, looks))


def _seen(network: Network, looks: list[_Look]) -> Landmarks:
    """The landmarks in a few frames, looking twice where the expected crop was off."""
    landmarks = _run(network, looks)
    wanted = _wanted(landmarks)
    again = np.flatnonzero((landmarks.score >= FOUND) & differs(np.stack([look.crop for look in looks]), wanted))
    if len(again):
        closer = [_Look(looks[i].frame, wanted[i], blazepose.cut(looks[i].frame.rgb, wanted[i])) for i in again]
        landmarks = blazepose.replaced(landmarks, again, _run(network, closer))
    return landmarks


def _run(network: Network, looks: list[_Look]) -> Landmarks:
    outputs = network(blazepose.network_input([look.picture for look in looks]))
    return blazepose.decode(outputs, np.stack([look.crop for look in looks]))


def _wanted(landmarks: Landmarks) -> Array:
    points = landmarks.points
    return crop_around(points[:, blazepose.CROP_CENTRE], points[:, blazepose.CROP_TOP])


def crops_of_track(boxes: Array, keypoints: Array) -> Array:
    """Upright crops (T, 4) around whole bodies, from COCO keypoints (T, 17, 3) and, where they are unsure, boxes.

    As BlazePose wants them: a circle around the middle of the hips that holds the body, hips to shoulders upwards.
    """
    sure = keypoints[..., 2] > SURE_JOINT
    hips, shoulders = (keypoints[:, list(pair), :2].mean(1) for pair in (blazepose.HIPS, blazepose.SHOULDERS))
    half_height = (boxes[:, 3] - boxes[:, 1]) / 2
    known = sure[:, list(blazepose.HIPS)].all(1)
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    centre[known] = hips[known]
    distance = np.hypot(*np.moveaxis(keypoints[..., :2] - centre[:, None], -1, 0))
    radius = BODY_MARGIN * np.where(sure, distance, 0).max(1)
    radius = np.where(known, np.maximum(radius, half_height), np.maximum(half_height, (boxes[:, 2] - boxes[:, 0]) / 2))
    up = shoulders - hips
    length = np.hypot(up[:, 0], up[:, 1])
    known &= sure[:, list(blazepose.SHOULDERS)].all(1) & (length > 0.1 * radius)
    upwards = np.tile([0.0, -1.0], (len(up), 1))
    upwards[known] = up[known] / length[known, None]
    return crop_around(centre, centre + upwards * np.maximum(radius, 1)[:, None])


def steady(time_s: Array, crops: Array) -> Array:
    """Crops (T, 4) over time, none much smaller than those around it: a body does not shrink, but a box may lose legs.

    Their rotations are unwrapped, so that crops between them can be interpolated.
    """
    side = np.maximum(crops[:, 2], SMALLEST_SHARE * usual(time_s, crops[:, 2]))
    return np.stack([crops[:, 0], crops[:, 1], side, np.unwrap(crops[:, 3])], 1)


def usual(time_s: Array, values: Array) -> Array:
    """The median (T,) of values (T,) over STEADY_S around each time."""
    if len(time_s) < 3:
        return values
    frames = max(3, round(STEADY_S / float(np.median(np.diff(time_s)))) | 1)
    return np.asarray(median_filter(values, frames, mode="nearest"))


def differs(crops: Array, others: Array) -> npt.NDArray[np.bool_]:
    """Whether crops (T, 4) and others are so far apart that a second look pays."""
    away = np.hypot(*(others[:, :2] - crops[:, :2]).T) / crops[:, 2]
    scaled = np.abs(np.log(others[:, 2] / crops[:, 2]))
    turned = np.abs((others[:, 3] - crops[:, 3] + np.pi) % (2 * np.pi) - np.pi)
    return (np.stack([away, scaled, turned], -1) > MOVED).any(-1)


def _assembled(time_s: Array, seen: Landmarks, track: Track, picture: tuple[int, int]) -> Observations:
    """Landmarks as keypoints with left and right put right, from the first to the last frame that can be trusted.

    Doubtful keypoints keep little confidence; what was not seen lies on straight lines between what was.
    """
    sure = np.minimum(seen.visibility, seen.presence)
    keypoints = blazepose.keypoints_23(np.concatenate([seen.points, sure[..., None]], -1))
    world = blazepose.keypoints_23(seen.world)
    world -= world[:, PELVIS, None]
    known = seen.score >= FOUND
    if known.any():
        boxes, hints = track.at(time_s)
        size = usual(time_s, (boxes[:, 2:] - boxes[:, :2]).max(1))
        part = checked(time_s[known], keypoints[known], world[known], hints[known], boxes[known], size[known], picture)
        keypoints[known], world[known], known[known] = part
    if not known.any():
        raise Failure(Code.PEOPLE_NONE, f"Person {track.id} could not be seen clearly in any frame.")
    first, last = np.flatnonzero(known)[[0, -1]]
    span = slice(first, last + 1)

    def filled(values: Array) -> Array:
        return interpolated(time_s[span], time_s[known], values[known])

    confidence = keypoints[span, :, 2] * known[span, None]
    return Observations(
        time_s=time_s[span],
        observed=known[span],
        keypoints=np.concatenate([filled(keypoints[..., :2]), confidence[..., None]], -1),
        world=filled(world),
        features=_features(seen.features[span], time_s[span], known[span]),
    )


def _features(
    features: npt.NDArray[np.float16], time_s: Array, known: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float16]:
    """Features (T, C, J) with those of frames that are not known put between the others."""
    filled = features.copy()
    if not known.all():
        filled[~known] = interpolated(time_s[~known], time_s[known], features[known])
    return filled


def checked(
    time_s: Array, keypoints: Array, world: Array, hints: Array, boxes: Array, size: Array, picture: tuple[int, int]
) -> tuple[Array, Array, npt.NDArray[np.bool_]]:
    """Keypoints and world with left and right put right and confidence where it is due, and which frames hold."""
    swap = consistency.mistaken(time_s, keypoints, hints, size)[..., None]
    keypoints = np.where(swap, keypoints[:, KEYPOINT_MIRROR], keypoints)
    world = np.where(swap, world[:, KEYPOINT_MIRROR], world)
    trusted = consistency.trust(time_s, keypoints, hints, boxes, size, picture)
    failed = consistency.failed(keypoints, world, hints, trusted, size, picture)
    keypoints[..., 2] *= trusted
    return keypoints, world, ~failed
