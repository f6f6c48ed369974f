# SPDX-License-Identifier: GPL-3.0-or-later
"""Training on a folder of motion that the test writes; what the examples hold is checked against first principles."""

from pathlib import Path

import numpy as np
import pytest
import torch

from model.__main__ import main
from model.body.files import load_body
from model.evaluation.metrics import mpjpe_mm
from model.motion.motion import forward_kinematics
from model.motion.skeleton import KEYPOINT_MIRROR
from model.network.registry import COARSE_LEVEL
from model.training.motions import Motions, resting_feet
from model.training.projections import Projections, random_cameras
from model.training.train import Training, averaged_weights, new_network, train
from tests.model.training.conftest import FRAMES

BODY = load_body(None)


@pytest.fixture(scope="module")
def source(folder: Path) -> Projections:
    return Projections(Motions(folder, "*.npz"), BODY, COARSE_LEVEL, noise=0.0)


def test_without_a_motion_folder_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"\*\.npz"):
        Motions(tmp_path, "*.npz")


@pytest.mark.parametrize(
    "command",
    [
        "evaluate --source projections --motion",
        "evaluate --source synthetic --pictures",
        "train --stage 1 --out . --motion",
    ],
)
def test_a_wrong_folder_is_told_in_one_line(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*command.split(), str(tmp_path / "nowhere")]) == 1
    printed = capsys.readouterr()
    assert str(tmp_path / "nowhere") in printed.err
    assert len(printed.err.splitlines()) == 1


def test_feet_do_not_leap_from_clip_to_clip(folder: Path, tmp_path: Path) -> None:
    with np.load(folder / "walks.npz") as data:
        arrays = {**data, "joints": np.zeros_like(data["joints"]), "root": np.zeros_like(data["root"])}
    arrays["root"][FRAMES:, 0] = 5.0
    np.savez(tmp_path / "stands.npz", **arrays)
    assert (Motions(tmp_path, "*.npz").contacts == 1).all()


def test_files_of_different_rates_are_refused(folder: Path, tmp_path: Path) -> None:
    with np.load(folder / "walks.npz") as data:
        for fps in (30, 60):
            np.savez(tmp_path / f"{fps}.npz", **{**data, "fps": np.int32(fps)})
    with pytest.raises(ValueError, match=r"60\.npz"):
        Motions(tmp_path, "*.npz")


def test_windows_are_resampled_by_time(folder: Path) -> None:
    """At 60 frames a second every other frame is one of the 30 that were recorded."""
    motions = Motions(folder, "*.npz")
    local, root, _, _ = motions.window(
        torch.tensor([1]), torch.tensor([10.0]), torch.tensor([10.0]), 21, torch.tensor([False])
    )
    recorded = motions.roots[FRAMES + 10 : FRAMES + 21]
    torch.testing.assert_close(root[0, ::2], recorded, atol=1e-5, rtol=0)
    torch.testing.assert_close(root[0, 1::2], (recorded[1:] + recorded[:-1]) / 2, atol=1e-5, rtol=0)
    torch.testing.assert_close(local @ local.mT, torch.eye(3).expand_as(local), atol=1e-5, rtol=0)


def test_mirroring_mirrors_the_body(folder: Path) -> None:
    motions = Motions(folder, "*.npz")
    clip, begin, span = torch.tensor([0]), torch.tensor([5.0]), torch.tensor([20.0])
    rest = BODY.shaped(torch.zeros(1, 10))[1][0].double().numpy()
    found = []
    for mirror in (False, True):
        local, _, _, _ = motions.window(clip, begin, span, 21, torch.tensor([mirror]))
        found.append(forward_kinematics(local[0].double().numpy(), rest)[1] - rest[0])
    other_side = np.array([0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20, 23, 22])
    np.testing.assert_allclose(found[1], found[0][:, other_side] * [-1, 1, 1], atol=2e-3)


def test_contacts_are_feet_that_rest_near_the_floor() -> None:
    """Left foot: stands, is raised still beside the standing right one, slides; on a step both are still and high."""
    feet = np.zeros((40, 4, 3))
    feet[..., 1] = [0.05, 0.01, 0.05, 0.01]
    feet[10:20, :2, 1] += 0.5
    feet[20:30, :2, 2] = np.arange(10)[:, None] / 30
    feet[30:, :, 1] += 0.5
    found = resting_feet(feet, fps=30.0)
    assert (found[1:9] == 1).all()
    assert (found[11:19] == [0, 0, 1, 1]).all()
    assert (found[22:28] == [0, 0, 1, 1]).all()
    assert np.isnan(found[32:39]).all()


def test_cameras_see_people_upright() -> None:
    """Up in the world is up in the picture (-y), mostly within thirty degrees; none looks from behind a mirror."""
    cameras = random_cameras(2000, torch.Generator().manual_seed(0))
    assert torch.linalg.det(cameras).min() > 0.99
    assert (cameras[:, 1, 1] < -0.85).float().mean() > 0.8


def test_what_the_network_is_shown_is_what_it_is_asked_for(source: Projections) -> None:
    """With a perfect detector the keypoints are the 3D joints, seen from some place on the axis."""
    e = source.draw(16, 12, 3, torch.Generator().manual_seed(0))
    assert (e.keypoints[..., 2] == 1).all()
    rays = e.keypoints[..., :2] * e.size.exp()[:, None, None, None]
    # Solve for the hip's position h in every frame: joints + h lies on the ray. Linear in h.
    u = rays.double()
    A = torch.zeros(*u.shape[:3], 2, 3, dtype=torch.float64)
    A[..., 0, 0] = A[..., 1, 1] = 1
    A[..., 2] = -u
    b = u * e.joints[..., 2:].double() - e.joints[..., :2].double()
    flat = A.flatten(2, 3)
    hip = torch.linalg.lstsq(flat, b.flatten(2)[..., None]).solution
    left = flat @ hip - b.flatten(2)[..., None]
    assert left.abs().max() < 2e-3
    assert hip[..., 2, 0].min() > 0.5
    assert (e.joints[:, :, 17].abs() < 1e-5).all(), "the mid-hip is the origin"
    torch.testing.assert_close(e.up.norm(dim=-1), torch.ones(16))


def test_mesh_and_joints_are_of_the_same_body(source: Projections) -> None:
    """The coarse mesh, refined, has its keypoints where the joints are."""
    e = source.draw(8, 12, 2, torch.Generator().manual_seed(1))
    row = torch.arange(8)[:, None]
    full = BODY.levels[COARSE_LEVEL].refine(e.mesh)
    keypoints = BODY.keypoints(full)
    assert mpjpe_mm(keypoints.numpy(), e.joints[row, e.frames].numpy()) < 8


def test_the_same_seed_gives_the_same_examples(source: Projections) -> None:
    noisy = Projections(source.motions, BODY, COARSE_LEVEL)
    a, b, c = (noisy.draw(4, 8, 1, torch.Generator().manual_seed(seed)) for seed in (5, 5, 6))
    torch.testing.assert_close(a.keypoints, b.keypoints)
    assert (a.keypoints - c.keypoints).abs().max() > 0.1


def test_the_detector_errs_as_detectors_do(source: Projections) -> None:
    noisy = Projections(source.motions, BODY, COARSE_LEVEL)
    e, true = (s.draw(128, 16, 0, torch.Generator().manual_seed(2)) for s in (noisy, source))
    confidence = e.keypoints[..., 2]
    assert 0.01 < (confidence == 0).float().mean() < 0.2
    assert 0.7 < confidence[confidence > 0].mean() < 1
    error = (e.keypoints[..., :2] - true.keypoints[..., :2]).norm(dim=-1)
    assert error[confidence > 0.8].median() < error[(confidence > 0) & (confidence < 0.4)].median()
    assert (true.joints - e.joints).norm(dim=-1).median() < 0.05, "the truth is the same but for the window's aim"
    mirrored = true.keypoints[:, :, list(KEYPOINT_MIRROR), :2]
    swapped = (e.keypoints[:, :, 15, :2] - mirrored[:, :, 15]).norm(dim=-1) < error[:, :, 15]
    assert 0.005 < swapped.float().mean() < 0.3


def test_it_learns_stops_and_goes_on(folder: Path, tmp_path: Path) -> None:
    """A tiny run that stops and goes on gives the same kind of weights; stage 2 starts from stage 1's lifter."""

    def run(out: Path, stage: int, steps: int, *start: Path) -> Path:
        return train(Training(folder, out, stage, steps, pattern="*.npz", start=start, batch=4, frames=8))

    whole = averaged_weights(run(tmp_path / "a", 1, 6))
    path = tmp_path / "b"
    run(path, 1, 3)
    # The schedule depends on the number of steps, so the first half is made to believe in six.
    halves = averaged_weights(run(path, 1, 6))
    assert set(halves) == set(whole)
    second = run(tmp_path / "c", 2, 2, path / "stage1.pt")
    network = new_network("product", BODY)
    network.load_state_dict(averaged_weights(second))
    moved = (network.lifter.head.weight - halves["lifter.head.weight"]).abs().max()
    assert 0 < moved < 0.01


def test_varied_motion_keeps_bones_and_says_which_contacts_it_lost(folder: Path) -> None:
    motions = Motions(folder, "*.npz")
    generator = torch.Generator().manual_seed(0)
    local, root, contacts, _ = motions.draw(64, 8, torch.full((64,), 30.0), generator, varied=True)
    eye = torch.eye(3).expand_as(local)
    torch.testing.assert_close(local @ local.mT, eye, atol=1e-4, rtol=0)
    torch.testing.assert_close(torch.linalg.det(local), torch.ones(local.shape[:-2]), atol=1e-4, rtol=0)
    assert root.isfinite().all()
    lost = contacts.isnan()
    assert (lost.all(-1) == lost.any(-1)).all()
    known = motions.draw(64, 8, torch.full((64,), 30.0), generator)[2].isnan().flatten(1).all(1)
    assert known.float().mean() + 0.1 < lost.flatten(1).all(1).float().mean() < 0.7
