"""The cell map of an exported network: the tensor in its graph, and the proof that vectors follow from it.

The tensor is what enters the last mean over a map of features. It counts only if the vectors of the file are
the sums of the parts that `CellMap.parts` gives, for a few images; networks with a class token have none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
import onnx
import onnxruntime
from torch import nn

from services.embedder.export.architectures import PixelFeatures
from services.embedder.export.onnx_export import LARGEST_DIFFERENCE, probes
from services.embedder.inference.cell_maps import MOST_CELLS, CellMap, with_output
from spotted.arrays import Float32Array
from spotted.training.networks import GeneralisedMean

MEANS = frozenset({"ReduceMean", "GlobalAveragePool"})
MAP_DIMENSIONS = 4
# noise, gradients and stripes of `probes`
CHECKED = (0, 2, 3)


def find_cells(network: PixelFeatures, content: bytes, size: int) -> CellMap | None:
    """The cell map of an exported network; None if its vectors are no mean of a map of at most MOST_CELLS.

    content: the ONNX file of the network. size: edge of its input.
    """
    tensor = last_map(onnx.load_from_string(content).graph)
    if tensor is None:
        return None
    found = list(_runs(content, tensor, size))
    dimension = found[0][0].shape[-1]
    power, scale, shift = _head(network.network, dimension)
    digest = hashlib.sha256(content).hexdigest()
    for channels_last in (False, True):
        cell_map = CellMap(digest, tensor, channels_last, power, scale, shift)
        if all(_follows(cell_map, *run) for run in found):
            return cell_map
    return None


def last_map(graph: onnx.GraphProto) -> str | None:
    """The tensor of four dimensions that enters the last mean before the output; None if there is none."""
    rank = {value.name: len(value.type.tensor_type.shape.dim) for value in graph.value_info}
    needed = {graph.output[0].name}
    for node in reversed(graph.node):
        if needed.isdisjoint(node.output):
            continue
        if node.op_type in MEANS and rank.get(node.input[0]) == MAP_DIMENSIONS:
            return str(node.input[0])
        needed.update(node.input)
    return None


def _runs(content: bytes, tensor: str, size: int) -> Iterator[tuple[Float32Array, Float32Array]]:
    """The vector and the map of each of a few images."""
    options = onnxruntime.SessionOptions()
    # 3: errors only, as it warns about harmless graph details
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        with_output(content, tensor), options, providers=["CPUExecutionProvider"]
    )
    for image in probes(size)[list(CHECKED)]:
        features, cells = session.run(["features", tensor], {"pixels": image[None]})
        yield features[0], cells[0]


def _head(network: nn.Module, dimension: int) -> tuple[float, Float32Array, Float32Array]:
    """The order of the generalised mean, and the factor and the shift of each element after it."""
    pooling, norm = getattr(network, "pooling", None), getattr(network, "bn", None)
    power = float(pooling.p.item()) if isinstance(pooling, GeneralisedMean) else 1.0
    if not isinstance(norm, nn.BatchNorm1d) or norm.running_mean is None or norm.running_var is None:
        return power, np.ones(dimension, np.float32), np.zeros(dimension, np.float32)
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    shift = norm.bias - norm.running_mean * scale
    return power, scale.detach().numpy(), shift.detach().numpy()


def _follows(cell_map: CellMap, features: Float32Array, tensor: Float32Array) -> bool:
    """Whether the parts of the cells add up to the features."""
    channels = tensor.shape[-1] if cell_map.channels_last else tensor.shape[0]
    if channels != len(features) or tensor.size // channels > MOST_CELLS:
        return False
    total = cell_map.parts(tensor).sum(axis=(0, 1), dtype=np.float64)
    return bool(np.abs(total - features).max() < LARGEST_DIFFERENCE * max(1.0, float(np.abs(features).max())))
