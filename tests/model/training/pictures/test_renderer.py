# SPDX-License-Identifier: GPL-3.0-or-later
"""Where people appear in the pictures, and whether the detector that ships finds them there."""

import numpy as np
import pytest
import torch

from model.people import blazepose
from model.people.blazepose import SIDE
from model.training.pictures.camera import Camera, crop_affine
from model.training.pictures.clothes import dress
from model.training.pictures.renderer import View
from model.training.pictures.surroundings import STUDIO, random_surroundings

SQUARE = 512
DOWN_THE_Z_AXIS = np.diag([1.0, -1.0, -1.0])
CROP = np.array([250.0, 270.0, 420.0, 0.4])


@pytest.fixture(scope="module")
def body(studio):
    return studio.figures.bodies(torch.zeros(1, 10))[0]


@pytest.fixture(scope="module")
def camera():
    """A camera three metres before a body whose pelvis is at the origin, a little from above."""
    tilt = np.array([[1, 0, 0], [0, np.cos(0.2), -np.sin(0.2)], [0, np.sin(0.2), np.cos(0.2)]])
    matrix = np.array([[600.0, 0, 250], [0, 600.0, 260], [0, 0, 1]])
    return Camera(matrix, (SQUARE, SQUARE), tilt @ DOWN_THE_Z_AXIS, np.array([0.05, 0.0, 3.0]))


@pytest.fixture(scope="module")
def around(sky):
    """A plain backdrop in even light."""
    rng = np.random.default_rng(4)
    box = np.array([[-1.0, -1, -1], [1, 1, 1]])
    given = random_surroundings(sky, box, np.array([0, 0, 3.0]), -1.0, rng)
    grey = np.full((4, 3), 0.5)
    return given._replace(kind=STUDIO, exposure=1.5, colours=grey, accents=grey, floor=np.nan, sunlight=np.zeros(3))


@pytest.fixture(scope="module")
def person(renderer, body, studio):
    look = dress(body, np.random.default_rng(1))
    solid = renderer.dressed(look, body.faces)
    lowered = lowered_arms(studio, body, look)
    solid.move(*lowered[:2])
    yield solid, lowered[2]
    solid.release()


def lowered_arms(studio, body, look):
    """The body with its arms at 45 degrees, and its keypoints: surface (V, 3), normals (V, 3), keypoints (23, 3)."""
    local = torch.eye(3).repeat(1, 1, 24, 1, 1)
    for joint, angle in ((16, -np.pi / 4), (17, np.pi / 4)):
        cos, sin = np.cos(angle), np.sin(angle)
        local[0, 0, joint] = torch.tensor([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    scene = studio.figures.scenes.scene(
        local, torch.zeros(1, 1, 3), torch.zeros(1, 1, 4), torch.ones(1), torch.zeros(1, 10), torch.eye(3)[None]
    )
    rotations, joints = scene.rotations[0, 0].double().numpy(), scene.joints[0, 0].double().numpy()
    return *studio.figures.surface(look, body.joints, rotations, joints), scene.keypoints[0, 0].double().numpy()


def view(camera: Camera, crop, side: int) -> View:
    return View(crop_affine(crop, side) @ camera.matrix, camera.rotation, camera.translation, side)


def test_a_crop_is_drawn_where_the_detector_would_cut_it() -> None:
    """OpenGL counts from the corner of the first pixel, the detector's crops from its middle: half a pixel more."""
    points = np.random.default_rng(0).uniform(0, SQUARE, (1, 20, 2))
    expected = blazepose.to_crop(points, CROP[None])[0] + 0.5
    drawn = np.c_[points[0], np.ones(20)] @ crop_affine(CROP, SIDE).T
    np.testing.assert_allclose(drawn[:, :2], expected, atol=1e-9)


def test_a_crop_drawn_is_the_crop_cut_out_of_the_picture_drawn(renderer, person, camera, around) -> None:
    """Also with a turned crop: the two differ by sampling alone, and any shift by a pixel makes them differ more."""
    half_a_pixel = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    whole = View(half_a_pixel @ camera.matrix, camera.rotation, camera.translation, SQUARE)
    whole = renderer.draw([person[0]], around, whole, background=True)[..., :3]
    cut = blazepose.cut(np.ascontiguousarray(whole), CROP).astype(float)
    drawn = renderer.draw([person[0]], around, view(camera, CROP, SIDE), background=True)[..., :3].astype(float)
    error = np.abs(cut - drawn)[8:-8, 8:-8].mean()
    for axis in (0, 1):
        for step in (-1, 1):
            assert error < 0.6 * np.abs(cut - np.roll(drawn, step, axis))[8:-8, 8:-8].mean()


def test_the_truth_lies_on_the_silhouette(renderer, person, camera, around) -> None:
    solid, keypoints = person
    cover = renderer.draw([solid], around, view(camera, CROP, SIDE))[..., 3] > 0
    pixels = blazepose.to_crop(camera.pixels(keypoints)[None], CROP[None])[0].round().astype(int)
    inner = [5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18]
    assert all(cover[y, x] for x, y in pixels[inner])
    low, high = pixels.min(0) - 20, pixels.max(0) + 20
    assert cover.any()
    outside = np.ones_like(cover)
    outside[low[1] : high[1], low[0] : high[0]] = False
    assert not (cover & outside).any()


def test_the_detector_finds_the_person_where_the_truth_is(network, renderer, person, camera, around) -> None:
    """An easy picture: a body from the front, arms lowered, before a plain backdrop.

    On real footage the detector's median error is a twentieth of the torso and its hips lie a tenth away by definition.
    """
    solid, keypoints = person
    crop = np.array([*camera.pixels(keypoints[17]), 560.0, 0.0])
    picture = renderer.draw([solid], around, view(camera, crop, SIDE), background=True)[..., :3]
    seen = blazepose.decode(network(blazepose.network_input([picture])), crop[None])
    found = blazepose.keypoints_23(seen.points)[0]
    true = camera.pixels(keypoints)
    torso = np.linalg.norm(true[5] - true[12])
    error = np.linalg.norm(found - true, axis=1)[5:17] / torso
    assert seen.score[0] > 0.9
    assert np.median(error) < 0.1
    assert error.max() < 0.3
