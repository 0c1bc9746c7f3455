"""Networks that turn images into vectors: a backbone of timm, pooling, and batch normalisation.

With generalised-mean pooling and batch normalisation this is the network of MiewID, whose parts are named as
in the checkpoints of wbia-plugin-miew-id.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from spotted.errors import InvalidInputError, PreconditionError
from spotted.training.torchvision_operators import import_timm

Pooling = Literal["gem", "default"]
Colour = tuple[float, float, float]

POOLINGS: tuple[Pooling, ...] = ("gem", "default")
# mean and standard deviation of ImageNet for 0..1 pixels, times 255
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)
LITE0 = "efficientnet-lite0"
GEM_POWER = 3.0
# features are raised to at least this, as negative ones have no root
GEM_LEAST = 1e-6
MAP_DIMENSIONS = 4


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """A network without its weights.

    >>> NetworkSpec("vit_tiny_patch16_224", image_size=96, pooling="default", batch_norm=False).image_size
    96
    """

    name: str = "efficientnetv2_rw_m"
    """Name of the backbone in timm, or "efficientnet-lite0"."""
    image_size: int = 256
    """Edge of the square input, pixels."""
    pooling: Pooling = "gem"
    """gem: generalised mean over the feature map; default: as the backbone pools by itself, e.g. its class
    token."""
    batch_norm: bool = True
    """Whether the pooled features are normalised by batch statistics."""
    patch_size: int | None = None
    """Edge of the patches of a transformer, pixels; None: as its name says."""
    mean: Colour = IMAGENET_MEAN
    """Mean of each channel, of 0..255 pixels."""
    std: Colour = IMAGENET_STD
    """Standard deviation of each channel, of 0..255 pixels."""


class GeneralisedMean(nn.Module):
    """The mean of order p over the area of a feature map: p = 1 is the average, a large p near the maximum.

    Radenović et al., "Fine-tuning CNN image retrieval with no human annotation" (2019), eq. 3.

    >>> maps = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> round(GeneralisedMean()(maps).item() ** 3, 3)
    25.0
    """

    def __init__(self) -> None:
        super().__init__()
        self.p = nn.Parameter(torch.full((1,), GEM_POWER))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(n, channels, height, width) to (n, channels)."""
        return features.clamp(min=GEM_LEAST).pow(self.p).mean(dim=(2, 3)).pow(1.0 / self.p)


class EmbeddingNetwork(nn.Module):
    """A backbone, its pooling, and normalisation. Its vectors do not have unit length.

    >>> network = EmbeddingNetwork(nn.Conv2d(3, 5, 3), GeneralisedMean(), nn.BatchNorm1d(5), dimension=5)
    >>> network(torch.rand(2, 3, 8, 8)).shape
    torch.Size([2, 5])
    """

    def __init__(self, backbone: nn.Module, pooling: nn.Module, bn: nn.Module, *, dimension: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.pooling = pooling
        self.bn = bn
        self.dimension = dimension

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(n, 3, size, size) normalised images to (n, dimension) vectors."""
        vectors: torch.Tensor = self.bn(self.pooling(self.backbone(images)))
        return vectors


def miewid(backbone: nn.Module, dimension: int) -> EmbeddingNetwork:
    """The network of MiewID on a headless backbone: generalised mean and batch normalisation."""
    return EmbeddingNetwork(backbone, GeneralisedMean(), nn.BatchNorm1d(dimension), dimension=dimension)


def build_network(spec: NetworkSpec, *, seed: int = 0, pretrained: bool = False) -> EmbeddingNetwork:
    """A network with random weights.

    pretrained: whether timm downloads the published weights of the backbone; its errors pass.

    Raises PreconditionError if the package of the backbone is missing, InvalidInputError if there is no such
    backbone, or it has no feature map for the pooling.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        backbone = _lite() if spec.name == LITE0 else _timm(spec, pretrained=pretrained)
        pooling = GeneralisedMean() if spec.pooling == "gem" else _own_pooling(spec)
        found = _probe(backbone, spec.image_size)
        if spec.pooling == "gem" and found.ndim != MAP_DIMENSIONS:
            raise _no_map(spec)
        dimension = int(found.shape[1])
        bn = nn.BatchNorm1d(dimension) if spec.batch_norm else nn.Identity()
        return EmbeddingNetwork(backbone, pooling, bn, dimension=dimension)


def for_any_size(network: EmbeddingNetwork, spec: NetworkSpec) -> EmbeddingNetwork:
    """The network with the same weights, which takes images of several sizes.

    Raises InvalidInputError if its backbone takes one size only.
    """
    if spec.name == LITE0 or not _has_fixed_size(spec.name):
        return network
    try:
        backbone = _timm(spec, pretrained=False, dynamic_img_size=True)
    except InvalidInputError as error:
        raise InvalidInputError(
            f"{spec.name} takes images of one size only; train without small crops, or use a ViT or a "
            "convolutional network",
            field="network",
        ) from error
    backbone.load_state_dict(network.backbone.state_dict())
    return EmbeddingNetwork(backbone, network.pooling, network.bn, dimension=network.dimension)


def _has_fixed_size(name: str) -> bool:
    """Whether a network of timm is built for one size; those of other makers take any."""
    timm = import_timm(name)
    return bool(timm.is_model(name) and timm.get_pretrained_cfg(name).fixed_input_size)


class LiteFeatures(nn.Module):
    """EfficientNet-Lite without its classifier: the last feature map."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(n, 3, size, size) normalised images to (n, 1280, size / 32, size / 32)."""
        features: torch.Tensor = self.network.extract_features(images)  # type: ignore[operator] # untyped
        return features


class Averaged(nn.Module):
    """The average over the area of a feature map."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(n, channels, height, width) to (n, channels)."""
        return features.mean(dim=(2, 3))


def _lite() -> nn.Module:
    try:
        from efficientnet_lite_pytorch import EfficientNet  # noqa: PLC0415 - needed for this network only
    except ImportError as error:
        raise PreconditionError(
            f"{LITE0} needs packages that cannot be loaded ({error}); install the extra `export`: "
            "pip install 'spotted[export]'"
        ) from error
    network = EfficientNet.from_name(LITE0)
    # its classifier is not used, and would be a parameter without a gradient
    network._fc = nn.Identity()  # noqa: SLF001 - it has no public name
    return LiteFeatures(network)


def _timm(spec: NetworkSpec, *, pretrained: bool, **more: object) -> nn.Module:
    timm = import_timm(spec.name)
    if not timm.is_model(spec.name):
        near = ", ".join(timm.list_models(f"*{spec.name.split('_')[0]}*")[:5])
        hint = f"names near it: {near}" if near else "see timm.list_models()"
        raise InvalidInputError(f"timm has no network {spec.name!r}; {hint}", field="network")
    options: dict[str, object] = {"num_classes": 0, **more}
    if spec.pooling == "gem":
        options["global_pool"] = ""
    # convolutional networks take any size; transformers are built for one
    if timm.get_pretrained_cfg(spec.name).fixed_input_size:
        options["img_size"] = spec.image_size
    if spec.patch_size is not None:
        options["patch_size"] = spec.patch_size
    try:
        network: nn.Module = timm.create_model(spec.name, pretrained=pretrained, **options)
    except (TypeError, AssertionError, RuntimeError) as error:
        if pretrained:
            raise
        raise InvalidInputError(
            f"{spec.name} cannot be built for images of {spec.image_size} px ({error}); use a size that its "
            "patches and windows divide, and a patch size only for a transformer",
            field="network",
        ) from error
    return network


def _own_pooling(spec: NetworkSpec) -> nn.Module:
    return Averaged() if spec.name == LITE0 else nn.Identity()


def _probe(backbone: nn.Module, size: int) -> torch.Tensor:
    """The output of a backbone for a black image."""
    with torch.no_grad():
        found: torch.Tensor = backbone.eval()(torch.zeros(1, 3, size, size))
    backbone.train()
    return found


def _no_map(spec: NetworkSpec) -> InvalidInputError:
    return InvalidInputError(
        f"{spec.name} has no feature map that a generalised mean could pool; use its default pooling",
        field="pooling",
    )
