"""Small detectors that find bright squares: red ones are of class 0, green of class 1, blue of class 2.

Each class returns the rectangle around all pixels whose level in its channel is above a half.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from services.embedder.images.decoding import ByteArray
from spotted.boxes import OutputForm
from spotted.formats.detectors import DETECTOR_FILE, DETECTOR_MANIFEST, DetectorManifest

HEIGHT, WIDTH = 48, 64
CLASSES = ("animal", "person", "vehicle")
DESCRIBED = DetectorManifest(
    model_id="squares",
    version="1",
    input_size=(HEIGHT, WIDTH),
    output="yolov5",
    class_names=CLASSES,
    sha256="",
    licence="MIT",
    source="drawn for a test",
)


class _Graph:
    """Nodes and constants under construction; each method returns the name of its result."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: object, dtype: type[np.generic] = np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(value, dtype=dtype), name))
        return name

    def node(self, operator: str, *inputs: str, name: str = "", **attributes: Any) -> str:  # noqa: ANN401 - of any type
        name = name or f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def largest(self, value: str) -> str:
        """(n, 3, h, w) to (n, 3, 1)."""
        most = self.node("ReduceMax", value, self.constant([2, 3], np.int64), keepdims=0)
        return self.node("Unsqueeze", most, self.constant([2], np.int64))


def _rectangles(graph: _Graph, images: str) -> tuple[list[str], str]:
    """Left, top, right, bottom and presence of the bright pixels of each channel, (n, 3, 1) each."""
    bright = graph.node("Cast", graph.node("Greater", images, graph.constant(0.5)), to=TensorProto.FLOAT)
    across, down = np.arange(WIDTH)[None, None, None, :], np.arange(HEIGHT)[None, None, :, None]

    def end(positions: np.ndarray) -> str:
        return graph.largest(graph.node("Mul", bright, graph.constant(positions)))

    def start(positions: np.ndarray, length: int) -> str:
        return graph.node("Sub", graph.constant(float(length)), end(length - positions))

    sides = [start(across, WIDTH), start(down, HEIGHT), end(across + 1), end(down + 1)]
    return sides, graph.largest(bright)


def _outputs(graph: _Graph, form: OutputForm, sizes: str) -> list[str]:
    (left, top, right, bottom), presence = _rectangles(graph, "images")
    half = graph.constant(0.5)
    centre_x = graph.node("Mul", graph.node("Add", left, right), half)
    centre_y = graph.node("Mul", graph.node("Add", top, bottom), half)
    size = [graph.node("Sub", right, left), graph.node("Sub", bottom, top)]
    centred = graph.node("Concat", centre_x, centre_y, *size, axis=2)
    corners = graph.node("Concat", left, top, right, bottom, axis=2)
    sure = graph.node("Mul", presence, graph.constant(0.9))
    classes = graph.constant(np.eye(3)[None])
    # one row of classes for every image
    each = graph.node("Add", graph.node("Mul", presence, graph.constant(0.0)), classes)
    scores = graph.node("Mul", each, sure)
    if form == "yolov5":
        rows = graph.node("Concat", centred, sure, each, axis=2)
        less = graph.node("Mul", rows, graph.constant([1, 1, 1, 1, 0.9, 1, 1, 1]))
        # every object is found twice
        return [graph.node("Concat", less, rows, axis=1, name="output0")]
    if form == "yolov8":
        rows = graph.node("Concat", centred, scores, axis=2)
        return [graph.node("Transpose", rows, perm=[0, 2, 1], name="output0")]
    if form == "end-to-end":
        numbers = graph.node("Mul", presence, graph.constant([[[0.0], [1.0], [2.0]]]))
        return [graph.node("Concat", corners, sure, numbers, axis=2, name="output0")]
    if form == "yolov7":
        numbers = graph.node("Mul", presence, graph.constant([[[0.0], [1.0], [2.0]]]))
        rows = graph.node("Concat", _images(graph, presence), corners, numbers, sure, axis=2)
        return [graph.node("Reshape", rows, graph.constant([-1, 7], np.int64), name="output")]
    if form == "rt-detr":
        logits = graph.node("Mul", graph.node("Sub", scores, half), graph.constant(10.0), name="pred_logits")
        scale = graph.constant([1 / WIDTH, 1 / HEIGHT, 1 / WIDTH, 1 / HEIGHT])
        # logits first, as the names decide
        return [logits, graph.node("Mul", centred, scale, name="pred_boxes")]
    return _labelled(graph, corners, sure, sizes)


def _images(graph: _Graph, presence: str) -> str:
    """The number of each image in the batch, (n, 3, 1)."""
    zero, one = (graph.constant(number, np.int64) for number in (0, 1))
    count = graph.node("Gather", graph.node("Shape", presence), zero)
    numbers = graph.node("Cast", graph.node("Range", zero, count, one), to=TensorProto.FLOAT)
    each = graph.node("Unsqueeze", numbers, graph.constant([1, 2], np.int64))
    return graph.node("Add", graph.node("Mul", presence, graph.constant(0.0)), each)


def _labelled(graph: _Graph, corners: str, sure: str, sizes: str) -> list[str]:
    fractions = graph.node("Div", corners, graph.constant([WIDTH, HEIGHT, WIDTH, HEIGHT]))
    wanted = graph.node("Cast", sizes, to=TensorProto.FLOAT)
    twice = graph.node(
        "Unsqueeze", graph.node("Concat", wanted, wanted, axis=1), graph.constant([1], np.int64)
    )
    boxes = graph.node("Mul", fractions, twice, name="boxes")
    scores = graph.node("Squeeze", sure, graph.constant([2], np.int64), name="scores")
    zero = graph.node("Cast", graph.node("Mul", scores, graph.constant(0.0)), to=TensorProto.INT64)
    labels = graph.node("Add", zero, graph.constant([0, 1, 2], np.int64), name="labels")
    return [scores, labels, boxes]


def network(form: OutputForm, *, batch: int | str = "n", elements: int = TensorProto.FLOAT) -> bytes:
    """The content of the ONNX file of a detector with outputs of a form.

    batch: a fixed batch size, or a name for any. elements: type of the input.
    """
    graph = _Graph()
    given = helper.make_tensor_value_info("input", elements, [batch, 3, HEIGHT, WIDTH])
    graph.node("Cast", "input", to=TensorProto.FLOAT, name="levels")
    scale = 1 / 255 if elements == TensorProto.UINT8 else 1.0
    graph.node("Mul", "levels", graph.constant(scale), name="images")
    inputs = [given]
    if form == "labels-boxes-scores":
        inputs.append(helper.make_tensor_value_info("orig_target_sizes", TensorProto.INT64, [batch, 2]))
    names = _outputs(graph, form, "orig_target_sizes")
    outputs = [
        helper.make_tensor_value_info(
            name, TensorProto.INT64 if name == "labels" else TensorProto.FLOAT, None
        )
        for name in names
    ]
    made = helper.make_graph(graph.nodes, "squares", inputs, outputs, graph.constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    content: bytes = onnx.shape_inference.infer_shapes(model).SerializeToString()
    return content


def write_detector(directory: Path, form: OutputForm, content: bytes = b"", **changes: object) -> Path:
    """A folder with a detector and its description. content: another ONNX file."""
    content = content or network(form)
    manifest = replace(
        DESCRIBED,
        output=form,
        scores="logits" if form == "rt-detr" else "probabilities",
        sha256=hashlib.sha256(content).hexdigest(),
    )
    directory.mkdir(parents=True, exist_ok=True)
    (directory / DETECTOR_FILE).write_bytes(content)
    described = replace(manifest, **changes)  # type: ignore[arg-type] # of any type
    (directory / DETECTOR_MANIFEST).write_text(described.to_json())
    return directory


def squares(width: int, height: int, *boxes: tuple[int, Sequence[float]], shade: int = 20) -> ByteArray:
    """A dark photograph with rectangles: channel, and x, y, width, height as fractions."""
    image = np.full((height, width, 3), shade, dtype=np.uint8)
    for channel, (x, y, w, h) in boxes:
        rows = slice(round(y * height), round((y + h) * height))
        image[rows, round(x * width) : round((x + w) * width), channel] = 250
    return image
