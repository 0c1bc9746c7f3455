"""A training on drawn coats: hits on animals that it did not see, before and after it."""

from __future__ import annotations

import time

import click
import numpy as np

from benchmarks.common.report import Bar
from spotted.training import (
    ArcFaceObjective,
    Augmentation,
    Examples,
    LoopSettings,
    NetworkSpec,
    Step,
    TrainingData,
    WarmupCosine,
    build_network,
    dynamic_margins,
    embed_crops,
    run_loop,
)
from tests.spotted.training.coats import coat_crops, rank_one

ANIMALS, EACH, UNSEEN, UNSEEN_EACH = 200, 10, 60, 6
LIFT = 1.5


def measure_lift(minutes: float) -> Bar:
    """rank-1 on animals that the training did not see, as a multiple of that before it.

    minutes: processor time to learn for.
    """
    spec = NetworkSpec("test_resnet", image_size=48)
    crops, labels = coat_crops(ANIMALS, EACH, size=spec.image_size, seed=1)
    unseen, truth = coat_crops(UNSEEN, UNSEEN_EACH, size=spec.image_size, seed=2)
    network = build_network(spec)
    before = rank_one(embed_crops(network, unseen, spec), truth)
    objective = ArcFaceObjective(network, margins=dynamic_margins(np.bincount(labels)))
    data = TrainingData(crops, Examples(np.arange(len(crops))[:, None], labels), [Augmentation()])
    start = time.process_time()

    def on_step(step: Step) -> None:
        if time.process_time() - start > minutes * 60.0:
            raise TimeoutError(f"{step.epoch:.1f} epochs")

    try:
        run_loop(objective, data, spec, WarmupCosine(3e-3, 60, 2), LoopSettings(60, 50), on_step=on_step)
    except TimeoutError as ended:
        click.echo(f"ended after {ended}")
    after = rank_one(embed_crops(network, unseen, spec), truth)
    click.echo(f"rank-1 of {len(unseen)} photographs of {UNSEEN} unseen animals: {before:.3f} to {after:.3f}")
    return Bar("rank-1 of unseen animals as a multiple of the start", after / before, least=LIFT)
