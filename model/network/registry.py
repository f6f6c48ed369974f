# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks by name: one builder for each."""

from collections.abc import Callable

from .two_stage import TwoStage, TwoStageConfig

COARSE_LEVEL = 1
"""Which of the body's coarse levels (about 430 vertices) the networks speak of."""


def product(vertices: int) -> TwoStage:
    """System A as it ships, for a body whose coarse level has that many vertices."""
    return TwoStage(TwoStageConfig(vertices=vertices))


NETWORKS: dict[str, Callable[[int], TwoStage]] = {"product": product}
