# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a converted network runs: onnxruntime on the CPU, torch on a GPU. The rest of this folder knows `Network`."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime

from ..weights import registry

Array = npt.NDArray[np.float32]


Arrays = Mapping[str, npt.NDArray[Any]]
Once = Callable[[Callable[[], Arrays]], Arrays]
"""Finds something by a function, or knows it from an earlier attempt at the same."""


def at_first_hand(find: Callable[[], Arrays]) -> Arrays:
    """The Once that knows nothing."""
    return find()


class Network(Protocol):
    """Pictures (B, H, W, 3) in, every output by its name, batch first."""

    def __call__(self, pictures: Array) -> dict[str, Array]: ...


def open_network(name: str, device: str) -> Network:
    """The network called `name` among the weights, on "cpu" or on a torch device such as "cuda".

    Raises Failure(WEIGHTS_MISSING) or Failure(WEIGHTS_CORRUPT).
    """
    path = registry.locate(name)
    if device == "cpu":
        return OnnxRuntime(path)
    from .onnx_torch import OnTorch  # noqa: PLC0415 - torch and onnx take a second to load and the CPU needs neither.

    return OnTorch(path, device)


class OnnxRuntime:
    """A network in onnxruntime on the CPU, with as many threads as OMP_NUM_THREADS says, else half of the cores."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        threads = os.environ.get("OMP_NUM_THREADS", "")
        options.intra_op_num_threads = int(threads) if threads.isdigit() else max(2, (os.cpu_count() or 2) // 2)
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._outputs = [output.name for output in self._session.get_outputs()]

    def __call__(self, pictures: Array) -> dict[str, Array]:
        results = self._session.run(self._outputs, {"picture": pictures})
        return {name: np.asarray(value) for name, value in zip(self._outputs, results, strict=True)}
