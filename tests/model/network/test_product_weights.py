# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights in files outlive changes of the code: the names of the product's weights, and what it makes of them, stay.

The expected numbers are those of the code that trained the first weights that shipped.
"""

import zlib

import numpy as np
import pytest
import torch

from model.network.lifter import Given
from model.network.registry import NETWORKS
from model.network.two_stage import TwoStage, TwoStageConfig
from model.weights.network import load_network

V = 31
SIZES = TwoStageConfig(
    vertices=V, joints=23, feature=1152, joint_width=32, width=256, spatial_depth=2, temporal_depth=3, heads=8,
    wavelet="haar", mesh_width=48, mesh_inner=24, mesh_depth=2, mesh_ratio=2,
)  # fmt: skip


@pytest.fixture(scope="module")
def network() -> TwoStage:
    """Each weight random by its name."""
    made = TwoStage(SIZES).eval().requires_grad_(False)
    for name, parameter in made.named_parameters():
        values = np.random.RandomState(zlib.crc32(name.encode())).normal(0, 0.1, parameter.shape)
        parameter.copy_(torch.from_numpy(values))
    made.nearest.copy_(torch.arange(V) % 23)
    return made


def test_the_same_weights_give_the_same_answer(network: TwoStage) -> None:
    random = np.random.RandomState(7)
    keypoints = np.concatenate([random.normal(size=(1, 9, 23, 2)), random.uniform(size=(1, 9, 23, 1))], -1)
    lifted = network.lift(torch.from_numpy(keypoints).float(), torch.tensor([0.3]), torch.arange(9)[None] / 30)
    recovered = network.recover(lifted.joints[0], lifted.context[0])
    found = {
        "lifted": lifted.joints[0, 4, ::11],
        "up": lifted.up[0, 4],
        "contacts": lifted.contacts[0, 4],
        "mesh": recovered.mesh[4, ::15],
        "joints": recovered.joints[4, ::11],
        "sizes": torch.stack([x.abs().mean() for x in (lifted.joints, recovered.mesh, recovered.joints)]),
    }
    expected = {
        "lifted": [
            [0.023895, -0.528006, -0.106676],
            [-0.209129, 0.108418, -0.129950],
            [-0.075815, 0.336756, -0.204187],
        ],
        "up": [0.039661, 0.100089, 0.077687],
        "contacts": [-0.249364, -0.431804, 0.345198, 0.290674],
        "mesh": [[-0.115195, -1.219542, -0.541354], [0.302876, -0.646061, 0.628505], [-0.387943, -0.398176, -0.440825]],
        "joints": [[0.067562, -0.724594, 0.203932], [-0.331269, 0.499883, 0.100654], [-0.196234, 1.312085, 0.013895]],
        "sizes": [0.204530, 0.579246, 0.406918],
    }
    for name, values in expected.items():
        torch.testing.assert_close(found[name], torch.tensor(values), atol=2e-5, rtol=0, msg=name)


def test_shipped_weights_fit_the_network() -> None:
    shipped = load_network("product", torch.device("cpu"))
    fresh = NETWORKS["product"](len(shipped.nearest))
    assert shipped.state_dict().keys() == fresh.state_dict().keys()


@pytest.mark.parametrize("name", list(NETWORKS))
def test_each_name_differs_in_what_it_says(name: str) -> None:
    made = NETWORKS[name](V)
    product = NETWORKS["product"](V).config
    attention = made.blocks[0].mesh.own
    full_width = attention.query.out_features == attention.query.in_features
    assert full_width == (name == "product_baseline")
    assert (made.lifter.hybrid is None) == (name == "product_plain")
    assert (made.lifter.feature is None) == (name == "product_no_feature")
    assert made.config.mesh_depth == product.mesh_depth
    where = torch.ones(2, 5, dtype=torch.bool)
    given = Given(torch.randn(2, 5, 23, 3), where), Given(torch.randn(2, 5, 1152), where)
    lifted = made.lift(torch.rand(2, 5, 23, 3), torch.zeros(2), torch.arange(5).expand(2, 5) / 30, *given)
    recovered = made.recover(lifted.joints.flatten(0, 1), lifted.context.flatten(0, 1))
    assert (recovered.mesh.shape, recovered.joints.shape) == ((10, V, 3), (10, 23, 3))
