# SPDX-License-Identifier: GPL-3.0-or-later
"""Where people are filmed: the light around them, the room or street behind them, and things that stand about."""

import importlib.util
import os
from pathlib import Path
from typing import Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from .clothes import Array, Palette, linear, random_colour

BRIGHTEST: Final = 6.0
"""Panoramas are clipped at this multiple of their mean: what is brighter is the sun, which shines by itself."""
MEAN_RADIANCE: Final = 0.35
PANORAMA, ROOM, STUDIO = range(3)


class Panorama(NamedTuple):
    """Light from all directions, Y up: pixels (h, w, 3) f32 linear, harmonics (9, 3) of irradiance / π, sun (3,)."""

    pixels: npt.NDArray[np.float32]
    harmonics: Array
    sun: Array


class Surroundings(NamedTuple):
    """What is not the person. Angles in radians, lengths in metres, colours linear.

    kind: PANORAMA, ROOM or STUDIO; panorama: its number; yaw turns it; exposure; sun (3,) towards it, sunlight (3,);
    walls (2, 3): the room's two corners; colours, accents (4, 3) of floor, ceiling, walls across x and across z;
    pattern, frequency (4,) as Palette's; floor: height, or NaN for none; shadow 0..1.
    """

    kind: int
    panorama: int
    yaw: float
    exposure: float
    sun: Array
    sunlight: Array
    walls: Array
    colours: Array
    accents: Array
    pattern: Array
    frequency: Array
    floor: float
    shadow: float


class Thing(NamedTuple):
    """A solid object: vertices, normals (V, 3) in the world, faces (F, 3), its colours."""

    vertices: Array
    normals: Array
    faces: npt.NDArray[np.int64]
    palette: Palette


def panorama_folder() -> Path:
    """The panoramas (CC0, Poly Haven) that Blender's Python module carries. Raises FileNotFoundError without it."""
    module = importlib.util.find_spec("bpy")
    for place in (module.submodule_search_locations or []) if module else []:
        for folder in Path(place).glob("*/datafiles/studiolights/world"):
            return folder
    raise FileNotFoundError("no panoramas: install requirements/blender.txt, or name a folder of .exr files")


def load_panoramas(folder: Path) -> list[Panorama]:
    """All .exr files of a folder, 360° × 180°, in order of their names."""
    os.environ["OPENCV_IO_ENABLE_OPENEXR"] = "1"
    panoramas: list[Panorama] = []
    for file in sorted(folder.glob("*.exr")):
        bgr = np.asarray(cv2.imread(str(file), cv2.IMREAD_UNCHANGED), np.float32)
        panoramas.append(panorama(bgr[..., ::-1]))
    if not panoramas:
        raise FileNotFoundError(f"no .exr files in {folder}")
    return panoramas


def panorama(radiance: npt.NDArray[np.float32]) -> Panorama:
    """Radiance (h, w, 3) from all directions, 360° × 180°, brought to a mean of MEAN_RADIANCE."""
    h, w, _ = radiance.shape
    polar = (np.arange(h) + 0.5) / h * np.pi
    around = ((np.arange(w) + 0.5) / w - 0.5) * 2 * np.pi
    direction = np.stack(
        [
            np.outer(np.sin(polar), np.sin(around)),
            np.outer(np.cos(polar), np.ones(w)),
            np.outer(np.sin(polar), np.cos(around)),
        ],
        -1,
    )
    solid = np.sin(polar)[:, None, None] * np.pi / h * 2 * np.pi / w
    brightness = radiance.mean(-1, keepdims=True)
    typical = float((np.minimum(brightness, np.quantile(brightness, 0.98)) * solid).sum() / (4 * np.pi))
    pixels = np.minimum(radiance / typical, BRIGHTEST) * MEAN_RADIANCE
    # Irradiance in order-2 spherical harmonics (Ramamoorthi and Hanrahan, 2001), the cosine's factors folded in.
    cosine = np.array([1, 2 / 3, 2 / 3, 2 / 3, 1 / 4, 1 / 4, 1 / 4, 1 / 4, 1 / 4])
    basis = harmonics(direction)
    coefficients = cosine[:, None] * np.einsum("hwk,hwc->kc", basis * solid, pixels.astype(np.float64))
    blurred = cv2.GaussianBlur(np.minimum(brightness[..., 0], 100 * typical), (0, 0), 8)
    row, column = np.unravel_index(np.argmax(blurred * (direction[..., 1] > 0.15)), blurred.shape)
    return Panorama(pixels.astype(np.float32), coefficients, direction[row, column])


def harmonics(direction: Array) -> Array:
    """The nine real spherical harmonics (…, 9) of unit directions (…, 3)."""
    x, y, z = np.moveaxis(direction, -1, 0)
    return np.stack(
        [
            np.full_like(x, 0.282095), 0.488603 * y, 0.488603 * z, 0.488603 * x, 1.092548 * x * y, 1.092548 * y * z,
            0.315392 * (3 * z * z - 1), 1.092548 * x * z, 0.546274 * (x * x - y * y),
        ],
        -1,
    )  # fmt: skip


def random_surroundings(
    panoramas: list[Panorama], person: Array, camera: Array, floor: float, rng: np.random.Generator
) -> Surroundings:
    """Surroundings of a person who moves within a box, person (2, 3), seen from camera (3,), both Y up."""
    kind = int(rng.choice([PANORAMA, ROOM, STUDIO], p=[0.5, 0.4, 0.1]))
    number = int(rng.integers(len(panoramas)))
    yaw = rng.uniform(-np.pi, np.pi)
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    room = np.stack([np.minimum(person[0], camera), np.maximum(person[1], camera)])
    room += np.array([[-1], [1]]) * rng.uniform(0.3, 4, (2, 3))
    room[0, 1], room[1, 1] = floor, max(room[1, 1], floor + rng.uniform(2.3, 4))
    camera_above = camera[1] > floor + 0.15
    return Surroundings(
        kind=PANORAMA if kind == ROOM and not camera_above else kind,
        panorama=number,
        yaw=yaw,
        exposure=float(np.exp(rng.normal(0.35, 0.3))),
        sun=turn @ panoramas[number].sun,
        sunlight=rng.uniform(0, 1.3) * linear([1, rng.uniform(0.88, 1.0), rng.uniform(0.75, 1.05)]),
        walls=room,
        colours=np.stack([random_colour(rng) for _ in range(4)]),
        accents=np.stack([random_colour(rng) for _ in range(4)]),
        pattern=rng.choice(6, 4, p=[0.3, 0.08, 0.08, 0.1, 0.24, 0.2]).astype(np.float64),
        frequency=np.exp(rng.uniform(np.log(4), np.log(60), 4)),
        floor=floor if camera_above and (kind != PANORAMA or rng.random() < 0.5) else np.nan,
        shadow=rng.uniform(0.2, 0.75) if rng.random() < 0.75 else 0.0,
    )


def furniture(person: Array, camera: Array, floor: float, rng: np.random.Generator) -> list[Thing]:
    """Up to eight things beside and behind a person in a box (2, 3), as camera (3,) sees it."""
    centre = person.mean(0)
    away = centre - camera
    away[1] = 0
    away /= max(float(np.linalg.norm(away)), 1e-6)
    across = np.array([away[2], 0, -away[0]])
    radius = np.linalg.norm(person[1, [0, 2]] - person[0, [0, 2]]) / 2
    things: list[Thing] = []
    for _ in range(rng.integers(0, 9)):
        size = np.exp(rng.uniform(np.log(0.2), np.log([1.2, 2.2, 1.0])))
        behind = radius + size.max() * 0.6 + rng.uniform(0, 4)
        place = centre + away * behind + across * rng.normal(0, 2.2)
        place[1] = floor + size[1] / 2 + (rng.uniform(0, 2) if rng.random() < 0.3 else 0)
        things.append(solid(place, size, rng))
    return things


def occluder(target: Array, camera: Array, height_m: float, floor: float, rng: np.random.Generator) -> Thing:
    """Something between the camera (3,) and a target (3,) on a person: a post, or a piece of furniture on the floor."""
    share = rng.uniform(0.5, 0.9)
    place = camera + share * (target - camera)
    if rng.random() < 0.5:
        size = height_m * share * np.array([rng.uniform(0.05, 0.2), rng.uniform(0.1, 1.5), 0.1])
    else:
        size = height_m * share * np.array([rng.uniform(0.2, 0.9), rng.uniform(0.06, 0.3), rng.uniform(0.1, 0.3)])
    if place[1] > floor + 0.1 and rng.random() < 0.6:
        top = place[1]
        size[1], place[1] = top - floor, (top + floor) / 2
    return solid(place, size, rng)


def solid(place: Array, size: Array, rng: np.random.Generator) -> Thing:
    """A box or an upright cylinder about place (3,), size (3,), turned about the vertical."""
    sides = 4 if rng.random() < 0.7 else 20
    vertices, normals, faces = _prism(sides)
    yaw = rng.uniform(-np.pi, np.pi)
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    colours, accents = (np.stack([random_colour(rng)] * 5) for _ in range(2))
    pattern = rng.choice(5, p=[0.5, 0.1, 0.1, 0.1, 0.2])
    palette = Palette(
        colours, accents, np.full(5, pattern, np.float64), np.full(5, np.exp(rng.uniform(1.5, 4.5))),
        np.full((3, 3), 1e3), np.zeros(3), np.zeros(3),
    )  # fmt: skip
    return Thing(place + (vertices * size) @ turn.T, normals @ turn.T, faces, palette)


def _prism(sides: int) -> tuple[Array, Array, npt.NDArray[np.int64]]:
    """An upright prism of unit size about the origin: vertices, normals (V, 3), faces (F, 3)."""
    around = (np.arange(sides + 1) + 0.5) / sides * 2 * np.pi
    reach = 0.5 / np.cos(np.pi / sides)
    ring = np.stack([reach * np.sin(around), np.zeros(sides + 1), reach * np.cos(around)], 1)
    vertices, normals, faces = [], [], []
    for i in range(sides):
        n = len(vertices)
        vertices += [ring[i] + (0, y, 0) for y in (-0.5, 0.5)] + [ring[i + 1] + (0, y, 0) for y in (-0.5, 0.5)]
        normals += [(ring[i] + ring[i + 1]) / np.linalg.norm(ring[i] + ring[i + 1])] * 4
        faces += [(n, n + 2, n + 1), (n + 1, n + 2, n + 3)]
    for y in (-0.5, 0.5):
        n = len(vertices)
        vertices += [p + (0, y, 0) for p in ring[:-1]]
        normals += [np.array([0, np.sign(y), 0])] * sides
        faces += [(n, n + i, n + i + 1) if y > 0 else (n, n + i + 1, n + i) for i in range(1, sides - 1)]
    return np.array(vertices), np.array(normals), np.array(faces)
