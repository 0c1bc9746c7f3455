"""Methods without names find animals again that they never saw, on generated coats."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from spotted.training.evaluation.vectors import embed_crops
from spotted.training.images.augmentation import Augmentation
from spotted.training.images.batches import TrainingData
from spotted.training.loop.settings import LoopSettings
from spotted.training.loop.trainer import run_loop
from spotted.training.methods.by_name import build_objective
from spotted.training.methods.names import find_method
from spotted.training.networks import EmbeddingNetwork, NetworkSpec
from spotted.training.pairs.temporal import TemporalPairs
from spotted.training.pretraining import PretrainRecipe, choose_examples
from spotted.training.schedules import WarmupCosine
from tests.spotted.training.coats import coat_crops, rank_one

SIZE = 32
SPEC = NetworkSpec("small", image_size=SIZE)
WIDTHS = (3, 16, 32, 64, 64)


def small_network() -> EmbeddingNetwork:
    """Four convolutions, from 32 x 32 pixels to 2 x 2."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for before, after in pairwise(WIDTHS):
        layers += [
            nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
        ]
    return EmbeddingNetwork(nn.Sequential(*layers), nn.Flatten(), nn.Identity(), dimension=4 * WIDTHS[-1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "knobs"),
    [
        ("simclr", {"hidden": 128, "outputs": 64, "temperature": 0.2}),
        ("barlow-twins", {"hidden": 256, "outputs": 256}),
    ],
)
def test_pairs_of_unnamed_animals_teach_to_find_others_again(method: str, knobs: dict[str, float]) -> None:
    crops, _ = coat_crops(200, 4, size=SIZE, seed=1)
    unseen, animals = coat_crops(60, 4, size=SIZE, seed=2)
    rows, nothing = np.arange(len(crops)).reshape(-1, 2), np.zeros(len(crops) // 2)
    pairs = TemporalPairs(rows[:, 0], rows[:, 1], nothing, nothing, nothing > 0, len(rows), 0)
    recipe = PretrainRecipe(method, loop=LoopSettings(epochs=15, batch_size=64, optimiser="adamw"))
    unnamed = np.full(len(crops), -1)
    examples = choose_examples(recipe, pairs, unnamed, np.ones(len(crops), dtype=np.bool_))
    views = [Augmentation(geometry=0.8, colour=0.2, sharpening=0.0, clahe=0.0)] * find_method(method).views
    network = small_network()
    before = rank_one(embed_crops(network, unseen, SPEC), animals)
    trained = run_loop(
        build_objective(method, network, knobs),
        TrainingData(crops, examples, views),
        SPEC,
        WarmupCosine(4e-3, 15, 1.5),
        recipe.loop,
    )
    assert rank_one(embed_crops(trained, unseen, SPEC), animals) >= 1.5 * before
