# SPDX-License-Identifier: GPL-3.0-or-later
import itertools
import threading
import time
from collections.abc import Iterator

import pytest

from model.footage.ahead import ahead


def threads() -> int:
    return sum(thread.name == "ahead" for thread in threading.enumerate())


def ended(before: int) -> bool:
    deadline = time.monotonic() + 60
    while threads() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    return threads() <= before


def test_items_come_in_order_and_the_thread_ends() -> None:
    before = threads()
    assert list(ahead(range(100), 3)) == list(range(100))
    assert ended(before)


def test_only_so_many_are_made_before_they_are_asked_for() -> None:
    made: list[int] = []

    def numbers() -> Iterator[int]:
        for number in itertools.count():
            made.append(number)
            yield number

    taken = ahead(numbers(), 4)
    assert [next(taken) for _ in range(3)] == [0, 1, 2]
    time.sleep(0.3)
    assert len(made) <= 3 + 4 + 2
    before = threads() - 1
    del taken
    assert ended(before)


def test_making_begins_at_once_and_ends_with_an_iterator_that_nobody_used() -> None:
    before = threads()
    begun = threading.Event()

    def numbers() -> Iterator[int]:
        begun.set()
        yield from itertools.count()

    taken = ahead(numbers())
    assert begun.wait(60)
    del taken
    assert ended(before)


def test_an_error_comes_after_the_items_before_it() -> None:
    def faulty() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    taken = ahead(faulty())
    assert next(taken) == 1
    with pytest.raises(ValueError, match="broken"):
        next(taken)
