# SPDX-License-Identifier: GPL-3.0-or-later
import copy
import threading

import pytest
import torch

from model.network.interaction import LCP, LSP, Branch, Decoder
from model.network.parallel import MODES, Parallel
from scripts.benchmark_network import macs

V, J, C = 41, 7, 20

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def decoder(inner: int = 8, width: int = 16, depth: int = 2, drop: float = 0.0) -> Decoder:
    """Random everywhere: last layers start at zero and would hide what lies behind."""
    torch.manual_seed(0)
    blocks = Decoder(V, J, C, depth=depth, width=width, inner=inner, mesh_heads=2, pose_heads=4, ratio=3, drop=drop)
    for parameter in blocks.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return blocks


def points(batch: int = 3, device: str = "cpu") -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(batch)
    shapes = ((batch, V, 3), (batch, J, 3), (batch, C))
    mesh, pose, context = (torch.randn(shape, generator=generator).to(device) for shape in shapes)
    return mesh, pose, context


def test_each_branch_hears_the_other_in_every_block() -> None:
    blocks = decoder(depth=1)
    mesh, pose, context = points()
    before = blocks(mesh, pose, context)
    assert (blocks(mesh, pose + 1, context)[0] - before[0]).abs().max() > 1e-3
    assert (blocks(mesh + 1, pose, context)[1] - before[1]).abs().max() > 1e-3
    assert all((a - b).abs().max() > 1e-3 for a, b in zip(blocks(mesh, pose, context + 1), before, strict=True))


def test_dimension_is_reduced_before_attention_in_both_modules_and_not_in_the_baseline() -> None:
    for inner in (8, 16):
        branch = decoder(inner)[0].mesh
        assert isinstance(branch, Branch)
        for attention, kind in ((branch.cross, LCP), (branch.own, LSP)):
            assert isinstance(attention, kind)
            assert attention.query.weight.shape == (inner, 16)
            assert attention.key_value.weight.shape == (2 * inner, 16)


@pytest.mark.parametrize(("inner", "batch"), [(8, 1), (16, 1), (8, 5)])
def test_multiply_accumulates_of_a_block_by_hand(inner: int, batch: int) -> None:
    W, ratio, tokens = 16, 3, V + J
    points_in_and_out = 2 * 3 * W * tokens
    norms = 2 * 4 * C * 2 * W  # both branches, four each: scale and shift from the context
    projections = 4 * W * inner * tokens  # query, key, value, out
    lcp = projections + 2 * (2 * V * J * inner)  # scores and weighted sum, both ways
    lsp = projections + 2 * (V * V + J * J) * inner
    feed_forward = 2 * (2 * W * ratio * W) * tokens
    embedded_keys = 2 * W * inner * tokens  # the same for all of a batch
    expected = batch * (points_in_and_out + norms + lcp + lsp + feed_forward) + embedded_keys
    blocks = decoder(inner, depth=1).requires_grad_(False)
    assert macs(lambda: blocks(*points(batch)))["Global"] == expected


def test_stochastic_depth_is_for_training_and_right_on_average() -> None:
    blocks, calm = decoder(drop=0.5, depth=1), decoder(depth=1)
    mesh, pose, context = points(1)
    for mine, other in zip(blocks.eval()(mesh, pose, context), calm(mesh, pose, context), strict=True):
        torch.testing.assert_close(mine, other)
    branch = blocks.train()[0].mesh
    added = branch.drop(torch.ones(4000, 2, 2))
    assert set(added.unique().tolist()) == {0.0, 2.0}
    assert (added.flatten(1).std(1) == 0).all()  # a sample is dropped as a whole
    assert added.mean().sub(1).abs() < 0.1


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=needs_cuda)])
@pytest.mark.parametrize("mode", MODES)
def test_modes_agree(mode: Parallel, device: str) -> None:
    """Also as shapes come and go; on the CPU, what is for CUDA falls back to what a CPU can."""
    blocks, reference = decoder().to(device), decoder().to(device)
    blocks.parallel = mode
    for context in (torch.inference_mode, torch.no_grad):
        with context():
            for batch in (3, 1, 3, 8, 5, 2, 3):
                given = points(batch, device)
                results = blocks(*given)
                blocks(*points(batch + 1, device))  # what was returned must not be a buffer that is used again
                for mine, expected in zip(results, reference(*given), strict=True):
                    assert (mine - expected).abs().max() < 1e-5


@needs_cuda
def test_a_graph_follows_its_weights() -> None:
    """Written in place, they are read anew; put elsewhere, the graph is captured anew; a copy has graphs of its own."""
    blocks, given = decoder().cuda(), points(device="cuda")
    blocks.parallel = "graph"
    with torch.inference_mode():
        first = blocks(*given)[0]
    for parameter in blocks.parameters():
        parameter.data.mul_(0.5)
    moved = copy.deepcopy(blocks).cpu().cuda()
    with torch.inference_mode():
        second = blocks(*given)[0]
        assert (second - first).abs().max() > 1e-3
        torch.testing.assert_close(moved(*given)[0], second)
        blocks.parallel = "off"
        torch.testing.assert_close(blocks(*given)[0], second, atol=1e-5, rtol=0)


def test_threads_are_used_in_inference_only(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks, used = decoder(), set[str]()
    finish = blocks[0].pose.finish
    monkeypatch.setattr(blocks[0].pose, "finish", lambda *x: (used.add(threading.current_thread().name), finish(*x))[1])
    blocks.parallel = "threads"
    blocks(*points())
    assert used == {threading.main_thread().name}
    with torch.inference_mode():
        blocks(*points())
    assert len(used) == 2


def test_a_mode_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="streams"):
        decoder().parallel = "warp"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=needs_cuda)])
def test_modes_train_alike(mode: Parallel, device: str) -> None:
    gradients: list[list[torch.Tensor]] = []
    for way in ("off", mode):
        blocks = decoder().to(device)
        blocks.parallel = way
        for _ in range(3):  # memory given away too early would be overwritten by the next round
            blocks.zero_grad()
            sum(x.square().sum() for x in blocks(*points(device=device))).backward()
        gradients.append([p.grad.cpu() for p in blocks.parameters()])
    for off, other in zip(*gradients, strict=True):
        torch.testing.assert_close(off, other, rtol=1e-4, atol=1e-4)
