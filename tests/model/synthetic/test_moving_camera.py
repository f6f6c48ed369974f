# SPDX-License-Identifier: GPL-3.0-or-later
"""A painted person walks one metre through a hall before a camera that turns after her: the whole capture."""

from pathlib import Path

import numpy as np
import pytest

from model import pipeline
from model.footage import write_video
from model.motion.motion import Motion
from model.motion.rotations import angle_between
from model.protocol import CaptureSettings
from tests.model.synthetic.picture import camera, filmed, turned
from tests.model.synthetic.recovered import Recovered
from tests.model.synthetic.surroundings import Hall
from tests.model.synthetic.walk import FPS, standing_height_m, walk

pytestmark = pytest.mark.engine


def test_a_walk_filmed_by_a_panning_camera_is_as_long_as_it_was(tmp_path: Path) -> None:
    """The camera follows so that she hardly moves in the picture."""
    truth = walk(np.array([1.0, 0, 0]), np.zeros(3))
    view = camera()
    at = -view.rotation.T @ view.translation
    hips = truth.joints[:, 0] - at
    cameras = [turned(view, float(yaw)) for yaw in 1.1 * np.arctan2(-hips[:, 0], hips[:, 1])]
    write_video(tmp_path / "pan.mp4", filmed(truth.vertices, cameras, Hall()), FPS)
    settings = CaptureSettings(
        str(tmp_path / "pan.mp4"), str(tmp_path / "pan.npz"), fov_deg=view.fov_deg, height_m=standing_height_m(),
        device="cpu",
    )  # fmt: skip
    result = pipeline.capture(settings, lambda *_: None, lambda: False)
    assert result.summary["camera"] == "turns"
    motion = Motion.load(tmp_path / "pan.npz")
    found = Recovered.of(motion)
    assert np.linalg.norm(found.travel()) == pytest.approx(1, rel=0.1)
    # The world is as the camera looked at first.
    first = cameras[0].rotation
    assert np.degrees(angle_between(motion.camera_rotation[0] @ found.travel(), first @ truth.heading)) < 6
    turn = np.array([motion.camera_rotation[0] @ r.T for r in motion.camera_rotation])
    truly = np.array([first @ c.rotation.T for c in cameras])[-len(turn) :]
    off = np.degrees(
        np.linalg.norm((turn @ np.linalg.inv(turn[0]) - truly @ np.linalg.inv(truly[0]))[:, :, 2], axis=-1)
    )
    assert off.max() < 1.0
