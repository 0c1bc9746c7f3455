from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from services.embedder.inference.cell_maps import CellMap, with_output
from spotted.errors import PreconditionError

RNG = np.random.default_rng


def cell_map(power: float = 1.0, *, channels_last: bool = False, sha256: str = "a") -> CellMap:
    scale, shift = np.array([1.5, -2.0], np.float32), np.array([0.25, 1.0], np.float32)
    return CellMap(sha256, "map", channels_last, power, scale, shift)


@pytest.mark.parametrize("power", [1.0, 3.0, 2.5])
def test_the_parts_add_up_to_the_scaled_and_shifted_generalised_mean(power: float) -> None:
    features = RNG(0).uniform(0.1, 2.0, (2, 3, 4)).astype(np.float32)
    found = cell_map(power).parts(features**power)
    pooled = np.array([(channel**power).mean() ** (1 / power) for channel in features])
    assert found.sum(axis=(0, 1)) == pytest.approx(pooled * [1.5, -2.0] + [0.25, 1.0], rel=1e-5)
    # each cell has its part of the mean
    for row in range(3):
        for column in range(4):
            part = [x[row, column] ** power / (x**power).sum() for x in features]
            expected = pooled * part * [1.5, -2.0] + np.array([0.25, 1.0]) / 12
            assert found[row, column] == pytest.approx(expected, rel=1e-4)


def test_channels_may_come_first_or_last() -> None:
    features = RNG(1).normal(size=(2, 3, 4)).astype(np.float32)
    last = cell_map(channels_last=True).parts(features.transpose(1, 2, 0))
    assert last.tolist() == cell_map().parts(features).tolist()


def test_a_map_is_read_as_it_was_written_and_equal_maps_are_equal_files() -> None:
    written = cell_map(3.0, channels_last=True)
    content = written.to_bytes()
    assert content == cell_map(3.0, channels_last=True).to_bytes()
    read = CellMap.from_bytes(content, "a")
    assert read.to_bytes() == content
    assert (read.tensor, read.power, read.channels_last) == ("map", 3.0, True)


def test_a_damaged_file_and_that_of_another_model_are_refused_with_the_remedy() -> None:
    content = cell_map().to_bytes()
    for damaged in (b"", b"no archive", content[:40], content[:-30]):
        with pytest.raises(PreconditionError, match=r"cannot be read .* export the backbone again"):
            CellMap.from_bytes(damaged, "a")
    with pytest.raises(PreconditionError, match="belongs to model file a, not to b"):
        CellMap.from_bytes(content, "b")


@pytest.mark.parametrize("name", ["inner", "n" * 300])
def test_a_tensor_becomes_a_further_output_and_the_file_is_else_the_same(name: str) -> None:
    graph = helper.make_graph(
        [helper.make_node("Neg", ["x"], [name]), helper.make_node("Neg", [name], ["y"])],
        "two",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n"])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    content = model.SerializeToString()
    extended = with_output(content, name)
    assert extended.startswith(content)
    found = onnx.load_from_string(extended)
    assert [output.name for output in found.graph.output] == ["y", name]
    del found.graph.output[1]
    assert found == model
    session = onnxruntime.InferenceSession(extended, providers=["CPUExecutionProvider"])
    values = session.run(["y", name], {"x": np.array([1.0, -2.0], np.float32)})
    assert [one.tolist() for one in values] == [[1.0, -2.0], [-1.0, 2.0]]
