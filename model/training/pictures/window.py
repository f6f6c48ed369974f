# SPDX-License-Identifier: GPL-3.0-or-later
"""One person filmed for a moment: crops as a camera would have taken them, and what the detector makes of them."""

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from ...people import blazepose, observations
from ...people.blazepose import SIDE, Landmarks
from ...people.runtime import Network
from ...people.tracks import interpolated
from .camera import Shot, canvas_crop, crop_affine, first_crops, random_shot, told, within_picture
from .clothes import Array, dress
from .people import Figures, Moves
from .renderer import SHADOW_SIDE, Picture, Renderer, Solid, View
from .surroundings import Panorama, furniture, occluder, random_surroundings

CANVAS = 640
FINE, COARSE = 384, 256
"""Sides at which people are drawn: finely, then averaged; or coarsely, as a large picture that is sampled."""
BLURRED = 0.25
EXPOSURES = 3
OCCLUDED = 0.25
ACCOMPANIED = 0.3
ON_THE_FLOOR_M = 0.15


class Lens(NamedTuple):
    """What the camera does to the picture: sizes in pixels of the crop, noise in levels, quality of JPEG or 0."""

    blur: float
    exposure_time: float
    noise: float
    jpeg: int
    contrast: float
    brightness: float
    tint: Array


@dataclass(frozen=True)
class Window:
    """What is seen of one person in T frames, and by which camera.

    shot; rays (T, 23, 2) = (x/z, y/z) in the camera; confidence (T, 23); world (T, 23, 3) metres in the camera's axes,
    pelvis at 0; features (T, 1152) f16; score (T,); crops (T, 4), looks (T,) how often the detector looked.
    """

    shot: Shot
    keypoints: Array
    world: Array
    features: npt.NDArray[np.float16]
    score: Array
    crops: Array
    looks: npt.NDArray[np.int64]

    @property
    def rays(self) -> Array:
        K = self.shot.matrix
        return (self.keypoints[..., :2] - K[:2, 2]) / K[[0, 1], [0, 1]]


class Studio:
    """Films windows."""

    def __init__(self, figures: Figures, panoramas: list[Panorama], network: Network) -> None:
        self.figures, self.network, self.panoramas = figures, network, panoramas
        self.renderer = Renderer(panoramas)

    def film(self, moves: Moves, index: int, rng: np.random.Generator) -> Window:
        """The window of person `index`; others of `moves` may walk into the picture."""
        stage = Stage(self, moves, index, rng)
        try:
            return stage.observe()
        finally:
            stage.release()


class Stage:
    """One window while it is being filmed."""

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
        self.shot = random_shot(outline, scene.camera[index].double().numpy(), rng)
        self.boxes, self.hints = told(outline, self.truth[:, :17], self.shot, self.time_s, rng)
        self.crops = first_crops(self.boxes, self.hints, self.time_s)

        lowest = float(outline[..., 1].min())
        floor = lowest if abs(lowest) < ON_THE_FLOOR_M else 0.0
        box = np.stack([outline.min((0, 1)), outline.max((0, 1))])
        eye = -self.shot.rotation.T @ self.shot.translation
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
        self._canvas = canvas_crop(self.crops, self.shot)
        view = self._view(self._canvas, CANVAS)
        self._behind = studio.renderer.draw(behind, self._around, view, background=True)[..., :3].copy()
        self._front = studio.renderer.draw(front, self._around, view) if front else None
        for solid in behind + front:
            solid.release()
        self._lens = _random_lens(rng)
        self._fine = float(np.median(self.crops[:, 2])) < 1.5 * FINE or rng.random() < 0.5

    def release(self) -> None:
        self._person.release()

    def observe(self) -> Window:
        """Look as a capture looks: at the expected crop, and again where that was off."""
        crops, frames = self.crops.copy(), np.arange(len(self.crops))
        landmarks = self._looked(frames, crops)
        points = landmarks.points
        wanted = blazepose.crop_around(points[:, blazepose.CROP_CENTRE], points[:, blazepose.CROP_TOP])
        again = np.flatnonzero((landmarks.score >= observations.FOUND) & observations.differs(crops, wanted))
        if len(again):
            landmarks = blazepose.replaced(landmarks, again, self._looked(again, wanted[again]))
            crops[again] = wanted[again]
        return self._window(landmarks, crops, 1 + np.isin(frames, again))

    def _looked(self, frames: npt.NDArray[np.int64], crops: Array) -> Landmarks:
        pictures = [self.picture(int(frame), crop) for frame, crop in zip(frames, crops, strict=True)]
        return blazepose.decode(self._studio.network(blazepose.network_input(pictures)), crops)

    def _window(self, seen: Landmarks, crops: Array, looks: npt.NDArray[np.int64]) -> Window:
        """Landmarks as a capture hands them on: sides put right, doubts in the confidence, gaps filled."""
        sure = np.minimum(seen.visibility, seen.presence)
        keypoints = blazepose.keypoints_23(np.concatenate([seen.points, sure[..., None]], -1))
        world = blazepose.keypoints_23(seen.world)
        world -= world[:, observations.PELVIS, None]
        known = seen.score >= observations.FOUND
        size = observations.usual(self.time_s, (self.boxes[:, 2:] - self.boxes[:, :2]).max(1))
        if known.any():
            part = observations.checked(
                self.time_s[known], keypoints[known], world[known], self.hints[known], self.boxes[known], size[known],
                self.shot.size,
            )  # fmt: skip
            keypoints[known], world[known], known[known] = part
        keypoints[..., 2] *= known[:, None]
        features = seen.features
        if known.any():
            keypoints[..., :2] = interpolated(self.time_s, self.time_s[known], keypoints[known, :, :2])
            world = interpolated(self.time_s, self.time_s[known], world[known])
            features = interpolated(self.time_s, self.time_s[known], features[known].astype(np.float64))
        return Window(self.shot, keypoints, world, features.astype(np.float16), seen.score, crops, looks)

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
        picture = self._through_lens(picture, crop)
        return picture * within_picture(crop, SIDE, self.shot)[..., None]

    def _drawn(self, frame: int, view: View) -> Picture:
        """The person, colours times coverage, and coverage (side, side, 4), blurred by their motion."""
        here, normals = self._surfaces[frame]
        if not self._lens.exposure_time:
            self._person.move(here, normals)
            return self._studio.renderer.draw([self._person], self._around, view)
        there = self._surfaces[frame + 1 if frame + 1 < len(self._surfaces) else frame - 1][0]
        total = np.zeros((view.side, view.side, 4), np.uint16)
        for share in (np.arange(EXPOSURES) / (EXPOSURES - 1) - 0.5) * self._lens.exposure_time:
            self._person.move(here + share * (there - here), normals)
            total += self._studio.renderer.draw([self._person], self._around, view)
        return (total // EXPOSURES).astype(np.uint8)

    def _view(self, crop: Array, side: int) -> View:
        return View(crop_affine(crop, side) @ self.shot.matrix, self.shot.rotation, self.shot.translation, side)

    def _from_canvas(self, canvas: Picture, crop: Array, border: int) -> Picture:
        """What of the canvas lies in a crop (SIDE, SIDE, C)."""
        to_canvas = crop_affine(self._canvas, CANVAS) @ np.linalg.inv(crop_affine(crop, SIDE))
        to_canvas[:2, 2] += to_canvas[:2, :2].sum(1) / 2 - 0.5  # OpenCV counts from the middle of the first pixel.
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        warped = cv2.warpAffine(canvas, to_canvas[:2], (SIDE, SIDE), flags=flags, borderMode=border)
        return np.asarray(warped, np.uint8)

    def _through_lens(self, picture: npt.NDArray[np.float32], crop: Array) -> Picture:
        lens, rng = self._lens, self._rng
        picture = (picture - 128) * lens.contrast + 128 * lens.brightness
        picture = picture * lens.tint.astype(np.float32)
        if crop[2] < SIDE:  # The picture has fewer pixels than the crop.
            side = max(int(crop[2]), 24)
            picture = np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA), np.float32)
        if lens.blur > 0.2:
            picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), lens.blur), np.float32)
        if lens.noise:
            picture = picture + lens.noise * rng.standard_normal((*picture.shape[:2], 1), np.float32)
        result = np.clip(picture, 0, 255).astype(np.uint8)
        if lens.jpeg:
            encoded = cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, lens.jpeg])[1]
            result = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
        return np.asarray(cv2.resize(result, (SIDE, SIDE)), np.uint8) if len(result) != SIDE else result

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


def _random_lens(rng: np.random.Generator) -> Lens:
    return Lens(
        blur=rng.uniform(0, 1.1) if rng.random() < 0.5 else 0.0,
        exposure_time=rng.uniform(0.2, 0.9) if rng.random() < BLURRED else 0.0,
        noise=rng.uniform(1, 7) if rng.random() < 0.6 else 0.0,
        jpeg=int(rng.uniform(35, 92)) if rng.random() < 0.5 else 0,
        contrast=rng.uniform(0.75, 1.2),
        brightness=rng.uniform(0.85, 1.3),
        tint=rng.uniform(0.92, 1.06, 3),
    )
