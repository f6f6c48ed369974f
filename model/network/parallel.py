# SPDX-License-Identifier: GPL-3.0-or-later
"""Two independent computations at once: the mesh branch and the pose branch of a block.

`off`      one after the other.
`threads`  CPU, inference only: the second on a thread of its own.
`streams`  CUDA: the second on a stream of its own.
`graph`    CUDA, inference only: all blocks captured once for each shape of the input, with those streams in them, and
           replayed, which spares the launch of every single kernel.

All give the same result. Where a way cannot be gone (another device, gradients wanted), the next simpler one is taken.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any, Literal, get_args

import torch
from torch import Tensor

Parallel = Literal["off", "threads", "streams", "graph"]
MODES: tuple[Parallel, ...] = get_args(Parallel)

MOST_GRAPHS = 4
"""Every captured graph keeps its memory: of more shapes than these, the oldest is forgotten."""
WARM_UP = 3
"""Runs before a capture, in which libraries choose their kernels and make their work spaces."""


def side_by_side(parallel: Parallel, here: partial[Tensor], aside: partial[Tensor]) -> tuple[Tensor, Tensor]:
    """Results of both, which must not depend on each other. All tensors of `aside` must be among its arguments."""
    on_gpu = aside.args[0].is_cuda
    if parallel in {"streams", "graph"} and on_gpu:
        return _on_streams(here, aside)
    if parallel == "threads" and not on_gpu and not torch.is_grad_enabled():
        return _on_threads(here, aside)
    return here(), aside()


def _on_streams(here: partial[Tensor], aside: partial[Tensor]) -> tuple[Tensor, Tensor]:
    device = aside.args[0].device
    main, side = torch.cuda.current_stream(device), _side_stream(device)
    side.wait_stream(main)
    with torch.cuda.stream(side):
        second = aside()
    first = here()
    main.wait_stream(side)
    # The allocator knows the stream on which memory was asked for; tell it of the other one that reads it, so that
    # nothing is given away under a kernel that still runs (in the backward pass too, which replays on these streams).
    for tensor in aside.args:
        tensor.record_stream(side)
    second.record_stream(main)
    return first, second


@cache
def _side_stream(device: torch.device) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)


def _on_threads(here: partial[Tensor], aside: partial[Tensor]) -> tuple[Tensor, Tensor]:
    inference = torch.is_inference_mode_enabled()

    def elsewhere() -> Tensor:
        with torch.no_grad(), torch.inference_mode(inference):  # both are a thread's own
            return aside()

    second = _thread().submit(elsewhere)
    return here(), second.result()


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "second branch")


class Graphs:
    """CUDA graphs of a function, one for each shape of its arguments."""

    def __init__(self) -> None:
        self._captured: dict[Any, tuple[torch.cuda.CUDAGraph, list[Tensor], tuple[Tensor, ...]]] = {}

    def __deepcopy__(self, _memo: dict[int, Any]) -> "Graphs":
        return Graphs()  # a copy of a network has weights elsewhere

    def __call__(
        self, function: Callable[..., tuple[Tensor, ...]], weights: Tensor, *inputs: Tensor
    ) -> tuple[Tensor, ...]:
        """What function(*inputs) returns. A graph reads weights where they were: one of them tells if they moved."""
        key = (weights.data_ptr(), *((x.shape, x.dtype, x.device) for x in inputs))
        # Buffers made in inference mode could not be written to outside it later.
        with torch.inference_mode(False), torch.no_grad():
            if key not in self._captured:
                if len(self._captured) == MOST_GRAPHS:
                    del self._captured[next(iter(self._captured))]
                self._captured[key] = _capture(function, inputs)
            graph, given, results = self._captured[key]
            for mine, x in zip(given, inputs, strict=True):
                mine.copy_(x)
            graph.replay()
            return tuple(x.clone() for x in results)


def _capture(
    function: Callable[..., tuple[Tensor, ...]], inputs: tuple[Tensor, ...]
) -> tuple[torch.cuda.CUDAGraph, list[Tensor], tuple[Tensor, ...]]:
    with torch.cuda.device(inputs[0].device):
        given = [x.clone(memory_format=torch.contiguous_format) for x in inputs]
        main, warm = torch.cuda.current_stream(), torch.cuda.Stream()
        warm.wait_stream(main)
        with torch.cuda.stream(warm):
            for _ in range(WARM_UP):
                function(*given)
        main.wait_stream(warm)
        graph = torch.cuda.CUDAGraph()
        # Other threads of a program, decoding or loading, may go on meanwhile.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            results = function(*given)
    return graph, given, results
