# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np

from model.motion.gaps import filled, longest_part
from model.motion.rotations import matrix_from_axis_angle

TIME_S = np.array([0.0, 0.1, 0.4, 0.5, 0.6, 0.7])
ANGLE = np.array([9.0, 0.0, 9.0, 9.0, 1.0, 9.0])  # 9 where nothing was seen
OBSERVED = ANGLE < 9
LOCAL = matrix_from_axis_angle(ANGLE[:, None, None] * [0, 0, 1.0])
POSITION = ANGLE[:, None] * [1.0, 0, 0]


def test_gaps_are_crossed_at_constant_speed_and_ends_are_held() -> None:
    local, position = filled(LOCAL, POSITION, TIME_S, OBSERVED)
    expected = np.array([0, 0, 0.6, 0.8, 1, 1])
    np.testing.assert_allclose(position[:, 0], expected, atol=1e-9)
    np.testing.assert_allclose(local, matrix_from_axis_angle(expected[:, None, None] * [0, 0, 1.0]), atol=1e-9)


def test_what_was_seen_is_not_touched() -> None:
    local, position = filled(LOCAL, POSITION, TIME_S, OBSERVED)
    np.testing.assert_array_equal(local[OBSERVED], LOCAL[OBSERVED])
    np.testing.assert_array_equal(position[OBSERVED], POSITION[OBSERVED])
    everything = np.ones(6, bool)
    assert filled(LOCAL, POSITION, TIME_S, everything)[0] is LOCAL


def test_a_gap_that_is_too_long_ends_the_take() -> None:
    time_s = np.arange(100) / 10
    observed = np.ones(100, bool)
    observed[30:38] = False  # Bridged: 0.9 s from one sight to the next.
    assert longest_part(time_s, observed) == slice(0, 100)
    observed[60:75] = False
    assert longest_part(time_s, observed) == slice(0, 60)
    observed[5:28] = False
    assert longest_part(time_s, observed) == slice(75, 100)
    assert longest_part(time_s, np.zeros(100, bool)) == slice(0, 100)
