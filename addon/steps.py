# SPDX-License-Identifier: GPL-3.0-or-later
"""Long work done in steps, so that Blender gets on with its own in between."""

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")
Steps = Generator[None, None, T]
"""Work that yields after each step, which is short, and in the end returns its result."""


def at_once(steps: Steps[T]) -> T:
    """All the steps one after the other, for scripts and for short work; returns the result."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
