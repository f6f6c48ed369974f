# SPDX-License-Identifier: GPL-3.0-or-later
"""Calibrated cameras, and the files that describe them."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..shots import SourceError

Array = NDArray[np.float64]

NAMES = {
    "matrix": ("matrix", "K", "intrinsics", "camera_matrix"),
    "distortion": ("distortions", "distortion", "dist", "distCoeffs"),
    "rotation": ("rotation", "R", "rvec"),
    "translation": ("translation", "t", "T", "tvec"),
}
"""What calibration files call the parts of a camera."""
FARTHEST_M = 100.0
"""A camera that seems to be farther away than this is told in millimetres."""


@dataclass(frozen=True)
class Camera:
    """x_camera = rotation · x_world + translation, metres, OpenCV axes; pixels by matrix (3, 3) after distortion.

    distortion: as OpenCV orders it, (4,) of cv2.fisheye if `fisheye`. The world is the camera's own frame unless said.
    """

    name: str
    matrix: Array
    distortion: Array = field(default_factory=lambda: np.zeros(5))
    rotation: Array = field(default_factory=lambda: np.eye(3))
    translation: Array = field(default_factory=lambda: np.zeros(3))
    fisheye: bool = False

    def rays(self, pixels: Array) -> Array:
        """Rays (…, 2) = (x/z, y/z) through pixels (…, 2), without the lens's distortion."""
        undistort = cv2.fisheye.undistortPoints if self.fisheye else cv2.undistortPoints
        flat = np.ascontiguousarray(pixels, np.float64).reshape(-1, 1, 2)
        return np.asarray(undistort(flat, self.matrix, self.distortion), np.float64).reshape(pixels.shape)

    def seen(self, points: Array) -> Array:
        """World points (…, 3) in the camera's frame."""
        return points @ self.rotation.T + self.translation

    def pixels(self, points: Array) -> Array:
        """Pixels (…, 2) of points (…, 3) in the camera's frame; NaN for points behind it."""
        flat = np.ascontiguousarray(points, np.float64).reshape(-1, 1, 3)
        project = cv2.fisheye.projectPoints if self.fisheye else cv2.projectPoints
        found = np.asarray(project(flat, np.zeros(3), np.zeros(3), self.matrix, self.distortion)[0])
        return np.where(points[..., 2:] > 0, found.reshape(*points.shape[:-1], 2), np.nan)


def read_cameras(path: Path, units: str = "auto") -> list[Camera]:
    """The cameras of a calibration file, toml or json: a table each, as Pose2Sim and Anipose write them, or a list.

    A camera has `matrix` (3, 3), `rotation` (3, 3) or a Rodrigues vector (3,), `translation` (3,), and may have
    `distortions`, `fisheye` and `name`; other tables are left alone. units: "m", "mm", or "auto" to tell by how far
    away the cameras are. Raises SourceError that says what is wrong with the file.
    """
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        content = tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)
    except ValueError as error:
        raise SourceError(f"{path.name}: {error}") from error
    listed = content.get("cameras", content) if isinstance(content, dict) else content
    tables = listed.items() if isinstance(listed, dict) else ((str(k), table) for k, table in enumerate(listed))
    cameras = [
        _camera(name, table, path)
        for name, table in tables
        if isinstance(table, dict) and _part(table, "matrix") is not None
    ]
    if not cameras:
        raise SourceError(f"{path.name} describes no camera: none of its tables has a matrix")
    far = np.median([np.linalg.norm(camera.translation) for camera in cameras])
    if units == "mm" or (units == "auto" and far > FARTHEST_M):
        cameras = [Camera(**{**vars(c), "translation": c.translation / 1000}) for c in cameras]
    return cameras


def _camera(name: str, table: Mapping[str, Any], path: Path) -> Camera:
    where = f"{path.name}, {name}"
    rotation = _numbers(table, "rotation", where)
    if rotation.size == 3:
        rotation = np.asarray(cv2.Rodrigues(rotation.reshape(3))[0], np.float64)
    if rotation.shape != (3, 3) or not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-3):
        raise SourceError(f"{where}: its rotation is neither a rotation matrix nor a Rodrigues vector")
    matrix = _numbers(table, "matrix", where)
    if matrix.shape != (3, 3):
        raise SourceError(f"{where}: its matrix has the shape {matrix.shape}, expected (3, 3)")
    translation = _numbers(table, "translation", where)
    if translation.size != 3:
        raise SourceError(f"{where}: its translation has {translation.size} numbers, expected 3")
    distortion = np.zeros(4) if _part(table, "distortion") is None else _numbers(table, "distortion", where).ravel()
    fisheye = bool(table.get("fisheye", False))
    return Camera(str(table.get("name", name)), matrix, distortion, rotation, translation.reshape(3), fisheye)


def _part(table: Mapping[str, Any], part: str) -> Any:
    return next((table[name] for name in NAMES[part] if name in table), None)


def _numbers(table: Mapping[str, Any], part: str, where: str) -> Array:
    value = _part(table, part)
    if value is None:
        raise SourceError(f"{where}: it has no {part}")
    try:
        return np.array(value, np.float64)
    except (TypeError, ValueError) as error:
        raise SourceError(f"{where}: its {part} holds no numbers") from error
