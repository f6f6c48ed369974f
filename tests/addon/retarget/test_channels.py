# SPDX-License-Identifier: GPL-3.0-or-later
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reel_to_rig.addon.retarget.channels import rotation_channels
from scipy.spatial.transform import Rotation

from tests.addon.retarget.figures import exercise, random_rotation

ORDERS = ["".join(order) for order in permutations("XYZ")]
MODES = ["QUATERNION", "AXIS_ANGLE", *ORDERS]
SEEDS = st.integers(0, 2**32 - 1)


def matrices_of(name: str, values: np.ndarray, mode: str) -> np.ndarray:
    """What Blender makes of channels, by another implementation."""
    if name == "rotation_quaternion":
        return Rotation.from_quat(values[:, [1, 2, 3, 0]]).as_matrix()
    if name == "rotation_axis_angle":
        return Rotation.from_rotvec(values[:, :1] * values[:, 1:]).as_matrix()
    in_order = values[:, ["XYZ".index(letter) for letter in mode]]
    return Rotation.from_euler(mode.lower(), in_order).as_matrix()  # small letters: about fixed axes, first one first


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=30)
@given(SEEDS)
def test_channels_give_the_rotations_back(mode: str, seed: int) -> None:
    matrices = random_rotation(np.random.default_rng(seed), 20)
    matrices[:3] = [np.eye(3), np.diag([1.0, -1, -1]), np.diag([-1.0, -1, 1])]
    np.testing.assert_allclose(matrices_of(*rotation_channels(matrices, mode), mode), matrices, atol=1e-7)


@pytest.mark.parametrize("mode", ORDERS)
def test_eulers_at_the_pole_still_give_the_rotation(mode: str) -> None:
    middle = mode[1].lower()
    pole = Rotation.from_euler(middle, [[90], [-90]], degrees=True)
    matrices = (Rotation.from_euler(mode[2].lower(), [[0.4], [1.0]]) * pole).as_matrix()
    np.testing.assert_allclose(matrices_of(*rotation_channels(matrices, mode), mode), matrices, atol=1e-7)


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=20)
@given(SEEDS)
def test_channels_of_a_smooth_motion_never_jump(mode: str, seed: int) -> None:
    """A step of the channels is bounded by the step of the rotation, where the mode has no pole near."""
    local, _ = exercise(400, np.random.default_rng(seed))
    for joint in range(24):
        matrices = local[:, joint]
        _, values = rotation_channels(matrices, mode)
        turned = Rotation.from_matrix(matrices)
        step = (turned[1:] * turned[:-1].inv()).magnitude()
        moved = np.abs(np.diff(values, axis=0)).max(-1)
        if mode == "QUATERNION":
            assert (moved <= step / 2 + 1e-9).all()
        elif mode != "AXIS_ANGLE":
            tilt = np.abs(np.cos(values[:, "XYZ".index(mode[1])]))
            fair = np.minimum(tilt[1:], tilt[:-1]) > 0.25
            assert (moved[fair] <= 8 * step[fair]).all()
            assert (moved <= np.pi).all()
        else:
            fair = np.minimum(np.sin(values[1:, 0] / 2), np.sin(values[:-1, 0] / 2)) > 0.25
            assert (moved[fair] <= 4 * step[fair] + 1e-9).all()


@pytest.mark.parametrize("axis", [0, 2])
def test_whole_turns_are_counted_through(axis: int) -> None:
    vectors = np.outer(np.linspace(0, 6 * np.pi, 200), np.eye(3)[axis])
    _, values = rotation_channels(Rotation.from_rotvec(vectors).as_matrix(), "XYZ")
    np.testing.assert_allclose(values, vectors, atol=1e-9)
