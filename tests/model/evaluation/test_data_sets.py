# SPDX-License-Identifier: GPL-3.0-or-later
"""Small files in the formats of data sets that need a licence; what is read is where it is seen."""

import json
import pickle
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest
import torch

from model.body.files import load_body
from model.evaluation.shots import LIMBS, SourceError
from model.evaluation.sources import human36m, mpi3dhp, threedpw
from model.evaluation.sources.footage import Reference, View
from model.motion.rotations import matrix_from_axis_angle
from model.motion.skeleton import JOINTS, KEYPOINTS

BODY = load_body(None)
RANDOM = np.random.default_rng(0)
FRAMES, WIDTH, HEIGHT = 6, 64, 48
MATRIX = np.array([[70.0, 0, 31], [0, 72, 23], [0, 0, 1]])
ROTATION = matrix_from_axis_angle(np.array([0.4, -0.3, 0.2]))
TRANSLATION = np.array([0.2, -0.1, 4.0])
NAMES = [KEYPOINTS[limb] for limb in LIMBS]
H36M = (
    "pelvis", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "torso", "neck", "nose",
    "head", "left_shoulder", "left_elbow", "left_wrist", "right_shoulder", "right_elbow", "right_wrist",
)  # fmt: skip
MPI = (
    "head_top", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
    "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "pelvis", "spine", "head",
)  # fmt: skip


def moving(names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Joints (FRAMES, J, 3) in the world, and the limbs among them (FRAMES, 12, 3)."""
    world = RANDOM.normal(size=(FRAMES, len(names), 3))
    return world, world[:, [names.index(name) for name in NAMES]]


def written_pictures(folder: Path, name: str) -> None:
    """Pictures whose grey tells their number."""
    folder.mkdir(parents=True)
    for k in range(FRAMES):
        cv2.imwrite(str(folder / name.format(k)), np.full((HEIGHT, WIDTH, 3), 20 * k, np.uint8))


def check(view: View, reference: Reference, limbs: np.ndarray, fps: float, step: int = 1) -> None:
    """The reference is the limbs as the camera sees them, and the footage is its pictures at their times."""
    seen = limbs @ ROTATION.T + TRANSLATION
    np.testing.assert_allclose(reference.limbs, seen[::step], atol=1e-6)
    expected = seen[::step, :, :2] / seen[::step, :, 2:] * MATRIX[[0, 1], [0, 1]] + MATRIX[:2, 2]
    np.testing.assert_allclose(view.camera.pixels(reference.limbs), expected, atol=1e-6)
    frames = list(view.frames())
    np.testing.assert_allclose([frame.time_s for frame in frames], reference.time_s)
    np.testing.assert_allclose(np.diff(reference.time_s), step / fps)
    assert [int(frame.rgb.mean().round()) for frame in frames] == [20 * k for k in range(0, FRAMES, step)]
    assert view.size == (WIDTH, HEIGHT)


def test_3dpw(tmp_path: Path) -> None:
    first, first_limbs = moving(JOINTS)
    second, second_limbs = moving(JOINTS)
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = ROTATION, TRANSLATION
    valid = np.ones(FRAMES, int)
    valid[2] = 0
    content = {
        "sequence": "somewhere_00",
        "cam_intrinsics": MATRIX,
        "cam_poses": np.tile(pose, (FRAMES, 1, 1)),
        "campose_valid": [np.ones(FRAMES, int), valid],
        "jointPositions": [first.reshape(FRAMES, 72), second.reshape(FRAMES, 72)],
        "genders": ["m", "f"],
        "poses": [RANDOM.normal(0, 0.3, (FRAMES, 72)), np.zeros((FRAMES, 72))],
        "betas": [RANDOM.normal(size=10), np.zeros(300)],
    }
    (tmp_path / "sequenceFiles" / "test").mkdir(parents=True)
    (tmp_path / "sequenceFiles" / "test" / "somewhere_00.pkl").write_bytes(pickle.dumps(content, 2))
    written_pictures(tmp_path / "imageFiles" / "somewhere_00", "image_{:05d}.jpg")
    ((view, references),) = threedpw.sequences(tmp_path, bodies={"m": BODY})
    check(view, references[0], first_limbs, 30)
    assert references[1].own is None, "nobody brought SMPL's model of women"
    assert references[0].own is not None
    local = torch.from_numpy(matrix_from_axis_angle(content["poses"][0].reshape(-1, 24, 3))).float()
    betas = torch.from_numpy(content["betas"][0]).float().expand(FRAMES, 10)
    seen = BODY(local, betas, torch.zeros(FRAMES, 3)).vertices.double().numpy() @ ROTATION.T
    found = references[0].own.vertices()
    np.testing.assert_allclose(found[:, 1:] - found[:, :1], seen[:, 1:] - seen[:, :1], atol=1e-5)
    second_limbs[2] = np.nan
    check(view, references[1], second_limbs, 30)
    with pytest.raises(SourceError):
        next(threedpw.sequences(tmp_path, "validation"))


def test_human36m(tmp_path: Path) -> None:
    world, limbs = moving(H36M)
    annotations = tmp_path / "annotations"
    annotations.mkdir()
    camera = {"R": ROTATION.tolist(), "t": (1000 * TRANSLATION).tolist(), "f": [70, 72], "c": [31, 23]}
    for subject in human36m.SUBJECTS:
        name = f"s_{subject:02d}_act_02_subact_02_ca_01"
        images = [
            {
                "id": k, "file_name": f"{name}/{name}_{k:06d}.jpg", "width": WIDTH, "height": HEIGHT,
                "subject": subject, "action_idx": 2, "subaction_idx": 2, "cam_idx": 1, "frame_idx": k,
            }
            for k in reversed(range(FRAMES))
        ]  # fmt: skip
        written_pictures(tmp_path / "images" / name, name + "_{:06d}.jpg")
        joints = {"2": {"2": {str(k): (1000 * world[k]).tolist() for k in range(FRAMES)}}}
        for part, content in (("data", {"images": images}), ("camera", {"1": camera}), ("joint_3d", joints)):
            (annotations / f"Human36M_subject{subject}_{part}.json").write_text(json.dumps(content))
    ((view, (reference,)),) = human36m.sequences(tmp_path)
    assert view.group == "S9 camera 1", "the broken sequence of subject 11 is left out"
    check(view, reference, limbs, 50, 2)


def test_mpi_inf_3dhp(tmp_path: Path) -> None:
    world, limbs = moving(MPI)
    seen = world @ ROTATION.T + TRANSLATION
    pixels = seen[..., :2] / seen[..., 2:] * MATRIX[[0, 1], [0, 1]] + MATRIX[:2, 2]
    valid = np.ones((FRAMES, 1))
    valid[3] = 0
    written_pictures(tmp_path / "TS1" / "imageSequence", "img_{:06d}.jpg")
    with h5py.File(tmp_path / "TS1" / "annot_data.mat", "w") as file:
        file["annot3"], file["annot2"], file["valid_frame"] = 1000 * seen[:, None], pixels[:, None], valid
    ((view, (reference,)),) = mpi3dhp.sequences(tmp_path)
    np.testing.assert_allclose(view.camera.matrix, MATRIX, atol=1e-9)
    limbs[3] = np.nan
    check(view, reference, limbs, 25)
