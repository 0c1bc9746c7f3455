from __future__ import annotations

import hashlib

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper
from torch import nn

from services.embedder.export.architectures import PixelFeatures
from services.embedder.export.cell_search import find_cells, last_map
from services.embedder.export.onnx_export import probes, trace
from services.embedder.inference.cell_maps import MOST_CELLS, CellMap, with_output
from spotted.arrays import Float32Array
from spotted.training.networks import GeneralisedMean, miewid

SIZE = 16
# a network without pooling and normalisation of ours
PLAIN = PixelFeatures(nn.Identity(), (0.0,) * 3, (1.0,) * 3)


def totals(cell_map: CellMap, content: bytes) -> Float32Array:
    """The sums of the parts of all cells, for each image of `probes`."""
    session = onnxruntime.InferenceSession(
        with_output(content, cell_map.tensor), providers=["CPUExecutionProvider"]
    )
    (maps,) = session.run([cell_map.tensor], {"pixels": probes(SIZE)})
    return np.stack([cell_map.parts(one).sum(axis=(0, 1)) for one in maps])


def test_the_vectors_of_miewid_are_the_sums_of_cells_in_spite_of_its_root_and_its_normalisation() -> None:
    torch.manual_seed(0)
    inner = miewid(nn.Sequential(nn.Conv2d(3, 6, 4, stride=4), nn.Hardswish()), 6)
    nn.init.uniform_(inner.bn.weight, 0.5, 2.0)  # type: ignore[arg-type] # of BatchNorm1d
    nn.init.uniform_(inner.bn.bias, -1.0, 1.0)  # type: ignore[arg-type] # of BatchNorm1d
    inner.bn.running_mean, inner.bn.running_var = torch.rand(6), torch.rand(6) + 0.5
    network = PixelFeatures(inner, (127.0,) * 3, (128.0,) * 3).eval()
    content = trace(network, SIZE)
    found = find_cells(network, content, SIZE)
    assert found is not None
    assert (found.power, found.channels_last) == (3.0, False)
    assert found.model_sha256 == hashlib.sha256(content).hexdigest()
    with torch.no_grad():
        expected = network(torch.from_numpy(probes(SIZE))).numpy()
    assert np.abs(totals(found, content) - expected).max() < 1e-4
    # without the root it would be another vector
    assert isinstance(inner.pooling, GeneralisedMean)
    inner.pooling.p.data += 0.5
    assert find_cells(network, content, SIZE) is None


def averaging(axes: list[int], *, token: bool = False, edge: int = SIZE) -> bytes:
    """A graph that averages all pixels over two axes; token: its output is the first pixel instead."""
    first = helper.make_node("Gather", ["centred", "zero"], ["inner"], axis=1)
    nodes = [
        helper.make_node("Cast", ["pixels"], ["as_float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["as_float", "axes"], ["mean"], keepdims=1),
        helper.make_node("Sub", ["as_float", "mean"], ["centred"]),
        first if token else helper.make_node("ReduceMean", ["as_float", "axes"], ["inner"], keepdims=1),
        helper.make_node("Reshape", ["inner", "shape"], ["features"]),
    ]
    graph = helper.make_graph(
        nodes,
        "averaging",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", edge, edge, 3])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", "d"])],
        [
            helper.make_tensor("axes", TensorProto.INT64, [2], axes),
            helper.make_tensor("zero", TensorProto.INT64, [1], [0]),
            helper.make_tensor("shape", TensorProto.INT64, [2], [-1, 3 * edge if token else 3]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    content: bytes = onnx.shape_inference.infer_shapes(model).SerializeToString()
    return content


def test_channels_may_be_the_last_axis() -> None:
    content = averaging([1, 2])
    found = find_cells(PLAIN, content, SIZE)
    assert found is not None
    assert (found.tensor, found.channels_last, found.power) == ("as_float", True, 1.0)
    assert totals(found, content) == pytest.approx(probes(SIZE).mean(axis=(1, 2)), rel=1e-5)


def test_a_mean_on_the_way_is_not_taken_for_the_last_step() -> None:
    content = averaging([1, 2], token=True)
    assert last_map(onnx.load_from_string(content).graph) == "as_float"
    assert find_cells(PLAIN, content, SIZE) is None


def test_a_map_of_too_many_cells_is_left_out() -> None:
    edge = 33
    assert edge**2 > MOST_CELLS
    assert find_cells(PLAIN, averaging([1, 2], edge=edge), edge) is None
