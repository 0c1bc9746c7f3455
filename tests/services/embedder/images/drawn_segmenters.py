"""Small encoders and decoders that mask what is bright and red in the box that prompts them.

They have the inputs and outputs of those that people export of Segment Anything and its relatives.
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

from services.embedder.images.prompted_network import PromptedManifest
from services.embedder.images.segmenting import DECODER_FILE, ENCODER_FILE, MANIFEST_FILE

SIZE, CELLS = 64, 32
FORMS = ("sam", "sam-with-preprocessing", "sam2", "efficient-sam")
# normalised level from which a pixel is bright, by form; 0.5 of 0 to 1, 128 of 0 to 255
BRIGHT = {"sam": 128.0, "sam-with-preprocessing": 128.0, "sam2": 0.5, "efficient-sam": 0.5}
PLAIN: dict[str, Any] = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
FIELDS: dict[str, dict[str, Any]] = {
    "sam": PLAIN,
    "sam-with-preprocessing": {"encoder_input": "hwc"},
    "sam2": PLAIN | {"fit": "stretch", "scale": 1 / 255},
    "efficient-sam": PLAIN | {"scale": 1 / 255},
}
DESCRIBED = PromptedManifest(
    model_id="bright",
    version=1,
    input_size=SIZE,
    encoder_sha256="",
    decoder_sha256="",
    licence="Apache-2.0",
    source="drawn for a test",
)


def _constant(name: str, value: object, dtype: type[np.generic] = np.float32) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(value, dtype=dtype), name)


def _model(
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, tuple[int, list[Any]]],
    outputs: Sequence[str],
    constants: Sequence[onnx.TensorProto],
) -> bytes:
    given = [helper.make_tensor_value_info(name, *value) for name, value in inputs.items()]
    made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    graph = helper.make_graph(list(nodes), "bright", given, made, list(constants))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    content: bytes = onnx.shape_inference.infer_shapes(model).SerializeToString()
    return content


def encoder(form: str) -> bytes:
    """The red levels above the brightness, averaged over cells of two pixels, as embeddings."""
    names = {"efficient-sam": "batched_images", "sam-with-preprocessing": "input_image"}
    name = names.get(form, "images")
    constants = [
        _constant("bright", BRIGHT[form]),
        _constant("red", [0], np.int64),
        _constant("one", [1], np.int64),
    ]
    nodes = []
    if form == "sam-with-preprocessing":
        # the graph fills up to the square itself
        constants += [_constant("first", [0], np.int64), _constant("size", [SIZE, SIZE, 3], np.int64)]
        nodes = [
            helper.make_node("Shape", [name], ["shape"]),
            helper.make_node("Sub", ["size", "shape"], ["missing"]),
            helper.make_node("Concat", ["zeros", "missing"], ["pads"], axis=0),
            helper.make_node("Pad", [name, "pads"], ["square"]),
            helper.make_node("Transpose", ["square"], ["moved"], perm=[2, 0, 1]),
            helper.make_node("Unsqueeze", ["moved", "first"], ["levels"]),
        ]
        constants.append(_constant("zeros", [0, 0, 0], np.int64))
        given: dict[str, tuple[int, list[Any]]] = {name: (TensorProto.FLOAT, ["h", "w", 3])}
    else:
        nodes = [helper.make_node("Identity", [name], ["levels"])]
        given = {name: (TensorProto.FLOAT, [1, 3, SIZE, SIZE])}
    nodes += [
        helper.make_node("Slice", ["levels", "red", "one", "one"], ["reds"]),
        helper.make_node("Sub", ["reds", "bright"], ["above"]),
        helper.make_node("Sign", ["above"], ["signs"]),
        helper.make_node("AveragePool", ["signs"], ["image_embeddings"], kernel_shape=[2, 2], strides=[2, 2]),
    ]
    outputs = ["image_embeddings"]
    if form == "sam2":
        nodes.append(helper.make_node("Identity", ["signs"], ["high_res_feats_0"]))
        outputs = ["high_res_feats_0", "image_embeddings"]
    return _model(nodes, given, outputs, constants)


def decoder(form: str) -> bytes:
    """Positive logits on bright cells inside the box; other masks of less quality are their opposite.

    A prompt with other labels, or with a mask, shows nothing.
    """
    several, batched = form in {"sam2", "efficient-sam"}, form == "efficient-sam"
    points = "batched_point_coords" if batched else "point_coords"
    labels = "batched_point_labels" if batched else "point_labels"
    more = [1] if batched else []
    inputs: dict[str, tuple[int, list[Any]]] = {
        "image_embeddings": (TensorProto.FLOAT, [1, 1, CELLS, CELLS]),
        points: (TensorProto.FLOAT, [1, *more, "n", 2]),
        labels: (TensorProto.FLOAT, [1, *more, "n"]),
    }
    if not batched:
        inputs["mask_input"] = (TensorProto.FLOAT, [1, 1, 4 * CELLS, 4 * CELLS])
        inputs["has_mask_input"] = (TensorProto.FLOAT, [1])
    if form == "sam2":
        inputs["high_res_feats_0"] = (TensorProto.FLOAT, [1, 1, SIZE, SIZE])
    else:
        kind = TensorProto.INT64 if batched else TensorProto.FLOAT
        inputs["orig_im_size"] = (kind, [2])
    centres = (np.arange(CELLS) + 0.5) * SIZE / CELLS
    where = np.stack(np.meshgrid(centres, centres))[None]
    constants = [
        _constant("where", where),
        _constant("pair", [1, 2, 2, 1, 1], np.int64),
        _constant("first", [0], np.int64),
        _constant("second", [1], np.int64),
        _constant("third", [2], np.int64),
        _constant("axis", [1], np.int64),
        _constant("weights", [1.0, 10.0]),
        _constant("expected", 32.0),
        _constant("far", 1000.0),
        _constant("quality", [[0.1, 0.9, 0.2]] if several else [[0.9]]),
        _constant("opposites", np.array([-1.0, 1.0, -1.0] if several else [1.0]).reshape(1, -1, 1, 1)),
    ]
    nodes = [
        helper.make_node("Reshape", [points, "pair"], ["corners"]),
        helper.make_node("Slice", ["corners", "first", "second", "axis"], ["least_"]),
        helper.make_node("Slice", ["corners", "second", "third", "axis"], ["most_"]),
        helper.make_node("Squeeze", ["least_", "axis"], ["least"]),
        helper.make_node("Squeeze", ["most_", "axis"], ["most"]),
        helper.make_node("Sub", ["where", "least"], ["beyond"]),
        helper.make_node("Sub", ["most", "where"], ["before"]),
        helper.make_node("Min", ["beyond", "before"], ["both"]),
        helper.make_node("ReduceMin", ["both", "axis"], ["inside"], keepdims=1),
        helper.make_node("Min", ["image_embeddings", "inside"], ["cells"]),
        # labels 2 and 3, in this order
        helper.make_node("Mul", [labels, "weights"], ["weighed"]),
        helper.make_node("ReduceSum", ["weighed"], ["sum"], keepdims=0),
        helper.make_node("Sub", ["sum", "expected"], ["wrong"]),
        helper.make_node("Abs", ["wrong"], ["distance"]),
    ]
    fault = "distance"
    if not batched:
        nodes += [
            helper.make_node("ReduceSum", ["has_mask_input"], ["masked"], keepdims=0),
            helper.make_node("ReduceSum", ["mask_input"], ["mask_sum"], keepdims=0),
            helper.make_node("Sum", ["distance", "masked", "mask_sum"], ["faults"]),
        ]
        fault = "faults"
    nodes += [
        helper.make_node("Mul", [fault, "far"], ["penalty"]),
        helper.make_node("Sub", ["cells", "penalty"], ["logits"]),
        helper.make_node("Mul", ["logits", "opposites"], ["low_res_masks"]),
        helper.make_node("Identity", ["quality"], ["iou_predictions"]),
    ]
    if form == "sam2":
        return _model(nodes, inputs, ["low_res_masks", "iou_predictions"], constants)
    constants.append(_constant("leading", [1, 3 if several else 1], np.int64))
    constants.append(_constant("prompts", [1], np.int64))
    name = "output_masks" if batched else "masks"
    nodes += [
        helper.make_node("Cast", ["orig_im_size"], ["whole"], to=TensorProto.INT64),
        helper.make_node("Concat", ["leading", "whole"], ["sizes"], axis=0),
        helper.make_node("Resize", ["low_res_masks", "", "", "sizes"], ["large"], mode="nearest"),
        helper.make_node("Unsqueeze", ["large", "prompts"], [name])
        if batched
        else helper.make_node("Identity", ["large"], [name]),
    ]
    return _model(nodes, inputs, [name, "iou_predictions", "low_res_masks"], constants)


def write_segmenter(directory: Path, form: str, **changes: object) -> Path:
    """A directory with a segmenter of two graphs."""
    directory.mkdir(parents=True, exist_ok=True)
    contents = {ENCODER_FILE: encoder(form), DECODER_FILE: decoder(form)}
    for name, content in contents.items():
        (directory / name).write_bytes(content)
    digests = [hashlib.sha256(content).hexdigest() for content in contents.values()]
    described = replace(
        DESCRIBED, encoder_sha256=digests[0], decoder_sha256=digests[1], **FIELDS[form] | changes
    )
    (directory / MANIFEST_FILE).write_text(described.to_json())
    return directory
