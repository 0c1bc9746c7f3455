"""A local method with networks small enough for tests: blocks of a chip, matched by their pattern."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from services.common.local_methods import directory_of
from spotted.local_features.manifests import (
    EXTRACTOR_FILE,
    MANIFEST_FILE,
    MATCHER_FILE,
    MethodManifest,
)

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

EDGE, BLOCKS = 32, 4
SIDE = EDGE // BLOCKS
COUNT, DIMENSION = BLOCKS**2, SIDE**2


def write_method(models: Path, name: str = "blocks", *, sharpness: float = 1.0) -> MethodManifest:
    """Write the files of the method; sharpness: another one gives another network that matches."""
    extractor, matcher = _extractor(), _matcher(sharpness)
    manifest = MethodManifest(
        name=name,
        chip_size_px=EDGE,
        most_points=COUNT,
        dimension=DIMENSION,
        extractor_sha256=hashlib.sha256(extractor).hexdigest(),
        matcher_sha256=hashlib.sha256(matcher).hexdigest(),
        licence="MIT",
        source="ours",
    )
    directory = directory_of(models, name)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / EXTRACTOR_FILE).write_bytes(extractor)
    (directory / MATCHER_FILE).write_bytes(matcher)
    (directory / MANIFEST_FILE).write_text(manifest.to_json())
    return manifest


def _extractor() -> bytes:
    """Each block is a keypoint at its centre, valid as its darkest pixel is; its pattern describes it."""
    onnx = pytest.importorskip("onnx", reason="onnx is not installed; it comes with the extra `export`")
    node, of = onnx.helper.make_node, onnx.numpy_helper.from_array
    column, row = np.meshgrid(np.arange(BLOCKS), np.arange(BLOCKS))
    centres = (np.stack([column.ravel(), row.ravel()], axis=1) + 0.5) * SIDE
    constants = [
        of(centres.astype(np.float32), "centres"),
        of(np.array([BLOCKS, SIDE, BLOCKS, SIDE]), "blocks"),
        of(np.array([COUNT, DIMENSION]), "rows"),
        of(np.array(0), "red"),
        of(np.array([1]), "last"),
    ]
    nodes = [
        node("Cast", ["pixels"], ["colours"], to=onnx.TensorProto.FLOAT),
        node("Gather", ["colours", "red"], ["chip"], axis=3),
        node("Cast", ["valid"], ["allowed"], to=onnx.TensorProto.FLOAT),
    ]
    for image, rows in (("chip", "patterns"), ("allowed", "masks")):
        nodes += [
            node("Reshape", [image, "blocks"], [f"{image}4"]),
            node("Transpose", [f"{image}4"], [f"{image}t"], perm=[0, 2, 1, 3]),
            node("Reshape", [f"{image}t", "rows"], [rows]),
        ]
    nodes += [
        node("ReduceMin", ["masks", "last"], ["strengths"], keepdims=0),
        node("ReduceMean", ["patterns", "last"], ["means"], keepdims=1),
        node("Sub", ["patterns", "means"], ["deviations"]),
        node("LpNormalization", ["deviations"], ["descriptors"], axis=1, p=2),
        node("Identity", ["centres"], ["points"]),
    ]
    return _model(
        nodes,
        {"pixels": ("UINT8", [1, EDGE, EDGE, 3]), "valid": ("UINT8", [1, EDGE, EDGE])},
        {"points": [COUNT, 2], "strengths": [COUNT], "descriptors": [COUNT, DIMENSION]},
        constants,
    )


def _matcher(sharpness: float) -> bytes:
    """Scores are the products of descriptors that are above 0."""
    onnx = pytest.importorskip("onnx", reason="onnx is not installed; it comes with the extra `export`")
    node = onnx.helper.make_node
    nodes = [
        node("Transpose", ["descriptors_b"], ["turned"], perm=[0, 2, 1]),
        node("MatMul", ["descriptors_a", "turned"], ["products"]),
        node("Relu", ["products"], ["alike"]),
        node("Pow", ["alike", "sharpness"], ["scores"]),
    ]
    constants = [onnx.numpy_helper.from_array(np.array(sharpness, dtype=np.float32), "sharpness")]
    inputs: dict[str, tuple[str, Sequence[int | str]]] = {
        f"{kind}_{side}": ("FLOAT", [1, size, last])
        for side, size in (("a", "n"), ("b", "m"))
        for kind, last in (("points", 2), ("descriptors", DIMENSION))
    }
    return _model(nodes, inputs, {"scores": [1, "n", "m"]}, constants)


def _model(
    nodes: Sequence[NodeProto],
    inputs: Mapping[str, tuple[str, Sequence[int | str]]],
    outputs: Mapping[str, Sequence[int | str]],
    constants: Sequence[TensorProto],
) -> bytes:
    """The content of an ONNX file; float outputs."""
    import onnx  # noqa: PLC0415 - the callers skip without it

    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes,
        "blocks",
        [value(name, getattr(onnx.TensorProto, kind), shape) for name, (kind, shape) in inputs.items()],
        [value(name, onnx.TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        constants,
    )
    opsets = [onnx.helper.make_opsetid("", 18)]
    model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=10)
    content: bytes = model.SerializeToString(deterministic=True)
    return content
