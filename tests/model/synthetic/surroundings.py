# SPDX-License-Identifier: GPL-3.0-or-later
"""A hall with mottled walls, as a camera anywhere in it sees it. World: metres, Z up."""

import cv2
import numpy as np

LOW, HIGH = np.array([-14.0, -9.0, 0.0]), np.array([14.0, 12.0, 7.0])
TEXELS_M = 40
"""Pixels of a wall's picture in a metre."""


class Hall:
    """Its floor, walls and ceiling have pictures of their own, random but the same each time."""

    def __init__(self) -> None:
        random = np.random.default_rng(5)
        self._faces = [[self._mottled(axis, random) for _ in range(2)] for axis in range(3)]

    @staticmethod
    def _mottled(axis: int, random: np.random.Generator) -> np.ndarray:
        sides = np.round(np.delete(HIGH - LOW, axis) * TEXELS_M).astype(int)
        picture = np.full((sides[0], sides[1], 3), 128, np.float32)
        for size_m, contrast in ((2.0, 14), (0.6, 16), (0.2, 12)):
            grid = np.maximum(np.round(sides / TEXELS_M / size_m), 2).astype(int)
            noise = random.normal(size=(grid[0], grid[1], 1)) + 0.3 * random.normal(size=(grid[0], grid[1], 3))
            noise = noise.astype(np.float32) * contrast
            picture += cv2.resize(noise, (int(sides[1]), int(sides[0])), interpolation=cv2.INTER_NEAREST)
        return np.clip(cv2.blur(picture, (3, 3)), 0, 255).astype(np.uint8)

    def picture(self, matrix: np.ndarray, rotation: np.ndarray, at: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """RGB of `size` (width, height) from `at` (3,), x_camera = rotation · (x_world - at), pixels by `matrix`."""
        v, u = np.mgrid[: size[1], : size[0]].astype(np.float32)
        rays = np.stack([u, v, np.ones_like(u)], -1) @ (np.linalg.inv(matrix).T @ rotation).astype(np.float32)
        reach = np.where(rays > 0, HIGH - at, LOW - at) / np.where(np.abs(rays) < 1e-6, 1e-6, rays)
        axis = reach.argmin(-1)
        hit = at + reach.min(-1)[..., None] * rays
        result = np.zeros((size[1], size[0], 3), np.uint8)
        for k in range(3):
            for high in (False, True):
                mask = (axis == k) & ((rays[..., k] > 0) == high)
                if not mask.any():
                    continue
                across, along = np.moveaxis((np.delete(hit - LOW, k, -1) * TEXELS_M).astype(np.float32), -1, 0)
                painted = cv2.remap(
                    self._faces[k][high], along, across, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
                )
                result[mask] = painted[mask]
        return result
