# SPDX-License-Identifier: GPL-3.0-or-later
"""A painted person walks one metre; the user says how the camera stands, but not how tall the person is."""

from pathlib import Path

import numpy as np
import pytest

from model import pipeline
from model.footage import write_video
from model.motion.motion import Motion
from model.motion.rotations import angle_between
from model.protocol import CaptureSettings
from tests.model.body.smpl_file import smpl_arrays
from tests.model.synthetic.picture import AT, PITCH_DEG, camera, pictures
from tests.model.synthetic.recovered import Recovered
from tests.model.synthetic.walk import FPS, standing_height_m, walk

pytestmark = pytest.mark.engine
VIEW = camera()


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("given") / "walk.mp4"
    write_video(path, pictures(walk(np.array([1.0, 0, 0]), np.zeros(3)).vertices, VIEW), FPS)
    return path


def captured(
    footage: Path, camera_height_m: float, body: str | None = None
) -> tuple[pipeline.CaptureResult, Recovered]:
    settings = CaptureSettings(
        str(footage), str(footage.with_name(f"{camera_height_m}.npz")), fov_deg=VIEW.fov_deg, device="cpu", body=body,
        camera_pitch_deg=PITCH_DEG, camera_height_m=camera_height_m, cache=str(footage.parent / "cache"),
    )  # fmt: skip
    result = pipeline.capture(settings, lambda *_: None, lambda: False)
    return result, Recovered.of(Motion.load(Path(settings.output)))


def test_pitch_and_height_of_the_camera_give_the_floor_and_the_scale(footage: Path) -> None:
    """Measured: the floor 0.4° off, the person 2.6 % too tall, the walk 1.01 m long."""
    result, found = captured(footage, float(AT[2]))
    motion = found.motion
    rotation, translation = motion.camera_rotation[0], motion.camera_translation[0]
    assert np.degrees(np.arcsin(-rotation[2, 2])) == pytest.approx(PITCH_DEG, abs=0.01)
    assert np.degrees(angle_between(rotation[:, 2], VIEW.rotation[:, 2])) < 2
    assert -(rotation.T @ translation)[2] == pytest.approx(AT[2], rel=0.03)
    assert found.height_m == pytest.approx(standing_height_m(), rel=0.08)
    assert np.linalg.norm(found.travel()) == pytest.approx(1, rel=0.12)
    assert np.abs(found.soles[walk(np.array([1.0, 0, 0]), np.zeros(3)).resting][:, 2]).mean() < 0.01
    assert result.summary["scale"] == f"a camera {AT[2]} m above the floor"


def test_a_body_with_another_head_changes_nothing_about_the_camera(footage: Path, tmp_path: Path) -> None:
    arrays = smpl_arrays()
    high = arrays["v_template"][:, 1]
    high[high > np.percentile(high, 98)] += 0.3
    np.savez(tmp_path / "hat.npz", **arrays)
    _, found = captured(footage, float(AT[2]), str(tmp_path / "hat.npz"))
    rotation, translation = found.motion.camera_rotation[0], found.motion.camera_translation[0]
    assert -(rotation.T @ translation)[2] == pytest.approx(AT[2], rel=0.03)


def test_a_height_that_cannot_be_is_left_out_and_said_so(footage: Path) -> None:
    result, found = captured(footage, 14.0)
    assert found.height_m == pytest.approx(standing_height_m(), rel=0.15)
    assert result.summary["scale"] == "the body's shape as recovered"
    assert any("would be 1" in note and "m tall" in note for note in result.summary["notes"])
