# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks by name: one builder for each."""

from collections.abc import Callable
from functools import partial
from typing import Any

from .paper import PaperConfig, PaperNetwork
from .two_stage import TwoStage, TwoStageConfig

COARSE_LEVEL = 1
"""Which of the body's coarse levels (about 430 vertices) the networks speak of."""


def _two_stage(vertices: int, **changes: Any) -> TwoStage:
    return TwoStage(TwoStageConfig(vertices=vertices, **changes))


def _paper(vertices: int, full: int, **changes: Any) -> PaperNetwork:
    return PaperNetwork(PaperConfig(vertices=vertices, full=full, **changes))


NETWORKS: dict[str, Callable[[int], TwoStage]] = {
    "product": _two_stage,
    "product_baseline": partial(_two_stage, mesh_inner=32),
    "product_plain": partial(_two_stage, wavelet=None),
    "product_no_feature": partial(_two_stage, feature=0),
}
"""System A as it ships, and what it is compared with: attention of full width, no LIFD, no image feature. Each for a
body whose coarse level has that many vertices."""

PAPER_NETWORKS: dict[str, Callable[[int, int], PaperNetwork]] = {
    "paper": _paper,
    "paper_baseline": partial(_paper, inner=64, pose_heads=8),
}
"""System A as published, and with PMCE's decoder in place of LDMP; for that many coarse and full vertices."""
