# SPDX-License-Identifier: GPL-3.0-or-later
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model.motion.motion import Motion, MotionFileError, forward_kinematics
from tests.model.motion.example import example_motion, rest_joints


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    motion = example_motion()
    path = tmp_path / "ünter wegs.npz"
    motion.save(path)
    again = Motion.load(path)
    for name in ("poses", "trans", "joints", "keypoints", "time_s", "observed", "camera_rotation"):
        np.testing.assert_array_equal(getattr(again, name), getattr(motion, name))
    assert again.provenance == motion.provenance
    assert (again.body, again.gender, again.model_type) == ("free", "neutral", "smpl")
    assert [p.name for p in tmp_path.iterdir()] == [path.name], "no part file is left behind"


def test_other_smpl_tools_can_read_the_file(tmp_path: Path) -> None:
    example_motion().save(tmp_path / "take.npz")
    with np.load(tmp_path / "take.npz", allow_pickle=False) as data:
        assert data["poses"].shape == (60, 72)
        assert float(data["mocap_framerate"]) == 30.0
        assert str(data["gender"]) == "neutral"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not really", b"hello"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(content)
    with pytest.raises(MotionFileError):
        Motion.load(path)


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, poses=np.zeros((2, 72)))
    with pytest.raises(MotionFileError, match="contacts"):
        Motion.load(path)


def test_an_array_under_a_takes_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    with path.open("wb") as file:
        np.save(file, np.zeros((2, 72)))
    with pytest.raises(MotionFileError):
        Motion.load(path)


@pytest.mark.parametrize(
    "changed",
    [
        {"provenance": np.array("{half")}, {"provenance": np.array("[1]")}, {"mocap_framerate": np.arange(2.0)},
        {"poses": np.array("text")},
    ],
    ids=["provenance cut off", "provenance of another kind", "two rates", "text"],
)  # fmt: skip
def test_values_of_another_kind_are_refused(tmp_path: Path, changed: dict[str, np.ndarray]) -> None:
    path = tmp_path / "x.npz"
    example_motion().save(path)
    with np.load(path) as data:
        arrays = dict(data)
    np.savez(path, **{**arrays, **changed})
    with pytest.raises(MotionFileError):
        Motion.load(path)


def test_a_damaged_take_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    example_motion().save(path)
    whole, random = path.read_bytes(), np.random.default_rng(0)
    refused = 0
    for _ in range(200):
        damaged = bytearray(whole)
        for place in random.integers(0, len(damaged), 3):
            damaged[place] ^= int(random.integers(1, 256))
        path.write_bytes(damaged)
        try:
            Motion.load(path)
        except MotionFileError:
            refused += 1
    assert refused > 180, "a few bytes do not matter"


def test_wrong_shapes_and_values_are_refused() -> None:
    motion = example_motion()
    with pytest.raises(MotionFileError, match="trans"):
        replace(motion, trans=motion.trans[:-1])
    for name in ("poses", "contacts", "camera_rotation", "betas"):
        broken = getattr(motion, name).copy()
        broken[3] = np.nan
        with pytest.raises(MotionFileError, match=name):
            replace(motion, **{name: broken})
    with pytest.raises(MotionFileError, match="time_s"):
        replace(motion, time_s=motion.time_s[::-1])
    with pytest.raises(MotionFileError, match="mocap_framerate"):
        replace(motion, mocap_framerate=0.0)


def test_forward_kinematics_by_hand() -> None:
    """A quarter turn of the left shoulder about Z lifts the T-pose's arm straight up."""
    rest = rest_joints()
    local = np.tile(np.eye(3), (1, 24, 1, 1))
    local[0, 16] = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
    _, joints = forward_kinematics(local, rest)
    np.testing.assert_allclose(joints[0, 18], rest[16] + [0, 0.26, 0], atol=1e-12)
    np.testing.assert_allclose(joints[0, 22], rest[16] + [0, 0.26 + 0.25 + 0.08, 0], atol=1e-12)
    np.testing.assert_allclose(joints[0, 19], rest[19], atol=1e-12)
