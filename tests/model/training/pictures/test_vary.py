# SPDX-License-Identifier: GPL-3.0-or-later
"""What is varied for the training must still be true."""

from pathlib import Path

import pytest
import torch

from model.body.files import load_body
from model.camera.pinhole import locate
from model.network.lifter import Given
from model.network.registry import COARSE_LEVEL
from model.training.motions import Motions
from model.training.pictures import vary
from model.training.projections import Examples, Projections


@pytest.fixture
def examples(folder: Path) -> Examples:
    """Exact projections, the detector's 3D being the truth."""
    drawn = Projections(Motions(folder, "*.npz"), load_body(None), COARSE_LEVEL, noise=0.0).draw(
        6, 8, 2, torch.manual_seed(1)
    )
    everywhere = torch.ones(6, 8, dtype=torch.bool)
    return drawn._replace(
        world=Given(drawn.joints.clone(), everywhere), feature=Given(torch.rand(6, 8, 12), everywhere)
    )


def missed(examples: Examples) -> torch.Tensor:
    """How far the joints are from their keypoints' rays (B, T), metres."""
    rays = examples.keypoints[..., :2] * examples.size.exp()[:, None, None, None]
    joints, rays = examples.joints.flatten(0, 1), rays.flatten(0, 1)
    seen = joints + locate(joints, rays, torch.ones(joints.shape[:2]))[:, None]
    return (seen[..., :2] - rays * seen[..., 2:]).norm(dim=-1).mean()


def test_a_rolled_view_is_the_view_of_the_rolled_person(examples: Examples, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OFFSET", "TREMBLE", "LOST", "WORLD_TURN", "WORLD_SCALE", "WORLD_OFFSET_M"):
        monkeypatch.setattr(vary, name, 0.0)
    varied = vary.vary(examples, torch.manual_seed(2))
    assert (varied.keypoints - examples.keypoints).abs().max() > 0.1
    assert missed(varied) < missed(examples) + 1e-4
    assert missed(examples) < 2e-3
    assert varied.world is not None
    torch.testing.assert_close(varied.world.values, varied.joints)
    row = torch.arange(6)[:, None]
    heights = [torch.einsum("btjc,bc->btj", x.joints, x.up) for x in (varied, examples)]
    torch.testing.assert_close(heights[0], heights[1], atol=1e-5, rtol=0)
    spans = [torch.cdist(x.mesh[:, :, :50], x.joints[row, x.frames]) for x in (varied, examples)]
    torch.testing.assert_close(spans[0], spans[1], atol=1e-4, rtol=0)


def test_errors_are_as_large_as_stated_and_the_truth_is_not_touched(examples: Examples) -> None:
    varied = vary.vary(examples, torch.manual_seed(3))
    torch.testing.assert_close(varied.joints.norm(dim=-1), examples.joints.norm(dim=-1))
    assert varied.world is not None
    off = (varied.world.values - varied.joints).norm(dim=-1)
    assert 0.01 < off.mean() < 0.15
    lost = (varied.keypoints[..., 2] == 0).float().mean()
    assert 0 < lost < 4 * vary.LOST
    torch.testing.assert_close(varied.contacts, examples.contacts, equal_nan=True)
