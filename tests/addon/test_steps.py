# SPDX-License-Identifier: GPL-3.0-or-later
"""Long work in steps."""

import pytest
from reel_to_rig.addon.steps import Steps, at_once


def work(done: list[int], fails: bool) -> Steps[str]:
    for step in range(3):
        done.append(step)
        yield
    if fails:
        raise ValueError("no result")
    return "result"


def test_all_steps_are_done_at_once_and_give_the_result():
    done: list[int] = []
    assert at_once(work(done, fails=False)) == "result"
    assert done == [0, 1, 2]


def test_an_error_in_a_step_is_the_caller_s():
    with pytest.raises(ValueError, match="no result"):
        at_once(work([], fails=True))
