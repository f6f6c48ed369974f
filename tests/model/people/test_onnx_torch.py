# SPDX-License-Identifier: GPL-3.0-or-later
"""torch and onnxruntime say the same about real pictures, in batches of any size."""

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from model.people import blazepose, movenet
from model.people.onnx_torch import OnTorch
from model.people.runtime import OnnxRuntime
from model.protocol import Code, Failure
from model.weights import registry

TOLERANCE = {"landmarks": 0.05, "heatmap": 0.02, "world": 1e-4, "score": 1e-4, "feature": 1e-3}


@pytest.fixture(autouse=True)
def one_thread():
    """Beside other work, torch's threads wait for each other more than they compute."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def crops(demo_frames):
    """Three crops around the woman who walks through the clip, and one of grass."""
    places = ((60, 1390, 740), (90, 1125, 720), (120, 830, 720), (150, 1400, 850))
    pictures = [blazepose.cut(demo_frames[i].rgb, np.array([x, y, 520.0, 0.2])) for i, x, y in places]
    return blazepose.network_input(pictures)


@pytest.mark.engine
@pytest.mark.parametrize("name", sorted(blazepose.WEIGHTS.values()))
def test_landmarks_are_the_same_in_torch_and_in_onnxruntime(name, crops):
    path = registry.locate(name)
    in_torch, reference = OnTorch(path, "cpu"), OnnxRuntime(path)
    whole, expected = in_torch(crops), reference(crops)
    assert whole.keys() == expected.keys() == TOLERANCE.keys()
    for output, tolerance in TOLERANCE.items():
        np.testing.assert_allclose(whole[output], expected[output], atol=tolerance, err_msg=output)
        singles = np.concatenate([in_torch(crop[None])[output] for crop in crops])
        np.testing.assert_allclose(singles, whole[output], atol=tolerance, err_msg=output)
    np.testing.assert_allclose(expected["score"][:, 0] > 0.5, [True, True, True, False])


@pytest.mark.engine
def test_people_are_the_same_in_torch_and_in_onnxruntime(demo_frames):
    path = registry.locate(movenet.WEIGHTS)
    in_torch, reference = OnTorch(path, "cpu"), OnnxRuntime(path)
    pictures = np.concatenate([movenet.fit(demo_frames[i].rgb)[0] for i in (60, 120)])
    heads, expected = in_torch(pictures), reference(pictures)
    for name, values in expected.items():
        np.testing.assert_allclose(heads[name], values, atol=2e-3, err_msg=name)
    for i in range(2):
        ours, theirs = (movenet.decode({k: v[i : i + 1] for k, v in h.items()}, 0.2) for h in (heads, expected))
        assert len(ours.scores) == len(theirs.scores) >= 1
        np.testing.assert_allclose(ours.boxes, theirs.boxes, atol=0.05)
        np.testing.assert_allclose(ours.keypoints, theirs.keypoints, atol=0.05)


def save(path, *nodes, constants=()):
    graph = helper.make_graph(
        list(nodes),
        "network",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["batch", 2, 2, 3])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)],
        list(constants),
    )
    onnx.save(helper.make_model(graph), path)
    return path


def test_an_operator_that_is_not_known_is_refused_by_name(tmp_path):
    path = save(tmp_path / "net.onnx", helper.make_node("Softmax", ["picture"], ["out"]))
    with pytest.raises(Failure, match="Softmax") as caught:
        OnTorch(path, "cpu")
    assert caught.value.code == Code.WEIGHTS_CORRUPT


def test_a_batch_too_large_for_the_memory_is_halved_until_it_fits(tmp_path, monkeypatch):
    network = OnTorch(save(tmp_path / "net.onnx", helper.make_node("Relu", ["picture"], ["out"])), "cpu")
    pictures = np.random.default_rng(0).normal(size=(7, 2, 2, 3)).astype(np.float32)
    run, sizes, limit = network._run, [], 2

    def small_device(batch):
        sizes.append(len(batch))
        if len(batch) > limit:
            raise torch.OutOfMemoryError
        return run(batch)

    monkeypatch.setattr(network, "_run", small_device)
    np.testing.assert_array_equal(network(pictures)["out"], np.maximum(pictures, 0))
    assert sum(size for size in sizes if size <= limit) == 7
    limit = 0
    with pytest.raises(torch.OutOfMemoryError):
        network(pictures)
