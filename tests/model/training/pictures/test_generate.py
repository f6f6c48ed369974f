# SPDX-License-Identifier: GPL-3.0-or-later
"""Shards: the same again from the same seed, read back as examples whose inputs and targets belong together."""

import os

import cv2
import numpy as np
import pytest
import torch

from model.body.files import load_body
from model.motion.skeleton import KEYPOINT_MIRROR
from model.network.registry import COARSE_LEVEL
from model.training.pictures.generate import film_shard, generate, shard_path
from model.training.pictures.shards import FIELDS, Pictures, save_shard

WINDOWS, FRAMES = 3, 3


@pytest.fixture(scope="module")
def shard(studio, network):
    return film_shard(studio, network, 5, 0, WINDOWS, FRAMES)


@pytest.fixture(scope="module")
def pictures(shard, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    save_shard(shard_path(folder, 5, 0), shard)
    assert [file.name for file in folder.iterdir()] == ["5_00000.npz"]
    return Pictures(folder, load_body(None), COARSE_LEVEL)


def test_a_shard_depends_on_seed_and_number_alone(studio, network, shard) -> None:
    other = film_shard(studio, network, 5, 1, 1, FRAMES)
    again = film_shard(studio, network, 5, 0, WINDOWS, FRAMES)
    assert set(shard) == set(FIELDS)
    for name, values in shard.items():
        np.testing.assert_array_equal(values, again[name])
    assert not np.array_equal(other["rays"], shard["rays"][:1])


def test_rays_point_at_the_person(shard) -> None:
    """The truth, put before the camera that was kept, lies where the detector saw it."""
    body = load_body(None)
    scale = []
    for i in range(WINDOWS):
        root = shard["root"][i] @ shard["camera_rotation"][i].T + shard["camera_translation"][i]
        pelvis = shard["rays"][i, :, 17]
        height = float(np.ptp(body.v_template[:, 1].numpy())) / root[:, 2]
        scale.append(np.linalg.norm(root[:, :2] / root[:, 2:] - pelvis, axis=1) / height)
    assert np.median(scale) < 0.1


def test_inputs_and_targets_of_an_example_share_one_camera(pictures) -> None:
    """The detector's own 3D lies near the target in the same axes, and not in any mirrored ones."""
    examples = pictures.draw(32, 3, 1, torch.Generator().manual_seed(0))
    assert examples.keypoints.shape == (32, 3, 23, 3)
    assert examples.feature.values.shape == (32, 3, 1152)
    world = examples.world.values[examples.world.where]
    target = examples.joints[examples.world.where]

    def error(sign: list[float]) -> float:
        return float((world * torch.tensor(sign) - target).norm(dim=-1).median())

    assert error([1, 1, 1]) < 0.25
    assert all(error(sign) > 1.3 * error([1, 1, 1]) for sign in ([-1, 1, 1], [1, -1, 1], [1, 1, -1]))


def test_a_mirrored_example_is_the_mirror_image(pictures) -> None:
    """Inputs and targets alike change sides, and nothing else: the body is symmetric."""
    chosen, begin, fov = torch.arange(WINDOWS), torch.zeros(WINDOWS, dtype=torch.long), torch.ones(WINDOWS)
    plain, image = (
        pictures.examples(chosen, begin, FRAMES, 1, torch.Generator().manual_seed(0), fov, 0.0, mirror)
        for mirror in (None, torch.ones(WINDOWS, dtype=torch.bool))
    )
    flip, sides = torch.tensor([-1.0, 1, 1]), list(KEYPOINT_MIRROR)
    for name in ("keypoints", "joints"):
        expected = getattr(plain, name)[:, :, sides] * flip
        torch.testing.assert_close(getattr(image, name), expected, atol=2e-4, rtol=0)
    torch.testing.assert_close(image.world.values, plain.world.values[:, :, sides] * flip, atol=2e-3, rtol=0)
    torch.testing.assert_close(image.up, plain.up * flip, atol=1e-5, rtol=0)
    torch.testing.assert_close(image.size, plain.size, atol=1e-5, rtol=0)
    assert not image.feature.where.any()


@pytest.mark.usefixtures("studio")
def test_what_was_made_is_not_made_again(folder, tmp_path) -> None:
    """A run in a process of its own, with a panorama from a file, that finds one of two shards already there."""
    os.environ["OPENCV_IO_ENABLE_OPENEXR"] = "1"
    cv2.imwrite(str(tmp_path / "sky.exr"), np.ones((16, 32, 3), np.float32))
    out = tmp_path / "out"
    out.mkdir()
    made = shard_path(out, 3, 0)
    made.write_bytes(b"made")
    generate(folder, "*.npz", out, windows=2, seed=3, workers=1, panoramas=tmp_path, shard=1, frames=2)
    assert made.read_bytes() == b"made"
    made.unlink()
    assert [file.name for file in out.iterdir()] == [shard_path(out, 3, 1).name]
    assert len(Pictures(out, load_body(None), COARSE_LEVEL)) == 1


def test_without_motion_it_says_so(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match="walks"):
        generate(tmp_path, "walks.npz", tmp_path, windows=1, seed=0, workers=1)
