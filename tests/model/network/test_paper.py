# SPDX-License-Identifier: GPL-3.0-or-later
from typing import Any

import pytest
import torch

from model.body.files import load_body
from model.network.paper import PaperConfig, PaperNetwork
from model.network.registry import COARSE_LEVEL, PAPER_NETWORKS
from scripts.benchmark_network import BLOCKS, macs

SMALL: dict[str, Any] = {
    "vertices": 31, "full": 101, "joints": 17, "frames": 6, "feature": 24, "lifd_width": 16, "width": 16,
}  # fmt: skip


def network(**changes: Any) -> PaperNetwork:
    """Small and random everywhere: gates and last layers start at zero and would hide what lies behind."""
    torch.manual_seed(0)
    made = PaperNetwork(PaperConfig(**SMALL | changes)).eval()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    made.nearest.copy_(torch.arange(31) % 17)
    return made


def inputs(batch: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(batch, 6, 17, 2, generator=generator), torch.randn(batch, 6, 24, generator=generator)


@pytest.mark.parametrize("name", list(PAPER_NETWORKS))
def test_one_window_of_sixteen_frames_gives_one_full_mesh_of_the_body(name: str) -> None:
    body = load_body(None)
    vertices, full = body.levels[COARSE_LEVEL].down.shape
    with torch.device("meta"):  # shapes only: it has 100 M weights
        paper = PAPER_NETWORKS[name](vertices, full).eval()
        solved = paper(torch.randn(2, 16, 23, 2), torch.randn(2, 16, 2048))
    assert solved.mesh.shape == (2, *body.v_template.shape)
    assert solved.coarse.shape == (2, vertices, 3)
    assert solved.joints.shape == solved.lifted.shape == (2, 23, 3)


def test_low_dimension_saves_what_the_paper_says() -> None:
    """About 30 % of the blocks, by the paper; at most 0.72 of the baseline's is left here."""
    counts: dict[str, float] = {}
    for name, build in PAPER_NETWORKS.items():
        with torch.device("meta"):
            blocks = build(429, 6596).requires_grad_(False)
            keypoints, feature = torch.randn(8, 16, 23, 2), torch.randn(8, 16, 2048)
        counts[name] = macs(lambda b=blocks, k=keypoints, f=feature: b.eval()(k, f))[BLOCKS]
    assert 0.65 < counts["paper"] / counts["paper_baseline"] <= 0.72


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"context": "mid"},
        {"wavelet": None},
        {"wavelet": "db4", "wavelet_levels": 2},
        {"wavelet_axis": "channel"},
        {"inner": 64, "pose_heads": 8},
        {"frames": 5},
    ],
)
def test_every_weight_of_every_variant_learns(changes: dict[str, Any]) -> None:
    made = network(**changes)
    keypoints, feature = inputs()
    frames = made.config.frames
    solved = made(keypoints[:, :frames], feature[:, :frames])
    assert solved.mesh.shape == (2, 101, 3)
    (solved.mesh.square().sum() + solved.joints.square().sum()).backward()
    assert [name for name, p in made.named_parameters() if p.grad is None or not p.grad.abs().max() > 0] == []


def test_all_frames_of_a_window_and_no_other_window_count() -> None:
    made = network()
    keypoints, feature = inputs()
    solved = made(keypoints, feature)
    torch.testing.assert_close(made(keypoints[1:], feature[1:]).mesh, solved.mesh[1:], atol=1e-4, rtol=1e-4)
    for frame in range(6):
        other = keypoints.clone()
        other[:, frame] += 1
        assert (made(other, feature).lifted - solved.lifted).abs().max() > 1e-4


def test_mesh_begins_as_the_pose_itself() -> None:
    """While the blocks move nothing, every coarse vertex lies on its nearest joint."""
    made = network()
    for block in made.blocks:
        for branch in (block.mesh, block.pose):
            torch.nn.init.zeros_(branch.move.weight)
            torch.nn.init.zeros_(branch.move.bias)
    solved = made(*inputs())
    torch.testing.assert_close(solved.coarse, solved.lifted[:, made.nearest])


def test_full_mesh_is_upsampled_plus_what_the_context_says() -> None:
    """By the formulas: vertices as channels with a kernel over x, y, z; one row of the residual for each coordinate."""
    made = network(context="mid")
    keypoints, feature = inputs()
    solved = made(keypoints, feature)
    context = made.extract(feature)[:, 3]
    padded = torch.nn.functional.pad(solved.coarse, (1, 1))
    weight, bias = made.upsample.weight, made.upsample.bias
    expected = torch.stack(
        [torch.einsum("fvk,bvk->bf", weight, padded[..., axis : axis + 3]) + bias for axis in range(3)], -1
    )
    expected = expected + (context.relu() @ made.residual.weight.T + made.residual.bias).reshape(2, 101, 3)
    torch.testing.assert_close(solved.mesh, expected, atol=1e-3, rtol=1e-4)
