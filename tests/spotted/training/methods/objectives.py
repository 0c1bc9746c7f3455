"""A tiny network and drawn batches, on which objectives are tried."""

from __future__ import annotations

import torch
from torch import nn

from spotted.training.images.batches import Batch
from spotted.training.networks import EmbeddingNetwork, GeneralisedMean

DIMENSION = 8
# small heads, so that a step takes a millisecond
SMALL = {
    "simclr": {"hidden": 16, "outputs": 8},
    "moco": {"hidden": 16, "outputs": 8, "queue": 12},
    "barlow-twins": {"hidden": 16, "outputs": 8},
    "byol": {"hidden": 16, "outputs": 8},
    "fastsiam": {"hidden": 16, "outputs": 8, "bottleneck": 4},
    "dino": {"hidden": 16, "bottleneck": 4, "outputs": 10},
    "arcface": {},
    "triplet": {},
    "supcon": {"hidden": 16, "outputs": 8},
}


def tiny_network(seed: int = 0) -> EmbeddingNetwork:
    torch.manual_seed(seed)
    convolution = nn.Sequential(nn.Conv2d(3, DIMENSION, 3, stride=2), nn.ReLU())
    return EmbeddingNetwork(convolution, GeneralisedMean(), nn.BatchNorm1d(DIMENSION), dimension=DIMENSION)


def drawn_batch(views: int, *, size: int = 8, seed: int = 0) -> Batch:
    """A batch of `size` examples of four classes."""
    generator = torch.Generator().manual_seed(seed)
    images = tuple(torch.rand(size, 3, 12, 12, generator=generator) for _ in range(views))
    return Batch(images, torch.arange(size) % 4)
