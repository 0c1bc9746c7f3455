"""The backbones that can be exported by name, and their torch networks without weights.

Every network takes uint8 (n, size, size, 3) RGB and normalises it itself. Its parameters have the names of
the published checkpoints, so that a checkpoint either fits or is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import torch
from torch import nn

from services.embedder.export.pooling import RegionalMaxima
from services.embedder.images.resizing import Kernel
from spotted.errors import InvalidInputError, PreconditionError
from spotted.training.networks import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    LITE0,
    Colour,
    NetworkSpec,
    build_network,
    miewid,
)
from spotted.training.torchvision_operators import import_timm

if TYPE_CHECKING:
    from efficientnet_lite_pytorch import EfficientNet

Pooling = Literal["mean", "rmac"]
Family = Literal["efficientnet-lite", "miewid", "swin", "trained"]

POOLINGS: tuple[Pooling, ...] = ("mean", "rmac")
# SPDX id for weights that are published without a stated licence
UNSTATED = "NOASSERTION"
# edge of the pixels that one cell of the last feature map stands for, of every convolutional network here
CELL_PX = 32


@dataclass(frozen=True, slots=True)
class Architecture:
    """A backbone that can be exported by its id."""

    model_id: str
    """Name of the backbone."""
    family: Family
    """Structure of the network."""
    network: str
    """Name of the network in timm or the lite package."""
    input_size: int
    """Edge of the square input, pixels."""
    dimension: int
    """Elements of a vector."""
    mean: Colour
    """Mean of each channel, of 0..255 pixels."""
    std: Colour
    """Standard deviation of each channel, of 0..255 pixels."""
    resize_kernel: Kernel
    """Kernel that resized the photographs in training, as in `Manifest`."""
    licence: str
    """SPDX id of the licence of the published weights."""
    hub_id: str | None
    """Model repository of the weights; None: they come in a package or are the user's own."""
    trained: NetworkSpec | None = None
    """The network of a training of the user's own; None: that of `family`."""
    pooling: Pooling = "mean"
    """How EfficientNet-Lite pools its last feature map: the mean, or the maxima of regions."""


class PixelFeatures(nn.Module):
    """A network with its normalisation: uint8 (n, size, size, 3) pixels to (n, dimension) features."""

    def __init__(self, network: nn.Module, mean: Colour, std: Colour) -> None:
        super().__init__()
        self.network = network
        self.mean = nn.Buffer(torch.tensor(mean))
        self.std = nn.Buffer(torch.tensor(std))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Normalise, move the channels first, and compute the features of the network."""
        normalised = (pixels.to(torch.float32) - self.mean) / self.std
        return self.features(normalised.permute(0, 3, 1, 2))

    def features(self, normalised: torch.Tensor) -> torch.Tensor:
        """Features (n, dimension) of normalised (n, 3, size, size) images."""
        features: torch.Tensor = self.network(normalised)
        return features


class AveragedFeatures(PixelFeatures):
    """EfficientNet-Lite without its classifier: the last feature map, averaged over its area."""

    network: EfficientNet

    def features(self, normalised: torch.Tensor) -> torch.Tensor:
        """Features (n, dimension) of normalised (n, 3, size, size) images."""
        features: torch.Tensor = self.network.extract_features(normalised)
        return features.mean(dim=(2, 3))


class RegionalFeatures(AveragedFeatures):
    """EfficientNet-Lite without its classifier: the maxima in regions of the last feature map."""

    def features(self, normalised: torch.Tensor) -> torch.Tensor:
        """Features (n, dimension) of normalised (n, 3, size, size) images."""
        features: torch.Tensor = RegionalMaxima()(self.network.extract_features(normalised))
        return features


def _miewid(version: int) -> Architecture:
    return Architecture(
        model_id=f"miewid-msv{version}",
        family="miewid",
        network="efficientnetv2_rw_m",
        input_size=440,
        dimension=2152,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        resize_kernel="opencv-linear",
        licence=UNSTATED,
        hub_id=f"conservationxlabs/miewid-msv{version}",
    )


def _megadescriptor(letter: str, size: int, network: str, dimension: int) -> Architecture:
    return Architecture(
        model_id=f"megadescriptor-{letter.lower()}-{size}",
        family="swin",
        network=network,
        input_size=size,
        dimension=dimension,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        resize_kernel="bilinear",
        licence="CC-BY-NC-4.0",
        hub_id=f"BVRA/MegaDescriptor-{letter}-{size}",
    )


_LITE0 = Architecture(
    model_id=LITE0,
    family="efficientnet-lite",
    network=LITE0,
    input_size=224,
    dimension=1280,
    mean=(127.0, 127.0, 127.0),
    std=(128.0, 128.0, 128.0),
    resize_kernel="bilinear",
    licence="Apache-2.0",
    hub_id=None,
)

ARCHITECTURES = {
    architecture.model_id: architecture
    for architecture in (
        _LITE0,
        *map(_miewid, (2, 3, 4)),
        _megadescriptor("T", 224, "swin_tiny_patch4_window7_224", 768),
        _megadescriptor("S", 224, "swin_small_patch4_window7_224", 768),
        _megadescriptor("B", 224, "swin_base_patch4_window7_224", 1024),
        _megadescriptor("L", 224, "swin_large_patch4_window7_224", 1536),
        _megadescriptor("L", 384, "swin_large_patch4_window12_384", 1536),
    )
}


def architecture_of(model_id: str) -> Architecture:
    """The architecture of a backbone. Raises InvalidInputError with the known ids for any other."""
    if model_id not in ARCHITECTURES:
        raise InvalidInputError(
            f"unknown backbone {model_id!r}; use one of {', '.join(ARCHITECTURES)}", field="model_id"
        )
    return ARCHITECTURES[model_id]


def pooled(architecture: Architecture, pooling: Pooling) -> Architecture:
    """The same network and weights with another pooling, as a backbone of its own.

    Raises InvalidInputError if the network was trained with a pooling of its own.
    """
    if pooling == architecture.pooling:
        return architecture
    if architecture.family != "efficientnet-lite":
        raise InvalidInputError(
            f"{architecture.model_id} was trained with its own pooling; omit --pooling", field="pooling"
        )
    return replace(architecture, model_id=f"{architecture.model_id}-{pooling}", pooling=pooling)


def resized(architecture: Architecture, size_px: int) -> Architecture:
    """The same network and weights for images of another edge, as a backbone of its own.

    Raises InvalidInputError if the network takes images of one size only, or does not divide the edge.
    """
    if size_px == architecture.input_size:
        return architecture
    if _has_one_size(architecture):
        raise InvalidInputError(
            f"{architecture.model_id} has weights for images of {architecture.input_size} px only; omit "
            "--image-size",
            field="image_size",
        )
    if size_px < CELL_PX or size_px % CELL_PX:
        raise InvalidInputError(
            f"images of {size_px} px do not fit {architecture.model_id}; use a multiple of {CELL_PX} px",
            field="image_size",
        )
    trained = architecture.trained and replace(architecture.trained, image_size=size_px)
    return replace(
        architecture,
        model_id=f"{architecture.model_id}-{size_px}",
        input_size=size_px,
        trained=trained,
    )


def build(architecture: Architecture) -> PixelFeatures:
    """The network of an architecture with random weights, in inference mode.

    Raises PreconditionError if the package of the network is not installed.
    """
    mean, std = architecture.mean, architecture.std
    if architecture.trained is not None:
        return PixelFeatures(build_network(architecture.trained), mean, std).eval()
    if architecture.family == "efficientnet-lite":
        features = AveragedFeatures if architecture.pooling == "mean" else RegionalFeatures
        return features(_lite_network(architecture), mean, std).eval()
    if architecture.family == "miewid":
        headless = _timm_network(architecture, pool="")
        return PixelFeatures(miewid(headless, architecture.dimension), mean, std).eval()
    return PixelFeatures(_timm_network(architecture, pool="avg"), mean, std).eval()


def _lite_network(architecture: Architecture) -> nn.Module:
    try:
        from efficientnet_lite_pytorch import EfficientNet  # noqa: PLC0415 - needed for this family only
    except ImportError as error:
        raise _without(architecture, error) from error
    network: nn.Module = EfficientNet.from_name(architecture.network)
    return network


def _timm_network(architecture: Architecture, *, pool: str) -> nn.Module:
    timm = import_timm(architecture.model_id, extra="export")
    network: nn.Module = timm.create_model(
        architecture.network, pretrained=False, num_classes=0, global_pool=pool
    )
    return network


def _has_one_size(architecture: Architecture) -> bool:
    """Whether the network is built for one size: a transformer, whose weights depend on its positions."""
    if architecture.family == "efficientnet-lite" or architecture.network == LITE0:
        return False
    timm = import_timm(architecture.model_id, extra="export")
    return bool(timm.get_pretrained_cfg(architecture.network).fixed_input_size)


def _without(architecture: Architecture, error: Exception) -> PreconditionError:
    return PreconditionError(
        f"{architecture.model_id} needs packages that cannot be loaded ({error}); install the extra "
        "`export`: pip install 'spotted[export]'"
    )
