# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
import torch

from model.network.blocks import Attention, RotaryTime
from model.network.lifter import Given
from model.network.registry import NETWORKS
from model.network.two_stage import TwoStage

VERTICES = 97


@pytest.fixture
def network() -> TwoStage:
    torch.manual_seed(0)
    return NETWORKS["product"](VERTICES).eval()


def window(frames: int = 12, batch: int = 2) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    keypoints = torch.cat([torch.randn(batch, frames, 23, 2), torch.rand(batch, frames, 23, 1)], -1)
    return keypoints, torch.randn(batch), torch.arange(frames).expand(batch, frames) / 30


@pytest.mark.parametrize("frames", [1, 2, 7, 32])
def test_any_number_of_frames_and_any_body(network: TwoStage, frames: int) -> None:
    lifted = network.lift(*window(frames))
    assert lifted.joints.shape == (2, frames, 23, 3)
    assert (lifted.up.shape, lifted.contacts.shape) == ((2, frames, 3), (2, frames, 4))
    recovered = network.recover(lifted.joints.flatten(0, 1), lifted.context.flatten(0, 1))
    assert recovered.mesh.shape == (2 * frames, VERTICES, 3)
    assert recovered.joints.shape == (2 * frames, 23, 3)


def test_only_differences_in_time_count(network: TwoStage) -> None:
    keypoints, size, time_s = window()
    a, b = network.lift(keypoints, size, time_s), network.lift(keypoints, size, time_s + 100)
    torch.testing.assert_close(a.joints, b.joints, atol=1e-3, rtol=0)
    slower = network.lift(keypoints, size, time_s * 3)
    assert (slower.joints - a.joints).abs().max() > 1e-4


def test_where_an_unseen_keypoint_lies_does_not_matter(network: TwoStage) -> None:
    keypoints, size, time_s = window()
    keypoints[:, :, 9, 2] = 0
    moved = keypoints.clone()
    moved[:, :, 9, :2] = 5
    torch.testing.assert_close(network.lift(moved, size, time_s).joints, network.lift(keypoints, size, time_s).joints)


def test_what_is_withheld_is_masked(network: TwoStage) -> None:
    keypoints, size, time_s = window()
    for layer in (network.lifter.feature, network.lifter.embed_world):  # they begin silent
        torch.nn.init.normal_(layer.weight, std=0.1)
    none = network.lift(keypoints, size, time_s).joints
    where = torch.zeros(2, 12, dtype=torch.bool)
    world, feature = Given(torch.randn(2, 12, 23, 3), where), Given(torch.randn(2, 12, 1152), where)
    torch.testing.assert_close(network.lift(keypoints, size, time_s, world, feature).joints, none)
    where[0, 3] = True
    for given in ((world, None), (None, feature)):
        assert (network.lift(keypoints, size, time_s, *given).joints - none).abs().max() > 1e-5


def test_windows_of_a_batch_do_not_see_each_other(network: TwoStage) -> None:
    keypoints, size, time_s = window(batch=3)
    together = network.lift(keypoints, size, time_s).joints
    alone = network.lift(keypoints[1:2], size[1:2], time_s[1:2]).joints
    torch.testing.assert_close(together[1:2], alone, atol=1e-5, rtol=0)


def test_every_weight_learns() -> None:
    torch.manual_seed(0)
    network = NETWORKS["product"](VERTICES)
    for parameter in network.parameters():  # gates and last layers start at zero and would hide what lies behind
        torch.nn.init.normal_(parameter, std=0.1)
    keypoints, size, time_s = window()
    seen = torch.rand(2, 12) < 0.5
    world, feature = Given(torch.randn(2, 12, 23, 3), seen), Given(torch.randn(2, 12, 1152), seen)
    lifted = network.lift(keypoints, size, time_s, world, feature)
    recovered = network.recover(lifted.joints.flatten(0, 1), lifted.context.flatten(0, 1))
    sum(x.square().sum() for x in (recovered.mesh, recovered.joints, lifted.up, lifted.contacts)).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().max() > 0] == []


def test_reduced_attention_is_attention() -> None:
    """Against the formula, with one head: softmax(QKᵀ/√d) V."""
    torch.manual_seed(0)
    attention, x, y = Attention(12, 6, 1), torch.randn(1, 4, 12), torch.randn(1, 5, 12)
    key = torch.randn(5, 12)
    w, b = attention.key_value.weight, attention.key_value.bias
    q = attention.query(x)[0]
    k = (y[0] + key) @ w[:6].T + b[:6]
    v = y[0] @ w[6:].T + b[6:]
    expected = attention.out(torch.softmax(q @ k.T / 6**0.5, -1) @ v)
    torch.testing.assert_close(attention(x, y, None, key)[0], expected)


def test_rotary_phase_by_hand() -> None:
    rotary = RotaryTime(4, shortest_s=0.5, longest_s=2.0)
    cosine, sine = rotary(torch.tensor([[0.0, 0.5]]))
    torch.testing.assert_close(cosine[0, 0], torch.tensor([[1.0, 1.0], [1.0, 0.0]]), atol=1e-5, rtol=0)
    torch.testing.assert_close(sine[0, 0], torch.tensor([[0.0, 0.0], [0.0, 1.0]]), atol=1e-5, rtol=0)
