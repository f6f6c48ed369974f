# SPDX-License-Identifier: GPL-3.0-or-later
"""What is compared, on windows of made-up motion whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from model.body.files import load_body
from model.evaluation.evaluate import figures
from model.evaluation.methods import BODY, DETECTOR, LIFTER, LIFTER_BODY, NETWORK, Fitters, answer, compared, detected
from model.evaluation.own_body import OwnBody
from model.evaluation.shots import Shot
from model.evaluation.sources.synthetic import AT_ONCE, shots
from model.evaluation.table import Scores, below, measured, printed, with_spread
from model.network.lifter import Given
from model.recovery import Recovery
from model.training.projections import Examples, Scenes, random_cameras
from model.training.train import new_network

BODY_MODEL = load_body(None)
FITTERS = Fitters(BODY_MODEL)
FRAMES, SEED = 8, 0
RANDOM = np.random.default_rng(0)
METRES_AWAY = 4.0


def bent(count: int, frames: int, generator: torch.Generator) -> torch.Tensor:
    """Rotations (count, frames, 24, 3, 3) of limbs that bend at random, and slowly change."""
    bend, change = 0.25 * torch.randn(2, count, 1, 24, 3, generator=generator)
    bend = bend + 0.4 * torch.linspace(-1, 1, frames)[:, None, None] * change
    skew = torch.zeros(count, frames, 24, 3, 3)
    skew[..., 0, 1], skew[..., 0, 2], skew[..., 1, 2] = bend.unbind(-1)
    return torch.linalg.matrix_exp(skew - skew.mT)


class Bending:
    """A source: people who bend their limbs at random, seen without error, with world landmarks 5 % too large."""

    def __init__(self) -> None:
        self.scenes = Scenes(BODY_MODEL, 1)

    def draw(self, count: int, frames: int, meshes: int, generator: torch.Generator) -> Examples:
        local = bent(count, frames, generator)
        contacts = torch.rand(count, frames, 4, generator=generator).round()
        camera = random_cameras(count, generator)
        root = torch.zeros(count, frames, 3)
        fps = torch.full((count,), 30.0)
        betas = torch.randn(count, 10, generator=generator)
        scene = self.scenes.scene(local, root, contacts, fps, betas, camera)
        seen = scene.keypoints @ camera.mT[:, None]
        seen = seen + torch.tensor([0, 0, METRES_AWAY])
        rays = seen[..., :2] / seen[..., 2:]
        where = torch.ones(count, frames, dtype=torch.bool)
        made = self.scenes.examples(
            scene, rays, torch.ones_like(rays[..., 0]), meshes, generator, 0.0,
            feature=Given(torch.randn(count, frames, 1152, generator=generator), where),
        )  # fmt: skip
        return made._replace(world=Given(1.05 * made.joints, where))


@pytest.fixture(scope="module")
def shot() -> Shot:
    return next(shots(Bending(), 1, FRAMES, SEED, "window"))


def told(shot: Shot) -> Recovery:
    """What a perfect network would say."""
    assert shot.mesh is not None
    assert shot.up is not None
    mesh, joints, up = (torch.from_numpy(np.ascontiguousarray(x)).float() for x in (shot.mesh, shot.joints, shot.up))
    return Recovery(mesh, joints, up, torch.from_numpy(shot.contacts).float())


def test_a_window_becomes_a_shot_whose_truth_is_where_it_is_seen(shot: Shot) -> None:
    """Joints moved to their place lie on the rays; every frame has its own mesh, around its own joints."""
    seen = shot.joints + answer(shot, told(shot)).place[:, None]
    np.testing.assert_allclose(seen[..., :2] / seen[..., 2:], shot.rays, atol=1e-4)
    assert shot.mesh is not None
    nearest = np.linalg.norm(shot.mesh[:, :, None] - shot.joints[:, None], axis=-1).min(1)
    assert nearest.max() < 0.15


def test_a_shot_begins_and_ends_where_the_person_is_seen() -> None:
    """Frames 2 to 5 of the second window, in frame 4 of which nobody was seen; nothing of the first."""

    class Hidden(Bending):
        def draw(self, count: int, frames: int, meshes: int, generator: torch.Generator) -> Examples:
            made = super().draw(count, frames, meshes, generator)
            assert made.world is not None
            where = torch.zeros(count, frames, dtype=torch.bool)
            where[1, [2, 3, 5]] = True
            return made._replace(world=made.world._replace(where=where))

    (found,) = shots(Hidden(), 2, FRAMES, SEED, "window")
    whole = list(shots(Bending(), 2, FRAMES, SEED, "window"))[1]
    assert found.observed.tolist() == [True, True, False, True]
    assert found.missed == FRAMES - 4
    for name in ("time_s", "joints", "mesh", "rays", "world"):
        np.testing.assert_array_equal(getattr(found, name), getattr(whole, name)[2:6])


def test_all_methods_answer_the_same_frames(shot: Shot) -> None:
    network = new_network("product", BODY_MODEL).eval()
    said = dict(compared(network, shot, FITTERS))
    assert {DETECTOR, LIFTER, LIFTER_BODY, NETWORK, BODY} < set(said)
    assert sum("withheld" in name or "only" in name for name in said) == 3
    assert all(one.joints.shape == shot.joints.shape for one in said.values())
    assert {name for name, one in said.items() if one.mesh is None} == {DETECTOR, LIFTER}


def test_a_body_fitted_to_the_truth_is_the_truth(shot: Shot) -> None:
    """Vertices tell the twist of every bone, joints do not; both fits find the joints."""
    by_mesh, by_joints = (
        measured(shot, FITTERS.to_mesh(shot, told(shot))),
        measured(shot, FITTERS.to_joints(shot, told(shot))),
    )
    assert by_mesh["mpjpe"][0] < 10
    assert by_joints["mpjpe"][0] < 10
    assert by_mesh["mpvpe"][0] < 10
    assert by_mesh["mpvpe"][0] < by_joints["mpvpe"][0] < 40
    assert by_mesh["contact_f1"][0] == 1
    assert by_mesh["up_error"][0] == pytest.approx(0, abs=0.1)


def test_the_pose_is_also_told_by_the_vertices_of_a_body_that_the_user_brought(shot: Shot) -> None:
    """Here the free body itself, in the pose from which the window was made, seen from where the fit has its root."""
    local = bent(AT_ONCE, FRAMES, torch.Generator().manual_seed(SEED))[0]
    found = FITTERS.to_mesh(replace(shot, own=OwnBody(BODY_MODEL, local, torch.zeros(10))), told(shot))
    assert found.own is not None
    local[:, 0] = found.own.local[:, 0]
    truth = OwnBody(BODY_MODEL, local, found.own.betas)
    assert measured(replace(shot, own=truth), found)["mpvpe_smpl"] == (pytest.approx(0, abs=30), FRAMES)
    straight = truth._replace(local=torch.eye(3).expand(FRAMES, 24, 3, 3))
    assert measured(replace(shot, own=straight), found)["mpvpe_smpl"][0] > 90


def test_a_size_that_is_wrong_counts_for_mpjpe_and_not_for_pa(shot: Shot) -> None:
    found = measured(shot, detected(shot))
    limbs = np.linalg.norm(shot.joints[:, 5:17], axis=-1).mean()
    assert found["mpjpe"] == (pytest.approx(50 * limbs, rel=0.01), FRAMES)
    assert found["pa_mpjpe"][0] == pytest.approx(0, abs=0.01)
    assert "mpvpe" not in found
    assert "contact_f1" not in found


def test_shots_weigh_by_their_frames() -> None:
    scores = Scores()
    for number, shot in enumerate(shots(Bending(), 2, FRAMES, 1, "window")):
        part = shot if number else _first_frames(shot, 4)
        scores.add(part, detected(part)._replace(joints=part.joints + [0.01 * (number + 1), 0, 0]))
    assert scores.means()["mpjpe"] == pytest.approx((4 * 10 + FRAMES * 20) / (4 + FRAMES))
    assert scores.groups == ["window"]


def test_standard_errors_are_those_of_a_mean() -> None:
    scores, errors = Scores(), RANDOM.uniform(0.01, 0.1, 5)
    for shot, error in zip(shots(Bending(), 5, FRAMES, 1, "window"), errors, strict=True):
        scores.add(shot, detected(shot)._replace(joints=shot.joints + [error, 0, 0]))
    assert scores.standard_errors()["mpjpe"] == pytest.approx(1000 * errors.std(ddof=1) / 5**0.5)


def test_what_is_gained_is_told_against_one_row() -> None:
    rows = {"a": {"mpjpe": 100.0, "pa_mpjpe": 50.0}, "b": {"mpjpe": 75.0, "pa_mpjpe": 60.0}}
    assert below(rows, "a") == {"b": {"mpjpe": 25.0, "pa_mpjpe": pytest.approx(-20)}}
    assert below(rows, "c") == {}


def test_figures_of_a_card_are_named_by_stage() -> None:
    found = figures(new_network("product", BODY_MODEL), Bending(), 1, FRAMES)
    assert {"mpjpe", "pa_mpjpe", "mpvpe", "up_error", "contact_f1", "lifter_mpjpe", "world_landmarks_mpjpe"} < set(
        found
    )
    assert found["world_landmarks_pa_mpjpe"] < 1 < found["mpjpe"]


def _first_frames(shot: Shot, frames: int) -> Shot:
    values = {
        name: value if name in ("group", "missed") or value is None else value[:frames]
        for name, value in vars(shot).items()
    }
    return Shot(**values)


def test_runs_of_one_network_get_mean_and_spread() -> None:
    rows = {"a #1": {"mpjpe": 10.0}, "a #2": {"mpjpe": 14.0}, "b": {"mpjpe": 1.0}}
    joined = with_spread(rows)
    assert joined["a, mean of 2"] == {"mpjpe": 12.0}
    assert joined["a, spread of 2"] == {"mpjpe": pytest.approx(8**0.5)}
    assert list(joined) == ["a #1", "a #2", "b", "a, mean of 2", "a, spread of 2"]
    assert "14.00" in printed(joined)
