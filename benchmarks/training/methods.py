"""Rank-1 on drawn coats of animals that no training saw, after each method that learns without names."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import click
import numpy as np

from benchmarks.common.report import Bar
from spotted.training import (
    Augmentation,
    LoopSettings,
    PretrainRecipe,
    TrainingData,
    WarmupCosine,
    embed_crops,
    run_loop,
)
from spotted.training.methods import build_objective
from spotted.training.pretraining import choose_examples, choose_views
from tests.spotted.training.coat_network import SIZE, SPEC, coat_network, pairs_of
from tests.spotted.training.coats import coat_crops, rank_one

ANIMALS, EACH, UNSEEN = 200, 4, 60
WARM_UP_SHARE = 0.1
LIFT = 1.5
# methods that find coats within seconds
QUICK = ("simclr", "barlow-twins")
DISTILLED = {"hidden": 128, "bottleneck": 64, "outputs": 512, "momentum": 0.99}


@dataclass(frozen=True, slots=True)
class Trial:
    """A method with its settings."""

    method: str
    knobs: Mapping[str, float]
    epochs: int
    rate: float
    small_crops: int = 0

    def recipe(self) -> PretrainRecipe:
        """The recipe of the training."""
        return PretrainRecipe(
            self.method,
            loop=LoopSettings(epochs=self.epochs, batch_size=64, optimiser="adamw"),
            augmentation=Augmentation(geometry=0.8, colour=0.2, sharpening=0.0, clahe=0.0),
            small_crops=self.small_crops,
        )


TRIALS = (
    Trial("simclr", {"hidden": 128, "outputs": 64, "temperature": 0.2}, 15, 4e-3),
    Trial("barlow-twins", {"hidden": 256, "outputs": 256}, 30, 2e-3),
    Trial(
        "moco",
        {"hidden": 128, "outputs": 64, "queue": 512, "momentum": 0.9, "temperature": 0.1},
        30,
        4e-3,
    ),
    Trial("byol", {"hidden": 256, "outputs": 64, "momentum": 0.98}, 30, 2e-3),
    Trial("fastsiam", {"hidden": 256, "outputs": 256, "bottleneck": 64}, 15, 4e-3),
    Trial("dino", DISTILLED, 30, 2e-3),
    Trial("dino", DISTILLED, 30, 2e-3, small_crops=8),
)


def measure_methods() -> list[Bar]:
    """The lift of the quick methods over the random network, after printing that of all."""
    crops, _ = coat_crops(ANIMALS, EACH, size=SIZE, seed=1)
    unseen, animals = coat_crops(UNSEEN, EACH, size=SIZE, seed=2)
    before = rank_one(embed_crops(coat_network(), unseen, SPEC), animals)
    click.echo(f"rank-1 of {len(unseen)} photographs of {UNSEEN} unseen animals before: {before:.3f}")
    bars = []
    for trial in TRIALS:
        begun, network, recipe = time.process_time(), coat_network(), trial.recipe()
        usable, unnamed = np.ones(len(crops), dtype=np.bool_), np.full(len(crops), -1)
        examples = choose_examples(recipe, pairs_of(len(crops)), unnamed, usable)
        trained = run_loop(
            build_objective(trial.method, network, trial.knobs),
            TrainingData(crops, examples, choose_views(recipe, SIZE)),
            SPEC,
            WarmupCosine(trial.rate, trial.epochs, WARM_UP_SHARE * trial.epochs),
            recipe.loop,
        )
        after = rank_one(embed_crops(trained, unseen, SPEC), animals)
        small = f", {trial.small_crops} small crops" if trial.small_crops else ""
        spent_s = time.process_time() - begun
        click.echo(f"{trial.method}{small}, {trial.epochs} epochs: {after:.3f} ({spent_s:.0f} s)")
        if trial.method in QUICK:
            bars.append(Bar(f"lift of {trial.method}", after / before, least=LIFT))
    return bars
