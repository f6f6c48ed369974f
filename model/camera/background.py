# SPDX-License-Identifier: GPL-3.0-or-later
"""Follows points of the background through the pictures, past the people."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..footage import Frame
from ..motion.rotations import axis_angle_from_matrix
from ..people import Track
from .path import CameraPath, Sightings, camera_path

Array = NDArray[np.float64]
Grey = NDArray[np.uint8]

LONGER_SIDE: Final = 640
"""Pictures are made that small, in pixels."""
POINTS: Final = 150
KEY_S: Final = 0.25
"""How often points are added where others were lost."""
APART_PX: Final = 12
QUALITY: Final = 0.01
ACCURACY_PX: Final = 0.5
FORTH_AND_BACK_PX: Final = 0.7
"""A point that does not come back to where it was, followed forth and back, is lost."""
MARGIN: Final = 0.15
"""By how much a person may reach beyond the box, as a share of its larger side."""
STILL_RAD: Final = 0.003
"""A camera that turns less than this and does not travel stands still."""
FEWEST: Final = 8
"""Points in a picture; with fewer in most of them nothing can be told about the camera."""
WINDOW_PX: Final = 15
LEVELS: Final = 3
UNTIL: Final = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 20, 0.02)


class Background:
    """Feed it frames in order; it remembers where points of the background were in each.

    people: everybody in the footage, whose boxes are left out.
    """

    def __init__(self, people: list[Track]) -> None:
        self._people = people
        self.time_s: list[float] = []
        self._key: list[bool] = []
        self._keyed_s, self._keyed_points = -np.inf, 0
        self._frames: list[NDArray[np.intp]] = []
        self._points: list[NDArray[np.intp]] = []
        self._pixels: list[Array] = []
        self._grey: Grey | None = None
        self._at = np.zeros((0, 2), np.float32)
        self._ids = np.zeros(0, np.intp)
        self._next = 0

    def watch(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """The same frames, looked at on their way."""
        for frame in frames:
            self.see(frame.time_s, frame.rgb)
            yield frame

    def see(self, time_s: float, rgb: NDArray[np.uint8]) -> None:
        """The next picture (H, W, 3) at its time."""
        grey, scale = small_grey(rgb)
        free = self._free(grey.shape, scale, time_s)
        if self._grey is not None and len(self._at):
            found, kept = followed(self._grey, grey, self._at)
            inside = np.round(found).astype(int).clip(0, np.array(grey.shape[::-1]) - 1)
            kept &= free[inside[:, 1], inside[:, 0]] > 0
            self._at, self._ids = found[kept], self._ids[kept]
        # With next to no points left, what comes could not be joined to what was.
        is_key = time_s - self._keyed_s >= KEY_S - 1e-3 or len(self._ids) < self._keyed_points // 3
        if is_key:
            self._add(grey, free)
            self._keyed_s, self._keyed_points = time_s, len(self._ids)
        self._grey = grey
        self._frames.append(np.full(len(self._ids), len(self.time_s), np.intp))
        self._points.append(self._ids.copy())
        self._pixels.append(self._at.astype(np.float64) / scale)
        self.time_s.append(time_s)
        self._key.append(is_key)

    def path(
        self, time_s: Array, camera_matrix: Array, tell: Callable[[int], None] = lambda _: None
    ) -> CameraPath | None:
        """How the camera moved at times (T,), which must be among those seen; None if it stood still.

        camera_matrix (3, 3), pixels. `tell` is as in camera_path.
        """
        point = np.concatenate(self._points) if self._points else np.zeros(0, np.intp)
        pixels, frame = np.concatenate([np.zeros((0, 2)), *self._pixels]), np.concatenate([point[:0], *self._frames])
        if np.median(np.bincount(frame, minlength=max(len(self.time_s), 1))) < FEWEST:
            return None
        focal = camera_matrix[[0, 1], [0, 1]]
        rays = (pixels - camera_matrix[:2, 2]) / focal
        longer = 2 * float(camera_matrix[:2, 2].max())
        accuracy = ACCURACY_PX * longer / LONGER_SIDE / float(focal.mean())
        whole = camera_path(Sightings(frame, point, rays, np.array(self._key), accuracy), tell)
        chosen = np.searchsorted(np.array(self.time_s), time_s - 1e-6).clip(0, len(self.time_s) - 1)
        path = whole.part(chosen)
        turned = np.linalg.norm(axis_angle_from_matrix(path.rotation), axis=-1).max()
        return path if path.travels or turned > STILL_RAD else None

    def remembered(self) -> dict[str, NDArray[Any]]:
        """All that `path` needs, of which `of` makes another that knows the same."""
        return {
            "time_s": np.array(self.time_s),
            "key": np.array(self._key),
            "frames": np.concatenate([np.zeros(0, np.intp), *self._frames]),
            "points": np.concatenate([np.zeros(0, np.intp), *self._points]),
            "pixels": np.concatenate([np.zeros((0, 2)), *self._pixels]),
        }

    @staticmethod
    def of(remembered: Mapping[str, NDArray[Any]]) -> "Background":
        """One that has seen all its frames before."""
        background = Background([])
        background.time_s, background._key = remembered["time_s"].tolist(), remembered["key"].tolist()
        background._frames, background._points = [remembered["frames"]], [remembered["points"]]
        background._pixels = [remembered["pixels"]]
        return background

    def _free(self, shape: tuple[int, ...], scale: float, time_s: float) -> Grey:
        """255 where no person is, 0 elsewhere, (h, w)."""
        free = np.full(shape[:2], 255, np.uint8)
        for track in self._people:
            if track.time_s[0] - KEY_S <= time_s <= track.time_s[-1] + KEY_S:
                left, top, right, bottom = track.at(np.array([time_s]))[0][0] * scale
                margin = MARGIN * max(right - left, bottom - top)
                low = np.clip([left - margin, top - margin], 0, None).astype(int)
                high = np.clip([right + margin, bottom + margin], 0, None).astype(int)
                free[low[1] : high[1], low[0] : high[0]] = 0
        return free

    def _add(self, grey: Grey, free: Grey) -> None:
        wanted = POINTS - len(self._ids)
        if wanted <= 0:
            return
        for x, y in np.round(self._at).astype(int).tolist():
            cv2.circle(free, (x, y), APART_PX, (0,), cv2.FILLED)
        new = corners(grey, wanted, free)
        self._at = np.concatenate([self._at, new])
        self._ids = np.concatenate([self._ids, np.arange(self._next, self._next + len(new))])
        self._next += len(new)


def small_grey(rgb: NDArray[np.uint8]) -> tuple[Grey, float]:
    """The picture (H, W, 3) in grey, its longer side LONGER_SIDE at most, and how many times as large it became."""
    height, width = rgb.shape[:2]
    scale = min(1.0, LONGER_SIDE / max(height, width))
    if scale < 1:
        # Averages are only needed where pixels would be skipped otherwise.
        manner = cv2.INTER_LINEAR if scale > 0.5 else cv2.INTER_AREA
        rgb = np.asarray(cv2.resize(rgb, (round(width * scale), round(height * scale)), interpolation=manner), np.uint8)
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8), scale


def corners(grey: Grey, most: int, free: Grey | None = None) -> NDArray[np.float32]:
    """Up to `most` points (N, 2) that can be followed, where `free` (h, w) is not 0."""
    found: Any = cv2.goodFeaturesToTrack(grey, most, QUALITY, APART_PX, mask=free)
    return np.zeros((0, 2), np.float32) if found is None else np.asarray(found, np.float32).reshape(-1, 2)


def followed(before: Grey, after: Grey, points: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Where points (N, 2) of one picture are in another (N, 2), and whether each was found (N,)."""
    there, ok = _flow(before, after, points)
    back, ok_back = _flow(after, before, there)
    height, width = after.shape
    inside = (there >= 0).all(1) & (there <= [width - 1, height - 1]).all(1)
    kept = ok & ok_back & inside & (np.linalg.norm(back - points, axis=1) < FORTH_AND_BACK_PX)
    return there, kept


def _flow(before: Grey, after: Grey, points: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Lucas and Kanade's method with pyramids, forth only."""
    there, ok, _ = cv2.calcOpticalFlowPyrLK(
        before, after, points[:, None], points[:, None].copy(),
        winSize=(WINDOW_PX, WINDOW_PX), maxLevel=LEVELS, criteria=UNTIL,
    )  # fmt: skip
    return np.asarray(there, np.float32).reshape(-1, 2), np.asarray(ok).ravel() > 0
