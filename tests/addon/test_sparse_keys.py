# SPDX-License-Identifier: GPL-3.0-or-later
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reel_to_rig.addon.sparse_keys import cubic, handles, kept
from scipy.interpolate import CubicHermiteSpline

from tests.addon.blender import Blender


def curves(seed: int, uneven: bool, frames: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Frames and three smooth channels with a jerk and some noise."""
    rng = np.random.default_rng(seed)
    steps = rng.uniform(0.2, 3, frames) if uneven else np.ones(frames)
    at = np.cumsum(steps)
    values = np.stack([np.sin(at * speed + rng.uniform(0, 6)) for speed in rng.uniform(0.02, 0.3, 3)], -1)
    values[frames // 2 :] += rng.normal(size=3)
    return at, values + 1e-3 * rng.normal(size=values.shape)


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.booleans(), st.floats(0.0005, 0.5))
def test_no_frame_is_farther_off_than_the_tolerance(seed: int, uneven: bool, tolerance: float) -> None:
    frames, values = curves(seed, uneven)
    keys, slopes = kept(frames, values, tolerance)
    independent = CubicHermiteSpline(frames[keys], values[keys], slopes)(frames)
    np.testing.assert_allclose(cubic(frames, frames[keys], values[keys], slopes), independent, atol=1e-9)
    assert np.linalg.norm(independent - values, axis=-1).max() <= tolerance
    assert keys[0] == 0
    assert keys[-1] == len(frames) - 1


def test_more_tolerance_needs_fewer_keys_and_what_is_still_needs_two() -> None:
    frames, values = curves(1, uneven=False)
    counts = [len(kept(frames, values, tolerance)[0]) for tolerance in (0.0003, 0.003, 0.03, 0.3)]
    assert counts == sorted(counts, reverse=True)
    assert counts[2] < len(frames) / 4
    assert len(kept(frames, np.ones((400, 2)), 0.001)[0]) == 2
    assert len(kept(frames, frames[:, None] ** 3 * 1e-4, 1e-9 + 1.0)[0]) < 8


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_very_short_motions(frames: int) -> None:
    keys, slopes = kept(np.arange(frames), np.arange(frames)[:, None] ** 2, 1e-6)
    assert len(keys) == frames
    assert slopes.shape == (frames, 1)
    assert all(side.shape == (frames, 2) for side in handles(np.arange(frames) + 0.0, np.ones(frames), np.ones(frames)))


@pytest.mark.blender
def test_blenders_own_curves_keep_within_the_tolerance_and_go_into_the_nla(blender: Blender) -> None:
    done = blender.run(Path(__file__).parent / "blender_sparse_keys.py").result
    assert done["location_off"] <= 0.01
    assert done["turned_off_deg"] <= 0.5
    assert done["euler_off_deg"] <= 0.5
    assert done["keys"] < 0.5 * done["frames"]
    assert done["range"] == pytest.approx(done["wanted_range"])
    assert not done["cyclic"]
    assert not done["modifiers"]
    assert done["pushed_off"] < 1e-4
