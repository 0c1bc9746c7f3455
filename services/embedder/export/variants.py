"""Smaller, faster variants of an exported backbone: 16-bit floats, and 8-bit whole numbers.

fp16 halves the file and is meant for GPUs. int8 quarters it and is meant for CPUs: the weights and
activations of a convolutional network are quantised once, by the ranges on calibration photographs; in a
transformer only the matrix products are quantised, each batch by its own range, which needs no photographs.
On a CPU without VNNI onnxruntime may saturate 8-bit sums of a convolution: measure the agreement there
before int8 is used.

Normalisation, and generalised-mean pooling with its powers, stay in 32 bits. Input and output have the types
of fp32, so nothing around the model changes, but the vectors differ from fp32: the digest distinguishes
them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel

from services.embedder.export.architectures import Architecture
from services.embedder.export.onnx_export import Agreement, compare, features, probes, serialise
from services.embedder.images.decoding import ByteArray
from services.embedder.images.preprocessing import Preprocessing
from spotted.errors import InvalidInputError, PreconditionError, UnreadableImageError

Precision = Literal["fp32", "fp16", "int8"]

PRECISIONS: tuple[Precision, ...] = ("fp32", "fp16", "int8")
# a variant with a lower cosine to fp32 ranks animals differently and is not written
LEAST_COSINE = {"fp16": 0.999, "int8": 0.9}
ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".webp"})
# ranges hardly change with more photographs, and all are held in memory as pixels
MOST_PHOTOGRAPHS = 400
FEWEST_PHOTOGRAPHS = 8
# every fourth photograph is held out from calibration to measure the agreement
HELD_OUT = 4
# quantised operators; without the activations, their limits would not narrow the ranges
CONVOLUTIONAL = ["Conv", "Clip", "Relu", "Sigmoid", "Mul", "Add"]
PRODUCTS = ["MatMul", "Gemm"]


def variant_id(model_id: str, precision: Precision) -> str:
    """The id of a backbone at a precision: unchanged for fp32, else with the precision as suffix."""
    return model_id if precision == "fp32" else f"{model_id}-{precision}"


def read_photographs(directory: Path, preprocessing: Preprocessing) -> ByteArray:
    """Images (n, size, size, 3) of the photographs in a directory tree, at most 400, evenly chosen.

    Raises InvalidInputError for fewer than eight, or if one cannot be read.
    """
    paths = sorted(path for path in directory.rglob("*") if path.suffix.lower() in ENDINGS)
    if len(paths) < FEWEST_PHOTOGRAPHS:
        raise InvalidInputError(
            f"{directory} has {len(paths)} photographs (JPEG, PNG, WebP), but calibration needs "
            f"{FEWEST_PHOTOGRAPHS}; add photographs like those of the survey, best a hundred or more",
            field="calibration",
        )
    chosen = paths[:: -(-len(paths) // MOST_PHOTOGRAPHS)]
    return np.stack([_photograph(path, preprocessing) for path in chosen])


def convert(
    content: bytes, architecture: Architecture, precision: Precision, photographs: ByteArray | None
) -> tuple[bytes, Agreement]:
    """An fp32 ONNX file converted to another precision, and its agreement with fp32.

    photographs: (n, size, size, 3), or None. Every fourth measures the agreement, the others calibrate;
    without them noise, gradients and flat images measure it.
    Raises InvalidInputError for int8 of a convolutional network without photographs, PreconditionError if
    the features differ too much from fp32.
    """
    if precision == "fp16":
        variant = to_fp16(content)
    elif architecture.family == "swin" or has_attention(content):
        variant = to_dynamic_int8(content)
    elif photographs is None:
        raise InvalidInputError(
            f"int8 of {architecture.model_id} must be calibrated; give a directory of photographs like those "
            "of the survey with --calibration",
            field="calibration",
        )
    else:
        variant = to_static_int8(content, photographs[np.arange(len(photographs)) % HELD_OUT != 0])
    images = probes(architecture.input_size) if photographs is None else photographs[::HELD_OUT]
    agreement = compare(features(content, images), features(variant, images))
    # `not >` instead of `<=`, so that NaN is refused too
    if not agreement.least_cosine > LEAST_COSINE[precision]:
        raise PreconditionError(
            f"{architecture.model_id} is too inaccurate as {precision}: {agreement}; use fp32, or "
            "calibrate with more photographs like those of the survey"
        )
    return variant, agreement


def has_attention(content: bytes) -> bool:
    """Whether a model is a transformer."""
    return any(node.op_type == "Softmax" for node in onnx.load_from_string(content).graph.node)


def to_fp16(content: bytes) -> bytes:
    """The model with 16-bit weights and activations; the types of input and output do not change."""
    model = onnx.load_from_string(content)
    full_precision = _full_precision(model)
    halved = convert_float_to_float16(model, keep_io_types=True, node_block_list=full_precision)
    _drop_round_trips(halved)
    ordered = OnnxModel(halved)
    # the conversion appends its casts after the nodes that use them
    ordered.topological_sort(is_deterministic=True)
    return serialise(ordered.model)


def to_static_int8(content: bytes, photographs: ByteArray) -> bytes:
    """The model with 8-bit convolutions, by the ranges on photographs (n, size, size, 3)."""
    with tempfile.TemporaryDirectory() as directory:
        prepared, written = _prepared(content, Path(directory))
        quantize_static(
            prepared,
            written,
            _Photographs(photographs),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=CONVOLUTIONAL,
            nodes_to_exclude=_full_precision(onnx.load(prepared)),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return serialise(onnx.load(written))


def to_dynamic_int8(content: bytes) -> bytes:
    """The model with 8-bit matrix products, by the ranges of each batch."""
    with tempfile.TemporaryDirectory() as directory:
        prepared, written = _prepared(content, Path(directory))
        quantize_dynamic(
            prepared, written, op_types_to_quantize=PRODUCTS, per_channel=True, weight_type=QuantType.QInt8
        )
        return serialise(onnx.load(written))


class _Photographs(CalibrationDataReader):  # type: ignore[misc] # onnxruntime ships no types
    """Photographs one by one, as the calibration reads them."""

    def __init__(self, photographs: ByteArray) -> None:
        self._batches: Iterator[ByteArray] = iter(photographs[:, None])

    def get_next(self) -> dict[str, ByteArray] | None:
        """The next input of the model, or None at the end."""
        batch = next(self._batches, None)
        return None if batch is None else {"pixels": batch}


def _photograph(path: Path, preprocessing: Preprocessing) -> ByteArray:
    try:
        return preprocessing.apply(path.read_bytes())
    except UnreadableImageError as error:
        raise InvalidInputError(f"{path}: {error}", field="calibration") from error


def _prepared(content: bytes, directory: Path) -> tuple[Path, Path]:
    """Write the model with inferred shapes; its path, and the path for the quantised model."""
    source, prepared = directory / "fp32.onnx", directory / "prepared.onnx"
    source.write_bytes(content)
    # only the batch size is symbolic, so symbolic inference, and sympy, are not needed
    quant_pre_process(source, prepared, skip_symbolic_shape=True)
    return prepared, directory / "int8.onnx"


def _drop_round_trips(model: onnx.ModelProto) -> None:
    """Remove casts to 16 bits and back between nodes that stay in 32 bits."""
    nodes = model.graph.node
    halving = {node.output[0]: node.input[0] for node in nodes if _casts(node, onnx.TensorProto.FLOAT16)}
    widening = [node for node in nodes if _casts(node, onnx.TensorProto.FLOAT) and node.input[0] in halving]
    for node in widening:
        # a cast from 32 bits to 32 bits, which onnxruntime removes
        node.input[0] = halving[node.input[0]]
    unused = halving.keys() - {value for node in nodes for value in node.input}
    # a node that reads one value twice gets two casts of one name
    unique = {node.output[0]: node for node in nodes if node.output[0] not in unused}
    del nodes[:]
    nodes.extend(unique.values())


def _casts(node: onnx.NodeProto, to: int) -> bool:
    return node.op_type == "Cast" and node.attribute[0].i == to


def _full_precision(model: onnx.ModelProto) -> list[str]:
    """Names of the nodes that stay in 32 bits: before the first layer, and from the clamp of a power on."""
    kinds = [node.op_type for node in model.graph.node]
    first = kinds.index("Conv")
    last = kinds.index("Pow") - 1 if "Pow" in kinds else len(kinds)
    return [node.name for i, node in enumerate(model.graph.node) if i < first or i >= last]
