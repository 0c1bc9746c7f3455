"""The two backbones that serving is measured with, exported as deployed ones are.

A ViT-Tiny of random weights costs as much as a trained one; EfficientNet-Lite0 is the project's own.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import nn

from services.embedder.export.__main__ import export, write
from services.embedder.export.architectures import PixelFeatures
from services.embedder.export.onnx_export import OPSET, check_parity, trace
from services.embedder.inference.backbones import (
    MANIFEST_FILE,
    MODEL_FILE,
    Manifest,
    is_intact,
    read_manifest,
)
from spotted.errors import SpottedError
from spotted.training.networks import IMAGENET_MEAN, IMAGENET_STD, LITE0

MODELS = Path("out/benchmarks/models")
VIT_TINY = "benchmark-vit-tiny"
SIZE, PATCH, WIDTH, DEPTH, HEADS = 224, 16, 192, 12, 3
SEED = 20260101


class Block(nn.Module):
    """Self-attention and a perceptron of four times the width, each behind a norm and beside a detour."""

    def __init__(self) -> None:
        super().__init__()
        self.before_attention = nn.LayerNorm(WIDTH)
        self.query_key_value = nn.Linear(WIDTH, 3 * WIDTH)
        self.attended = nn.Linear(WIDTH, WIDTH)
        self.perceptron = nn.Sequential(
            nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH)
        )

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Tokens (n, tokens, width) to tokens of the same shape."""
        parts = self.query_key_value(self.before_attention(tokens)).unflatten(2, (3, HEADS, WIDTH // HEADS))
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = nn.functional.scaled_dot_product_attention(query, key, value)
        tokens = tokens + self.attended(mixed.transpose(1, 2).flatten(2))
        perceived: torch.Tensor = tokens + self.perceptron(tokens)
        return perceived


class VisionTransformer(nn.Module):
    """ViT-Tiny of Touvron et al. 2021 without its classifier: 5.5 million weights."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, PATCH, stride=PATCH)
        self.summary = nn.Parameter(torch.randn(1, 1, WIDTH) / WIDTH)
        self.positions = nn.Parameter(torch.randn(1, (SIZE // PATCH) ** 2 + 1, WIDTH) / WIDTH)
        self.blocks = nn.Sequential(*(Block() for _ in range(DEPTH)))
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Normalised images (n, 3, size, size) to features (n, width)."""
        patches = self.patches(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.summary.expand(patches.shape[0], -1, -1), patches], dim=1)
        features: torch.Tensor = self.norm(self.blocks(tokens + self.positions))[:, 0]
        return features


def exported(model_id: str, models: Path = MODELS) -> Manifest:
    """The manifest of a backbone under a directory of models; it is exported first if it is missing."""
    if model_id != VIT_TINY:
        return export(LITE0, models).manifest
    directory = models / VIT_TINY / "1"
    try:
        manifest = read_manifest(directory)
    except SpottedError:
        return _write_vit_tiny(directory)
    return manifest if is_intact(directory, manifest) else _write_vit_tiny(directory)


def model_file(model_id: str, models: Path = MODELS) -> Path:
    """Path of the ONNX file of an exported backbone."""
    return models / model_id / "1" / MODEL_FILE


def _write_vit_tiny(directory: Path) -> Manifest:
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        network = PixelFeatures(VisionTransformer(), IMAGENET_MEAN, IMAGENET_STD).eval()
    content = trace(network, SIZE)
    agreement = check_parity(network, content, SIZE)
    manifest = Manifest(
        model_id=VIT_TINY,
        version=1,
        input_size=SIZE,
        dimension=WIDTH,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        resize_kernel="bilinear",
        colour_order="RGB",
        opset=OPSET,
        sha256=hashlib.sha256(content).hexdigest(),
        licence="Apache-2.0",
        source=f"random weights of seed {SEED}",
        largest_difference=agreement.largest_difference,
        least_cosine=agreement.least_cosine,
    )
    directory.mkdir(parents=True, exist_ok=True)
    write(directory / MODEL_FILE, content)
    write(directory / MANIFEST_FILE, manifest.to_json().encode())
    return manifest
