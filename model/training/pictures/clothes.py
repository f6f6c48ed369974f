# SPDX-License-Identifier: GPL-3.0-or-later
"""What a body looks like: skin, hair, garments, face. All of it is decided in the T-pose and moves with the skin.

A garment is a signed distance at each vertex: how far inside its border the vertex lies, in metres. The shader draws it
where the distance, interpolated between vertices, is positive; so borders are smooth on a coarse mesh.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

SKIN, TOP, BOTTOM, SHOES, HAIR = range(5)
NECK_JOINT, HEAD_JOINT = 12, 15
LEFT_SHOULDER, LEFT_WRIST, LEFT_ANKLE = 16, 20, 7
NOSE, LEFT_EYE, RIGHT_EYE = 0, 1, 2
SKIN_TONES: Final = ((0.95, 0.78, 0.68), (0.87, 0.67, 0.53), (0.72, 0.51, 0.38), (0.55, 0.38, 0.28), (0.38, 0.26, 0.2))
HAIR_COLOURS: Final = (
    (0.05, 0.04, 0.03), (0.14, 0.08, 0.05), (0.32, 0.19, 0.1), (0.62, 0.47, 0.24), (0.58, 0.57, 0.55),
)  # fmt: skip
"""As on a screen (sRGB)."""
MOUTH_BELOW_NOSE: Final = (0.0, -0.04, -0.012)
BORDER: Final = 0.02
"""Over this distance from its border, metres, a garment rises to its full thickness."""


class Body(NamedTuple):
    """A shaped body in the T-pose: vertices (V, 3), joints (24, 3), keypoints (23, 3), weights (V, 24), faces (F, 3).

    Metres, Y up, facing +Z.
    """

    vertices: Array
    joints: Array
    keypoints: Array
    weights: Array
    faces: npt.NDArray[np.int64]


class Palette(NamedTuple):
    """Linear colours. Rows of `colours`, `accents` (5, 3), `pattern`, `frequency` (5,): skin and the four garments.

    Pattern 0 is plain, 1 stripes across, 2 stripes along, 3 checks, 4 blotches; frequency in radians a metre. face
    (3, 3): both eyes and the mouth, T-pose, metres; iris, lips (3,).
    """

    colours: Array
    accents: Array
    pattern: Array
    frequency: Array
    face: Array
    iris: Array
    lips: Array


class Look(NamedTuple):
    """A dressed body: vertices and normals (V, 3) in the T-pose, cover (V, 4) of top, bottom, shoes and hair."""

    vertices: Array
    normals: Array
    cover: Array
    palette: Palette


def dress(body: Body, rng: np.random.Generator) -> Look:
    """A random appearance."""
    cover = np.stack([_top(body, rng), _bottom(body, rng), _shoes(body, rng), _hair(body, rng)], 1)
    loose = rng.uniform(0.003, 0.03, 2) * (rng.random(2) < 0.8) + 0.003
    thickness = np.array([*loose, 0.008, rng.uniform(0.004, 0.028)])
    rise = thickness * np.clip(cover / BORDER, 0, 1)
    vertices = (
        body.vertices + _normals(body.vertices, body.faces) * (rise.max(1) * _uneven(body.vertices, rng))[:, None]
    )
    return Look(vertices, _normals(vertices, body.faces), cover, _palette(body, rng))


def linear(colour: npt.ArrayLike) -> Array:
    """Linear light of a colour as on a screen."""
    return np.asarray(colour, np.float64) ** 2.2


def random_colour(rng: np.random.Generator) -> Array:
    """A colour (3,), linear: dark, medium or light, of any saturation."""
    low, high = ((0.05, 0.35), (0.25, 0.8), (0.7, 0.97))[rng.integers(3)]
    saturation = rng.uniform(0, 1) ** 1.5
    hue = rng.uniform(0, 1, 3)
    return linear(np.clip(rng.uniform(low, high) * (1 - saturation + saturation * hue / hue.max()), 0.02, 1))


def _top(body: Body, rng: np.random.Generator) -> Array:
    x, y = np.abs(body.vertices[:, 0]), body.vertices[:, 1]
    shoulder, wrist = body.joints[LEFT_SHOULDER, 0], body.joints[LEFT_WRIST, 0]
    sleeve = shoulder + (wrist - shoulder) * rng.choice([-0.06, rng.uniform(0.15, 0.4), rng.uniform(0.45, 0.9), 0.98])
    hem = body.joints[0, 1] + rng.choice([rng.uniform(-0.08, 0.08), rng.uniform(-0.3, -0.08)], p=[0.8, 0.2])
    neck = body.joints[NECK_JOINT]
    forward = body.vertices[:, 2] - neck[2]
    collar = neck[1] - y - rng.uniform(0.0, 0.9) * np.maximum(forward, 0) - rng.uniform(-0.03, 0.04)
    bare = -1.0 if rng.random() < 0.04 else 1.0
    return np.minimum(np.minimum(sleeve - x, y - hem), np.minimum(collar, bare))


def _bottom(body: Body, rng: np.random.Generator) -> Array:
    y = body.vertices[:, 1]
    hip, ankle = body.joints[0, 1], body.joints[LEFT_ANKLE, 1]
    waist = hip + rng.uniform(0.0, 0.12)
    length = rng.choice(
        [rng.uniform(0.15, 0.45), rng.uniform(0.45, 0.6), rng.uniform(0.65, 0.9), 0.97], p=[0.2, 0.15, 0.1, 0.55]
    )
    return np.minimum(waist - y, y - (hip + (ankle - hip) * length))


def _shoes(body: Body, rng: np.random.Generator) -> Array:
    high = rng.choice([-0.025, rng.uniform(0.0, 0.08), rng.uniform(0.1, 0.3)], p=[0.55, 0.3, 0.15])
    barefoot = rng.random() < 0.12
    return np.full(len(body.vertices), -1.0) if barefoot else body.joints[LEFT_ANKLE, 1] + high - body.vertices[:, 1]


def _hair(body: Body, rng: np.random.Generator) -> Array:
    eyes = body.keypoints[[LEFT_EYE, RIGHT_EYE]].mean(0)
    head = body.joints[HEAD_JOINT]
    top = body.vertices[body.weights[:, HEAD_JOINT] > 0.5, 1].max()
    middle = np.array([0, eyes[1], (head[2] + eyes[2]) / 2 - 0.02])
    lean = rng.uniform(0.5, 1.0)
    direction = np.array([0, np.sin(lean), -np.cos(lean)])
    cap = (body.vertices - middle) @ direction - rng.uniform(-0.01, 0.35) * (top - middle[1])
    nape = body.joints[NECK_JOINT, 1] + rng.choice([0.08, 0.03, -0.12], p=[0.5, 0.25, 0.25])
    back = np.minimum(middle[2] - 0.03 - body.vertices[:, 2], body.vertices[:, 1] - nape)
    fringe = body.vertices[:, 1] - (eyes[1] + rng.uniform(0.035, 0.09))
    on_head = 0.1 * (body.weights[:, [NECK_JOINT, HEAD_JOINT]].sum(1) - 0.5)
    bald = -1.0 if rng.random() < 0.07 else 1.0
    return np.minimum.reduce([np.maximum.reduce([cap, back, fringe]), on_head, np.full(len(cap), bald)])


def _palette(body: Body, rng: np.random.Generator) -> Palette:
    skin = linear(
        np.clip(np.array(SKIN_TONES[rng.integers(5)]) * rng.uniform(0.88, 1.08) * rng.uniform(0.97, 1.03, 3), 0, 1)
    )
    hair = linear(HAIR_COLOURS[rng.integers(5)]) if rng.random() < 0.9 else random_colour(rng)
    colours = np.stack([skin, *(random_colour(rng) for _ in range(3)), hair])
    if rng.random() < 0.12:
        colours[BOTTOM] = colours[TOP]
    accents = np.stack([skin, *(random_colour(rng) for _ in range(3)), hair * 0.5])
    accents = colours + (accents - colours) * rng.uniform(0.2, 1, (5, 1))
    pattern = np.array([0, *rng.choice(5, 2, p=[0.58, 0.12, 0.08, 0.08, 0.14]), 0, 4])
    face = np.stack([*body.keypoints[[LEFT_EYE, RIGHT_EYE]], body.keypoints[NOSE] + MOUTH_BELOW_NOSE])
    iris = linear(rng.choice([(0.25, 0.15, 0.08), (0.3, 0.4, 0.5), (0.3, 0.35, 0.2), (0.1, 0.06, 0.04)]))
    lips = skin * np.array([0.9, 0.5, 0.5]) * rng.uniform(0.7, 1.1)
    return Palette(colours, accents, pattern, np.exp(rng.uniform(np.log(30), np.log(200), 5)), face, iris, lips)


def _uneven(points: Array, rng: np.random.Generator) -> Array:
    """A factor (V,) around 1 that varies smoothly over decimetres."""
    waves = np.sin(points @ rng.normal(0, 14, (3, 5)) + rng.uniform(0, 2 * np.pi, 5))
    return 1 + 0.3 * waves.mean(1) * np.sqrt(5)


def _normals(vertices: Array, faces: npt.NDArray[np.int64]) -> Array:
    """Unit normals (V, 3), the mean of the faces' around each vertex, weighed by area."""
    a, b, c = np.moveaxis(vertices[faces], 1, 0)
    face = np.cross(b - a, c - a)
    total = np.stack([np.bincount(faces.ravel(), np.repeat(face[:, i], 3), len(vertices)) for i in range(3)], 1)
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)
