# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the converted networks in torch, batched, on any of its devices: a reader of ONNX for the operators they use."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import helper, numpy_helper
from torch.nn import functional

from ..protocol import Code, Failure

Tensor = torch.Tensor
Attributes = dict[str, Any]


class OnTorch:
    """A network out of an ONNX file, on a torch device."""

    def __init__(self, path: Path, device: str) -> None:
        graph = onnx.load(str(path)).graph
        self._device = torch.device(device)
        self._outputs = [output.name for output in graph.output]
        self._constants: dict[str, Tensor] = {
            tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy()) for tensor in graph.initializer
        }
        self._steps: list[tuple[Callable[..., Tensor], list[str], str, Attributes]] = []
        for node in graph.node:
            attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            operator = _operator(node.op_type, attributes)
            if node.op_type == "Cast" and node.input[0] in self._constants:
                self._constants[node.output[0]] = operator(self._constants.pop(node.input[0]), **attributes)
            else:
                self._steps.append((operator, list(node.input), node.output[0], attributes))
        # Sizes, paddings and limits are read while the graph runs: they stay beside the CPU that reads them.
        self._constants = {
            name: value.to(self._device) if value.is_floating_point() and value.numel() > 8 else value
            for name, value in self._constants.items()
        }
        self._last_use = {name: i for i, (_, inputs, _, _) in enumerate(self._steps) for name in inputs}

    @torch.inference_mode()
    def __call__(self, pictures: npt.NDArray[np.float32]) -> dict[str, npt.NDArray[np.float32]]:
        values: dict[str, Tensor] = {"picture": torch.from_numpy(pictures).to(self._device)}
        for i, (operator, inputs, output, attributes) in enumerate(self._steps):
            arguments = [values.get(name, self._constants.get(name)) for name in inputs]
            values[output] = operator(*arguments, **attributes)
            for name in inputs:
                if self._last_use[name] == i and name not in self._outputs:
                    values.pop(name, None)
        return {name: values[name].cpu().numpy() for name in self._outputs}
