from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

from services.embedder.export import variants
from services.embedder.export.__main__ import Exported
from services.embedder.export.architectures import ARCHITECTURES, PixelFeatures
from services.embedder.export.onnx_export import Agreement, compare, features, trace
from services.embedder.export.variants import (
    convert,
    read_photographs,
    to_dynamic_int8,
    to_fp16,
    to_static_int8,
    variant_id,
)
from services.embedder.images.decoding import ByteArray
from services.embedder.images.preprocessing import Preprocessing
from services.embedder.inference.backbones import MODEL_FILE
from spotted.errors import InvalidInputError, PreconditionError
from spotted.training.networks import miewid

LITE0 = ARCHITECTURES["efficientnet-lite0"]
SWIN = replace(ARCHITECTURES["megadescriptor-t-224"], input_size=32)
PREPROCESSING = Preprocessing(224)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory, drawing: ByteArray) -> Path:
    """Twelve drawn photographs: parts of the drawn coat, lighter and darker."""
    directory = tmp_path_factory.mktemp("photographs")
    rng = np.random.default_rng(0)
    for i in range(12):
        top, left = rng.integers(0, 100, 2)
        part = drawing[top : top + 200, left : left + 300].astype(np.float64) * rng.uniform(0.5, 1.2)
        Image.fromarray(np.clip(part, 0, 255).astype(np.uint8)).save(directory / f"{i:02}.png")
    return directory


@pytest.fixture(scope="module")
def content(exported: Exported) -> bytes:
    return (exported.directory / MODEL_FILE).read_bytes()


@pytest.fixture(scope="module")
def halved(content: bytes, photographs: Path) -> tuple[bytes, Agreement]:
    """The backbone in 16 bits, and its agreement with 32 bits on the photographs."""
    return convert(content, LITE0, "fp16", read_photographs(photographs, PREPROCESSING))


@pytest.fixture(scope="module")
def quantised(content: bytes, photographs: Path) -> tuple[bytes, Agreement]:
    """The backbone in 8 bits, and its agreement with 32 bits on the photographs."""
    return convert(content, LITE0, "int8", read_photographs(photographs, PREPROCESSING))


class Attending(torch.nn.Module):
    """The smallest network with patches and matrix products, in place of a Swin."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = torch.nn.Conv2d(3, 16, 8, stride=8)
        self.layers = torch.nn.Sequential(torch.nn.Linear(16, 64), torch.nn.GELU(), torch.nn.Linear(64, 16))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(n, 3, 32, 32) to (n, 16)."""
        tokens: torch.Tensor = self.patches(images).flatten(2).transpose(1, 2)
        mixed: torch.Tensor = tokens + self.layers(tokens)
        return mixed.mean(dim=1)


@pytest.fixture(scope="module")
def attending() -> bytes:
    torch.manual_seed(0)
    return trace(PixelFeatures(Attending(), SWIN.mean, SWIN.std).eval(), SWIN.input_size)


def elements(content: bytes) -> list[int]:
    """Element types of a model's input and output."""
    graph = onnx.load_from_string(content).graph
    return [value.type.tensor_type.elem_type for value in (*graph.input, *graph.output)]


def unrounded(graph: onnx.GraphProto, value: str) -> str:
    """The value before casts to 32 bits, which do not change a 32-bit value."""
    casts = {
        node.output[0]: node.input[0]
        for node in graph.node
        if node.op_type == "Cast"
        and node.attribute[0].i == onnx.TensorProto.FLOAT
        and "pixels" not in node.input
    }
    while value in casts:
        value = casts[value]
    return value


def operators(content: bytes) -> set[str]:
    return {node.op_type for node in onnx.load_from_string(content).graph.node}


def test_fp16_halves_the_file_and_keeps_the_vectors(
    content: bytes, photographs: Path, halved: tuple[bytes, Agreement]
) -> None:
    images = read_photographs(photographs, PREPROCESSING)
    found, agreement = halved
    assert len(found) < 0.52 * len(content)
    assert elements(found) == elements(content) == [onnx.TensorProto.UINT8, onnx.TensorProto.FLOAT]
    assert 0.9999 < agreement.least_cosine <= 1.000001
    assert agreement == compare(features(content, images[::4]), features(found, images[::4]))
    assert to_fp16(content) == found


def test_fp16_without_photographs_is_measured_on_drawn_images(content: bytes) -> None:
    _, agreement = convert(content, LITE0, "fp16", None)
    assert agreement.least_cosine > 0.999


@pytest.mark.slow
def test_int8_of_a_convolutional_network_quarters_the_file(
    content: bytes, photographs: Path, quantised: tuple[bytes, Agreement]
) -> None:
    images = read_photographs(photographs, PREPROCESSING)
    found, agreement = quantised
    assert len(found) < 0.3 * len(content)
    assert elements(found) == elements(content)
    assert {"QuantizeLinear", "DequantizeLinear"} <= operators(found)
    assert agreement.least_cosine > 0.97
    # those in between are calibrated on, and the same ones give the same file
    assert to_static_int8(content, images[np.arange(12) % 4 != 0]) == found


@pytest.mark.slow
def test_normalisation_stays_in_32_bits(
    halved: tuple[bytes, Agreement], quantised: tuple[bytes, Agreement]
) -> None:
    for found, _ in (halved, quantised):
        graph = onnx.load_from_string(found).graph
        (centring,) = [node for node in graph.node if node.op_type == "Sub"]
        (dividing,) = [node for node in graph.node if node.op_type == "Div"]
        (widening,) = [node for node in graph.node if "pixels" in node.input]
        assert widening.attribute[0].i == onnx.TensorProto.FLOAT
        # nothing rounds in between
        assert unrounded(graph, centring.input[0]) == widening.output[0]
        assert unrounded(graph, dividing.input[0]) == centring.output[0]
        assert {tensor.data_type for tensor in graph.initializer if tensor.dims == [3]} == {
            onnx.TensorProto.FLOAT
        }


def test_powers_of_the_generalised_mean_stay_in_32_bits() -> None:
    nodes = [
        onnx.helper.make_node(kind, [], [], name=kind)
        for kind in ("Cast", "Conv", "Add", "Clip", "Pow", "Mul")
    ]
    model = onnx.helper.make_model(onnx.helper.make_graph(nodes, "pooled", [], []))
    assert variants._full_precision(model) == ["Cast", "Clip", "Pow", "Mul"]


def test_fp16_pools_values_whose_cubes_it_could_not_hold() -> None:
    torch.manual_seed(0)
    network = PixelFeatures(miewid(torch.nn.Conv2d(3, 16, 8), 16), SWIN.mean, SWIN.std).eval()
    for tensor in network.network.get_submodule("backbone").parameters():
        # the cube of a thousandth is below the smallest number in 16 bits
        tensor.data = tensor.data.abs() * 1e-3
    network.network.get_buffer("bn.running_var").fill_(1e-6)
    content = trace(network, SWIN.input_size)
    found, agreement = convert(content, replace(SWIN, family="miewid"), "fp16", None)
    assert agreement.least_cosine > 0.9999
    assert elements(found) == elements(content)


def test_int8_of_a_transformer_needs_no_photographs(attending: bytes) -> None:
    found, agreement = convert(attending, SWIN, "int8", None)
    assert "MatMulInteger" in operators(found)
    assert "ConvInteger" not in operators(found)
    assert elements(found) == elements(attending)
    assert agreement.least_cosine > 0.99
    assert to_dynamic_int8(attending) == found


def test_int8_of_a_convolutional_network_needs_photographs(content: bytes) -> None:
    with pytest.raises(
        InvalidInputError, match=r"int8 of efficientnet-lite0 must be calibrated.*--calibration"
    ):
        convert(content, LITE0, "int8", None)


def test_a_variant_that_is_too_far_from_fp32_is_refused(
    attending: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a cosine above 1 is impossible
    monkeypatch.setitem(variants.LEAST_COSINE, "int8", 1.01)
    with pytest.raises(
        PreconditionError, match=r"megadescriptor-t-224 is too inaccurate as int8: features differ"
    ):
        convert(attending, SWIN, "int8", None)


def test_too_few_photographs_are_refused(tmp_path: Path, drawing_png: bytes) -> None:
    for i in range(7):
        (tmp_path / f"{i}.png").write_bytes(drawing_png)
    (tmp_path / "notes.txt").write_text("no photograph")
    with pytest.raises(InvalidInputError, match=r"has 7 photographs .* needs 8"):
        read_photographs(tmp_path, PREPROCESSING)


def test_a_damaged_photograph_is_named(tmp_path: Path, drawing_png: bytes) -> None:
    for i in range(8):
        (tmp_path / f"{i}.png").write_bytes(drawing_png)
    (tmp_path / "8.JPG").write_bytes(b"\xff\xd8\xff cut short")
    with pytest.raises(InvalidInputError, match=r"8\.JPG: the image is damaged"):
        read_photographs(tmp_path, PREPROCESSING)


def test_many_photographs_are_chosen_evenly(tmp_path: Path) -> None:
    for i in range(variants.MOST_PHOTOGRAPHS + 1):
        shade = i % 256
        Image.new("RGB", (2, 2), (shade, shade, shade)).save(tmp_path / f"{i:03}.png")
    chosen = read_photographs(tmp_path, Preprocessing(1))
    np.testing.assert_array_equal(chosen[:, 0, 0, 0], np.arange(0, variants.MOST_PHOTOGRAPHS + 1, 2) % 256)


@pytest.mark.parametrize(
    ("precision", "expected"),
    [("fp32", "miewid-msv3"), ("fp16", "miewid-msv3-fp16"), ("int8", "miewid-msv3-int8")],
)
def test_the_id_ends_in_the_precision(precision: variants.Precision, expected: str) -> None:
    assert variant_id("miewid-msv3", precision) == expected
