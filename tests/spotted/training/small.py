"""A small training whose steps take milliseconds."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from spotted.training.images.augmentation import Augmentation, View, as_is
from spotted.training.images.batches import Examples, TrainingData
from spotted.training.losses.arcface import ArcFaceObjective, dynamic_margins
from spotted.training.networks import EmbeddingNetwork, NetworkSpec
from tests.spotted.training.coats import coat_crops

SIZE = 8
SPEC = NetworkSpec("small", image_size=SIZE)


def small_data(
    animals: int = 4, each: int = 6, *, view: View | None = None, columns: int = 1
) -> TrainingData:
    """Coats of a few animals; each view is changed at random by default."""
    crops, labels = coat_crops(animals, each, size=SIZE, seed=1)
    rows = np.repeat(np.arange(len(crops))[:, None], columns, axis=1)
    return TrainingData(crops, Examples(rows, labels), [view or Augmentation(clahe=0.0)] * columns)


def small_network(*, dropout: float = 0.0) -> EmbeddingNetwork:
    """A linear network, whose outputs are dropped at random."""
    linear = nn.Linear(3 * SIZE * SIZE, 6)
    nn.init.normal_(linear.weight, std=0.05)
    return EmbeddingNetwork(nn.Flatten(), linear, nn.Dropout(dropout), dimension=6)


def weight_of(network: EmbeddingNetwork) -> torch.Tensor:
    """The weights of its linear layer, as they are now."""
    weight: torch.Tensor = network.state_dict()["pooling.weight"].clone()
    return weight


def small_objective(*, dropout: float = 0.0, animals: int = 4) -> ArcFaceObjective:
    """ArcFace on it; set the seed of torch before."""
    margins = dynamic_margins(np.arange(1, animals + 1))
    return ArcFaceObjective(small_network(dropout=dropout), margins=margins)


__all__ = ["SPEC", "as_is", "small_data", "small_network", "small_objective", "weight_of"]
