# SPDX-License-Identifier: GPL-3.0-or-later
"""Body files that users bring: what loads, and what is refused with which words."""

import pickle
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from model.body.files import FREE_BODY, load_body
from model.body.model import BodyModel
from model.motion.skeleton import KEYPOINTS
from model.protocol import Code, Failure
from tests.model.body.smpl_file import smpl_arrays, write_pickle


@pytest.fixture(scope="module")
def smpl() -> dict[str, Any]:
    return smpl_arrays()


def assert_same(found: BodyModel, arrays: dict[str, Any]) -> None:
    for name in ("v_template", "shapedirs", "posedirs", "J_regressor", "weights"):
        value = getattr(found, name).numpy()
        assert value.dtype == np.float32
        np.testing.assert_allclose(value, np.asarray(arrays[name])[..., : value.shape[-1]], atol=1e-6, err_msg=name)
    np.testing.assert_array_equal(found.faces.numpy(), arrays["f"])


@pytest.mark.parametrize("protocol", range(6))
def test_reads_a_pickle_of_any_protocol(tmp_path: Path, smpl: dict[str, Any], protocol: int) -> None:
    assert_same(load_body(str(write_pickle(tmp_path / "b.pkl", smpl, protocol))), smpl)


@pytest.mark.parametrize("kind", [sp.csc_matrix, sp.csr_matrix, sp.csc_array, sp.csr_array])
def test_reads_sparse_matrices(tmp_path: Path, smpl: dict[str, Any], kind: Any) -> None:
    file = write_pickle(tmp_path / "b.pkl", smpl | {"J_regressor": kind(smpl["J_regressor"])})
    assert_same(load_body(str(file)), smpl)


def test_reads_big_endian_and_fortran_arrays_and_more_shapes_than_needed(tmp_path: Path, smpl: dict[str, Any]) -> None:
    more = np.concatenate([smpl["shapedirs"], np.ones((*smpl["v_template"].shape, 290))], axis=2)
    changed = {"v_template": smpl["v_template"].astype(">f8"), "weights": np.asfortranarray(smpl["weights"])}
    assert_same(load_body(str(write_pickle(tmp_path / "b.pkl", smpl | changed | {"shapedirs": more}))), smpl)


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_reads_chumpy_objects_without_chumpy(
    tmp_path: Path, smpl: dict[str, Any], protocol: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ch:  # Pickled under chumpy's names, with the attributes that chumpy's objects have.
        pass

    class Select(Ch):
        pass

    class multiply(Ch):  # noqa: N801
        pass

    for module, kind in (("chumpy.ch", Ch), ("chumpy.reordering", Select), ("chumpy.ch_ops", multiply)):
        kind.__module__, kind.__qualname__ = module, kind.__name__
        monkeypatch.setitem(sys.modules, module, types.SimpleNamespace(**{kind.__name__: kind}))
    monkeypatch.setitem(sys.modules, "chumpy", types.ModuleType("chumpy"))
    template, source, shapes, formula = Ch(), Ch(), Select(), multiply()
    template.__dict__ = {"x": smpl["v_template"], "_dirty_vars": {"x"}, "_itr": None}
    padded = np.concatenate([smpl["shapedirs"], smpl["shapedirs"]], axis=2)
    source.__dict__ = {"x": padded}
    chosen = np.arange(padded.size).reshape(padded.shape)[..., :10]
    shapes.__dict__ = {"a": source, "idxs": chosen.ravel(), "preferred_shape": chosen.shape}
    formula.__dict__ = {"a": source, "b": source}
    objects = {"v_template": template, "shapedirs": shapes, "J": formula}
    file = write_pickle(tmp_path / "b.pkl", smpl | objects, protocol)
    for module in ("chumpy", "chumpy.ch", "chumpy.reordering", "chumpy.ch_ops"):
        monkeypatch.delitem(sys.modules, module)
    assert_same(load_body(str(file)), smpl)
    assert "chumpy" not in sys.modules
    refused(tmp_path, smpl | {"weights": None}, "weights holds no numbers")


def test_reads_an_npz(tmp_path: Path, smpl: dict[str, Any]) -> None:
    np.savez(tmp_path / "b.npz", **smpl, unrelated=np.array([object()]))
    assert_same(load_body(str(tmp_path / "b.npz")), smpl)


def test_reads_the_free_body_by_its_path() -> None:
    by_path, by_default = load_body(str(FREE_BODY)), load_body(None)
    assert len(by_path.levels) == 3
    for name, value in by_default.state_dict().items():
        torch.testing.assert_close(by_path.state_dict()[name], value)


def test_a_body_without_keypoints_gets_them_where_the_free_body_has_them(tmp_path: Path, smpl: dict[str, Any]) -> None:
    # A smaller person, set elsewhere in space, as SMPL's own template is.
    moved = smpl | {"v_template": smpl["v_template"] * 0.9 + [0.0, -0.3, 0.05]}
    body = load_body(str(write_pickle(tmp_path / "b.pkl", moved)))
    assert len(body.levels) == 0
    free = load_body(None)
    found = body.keypoints(body.v_template)
    expected = free.keypoints(free.v_template) * 0.9 + torch.tensor([0.0, -0.3, 0.05])
    assert (found - expected).norm(dim=-1).max() < 0.005
    torch.testing.assert_close(body.keypoint_regressor.sum(1), torch.ones(len(KEYPOINTS)))


def refused(folder: Path, content: Any, words: str) -> Failure:
    """The failure with which a file of that content, or that very file, is refused."""
    file = content if isinstance(content, Path) else write_pickle(folder / "b.pkl", content)
    with pytest.raises(Failure) as caught:
        load_body(str(file))
    assert caught.value.code == Code.BODY_INVALID
    assert words in caught.value.message
    assert file.name in caught.value.message
    return caught.value


def _without(arrays: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in arrays.items() if key != name}


def _with_nan(values: np.ndarray) -> np.ndarray:
    values = values.copy()
    values.flat[7] = np.nan
    return values


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: _without(a, "v_template"), "v_template is missing"),
        (lambda a: _without(a, "J_regressor"), "J_regressor is missing"),
        (lambda a: _without(a, "kintree_table"), "kintree_table is missing"),
        (lambda a: a | {"v_template": a["v_template"].T}, "v_template has the shape (3, 6596), expected (any, 3)"),
        (lambda a: a | {"v_template": _with_nan(a["v_template"])}, "v_template holds values that are not finite"),
        (lambda a: a | {"v_template": "a body"}, "v_template holds no numbers"),
        (lambda a: a | {"shapedirs": a["shapedirs"][..., :9]}, "shapedirs has 9 directions of shape, 10 are needed"),
        (lambda a: a | {"shapedirs": a["shapedirs"][:-1]}, "shapedirs has the shape (6595, 3, 10)"),
        (lambda a: a | {"posedirs": a["posedirs"][..., :9]}, "posedirs has the shape"),
        (lambda a: a | {"weights": a["weights"][:, :23]}, "weights has the shape (6596, 23), expected (6596, 24)"),
        (lambda a: a | {"weights": a["weights"] * 2}, "the rows of weights do not sum to 1"),
        (lambda a: a | {"J_regressor": a["J_regressor"] * 0}, "the rows of J_regressor do not sum to 1"),
        (lambda a: a | {"v_template": 100 * a["v_template"]}, "coordinates must be in metres"),
        (lambda a: a | {"f": a["f"] + 1}, "f names vertices outside 0 to 6595"),
        (lambda a: a | {"f": a["f"][:0]}, "f names vertices outside 0 to 6595"),
        (lambda a: a | {"kintree_table": np.zeros((2, 52), int)}, "it has 52 joints, expected SMPL's 24"),
        (lambda a: a | {"kintree_table": np.zeros((2, 24), int)}, "not connected as SMPL's are"),
    ],
)
def test_wrong_arrays_are_refused_by_name(tmp_path: Path, smpl: dict[str, Any], change: Any, words: str) -> None:
    refused(tmp_path, change(smpl), words)


def test_what_is_no_body_file_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, tmp_path / "missing.pkl", "No such file")
    (tmp_path / "folder.npz").mkdir()
    refused(tmp_path, tmp_path / "folder.npz", "Is a directory")
    for name, data in (
        ("empty.pkl", b""),
        ("text.pkl", b"v_template: yes\n"),
        ("zip.npz", b"PK\x03\x04 but no zip"),
        ("half.npz", FREE_BODY.read_bytes()[:700_000]),
        ("half.pkl", pickle.dumps({"v_template": np.zeros((9, 3))})[:60]),
    ):
        (tmp_path / name).write_bytes(data)
        refused(tmp_path, tmp_path / name, "")
    refused(tmp_path, [1, 2], "it holds no dictionary")
    refused(tmp_path, {}, "is missing")


def test_an_npz_is_never_unpickled(tmp_path: Path, smpl: dict[str, Any]) -> None:
    np.savez(tmp_path / "b.npz", **smpl | {"weights": np.array([{"any": "object"}], object)})
    refused(tmp_path, tmp_path / "b.npz", "allow_pickle=False")


def test_damaged_entries_of_a_sparse_matrix_are_refused(tmp_path: Path) -> None:
    with np.load(FREE_BODY) as data:
        arrays = dict(data)
    arrays["weights_rows"] = arrays["weights_rows"] + np.uint16(60000)
    np.savez(tmp_path / "b.npz", **arrays)
    refused(tmp_path, tmp_path / "b.npz", "weights has entries outside its shape")
