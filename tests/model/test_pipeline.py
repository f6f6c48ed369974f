# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run does where the device's memory is too small, and how it times its stages."""

import time

import pytest
import torch

from model.pipeline import Run
from model.recovery import BATCH


@pytest.mark.parametrize(("halves", "attempts"), [(True, BATCH.bit_length() + 1), (False, 2)])
def test_without_memory_it_goes_on_with_smaller_batches_where_these_help_and_at_last_on_the_cpu(
    halves: bool, attempts: int
) -> None:
    tried: list[tuple[str, int]] = []

    def task(device: str, batch: int) -> str:
        tried.append((device, batch))
        if device != "cpu":
            raise torch.OutOfMemoryError
        return "done"

    run = Run(lambda *_: None, lambda: False, "cuda")
    assert run.compute(task, halves=halves) == "done"
    assert len(tried) == attempts
    assert len(run.notes) == attempts - 1
    assert "CPU" in run.notes[-1]


def test_whatever_torch_calls_it_too_little_memory_leads_to_the_cpu_and_other_errors_do_not() -> None:
    def task(device: str, _: int, words: str) -> str:
        if device != "cpu":
            raise RuntimeError(words)
        return "done"

    for words in ("CUDA error: out of memory", "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"):
        run = Run(lambda *_: None, lambda: False, "cuda")
        assert run.compute(lambda device, batch, words=words: task(device, batch, words), halves=False) == "done"
    with pytest.raises(RuntimeError, match="shapes"):
        Run(lambda *_: None, lambda: False, "cuda").compute(lambda *given: task(*given, "shapes differ"))


def test_a_task_that_ran_out_on_the_card_is_tried_on_the_cpu_whatever_changed_meanwhile() -> None:
    run = Run(lambda *_: None, lambda: False, "cuda")

    def task(device: str, _: int) -> str:
        if device != "cpu":
            run.device = "cpu"
            raise torch.OutOfMemoryError
        return "done"

    assert run.compute(task, halves=False) == "done"


def test_a_stage_that_comes_twice_counts_twice() -> None:
    run = Run(lambda *_: None, lambda: False, "cpu")
    for _ in range(2):
        with run.stage("fitting", 1):
            time.sleep(0.02)
    assert run.seconds["fitting"] >= 0.04
