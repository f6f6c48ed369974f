# SPDX-License-Identifier: GPL-3.0-or-later
"""One window while it is being filmed: a person in motion, what is around, and the camera.

The camera stands still, so all but the person is drawn once, into a canvas from which each frame takes its part.
"""

import cv2
import numpy as np
import numpy.typing as npt

from ...people.blazepose import SIDE
from .camera import canvas_crop, crop_affine, first_crops, random_camera, told, within_picture
from .clothes import Array, dress
from .lens import random_lens, taken
from .people import Figures, Moves
from .renderer import SHADOW_SIDE, Picture, Renderer, Solid, View
from .surroundings import Panorama, furniture, occluder, random_surroundings

CANVAS = 640
FINE, COARSE = 384, 256
"""Sides at which people are drawn: finely, then averaged; or coarsely, as a large picture that is sampled."""
EXPOSURES = 3
OCCLUDED, ACCOMPANIED = 0.25, 0.3
"""So many windows have something before the person, and somebody else."""
ON_THE_FLOOR_M = 0.15


class Studio:
    """What all windows share."""

    def __init__(self, figures: Figures, panoramas: list[Panorama]) -> None:
        self.figures, self.panoramas = figures, panoramas
        self.renderer = Renderer(panoramas)


class Stage:
    """The window of person `index` of some moves; others of them may stand in the picture.

    time_s (T,); truth (T, 23, 3) keypoints in the world; boxes (T, 4) and hints (T, 17, 3) in pixels,
    what the person detector tells; crops (T, 4) at which to look first. Release it when done.
    """

    def __init__(self, studio: Studio, moves: Moves, index: int, rng: np.random.Generator) -> None:
        self._studio, self._rng = studio, rng
        scene = moves.scene
        body = studio.figures.bodies(scene.betas[index : index + 1])[0]
        self._look = dress(body, rng)
        rotations, joints = scene.rotations[index].double().numpy(), scene.joints[index].double().numpy()
        self._surfaces = [
            studio.figures.surface(self._look, body.joints, r, j) for r, j in zip(rotations, joints, strict=True)
        ]
        self.time_s = scene.time_s[index].double().numpy()
        self.truth = scene.keypoints[index].double().numpy()
        outline = np.stack([vertices[::8] for vertices, _ in self._surfaces])
        self.camera = random_camera(outline, scene.camera[index].double().numpy(), rng)
        self.boxes, self.hints = told(outline, self.truth[:, :17], self.camera, self.time_s, rng)
        self.crops = first_crops(self.boxes, self.hints, self.time_s)

        lowest = float(outline[..., 1].min())
        floor = lowest if abs(lowest) < ON_THE_FLOOR_M else 0.0
        box = np.stack([outline.min((0, 1)), outline.max((0, 1))])
        eye = -self.camera.rotation.T @ self.camera.translation
        self._around = random_surroundings(studio.panoramas, box, eye, floor, rng)
        self._person = studio.renderer.dressed(self._look, studio.figures.faces)
        behind = [studio.renderer.placed(thing) for thing in furniture(box, eye, floor, rng)]
        front: list[Solid] = []
        if rng.random() < ACCOMPANIED:
            (behind if rng.random() < 0.75 else front).append(self._somebody(moves, index, box, eye))
        if rng.random() < OCCLUDED:
            target = self.truth[len(self.truth) // 2, rng.integers(7, 17)]
            thing = occluder(target, eye, float(np.ptp(body.vertices[:, 1])), floor, rng)
            front.append(studio.renderer.placed(thing))
        self._canvas = canvas_crop(self.crops, self.camera)
        view = self._view(self._canvas, CANVAS)
        self._behind = studio.renderer.draw(behind, self._around, view, background=True)[..., :3].copy()
        self._front = studio.renderer.draw(front, self._around, view) if front else None
        for solid in behind + front:
            solid.release()
        self._lens = random_lens(rng)
        self._fine = float(np.median(self.crops[:, 2])) < 1.5 * FINE or rng.random() < 0.5

    def release(self) -> None:
        self._person.release()

    def picture(self, frame: int, crop: Array) -> Picture:
        """The crop (SIDE, SIDE, 3) of a frame, RGB, black beyond the picture's border."""
        picture = self._from_canvas(self._behind, crop, cv2.BORDER_REFLECT)
        if self._around.shadow and np.isfinite(self._around.floor) and self._around.sun[1] > 0.1:
            shade = self._studio.renderer.shadow(self._person, self._around, self._view(crop, SHADOW_SIDE))
            shade = np.asarray(cv2.resize(cv2.GaussianBlur(shade, (0, 0), 1), (SIDE, SIDE)), np.float32)
            picture = picture * (1 - self._around.shadow / 255 * shade[..., None])
        picture = _over(self._drawn(frame, self._view(crop, FINE if self._fine else COARSE)), picture)
        if self._front is not None:
            picture = _over(self._from_canvas(self._front, crop, cv2.BORDER_REPLICATE), picture)
        picture = taken(np.asarray(picture, np.float32), float(crop[2]), self._lens, self._rng)
        return picture * within_picture(crop, SIDE, self.camera)[..., None]

    def _drawn(self, frame: int, view: View) -> Picture:
        """The person, colours times coverage, and coverage (side, side, 4), blurred by their motion."""
        here, normals = self._surfaces[frame]
        if not self._lens.exposure:
            self._person.move(here, normals)
            return self._studio.renderer.draw([self._person], self._around, view)
        there = self._surfaces[frame + 1 if frame + 1 < len(self._surfaces) else frame - 1][0]
        total = np.zeros((view.side, view.side, 4), np.uint16)
        for share in (np.arange(EXPOSURES) / (EXPOSURES - 1) - 0.5) * self._lens.exposure:
            self._person.move(here + share * (there - here), normals)
            total += self._studio.renderer.draw([self._person], self._around, view)
        return (total // EXPOSURES).astype(np.uint8)

    def _view(self, crop: Array, side: int) -> View:
        return View(crop_affine(crop, side) @ self.camera.matrix, self.camera.rotation, self.camera.translation, side)

    def _from_canvas(self, canvas: Picture, crop: Array, border: int) -> Picture:
        """What of the canvas lies in a crop (SIDE, SIDE, C)."""
        to_canvas = crop_affine(self._canvas, CANVAS) @ np.linalg.inv(crop_affine(crop, SIDE))
        to_canvas[:2, 2] += to_canvas[:2, :2].sum(1) / 2 - 0.5  # OpenCV counts from the middle of the first pixel.
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        warped = cv2.warpAffine(canvas, to_canvas[:2], (SIDE, SIDE), flags=flags, borderMode=border)
        return np.asarray(warped, np.uint8)

    def _somebody(self, moves: Moves, index: int, box: Array, eye: Array) -> Solid:
        """Somebody else who stands behind the person, or between the person and the camera, as still as a picture."""
        studio, rng, scene = self._studio, self._rng, moves.scene
        other = (index + 1) % len(scene.betas)
        body = studio.figures.bodies(scene.betas[other : other + 1])[0]
        look = dress(body, rng)
        rotations, joints = (x[other, 0].double().numpy() for x in (scene.rotations, scene.joints))
        vertices, normals = studio.figures.surface(look, body.joints, rotations, joints)
        solid = studio.renderer.dressed(look, studio.figures.faces)
        centre, own = box.mean(0), joints[0]
        away = (centre - eye) * (1, 0, 1)
        distance = float(np.linalg.norm(away))
        away /= max(distance, 1e-6)
        across = np.array([away[2], 0, -away[0]])
        side = rng.choice([-1, 1]) * rng.uniform(0.5, 1.5)
        place = centre + away * rng.uniform(-0.2, 3) + across * side
        solid.move(vertices + (place - own) * (1, 0, 1), normals)
        return solid


def _over(layer: Picture, picture: Picture | npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """A layer (side, side, 4), colours times coverage, over a picture (SIDE, SIDE, 3)."""
    layer = np.asarray(cv2.resize(layer, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    return layer[..., :3] + picture * (1 - layer[..., 3:].astype(np.float32) / 255)
