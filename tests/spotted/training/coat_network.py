"""A small network for drawn coats, and pairs of photographs of animals whose names are not known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import nn

from spotted.training.networks import EmbeddingNetwork, NetworkSpec
from spotted.training.pairs.temporal import TemporalPairs

SIZE = 32
SPEC = NetworkSpec("small", image_size=SIZE)
WIDTHS = (3, 16, 32, 64, 64)
# parts of the photograph whose features stay apart, along each edge
PARTS = 2


def coat_network() -> EmbeddingNetwork:
    """Four convolutions, from 32 x 32 pixels to 2 x 2; smaller images end as 2 x 2 too."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for before, after in pairwise(WIDTHS):
        layers += [
            nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
        ]
    pooling = nn.Sequential(nn.AdaptiveAvgPool2d(PARTS), nn.Flatten())
    dimension = WIDTHS[-1] * PARTS**2
    return EmbeddingNetwork(nn.Sequential(*layers), pooling, nn.Identity(), dimension=dimension)


def pairs_of(photographs: int) -> TemporalPairs:
    """Each photograph with an even number and the next one, which show one animal."""
    rows = np.arange(photographs).reshape(-1, 2)
    nothing = np.zeros(len(rows))
    return TemporalPairs(rows[:, 0], rows[:, 1], nothing, nothing, nothing > 0, len(rows), 0)
