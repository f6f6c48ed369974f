# SPDX-License-Identifier: GPL-3.0-or-later
"""A person walks on a floor before a camera that looks down at it; everything is known."""

import numpy as np
import pytest

from model.camera.world import place_in_world
from model.motion.rotations import matrix_from_axis_angle

FPS, SPEED, STRIDE_S = 30.0, 1.0, 0.6
UP = np.array([0, 0, 1.0])


def walk(pitch_deg: float, seconds: float = 4.0) -> dict[str, np.ndarray]:
    """Feet that rest by turns while hips move along +X at 1 m/s; camera 1.4 m high, 5 m away, looking along +Y."""
    time_s = np.arange(int(seconds * FPS)) / FPS
    hips = np.stack([SPEED * time_s - 1, 0 * time_s, 0.95 + 0 * time_s], -1)
    soles, contacts = np.zeros((len(time_s), 4, 3)), np.zeros((len(time_s), 4))
    for side in (0, 1):
        phase = (time_s / STRIDE_S + 0.5 * side) % 1
        resting = phase < 0.5
        x = np.floor(time_s / STRIDE_S + 0.5 * side) * SPEED * STRIDE_S - 0.5 * side * SPEED * STRIDE_S
        swing = np.clip((phase - 0.5) * 2, 0, 1)
        foot = np.stack(
            [x - 1 + swing * SPEED * STRIDE_S, 0.1 * (2 * side - 1) + 0 * x, 0.12 * np.sin(np.pi * swing)], -1
        )
        soles[:, 2 * side] = foot - [0.08, 0, 0]
        soles[:, 2 * side + 1] = foot + [0.12, 0, 0]
        contacts[:, 2 * side : 2 * side + 2] = resting[:, None]
    look = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    rotation = matrix_from_axis_angle(np.radians([pitch_deg, 0, 0])) @ look
    place = -rotation @ [0, -5, 1.4]
    return {
        "soles": soles @ rotation.T + place,
        "hips": hips @ rotation.T + place,
        "up": np.tile(rotation @ UP, (len(time_s), 1)),
        "contacts": contacts,
        "time_s": time_s,
        "observed": np.ones(len(time_s), bool),
        "true_hips": hips,
        "rotation": rotation,
    }


def turned_to_camera(w: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same walk, but along -Y."""
    quarter = matrix_from_axis_angle(np.array([0, 0, -np.pi / 2]))
    centre = np.array([0, 1.0, 0])
    for key in ("soles", "hips"):
        world = (w[key] - (-w["rotation"] @ [0, -5, 1.4])) @ w["rotation"]
        w[key] = ((world @ quarter.T + centre) @ w["rotation"].T) + (-w["rotation"] @ [0, -5, 1.4])
    return w


def run(w: dict[str, np.ndarray], pitch_deg: float | None = None):
    world = place_in_world(
        w["soles"], w["hips"], w["up"], w["contacts"], w["time_s"], w["observed"], 0 * w["hips"], pitch_deg
    )
    return world, world.placed(w["soles"]), world.placed(w["hips"])


@pytest.mark.parametrize("pitch", [0.0, 15.0, -20.0])
def test_a_perfect_walk_stays_as_it_is(pitch: float) -> None:
    w = walk(pitch)
    world, feet, hips = run(w)
    np.testing.assert_allclose(world.rotation, w["rotation"], atol=1e-3)
    np.testing.assert_allclose(hips - hips[0], w["true_hips"] - w["true_hips"][0], atol=5e-3)
    np.testing.assert_allclose(feet[w["contacts"] > 0][:, 2], 0, atol=2e-3)
    assert hips[0, 2] == pytest.approx(0.95, abs=5e-3)


def test_resting_feet_rest_although_the_depth_is_noisy() -> None:
    w = walk(10.0, seconds=8.0)
    random = np.random.default_rng(0)
    wobble = np.convolve(random.normal(size=len(w["hips"]) + 8), np.ones(9) / 3, "valid") * 0.02
    sight = w["hips"] / np.linalg.norm(w["hips"], axis=-1, keepdims=True)
    moved = {**w, "hips": w["hips"] + wobble[:, None] * sight, "soles": w["soles"] + (wobble[:, None] * sight)[:, None]}
    _, feet, hips = run(moved)
    both = (w["contacts"][1:] * w["contacts"][:-1]) > 0
    slide = np.linalg.norm(np.diff(feet, axis=0), axis=-1)[both] * FPS
    raw = np.linalg.norm(np.diff(moved["soles"], axis=0), axis=-1)[both] * FPS
    # The depth of a step is believed little: what is left is held by the legs, later on.
    assert slide.mean() < 0.7 * raw.mean()
    assert np.abs(feet[w["contacts"] > 0][:, 2]).mean() < 0.01
    walked = np.linalg.norm(hips[-1] - hips[0])
    assert walked == pytest.approx(np.linalg.norm(w["true_hips"][-1] - w["true_hips"][0]), rel=0.03)


@pytest.mark.parametrize("towards_camera", [False, True])
def test_feet_that_move_do_not_rest_whatever_the_network_says(towards_camera: bool) -> None:
    """It says of all soles in all frames that they rest; a foot in the air must hold back neither body nor floor."""
    w = walk(10.0)
    if towards_camera:
        w = turned_to_camera(w)
    w["contacts"][:] = 0.65
    world, feet, hips = run(w)
    walked = np.linalg.norm(hips[-1] - hips[0])
    assert walked == pytest.approx(np.linalg.norm(w["true_hips"][-1] - w["true_hips"][0]), rel=0.02)
    assert np.abs(feet[..., 2].min(1)).mean() < 0.01
    assert np.degrees(np.arccos(world.rotation[:, 2] @ w["rotation"][:, 2])) < 1.0


def test_nobody_walks_below_the_floor() -> None:
    """For a second the body is seen 12 cm too low, and nothing is said of contacts meanwhile."""
    w = walk(10.0)
    low = (w["time_s"] > 1) & (w["time_s"] < 2)
    for key in ("soles", "hips"):
        w[key][low] -= 0.12 * w["rotation"][:, 2]
    w["contacts"][low] = 0
    _, feet, hips = run(w)
    assert feet[low, :, 2].min() > -0.06
    assert np.abs(hips[:, 2] - 0.95).max() < 0.07


def test_the_floor_corrects_a_wrong_up() -> None:
    """A walk towards the camera shows the floor's slope."""
    w = turned_to_camera(walk(10.0))
    wrong = matrix_from_axis_angle(np.radians([6.0, 0, 0]))
    w["up"] = w["up"] @ wrong.T
    world, _, _ = run(w)
    tilt = np.degrees(np.arccos(world.rotation[:, 2] @ w["rotation"][:, 2]))
    assert tilt < 2.0


@pytest.mark.parametrize("pitch", [-20.0, 10.0, 40.0])
def test_a_given_pitch_is_kept_and_the_roll_found(pitch: float) -> None:
    """The network's up is off to the side, of which a walk across tells, and in depth, of which it tells little."""
    w = walk(pitch)
    wrong = matrix_from_axis_angle(np.radians([5.0, 0, 0])) @ matrix_from_axis_angle(np.radians([0, 0, 4.0]))
    w["up"] = w["up"] @ wrong.T
    estimated, _, _ = run(w)
    world, feet, hips = run(w, pitch)
    tilts = [np.degrees(np.arccos(found.rotation[:, 2] @ w["rotation"][:, 2])) for found in (estimated, world)]
    assert tilts[1] < 0.5
    assert tilts[1] < tilts[0] / 3
    assert np.degrees(np.arcsin(-world.rotation[2, 2])) == pytest.approx(pitch, abs=1e-3)
    assert np.abs(feet[w["contacts"] > 0][:, 2]).max() < 5e-3
    assert hips[0, 2] == pytest.approx(0.95, abs=0.01)


def test_without_contacts_the_lowest_foot_gives_the_floor() -> None:
    w = walk(0.0)
    w["contacts"][:] = 0
    _, feet, hips = run(w)
    assert abs(np.percentile(feet[..., 2].min(1), 5)) < 0.01
    assert hips[0, 2] == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_very_short_shots(frames: int) -> None:
    w = {k: (v[:frames] if k != "rotation" else v) for k, v in walk(5.0).items()}
    world, _, hips = run(w)
    assert world.shift.shape == (frames, 3)
    assert np.isfinite(hips).all()


def test_a_camera_that_looks_straight_down_gets_a_rotation() -> None:
    w = walk(0.0)
    w["up"] = np.tile([0.0, 0, -1], (len(w["time_s"]), 1))
    world, _, _ = run(w, 30.0)
    assert np.abs(world.rotation @ world.rotation.T - np.eye(3)).max() < 1e-6
