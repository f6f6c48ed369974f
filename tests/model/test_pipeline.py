# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run does where the device's memory is too small."""

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
