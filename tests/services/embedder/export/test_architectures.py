from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from services.embedder.export.architectures import (
    ARCHITECTURES,
    PixelFeatures,
    architecture_of,
    build,
    pooled,
    resized,
)
from services.embedder.export.pooling import RegionalMaxima
from spotted.errors import InvalidInputError, PreconditionError
from spotted.training.torchvision_operators import import_timm

MIEWID = ["miewid-msv2", "miewid-msv3", "miewid-msv4"]
# parameters of the timm classifiers for 1000 classes, without their last layer
SWIN = {
    "megadescriptor-t-224": 28_288_354 - 769_000,
    "megadescriptor-s-224": 49_606_258 - 769_000,
    "megadescriptor-b-224": 87_768_224 - 1_025_000,
    "megadescriptor-l-224": 196_532_476 - 1_537_000,
    # its windows of 12 have 23 * 23 positions for each of 564 heads instead of 13 * 13
    "megadescriptor-l-384": 196_532_476 - 1_537_000 + (23 * 23 - 13 * 13) * 564,
}


def unfilled(model_id: str) -> PixelFeatures:
    """A network with shapes but without values."""
    with torch.device("meta"):
        return build(ARCHITECTURES[model_id])


def parameters(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("model_id", [*MIEWID, *SWIN])
def test_an_image_becomes_a_vector_of_the_stated_dimension(model_id: str) -> None:
    architecture = ARCHITECTURES[model_id]
    size = architecture.input_size
    pixels = torch.empty(2, size, size, 3, dtype=torch.uint8, device="meta")
    assert unfilled(model_id)(pixels).shape == (2, architecture.dimension)


@pytest.mark.parametrize("model_id", MIEWID)
def test_miewid_has_the_published_names_and_shapes(model_id: str) -> None:
    network = unfilled(model_id).network
    timm = import_timm("this test")
    with torch.device("meta"):
        published = timm.create_model("efficientnetv2_rw_m", pretrained=False)
    expected = {
        f"backbone.{name}": tensor.shape
        for name, tensor in published.state_dict().items()
        if not name.startswith("classifier.")
    }
    expected |= {"pooling.p": torch.Size([1]), "bn.num_batches_tracked": torch.Size([])}
    for part in ("weight", "bias", "running_mean", "running_var"):
        expected[f"bn.{part}"] = torch.Size([2152])
    assert {name: tensor.shape for name, tensor in network.state_dict().items()} == expected
    # count of timm without its classifier, plus the power and the last normalisation
    assert parameters(network) == 53_236_442 - 2153 * 1000 + 1 + 2 * 2152


@pytest.mark.parametrize(("model_id", "count"), SWIN.items())
def test_megadescriptor_is_timms_swin_without_its_classifier(model_id: str, count: int) -> None:
    network = unfilled(model_id).network
    names = set(network.state_dict())
    assert {"patch_embed.proj.weight", "layers.1.downsample.reduction.weight", "norm.bias"} <= names
    assert not any(name.startswith("head.") for name in names)
    assert parameters(network) == count


def test_imagenets_colours_are_those_of_pixels_in_0_to_1() -> None:
    architecture = ARCHITECTURES["miewid-msv3"]
    features = PixelFeatures(torch.nn.Flatten(), architecture.mean, architecture.std)
    pixels = np.random.default_rng(1).integers(0, 256, (2, 4, 4, 3), dtype=np.uint8)
    expected = (pixels / 255 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    found = features(torch.from_numpy(pixels)).numpy()
    np.testing.assert_allclose(found, expected.transpose(0, 3, 1, 2).reshape(2, -1), atol=1e-5)


def test_an_unknown_backbone_is_refused_with_those_there_are() -> None:
    with pytest.raises(
        InvalidInputError, match="unknown backbone 'resnet'; use one of efficientnet-lite0, miew"
    ):
        architecture_of("resnet")


@pytest.mark.parametrize("model_id", ["efficientnet-lite0", "miewid-msv3"])
def test_a_convolutional_network_takes_images_of_another_size(model_id: str) -> None:
    architecture = ARCHITECTURES[model_id]
    larger = resized(architecture, 320)
    assert (larger.model_id, larger.input_size) == (f"{model_id}-320", 320)
    assert replace(larger, model_id=model_id, input_size=architecture.input_size) == architecture
    assert resized(architecture, architecture.input_size) is architecture


def test_a_larger_image_becomes_a_vector_of_the_same_dimension() -> None:
    pixels = torch.empty(2, 320, 320, 3, dtype=torch.uint8, device="meta")
    with torch.device("meta"):
        network = build(resized(ARCHITECTURES["efficientnet-lite0"], 320))
    assert network(pixels).shape == (2, 1280)


def test_regional_maxima_are_a_backbone_of_their_own_with_the_same_weights() -> None:
    architecture = ARCHITECTURES["efficientnet-lite0"]
    regional = resized(pooled(architecture, "rmac"), 64)
    assert (regional.model_id, regional.dimension) == ("efficientnet-lite0-rmac-64", 1280)
    assert pooled(architecture, "mean") is architecture
    torch.manual_seed(0)
    network = build(regional)
    pixels = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    with torch.no_grad():
        centred = ((pixels.float() - network.mean) / network.std).permute(0, 3, 1, 2)
        maps = network.network.extract_features(centred)  # type: ignore[operator] # an untyped package
        torch.testing.assert_close(network(pixels), RegionalMaxima()(maps))


@pytest.mark.parametrize("model_id", ["miewid-msv3", "megadescriptor-t-224"])
def test_a_network_with_a_trained_pooling_keeps_it(model_id: str) -> None:
    with pytest.raises(InvalidInputError, match=f"{model_id} was trained with its own pooling"):
        pooled(ARCHITECTURES[model_id], "rmac")


def test_padding_of_another_size_is_that_of_the_published_network() -> None:
    # the network pads for the size it was made for; of multiples of 32 the padding is the same
    torch.manual_seed(0)
    network = build(resized(ARCHITECTURES["efficientnet-lite0"], 256)).network
    stem, weight = network.get_submodule("_conv_stem"), network.get_parameter("_conv_stem.weight")
    images = torch.rand(1, 3, 256, 256)
    padded = torch.nn.functional.pad(images, (0, 1, 0, 1))
    torch.testing.assert_close(stem(images), torch.nn.functional.conv2d(padded, weight, stride=2))


@pytest.mark.parametrize(
    ("model_id", "size_px", "reason"),
    [
        ("megadescriptor-l-384", 256, "megadescriptor-l-384 has weights for images of 384 px only"),
        (
            "efficientnet-lite0",
            250,
            "images of 250 px do not fit efficientnet-lite0; use a multiple of 32 px",
        ),
        ("miewid-msv3", 0, "images of 0 px do not fit miewid-msv3; use a multiple of 32 px"),
    ],
)
def test_a_size_that_does_not_fit_the_network_is_refused(model_id: str, size_px: int, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        resized(ARCHITECTURES[model_id], size_px)


@pytest.mark.parametrize(
    ("package", "model_id"),
    [
        ("timm", "miewid-msv3"),
        ("timm", "megadescriptor-l-384"),
        ("efficientnet_lite_pytorch", "efficientnet-lite0"),
    ],
)
def test_a_missing_package_is_named_with_the_extra(
    package: str, model_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # None there makes the import fail as if it were not installed
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(PreconditionError, match=rf"{model_id} needs .*{package}.*the extra `export`"):
        build(ARCHITECTURES[model_id])
