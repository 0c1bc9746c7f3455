"""A training finds animals again that it has not seen."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from spotted.training.evaluation.vectors import embed_crops
from spotted.training.images.augmentation import Augmentation
from spotted.training.images.batches import Examples, TrainingData
from spotted.training.loop.settings import LoopSettings
from spotted.training.loop.trainer import run_loop
from spotted.training.losses.arcface import ArcFaceObjective, dynamic_margins
from spotted.training.networks import EmbeddingNetwork, NetworkSpec, miewid
from spotted.training.schedules import WarmupCosine
from tests.spotted.training.coats import coat_crops, rank_one

SIZE = 32
SPEC = NetworkSpec("three layers", image_size=SIZE)


def three_layers() -> EmbeddingNetwork:
    """A network that learns coats in seconds."""
    torch.manual_seed(0)
    widths = (3, 24, 48, 96)
    layers = [
        layer
        for width, wider in pairwise(widths)
        for layer in (
            nn.Conv2d(width, wider, 3, stride=2, padding=1),
            nn.BatchNorm2d(wider),
            nn.ReLU(),
        )
    ]
    return miewid(nn.Sequential(*layers), widths[-1])


@pytest.mark.slow
def test_unseen_animals_are_found_again_more_often_than_before() -> None:
    crops, labels = coat_crops(80, 8, size=SIZE, seed=1)
    unseen, truth = coat_crops(40, 6, size=SIZE, seed=2)
    network = three_layers()
    before = rank_one(embed_crops(network, unseen, SPEC), truth)
    view = Augmentation(clahe=0.0, sharpening=0.0)
    data = TrainingData(crops, Examples(np.arange(len(crops))[:, None], labels), [view])
    objective = ArcFaceObjective(network, margins=dynamic_margins(np.bincount(labels)), scale=20.0)
    settings = LoopSettings(epochs=9, batch_size=32)
    run_loop(objective, data, SPEC, WarmupCosine(3e-3, 9, 1), settings)
    after = rank_one(embed_crops(network, unseen, SPEC), truth)
    # chance is 5 of 239
    assert before > 0.02
    assert after >= 1.5 * before
    assert after > 0.12
