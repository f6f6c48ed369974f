# SPDX-License-Identifier: GPL-3.0-or-later
"""AMASS-style files, and a clip of the motion that trained the shipped weights, there and back."""

import os
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.training.convert import amass
from model.training.convert.clip import offsets_of, smpl_clip
from model.training.convert.recording import ConvertError
from tests.model.motion.example import example_motion
from tests.model.training.convert.written import TPOSE, figure

MOCAP = Path(os.environ.get("REEL_TO_RIG_MOCAP") or Path(__file__).resolve().parents[5] / "shared/motion")
Z_UP = Rotation.from_euler("x", 90, True)


def _file(path: Path, width: int = 156, **changes: object) -> Path:
    """The figure as AMASS has it: Z up, its fingers bent, which must not matter."""
    moved = figure()
    vectors = np.stack([rotation.as_rotvec() for rotation in [Z_UP * moved.local[0], *moved.local[1:]]], 1)
    poses = np.full((60, width), 0.2)
    poses[:, :66] = vectors[:, :22].reshape(60, 66)
    arrays = {"poses": poses, "trans": Z_UP.apply(moved.root), "mocap_framerate": 30.0, "betas": np.ones(16)}
    arrays |= {"gender": "male"} | changes
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    return path


@pytest.mark.parametrize("width", [72, 156, 165])
def test_rotations_and_positions_with_y_up(tmp_path: Path, width: int) -> None:
    moved = figure()
    clip = smpl_clip(amass.read(_file(tmp_path / "a.npz", width), offsets_of(TPOSE)))
    _, place = moved.world()
    np.testing.assert_allclose(clip.joints, place, atol=1e-9)
    for joint, rotation in enumerate(moved.local):
        np.testing.assert_allclose(clip.local[:, joint], rotation.as_matrix(), atol=1e-9)


def test_the_newer_name_of_the_frame_rate(tmp_path: Path) -> None:
    file = _file(tmp_path / "a.npz", mocap_framerate=None, mocap_frame_rate=120)
    assert amass.read(file, offsets_of(TPOSE)).fps == 120


def test_a_take_of_our_own_is_such_a_file(tmp_path: Path) -> None:
    motion = example_motion()
    motion.save(tmp_path / "take.npz")
    clip = smpl_clip(amass.read(tmp_path / "take.npz", offsets_of(TPOSE)))
    np.testing.assert_allclose(clip.joints[:, 0], motion.trans[:, [0, 2, 1]] * [1, 1, -1], atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"poses": None}, "holds no poses"),
        ({"mocap_framerate": None}, "holds no mocap_framerate"),
        ({"poses": np.zeros((60, 63))}, r"poses \(60, 63\)"),
        ({"trans": np.zeros((59, 3))}, r"trans \(59, 3\)"),
        ({"trans": np.full((60, 3), np.nan)}, "not finite"),
        ({"poses": np.full((60, 72), "a")}, "could not convert"),
        ({"poses": np.array([{}], object)}, r"no \.npz of plain"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, changes: dict[str, object], complaint: str) -> None:
    """Objects are pickles, which are never opened."""
    with pytest.raises(ConvertError, match=complaint):
        amass.read(_file(tmp_path / "a.npz", **changes), offsets_of(TPOSE))


def test_a_broken_file_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"PK\x03\x04 not a zip", b"\x93NUMPY"):
        (tmp_path / "a.npz").write_bytes(content)
        with pytest.raises(ConvertError, match=r"no \.npz"):
            amass.read(tmp_path / "a.npz", offsets_of(TPOSE))


@pytest.mark.skipif(not (MOCAP / "cmu_val.npz").exists(), reason="no motion to convert: set REEL_TO_RIG_MOCAP")
def test_a_real_clip_there_and_back(tmp_path: Path) -> None:
    """Its poses come back; positions are those of the free body, whose bones are not the clip's."""
    with np.load(MOCAP / "cmu_val.npz") as data:
        span = slice(0, int(data["clip_len"][0]))
        root_turn = Rotation.from_rotvec(data["root_rot"][span])
        rest = data["rot"][span].astype(float)
        root = data["root"][span].astype(float)
    poses = np.concatenate([(Z_UP * root_turn).as_rotvec()[:, None], rest], 1).reshape(-1, 72)
    np.savez(tmp_path / "a.npz", poses=poses, trans=Z_UP.apply(root), mocap_framerate=30)
    clip = smpl_clip(amass.read(tmp_path / "a.npz", offsets_of(TPOSE)).at(30))
    np.testing.assert_allclose(clip.joints[:, 0], root, atol=1e-6)
    back = Rotation.from_matrix(clip.local[:, 1:].reshape(-1, 3, 3))
    error = back.inv() * Rotation.from_rotvec(rest.reshape(-1, 3))
    assert error.magnitude().max() < 1e-6
    assert (Rotation.from_matrix(clip.local[:, 0]).inv() * root_turn).magnitude().max() < 1e-6
