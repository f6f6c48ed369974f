# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion files of other tools, written here as they write them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reel_to_rig.addon.take import exchange
from reel_to_rig.model.motion.motion import MotionFileError

from tests.model.motion.example import example_motion, rest_joints

REST = rest_joints()


def amass(**changes: Any) -> dict[str, Any]:
    """The arrays of a file for SMPL-H, with changes; None takes one away."""
    motion = example_motion(frames=12)
    poses = np.random.default_rng(0).normal(size=(12, 156))
    poses[:, :66] = motion.poses[:, :66]
    arrays: dict[str, Any] = {
        "poses": poses, "trans": motion.trans.astype(float), "betas": np.zeros(16), "gender": "female",
        "mocap_framerate": 120.0,
    }  # fmt: skip
    return {name: value for name, value in (arrays | changes).items() if value is not None}


def read(tmp_path: Path, **arrays: Any):
    np.savez(tmp_path / "walk.npz", **arrays)
    return exchange.read_motion(tmp_path / "walk.npz", REST)


def test_the_body_is_read_and_the_fingers_are_not(tmp_path: Path):
    motion, expected = read(tmp_path, **amass()), example_motion(frames=12)
    assert np.allclose(motion.poses[:, :66], expected.poses[:, :66], atol=1e-6)
    assert not motion.poses[:, 66:].any()
    assert motion.time_s[-1] == pytest.approx(11 / 120)
    # Up to where the pelvis rests, every joint but the hands is where the other body has it.
    apart = motion.joints[:, :22] - expected.joints[:, :22]
    assert np.allclose(apart, apart[0, 0], atol=1e-5)


@pytest.mark.parametrize(
    "arrays",
    [
        # SMPL-X: another name for the rate, and the poses in parts.
        amass(poses=None, mocap_framerate=None, mocap_frame_rate=np.float64(120), surface_model_type="smplx",
              root_orient=example_motion(frames=12).poses[:, :3], pose_body=example_motion(frames=12).poses[:, 3:66]),
        amass(poses=example_motion(frames=12).poses[:, :66].reshape(12, 22, 3), mocap_framerate=np.array([120])),
        amass(marker_labels=np.array(["C7", None], object)),  # only pickle could read this one
    ],
)  # fmt: skip
def test_other_spellings_mean_the_same(tmp_path: Path, arrays: dict[str, Any]):
    motion = read(tmp_path, **arrays)
    assert np.allclose(motion.poses[:, :66], example_motion(frames=12).poses[:, :66], atol=1e-6)
    assert motion.mocap_framerate == 120


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"poses": None}, "root_orient, pose_body missing"),
        ({"trans": None, "mocap_framerate": None}, "trans, mocap_framerate missing"),
        ({"poses": np.zeros((12, 30))}, "22 joints"),
        ({"poses": np.zeros((11, 66))}, "12 times"),
        ({"trans": np.zeros((12, 2))}, "expected"),
        ({"trans": np.full((12, 3), np.nan)}, "not finite"),
        ({"trans": np.array(["a"])}, "no numbers"),
        ({"mocap_framerate": 0.0}, "frames per second"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, changes: dict[str, Any], says: str):
    with pytest.raises(MotionFileError, match=says) as raised:
        read(tmp_path, **amass(**changes))
    assert "walk.npz" in str(raised.value)


def test_other_files_are_no_motions(tmp_path: Path):
    (tmp_path / "a.npz").write_text("not a zip")
    np.save(tmp_path / "b.npy", np.zeros(3))
    for name in ("a.npz", "b.npy"):
        with pytest.raises(MotionFileError, match=name):
            exchange.read_motion(tmp_path / name, REST)


def test_a_take_of_ours_comes_back_whole(tmp_path: Path):
    motion = example_motion()
    motion.save(tmp_path / "take.npz")
    found = exchange.read_motion(tmp_path / "take.npz", REST)
    assert (found.keypoints == motion.keypoints).all()
    assert found.provenance == motion.provenance


def test_what_is_written_is_amass(tmp_path: Path):
    motion = example_motion()
    exchange.write_amass(motion, REST, tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz", allow_pickle=False) as arrays:
        assert arrays["poses"].shape == (60, 156)
        assert arrays["betas"].shape == (16,)
        assert str(arrays["gender"]) == "neutral"
        # SMPL's own pelvis, as high as ours.
        assert np.allclose(arrays["trans"] + exchange.PELVIS["smplh"], motion.joints[:, 0], atol=1e-5)
    back = exchange.read_motion(tmp_path / "out.npz", REST)
    assert np.allclose(back.poses[:, :66], motion.poses[:, :66], atol=1e-6)
    assert np.allclose(back.joints[:, :22], motion.joints[:, :22], atol=1e-5)
