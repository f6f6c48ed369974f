# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the converted networks in torch, batched, on any of its devices: a reader of ONNX for the operators they use."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor
from torch.nn import functional

from ..devices import out_of_memory
from ..protocol import Code, Failure

Constant = npt.NDArray[Any] | None
Step = Callable[..., Tensor]


class OnTorch:
    """A network out of an ONNX file, on a torch device. Raises Failure(WEIGHTS_CORRUPT) for a graph it cannot run."""

    def __init__(self, path: Path, device: str) -> None:
        graph = onnx.load(str(path)).graph
        constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        self._device = torch.device(device)
        self._outputs = [output.name for output in graph.output]
        self._steps: list[tuple[Step, list[str], str]] = []
        for node in graph.node:
            if node.op_type == "Cast" and node.input[0] in constants:  # A weight stored in half precision.
                constants[node.output[0]] = constants[node.input[0]].astype(np.float32)
                continue
            attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            given = [constants.get(name) for name in node.input]
            if node.op_type not in OPERATORS:
                raise Failure(Code.WEIGHTS_CORRUPT, f"{path.name} uses the operator {node.op_type}.")
            step = OPERATORS[node.op_type](attributes, given, self._device)
            changing = [name for name in node.input if name and name not in constants]
            self._steps.append((step, changing, node.output[0]))
        self._last_use = {name: i for i, (_, inputs, _) in enumerate(self._steps) for name in inputs}

    def __call__(self, pictures: npt.NDArray[np.float32]) -> dict[str, npt.NDArray[np.float32]]:
        """Every output by its name for pictures (B, H, W, 3), in smaller batches where memory is short.

        Raises an error of which `out_of_memory` holds if there is none for even one picture.
        """
        try:
            return self._run(pictures)
        except RuntimeError as error:
            if not out_of_memory(error) or len(pictures) == 1:
                raise
        torch.cuda.empty_cache()
        halves = [self(half) for half in np.array_split(pictures, 2)]
        return {name: np.concatenate([half[name] for half in halves]) for name in self._outputs}

    def _run(self, pictures: npt.NDArray[np.float32]) -> dict[str, npt.NDArray[np.float32]]:
        values = {"picture": torch.from_numpy(pictures).to(self._device)}
        # TensorFloat-32 would move landmarks by tenths of a pixel.
        with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            for i, (step, inputs, output) in enumerate(self._steps):
                values[output] = step(*(values[name] for name in inputs))
                for name in set(inputs):
                    if self._last_use[name] == i and name not in self._outputs:
                        del values[name]
        return {name: values[name].cpu().numpy() for name in self._outputs}


# Each of these takes a node's attributes, its constant inputs (None where an input changes from call to call) and the
# device, and gives what is to be done with the inputs that change.


def _convolution(attributes: dict[str, Any], given: Sequence[Constant], device: torch.device) -> Step:
    weight = torch.tensor(given[1], device=device)
    bias = torch.tensor(given[2], device=device) if len(given) > 2 else None
    top, left, bottom, right = attributes.get("pads", (0, 0, 0, 0))
    even = (top, left) == (bottom, right)
    strides, dilations = tuple(attributes["strides"]), tuple(attributes.get("dilations", (1, 1)))
    groups = attributes.get("group", 1)

    def step(x: Tensor) -> Tensor:
        if even:
            return functional.conv2d(x, weight, bias, strides, (top, left), dilations, groups)
        padded = functional.pad(x, (left, right, top, bottom))
        return functional.conv2d(padded, weight, bias, strides, 0, dilations, groups)

    return step


def _pool(attributes: dict[str, Any], _given: Sequence[Constant], _device: torch.device) -> Step:
    kernel, strides = tuple(attributes["kernel_shape"]), tuple(attributes["strides"])
    if any(attributes.get("pads", ())):
        raise Failure(Code.WEIGHTS_CORRUPT, "A pooling pads, which is not expected.")
    return lambda x: functional.max_pool2d(x, kernel, strides)


def _pad(_attributes: dict[str, Any], given: Sequence[Constant], _device: torch.device) -> Step:
    assert given[1] is not None
    before, after = given[1].reshape(2, -1).tolist()
    amounts = [amount for pair in zip(reversed(before), reversed(after), strict=True) for amount in pair]
    return lambda x: functional.pad(x, amounts)


def _resize(attributes: dict[str, Any], given: Sequence[Constant], _device: torch.device) -> Step:
    scales = given[2]
    kind = attributes["mode"], attributes["coordinate_transformation_mode"]
    if kind != (b"linear", b"half_pixel") or scales is None or scales.tolist() != [1, 1, 2, 2]:
        raise Failure(Code.WEIGHTS_CORRUPT, "A resizing is not the doubling that is expected.")
    return lambda x: functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def _clip(_attributes: dict[str, Any], given: Sequence[Constant], _device: torch.device) -> Step:
    low, high = (None if limit is None else float(limit) for limit in given[1:3])
    return lambda x: torch.clamp(x, low, high)


def _reshape(_attributes: dict[str, Any], given: Sequence[Constant], _device: torch.device) -> Step:
    assert given[1] is not None
    shape = given[1].tolist()
    return lambda x: x.reshape(shape)


def _transpose(attributes: dict[str, Any], _given: Sequence[Constant], _device: torch.device) -> Step:
    order = tuple(attributes["perm"])
    return lambda x: x.permute(order)


def _on_each(function: Callable[[Tensor], Tensor]) -> Callable[..., Step]:
    return lambda _attributes, _given, _device: function


def _of_two(function: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Step]:
    def prepare(_attributes: dict[str, Any], given: Sequence[Constant], device: torch.device) -> Step:
        constant = given[1]
        if constant is None:
            return function
        second = torch.tensor(constant, device=device)
        return lambda x: function(x, second)

    return prepare


OPERATORS: Final[dict[str, Callable[[dict[str, Any], Sequence[Constant], torch.device], Step]]] = {
    "Add": _of_two(torch.add),
    "Clip": _clip,
    "Conv": _convolution,
    "MaxPool": _pool,
    "Mul": _of_two(torch.mul),
    "Pad": _pad,
    "Relu": _on_each(torch.relu),
    "Reshape": _reshape,
    "Resize": _resize,
    "Sigmoid": _on_each(torch.sigmoid),
    "Sub": _of_two(torch.sub),
    "Transpose": _transpose,
}
