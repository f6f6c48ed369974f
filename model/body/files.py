# SPDX-License-Identifier: GPL-3.0-or-later
"""Body files: the free body shipped with the extension, and SMPL files that a user owns."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..motion.skeleton import KEYPOINTS, PARENTS
from ..protocol import Code, Failure
from .model import BodyModel, Level
from .pickles import read_pickle

FREE_BODY = Path(__file__).with_name("free.npz")
BETAS = 10
SMALLEST_M, LARGEST_M = 0.2, 5.0

KEYPOINT_JOINTS = {
    "left_shoulder": 16, "right_shoulder": 17, "left_elbow": 18, "right_elbow": 19, "left_wrist": 20,
    "right_wrist": 21, "left_hip": 1, "right_hip": 2, "left_knee": 4, "right_knee": 5, "left_ankle": 7,
    "right_ankle": 8,
}  # fmt: skip
"""The keypoints that are joint centres."""

KEYPOINT_ANCHORS = {
    "nose": 15, "left_eye": 15, "right_eye": 15, "left_ear": 15, "right_ear": 15, "left_heel": 7, "right_heel": 8,
    "left_big_toe": 7, "right_big_toe": 8,
}  # fmt: skip
"""The keypoints that lie on the skin, and the joint to which each belongs."""

Arrays = Mapping[str, Any]
F64 = NDArray[np.float64]


class BodyFileError(ValueError):
    """A file that is not a body model; the text says why."""


def load_body(path: str | None) -> BodyModel:
    """The body in a file, float32 on the CPU; None for the free body shipped with the extension.

    Reads SMPL's .npz and .pkl files (keys v_template, shapedirs, posedirs, J_regressor, weights, kintree_table, f)
    and our own. Raises Failure(BODY_INVALID) that says what is wrong with the file.
    """
    file = FREE_BODY if path is None else Path(path)
    try:
        return _body(_read(file))
    except BodyFileError as error:
        raise Failure(Code.BODY_INVALID, f"{file.name}: {error}.") from error


def _read(file: Path) -> Arrays:
    """The arrays in a file by name."""
    try:
        with file.open("rb") as stream:
            zipped = stream.read(2) == b"PK"
            stream.seek(0)
            if not zipped:
                return read_pickle(stream, _wanted)
            with np.load(stream, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files if _wanted(name)}
    except OSError as error:
        raise BodyFileError(error.strerror or str(error)) from error
    except Exception as error:  # A broken or hostile file may lead to any error at all.
        raise BodyFileError(str(error) or type(error).__name__) from error


def _wanted(name: str) -> bool:
    """Whether a body needs this entry; others may hold what cannot be read without running it."""
    ours = ("weights", "J_regressor", "keypoint_regressor", "level")
    return name in ("v_template", "shapedirs", "posedirs", "kintree_table", "f", "faces") or name.startswith(ours)


def _body(arrays: Arrays) -> BodyModel:
    template = _numbers(arrays, "v_template", (None, 3))
    V = len(template)
    size_m = float(np.ptp(template, axis=0).max()) if V else 0.0
    if not SMALLEST_M < size_m < LARGEST_M:
        raise BodyFileError(f"its body measures {size_m:.3g} m; coordinates must be in metres")
    _check_tree(arrays)
    shapedirs = _numbers(arrays, "shapedirs", (V, 3, None))
    if shapedirs.shape[2] < BETAS:
        raise BodyFileError(f"shapedirs has {shapedirs.shape[2]} directions of shape, {BETAS} are needed")
    regressor = _rows_that_sum_to_one("J_regressor", _matrix(arrays, "J_regressor", (24, V)))
    weights = _rows_that_sum_to_one("weights", _matrix(arrays, "weights", (V, 24)))
    faces = _numbers(arrays, "f" if "f" in arrays else "faces", (None, 3))
    if not (len(faces) and faces.min() >= 0 and faces.max() < V):
        raise BodyFileError(f"f names vertices outside 0 to {V - 1}")
    if _holds(arrays, "keypoint_regressor"):
        keypoints = _matrix(arrays, "keypoint_regressor", (len(KEYPOINTS), V))
    else:
        keypoints = _keypoints_by_geometry(template, regressor, weights)
    return BodyModel(
        v_template=_tensor(template),
        shapedirs=_tensor(shapedirs[..., :BETAS]),
        posedirs=_tensor(_numbers(arrays, "posedirs", (V, 3, 207))) if "posedirs" in arrays else None,
        J_regressor=_tensor(regressor),
        weights=_tensor(weights),
        faces=torch.from_numpy(faces.astype(np.int64)),
        keypoint_regressor=_tensor(_rows_that_sum_to_one("keypoint_regressor", keypoints)),
        levels=_levels(arrays),
    )


def _numbers(arrays: Arrays, name: str, shape: tuple[int | None, ...]) -> F64:
    """An array as float64, of the given shape, where None fits any length."""
    if name not in arrays:
        raise BodyFileError(f"{name} is missing")
    values = np.asarray(arrays[name])
    if values.dtype.kind not in "iuf":
        raise BodyFileError(f"{name} holds no numbers")
    if values.ndim != len(shape) or any(n not in (None, m) for n, m in zip(shape, values.shape, strict=True)):
        expected = ", ".join("any" if n is None else str(n) for n in shape)
        raise BodyFileError(f"{name} has the shape {values.shape}, expected ({expected})")
    if not np.isfinite(values).all():
        raise BodyFileError(f"{name} holds values that are not finite")
    return values.astype(np.float64)


def _holds(arrays: Arrays, name: str) -> bool:
    return name in arrays or f"{name}_values" in arrays


def _sparse(arrays: Arrays, name: str) -> tuple[F64, F64, tuple[int, int]]:
    """Indices (2, N), values (N,) and shape of a matrix stored by its entries."""
    values = _numbers(arrays, f"{name}_values", (None,))
    indices = np.stack([_numbers(arrays, f"{name}_{part}", (len(values),)) for part in ("rows", "columns")])
    rows, columns = _numbers(arrays, f"{name}_shape", (2,)).astype(int)
    if len(values) and not ((indices >= 0).all() and (indices.max(1) < (rows, columns)).all()):
        raise BodyFileError(f"{name} has entries outside its shape")
    return indices, values, (int(rows), int(columns))


def _matrix(arrays: Arrays, name: str, shape: tuple[int, int]) -> F64:
    """A full matrix, stored as it is or by its entries."""
    if name in arrays:
        return _numbers(arrays, name, shape)
    if not _holds(arrays, name):
        raise BodyFileError(f"{name} is missing")
    indices, values, found = _sparse(arrays, name)
    if found != shape:
        raise BodyFileError(f"{name} has the shape {found}, expected {shape}")
    matrix = np.zeros(shape)
    np.add.at(matrix, tuple(indices.astype(int)), values)
    return matrix


def _rows_that_sum_to_one(name: str, matrix: F64) -> F64:
    sums = matrix.sum(1, keepdims=True)
    if np.abs(sums - 1).max() > 1e-2:
        raise BodyFileError(f"the rows of {name} do not sum to 1")
    return matrix / sums


def _check_tree(arrays: Arrays) -> None:
    tree = _numbers(arrays, "kintree_table", (2, None))
    if tree.shape[1] != len(PARENTS):
        raise BodyFileError(f"it has {tree.shape[1]} joints, expected SMPL's {len(PARENTS)}")
    if tuple(tree[0, 1:].astype(int)) != PARENTS[1:]:
        raise BodyFileError("its joints are not connected as SMPL's are")


def _levels(arrays: Arrays) -> list[Level]:
    levels: list[Level] = []
    while _holds(arrays, name := f"level{len(levels)}_down"):
        down, up = (_sparse_tensor(*_sparse(arrays, part)) for part in (name, name.replace("down", "up")))
        faces = _numbers(arrays, name.replace("down", "faces"), (None, 3))
        levels.append(Level(down, up, torch.from_numpy(faces.astype(np.int64))))
    return levels


def _keypoints_by_geometry(template: F64, regressor: F64, weights: F64) -> F64:
    """A keypoint regressor (23, V) for a body that has none.

    Limb keypoints are joint centres. Those on the skin are the five vertices nearest to where the free body has
    them, seen from the joint they belong to and scaled to this body's size.
    """
    free = load_body(None)
    free_joints = (free.J_regressor @ free.v_template).double().numpy()
    free_keypoints = free.keypoints(free.v_template).double().numpy()
    joints = regressor @ template
    scale = np.ptp(template[:, 1]) / np.ptp(free.v_template[:, 1].double().numpy())
    result = np.zeros((len(KEYPOINTS), len(template)))
    for name, joint in KEYPOINT_JOINTS.items():
        result[KEYPOINTS.index(name)] = regressor[joint]
    for name, joint in KEYPOINT_ANCHORS.items():
        row = KEYPOINTS.index(name)
        place = joints[joint] + scale * (free_keypoints[row] - free_joints[joint])
        part = [child for child in range(len(PARENTS)) if joint in (child, PARENTS[child])]
        distance = np.linalg.norm(template - place, axis=1) + np.where(weights[:, part].sum(1) > 0.5, 0.0, 9.0)
        result[row, np.argsort(distance, kind="stable")[:5]] = 0.2
    for name, sides in (("pelvis", ("left_hip", "right_hip")), ("neck", ("left_shoulder", "right_shoulder"))):
        result[KEYPOINTS.index(name)] = result[[KEYPOINTS.index(side) for side in sides]].mean(0)
    return result


def _tensor(values: F64) -> torch.Tensor:
    return torch.from_numpy(values.astype(np.float32))


def _sparse_tensor(indices: F64, values: F64, shape: tuple[int, int]) -> torch.Tensor:
    return torch.sparse_coo_tensor(
        torch.from_numpy(indices.astype(np.int64)), _tensor(values), shape, check_invariants=True
    ).coalesce()
