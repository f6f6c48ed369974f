# SPDX-License-Identifier: GPL-3.0-or-later
"""Decoding while something else computes."""

import threading
import weakref
from collections.abc import Iterable, Iterator
from queue import Empty, Full, Queue
from typing import Any, TypeVar

Item = TypeVar("Item")
END = object()
LOOK_UP_S = 0.1


def ahead(items: Iterable[Item], count: int = 8) -> Iterator[Item]:
    """The same items, made in a thread of its own, from now on and up to `count` of them before they are asked for.

    What making them raises is raised here, in its turn. The thread ends with the last item, or soon after the
    iterator is forgotten.
    """
    waiting: Queue[tuple[Any, BaseException | None]] = Queue(count)
    closed = threading.Event()

    def put(item: Any, error: BaseException | None = None) -> bool:
        while not closed.is_set():
            try:
                waiting.put((item, error), timeout=LOOK_UP_S)
            except Full:
                continue
            return True
        return False

    def make() -> None:
        try:
            for item in items:
                if not put(item):
                    return
        except BaseException as error:  # whoever asks for the item hears of it
            put(END, error)
        else:
            put(END)

    threading.Thread(target=make, name="ahead", daemon=True).start()
    taken = _taken(waiting)
    weakref.finalize(taken, closed.set)
    return taken


def _taken(waiting: Queue[tuple[Any, BaseException | None]]) -> Iterator[Any]:
    while True:
        try:
            item, error = waiting.get(timeout=LOOK_UP_S)
        except Empty:
            continue
        if error is not None:
            raise error
        if item is END:
            return
        yield item
