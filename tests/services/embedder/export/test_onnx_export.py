from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch

from services.embedder.export.architectures import PixelFeatures
from services.embedder.export.onnx_export import (
    OPSET,
    Agreement,
    check_parity,
    compare,
    features,
    probes,
    trace,
)
from spotted.errors import PreconditionError

SIZE = 16


@pytest.fixture
def network() -> PixelFeatures:
    """A convolution, averaged over the area, with random weights."""
    torch.manual_seed(0)
    layers = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()
    )
    return PixelFeatures(layers, (127.0, 127.0, 127.0), (128.0, 128.0, 128.0)).eval()


def test_the_graph_takes_bytes_in_any_number_and_agrees_with_torch(network: PixelFeatures) -> None:
    content = trace(network, SIZE)
    model = onnx.load_from_string(content)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", OPSET)]
    (pixels,) = model.graph.input
    assert pixels.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert [axis.dim_value for axis in pixels.type.tensor_type.shape.dim] == [0, SIZE, SIZE, 3]
    agreement = check_parity(network, content, SIZE)
    assert agreement.largest_difference < 1e-5
    assert agreement.least_cosine > 0.99999
    images = np.random.default_rng(7).integers(0, 256, (5, SIZE, SIZE, 3), dtype=np.uint8)
    with torch.no_grad():
        expected = network(torch.from_numpy(images)).numpy()
    for together in (1, 2, 5):
        np.testing.assert_allclose(features(content, images, together=together), expected, atol=1e-5)


def test_the_same_network_gives_the_same_bytes_without_paths_of_this_machine(network: PixelFeatures) -> None:
    content = trace(network, SIZE)
    assert trace(network, SIZE) == content
    assert b".py" not in content


@pytest.mark.parametrize("wrong", [1.0, float("nan")])
def test_another_network_fails_the_check(network: PixelFeatures, wrong: float) -> None:
    content = trace(network, SIZE)
    network.mean.data += wrong
    with pytest.raises(PreconditionError, match="differs from the torch network: features differ"):
        check_parity(network, content, SIZE)


def test_agreement_is_the_largest_difference_and_the_least_cosine() -> None:
    expected = np.array([[1.0, 0.0], [0.0, 2.0]], dtype=np.float32)
    found = np.array([[1.0, 0.0], [2.0, 2.0]], dtype=np.float32)
    agreement = compare(expected, found)
    assert agreement.largest_difference == 2.0
    assert agreement.least_cosine == pytest.approx(0.5**0.5)
    assert str(Agreement(0.5, 0.25)) == "features differ by up to 0.5 and cosine falls to 0.2500000"


def test_the_probes_are_all_different() -> None:
    images = probes(224)
    assert images.shape == (6, 224, 224, 3)
    assert len({image.tobytes() for image in images}) == len(images)
