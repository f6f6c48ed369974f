# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws what was recovered over the footage: the body, shaded and half transparent, and the keypoints."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from .footage import Frame
from .motion.motion import Motion
from .motion.skeleton import KEYPOINT_BONES, KEYPOINTS

WIDEST: Final = 1280
ALPHA: Final = 0.65
NEAREST_M: Final = 0.05
SUBPIXEL_BITS: Final = 4
TO_LIGHT: Final = np.array([-0.35, -0.65, -0.67])
"""Direction to the light in the camera's frame (x right, y down, z forward): above, left, behind the camera."""
AMBIENT: Final = 0.35

SEEN: Final = (120, 190, 255)
NOT_SEEN: Final = (255, 170, 60)
LEFT: Final = (255, 96, 64)
RIGHT: Final = (64, 200, 96)
MIDDLE: Final = (250, 230, 80)

RGB = NDArray[np.uint8]


def draw_overlay(
    frames: Iterable[Frame],
    motion: Motion,
    vertices: Callable[[int], NDArray[np.floating]],
    faces: NDArray[np.integer],
) -> Iterator[RGB]:
    """Each frame, at most WIDEST pixels wide, with the body and the keypoints that the motion has at its time.

    vertices(t) gives the body (V, 3) in the world, metres, at the motion's frame t; faces (F, 3). Frames for which
    the motion has none stay as they are; those that were interpolated have another colour and an edge.
    """
    tolerance_s = 0.5 / motion.mocap_framerate
    for frame in frames:
        rgb, scale = scaled_down(frame.rgb)
        t = int(np.abs(motion.time_s - frame.time_s).argmin())
        if abs(motion.time_s[t] - frame.time_s) <= tolerance_s:
            camera = motion.camera_matrix * [[scale], [scale], [1.0]]
            in_camera = vertices(t) @ motion.camera_rotation[t].T + motion.camera_translation[t]
            observed = bool(motion.observed[t])
            rgb = draw_body(rgb, in_camera, faces, camera, ALPHA, SEEN if observed else NOT_SEEN)
            if observed:
                rgb = draw_keypoints(rgb, motion.keypoints[t] * [scale, scale, 1.0])
            else:
                cv2.rectangle(rgb, (0, 0), (rgb.shape[1] - 1, rgb.shape[0] - 1), NOT_SEEN, max(2, rgb.shape[1] // 160))
        yield rgb


def scaled_down(rgb: RGB, widest: int = WIDEST) -> tuple[RGB, float]:
    """The picture at most `widest` pixels wide, and by how much its pixel coordinates were multiplied."""
    height, width = rgb.shape[:2]
    if width <= widest:
        return rgb, 1.0
    scale = widest / width
    # Averaging is slow, and of use only where pixels would be left out.
    manner = cv2.INTER_LINEAR if scale > 0.5 else cv2.INTER_AREA
    smaller = cv2.resize(rgb, (widest, round(height * scale)), interpolation=manner)
    return np.asarray(smaller, np.uint8), scale


def draw_body(
    rgb: RGB,
    vertices_camera: NDArray[np.floating],
    faces: NDArray[np.integer],
    camera_matrix: NDArray[np.floating],
    alpha: float = ALPHA,
    colour: tuple[int, int, int] = SEEN,
) -> RGB:
    """A copy of the picture with the mesh over it: vertices (V, 3) in the camera's frame, metres, faces (F, 3).

    The faces that look at the camera are filled from the farthest to the nearest, each with the shade of its normal.
    A closed mesh is expected; which way its faces wind does not matter. Faces behind the camera are left out.
    """
    height, width = rgb.shape[:2]
    points = np.asarray(vertices_camera, np.float64)
    corners = points[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    if np.sum((corners[:, 0] - points.mean(0)) * normals) < 0:
        normals = -normals
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
    # Not just below 0: faces without area have normals of nothing but rounding errors.
    towards_us = (np.sum(normals * corners[:, 0], 1) < -1e-4) & (corners[..., 2].min(1) > NEAREST_M)
    corners, normals = corners[towards_us], normals[towards_us]
    pixels = corners @ np.asarray(camera_matrix, np.float64).T
    pixels = pixels[..., :2] / pixels[..., 2:]
    on_picture = np.all((pixels.max(1) >= 0) & (pixels.min(1) <= [width, height]), 1)
    order = np.flatnonzero(on_picture)[np.argsort(-corners[on_picture, :, 2].mean(1), kind="stable")]
    light = AMBIENT + (1 - AMBIENT) * np.clip(normals[order] @ TO_LIGHT, 0, 1)
    # Corners of huge faces may lie where OpenCV cannot count.
    polygons = _fixed_point(np.clip(pixels[order], -4 * width, 5 * width))
    # One channel of shades, 0 where there is no body.
    shades = np.zeros((height, width), np.uint8)
    for polygon, shade in zip(polygons, np.round(light * 254 + 1).tolist(), strict=True):
        cv2.fillConvexPoly(shades, polygon, shade, cv2.LINE_8, SUBPIXEL_BITS)
    return _laid_over(rgb, shades, alpha, colour)


def _laid_over(rgb: RGB, shades: RGB, alpha: float, colour: tuple[int, int, int]) -> RGB:
    """A copy of the picture with `colour`, as bright as `shades` (H, W) says, over it where they are not 0."""
    result = rgb.copy()
    left, top, width, height = cv2.boundingRect(shades)
    if width and height:
        region = result[top : top + height, left : left + width]
        shade = shades[top : top + height, left : left + width]
        colours = (np.arange(256)[:, None] / 255 * colour).round().astype(np.uint8)
        mixed = cv2.addWeighted(colours[shade], alpha, region, 1 - alpha, 0)
        cv2.copyTo(mixed, shade, region)
    return result


def draw_keypoints(rgb: RGB, keypoints: NDArray[np.floating]) -> RGB:
    """A copy of the picture with the 23 keypoints (23, 3), x and y in its pixels, and lines between them.

    The person's left is orange, the right green. The surer a point, the bigger and the more opaque it is.
    """
    result = rgb.copy()
    size = max(2.0, rgb.shape[0] / 200)
    sure = np.clip(keypoints[:, 2], 0.0, 1.0).tolist()
    for start, end in KEYPOINT_BONES:
        _stroke(result, keypoints[[start, end], :2], _side(start, end), size, 0.8 * min(sure[start], sure[end]))
    for k in sorted(range(len(sure)), key=sure.__getitem__):
        _stroke(result, keypoints[[k], :2], _side(k), size * (0.5 + sure[k]), 0.2 + 0.8 * sure[k])
    return result


def _side(*keypoints: int) -> tuple[int, int, int]:
    sides = {KEYPOINTS[k].partition("_")[0] for k in keypoints}
    return LEFT if sides == {"left"} else RIGHT if sides == {"right"} else MIDDLE


def _stroke(rgb: RGB, points: NDArray[np.floating], colour: tuple[int, int, int], size: float, opacity: float) -> None:
    """Draw into the picture a dot of radius `size` at one point (1, 2), or a line of that width between two (2, 2)."""
    margin = size + 2
    left, top = np.clip(np.floor(points.min(0) - margin), 0, rgb.shape[1::-1]).astype(int).tolist()
    right, bottom = np.clip(np.ceil(points.max(0) + margin), 0, rgb.shape[1::-1]).astype(int).tolist()
    region = rgb[top:bottom, left:right]
    if not region.size:
        return
    layer = region.copy()
    ends = _fixed_point(points - [left, top]).tolist()
    if len(ends) == 1:
        cv2.circle(layer, ends[0], round(size * 2**SUBPIXEL_BITS), colour, cv2.FILLED, cv2.LINE_AA, SUBPIXEL_BITS)
    else:
        cv2.line(layer, ends[0], ends[1], colour, round(size), cv2.LINE_AA, SUBPIXEL_BITS)
    region[:] = cv2.addWeighted(layer, opacity, region, 1 - opacity, 0)


def _fixed_point(pixels: NDArray[np.floating]) -> NDArray[np.int32]:
    """Pixel coordinates in OpenCV's fixed point of SUBPIXEL_BITS."""
    return np.round(pixels * 2**SUBPIXEL_BITS).astype(np.int32)
