# SPDX-License-Identifier: GPL-3.0-or-later
"""SMPL files for tests, made from the free body, with pose correctives of their own."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from model.body.files import load_body
from model.motion.skeleton import PARENTS


def smpl_arrays(seed: int = 0) -> dict[str, Any]:
    """What an SMPL file holds: the free body's arrays, and random posedirs of some millimetres."""
    body = load_body(None)
    rng = np.random.default_rng(seed)
    return {
        "v_template": body.v_template.double().numpy(),
        "shapedirs": body.shapedirs.double().numpy(),
        "posedirs": rng.normal(0, 2e-3, (*body.v_template.shape, 207)).astype(np.float32),
        "J_regressor": body.J_regressor.double().numpy(),
        "weights": body.weights.double().numpy(),
        "kintree_table": np.array([[2**32 - 1, *PARENTS[1:]], range(24)], np.int64),
        "f": body.faces.numpy().astype(np.uint32),
        "bs_style": "lbs",
        "bs_type": "lrotmin",
    }


def write_pickle(path: Path, content: Any, protocol: int = 2) -> Path:
    path.write_bytes(pickle.dumps(content, protocol))
    return path
