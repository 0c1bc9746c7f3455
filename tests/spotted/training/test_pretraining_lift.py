"""Methods without names find animals again that they never saw, on generated coats."""

from __future__ import annotations

import numpy as np
import pytest

from spotted.training.evaluation.vectors import embed_crops
from spotted.training.images.augmentation import Augmentation
from spotted.training.images.batches import TrainingData
from spotted.training.loop.settings import LoopSettings
from spotted.training.loop.trainer import run_loop
from spotted.training.methods.by_name import build_objective
from spotted.training.methods.names import find_method
from spotted.training.pretraining import PretrainRecipe, choose_examples
from spotted.training.schedules import WarmupCosine
from tests.spotted.training.coat_network import SIZE, SPEC, coat_network, pairs_of
from tests.spotted.training.coats import coat_crops, rank_one


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
    recipe = PretrainRecipe(method, loop=LoopSettings(epochs=15, batch_size=64, optimiser="adamw"))
    unnamed = np.full(len(crops), -1)
    examples = choose_examples(recipe, pairs_of(len(crops)), unnamed, np.ones(len(crops), dtype=np.bool_))
    views = [Augmentation(geometry=0.8, colour=0.2, sharpening=0.0, clahe=0.0)] * find_method(method).views
    network = coat_network()
    before = rank_one(embed_crops(network, unseen, SPEC), animals)
    trained = run_loop(
        build_objective(method, network, knobs),
        TrainingData(crops, examples, views),
        SPEC,
        WarmupCosine(4e-3, 15, 1.5),
        recipe.loop,
    )
    assert rank_one(embed_crops(trained, unseen, SPEC), animals) >= 1.5 * before
