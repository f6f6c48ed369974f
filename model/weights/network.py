# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own networks from their .safetensors files."""

import torch
from safetensors.torch import load_file

from ..network.registry import NETWORKS
from ..network.two_stage import TwoStage
from .registry import locate


def load_network(name: str, device: torch.device) -> TwoStage:
    """The network of that name with its shipped weights, ready for inference. Raises Failure WEIGHTS_*."""
    weights = load_file(locate(name))
    network = NETWORKS[name](len(weights["nearest"]))
    network.load_state_dict(
        {key: value.float() if value.is_floating_point() else value for key, value in weights.items()}
    )
    return network.eval().requires_grad_(False).to(device)
