"""`spotted train`: a backbone from photographs of known individuals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from spotted.cli.training.options import (
    LoopChoice,
    NetworkChoice,
    loop_options,
    network_options,
    require_training,
    run_options,
)
from spotted.cli.training.sources import read_sources
from spotted.console import data_option, err, json_option, next_step, progress, show

if TYPE_CHECKING:
    from spotted.training import RunManifest, SpeciesMetrics


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@run_options
@click.option(
    "--images",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder that image paths of a table are relative to; default: the table's own.",
)
@click.option(
    "--from-session",
    "session_id",
    default="",
    metavar="SESSION|FILE",
    help="Learn from the individuals that this session of the survey found, in place of the known names; or "
    "from a file of `spotted session export`, a folder of `spotted export` (with a slash), or the review "
    "page's table.",
)
@click.option(
    "--flanks-apart",
    multiple=True,
    metavar="SPECIES",
    help='Species whose flanks count as different individuals, "*" for all; repeatable.',
)
@click.option(
    "--test-share",
    default=0.2,
    show_default=True,
    type=click.FloatRange(0.0, 1.0),
    help="Share of the animals to test with, half of them unknown to the training.",
)
@network_options(name="efficientnetv2_rw_m", size=256, pooling="gem", batch_norm=True, start="imagenet")
@loop_options(epochs=30, batch=112, optimiser="adam")
@click.option(
    "--rate", default=1.5e-3, show_default=True, type=click.FloatRange(min=0.0), help="Largest learning rate."
)
@click.option(
    "--warm-up",
    default=15.0,
    show_default=True,
    type=click.FloatRange(min=0.0),
    help="Epochs until that rate.",
)
@click.option(
    "--decay",
    default=0.8,
    show_default=True,
    type=click.FloatRange(0.0, 1.0),
    help="Factor of the rate for each epoch after that.",
)
@click.option(
    "--frozen-epochs",
    default=0,
    show_default=True,
    type=click.IntRange(min=0),
    help="Epochs at the start in which the network stays as it is, for fine-tuning a run.",
)
@click.option(
    "--licence", default="NOASSERTION", show_default=True, help="SPDX id of the licence of the weights."
)
@data_option
@json_option
def train(
    *,
    sources: Sequence[str],
    output: Path,
    name: str,
    images: Path | None,
    session_id: str,
    flanks_apart: Sequence[str],
    test_share: float,
    chosen: NetworkChoice,
    loop: LoopChoice,
    rate: float,
    warm_up: float,
    decay: float,
    frozen_epochs: int,
    licence: str,
    directory: Path,
    as_json: bool,
) -> None:
    """Train a backbone on photographs of known individuals (MiewID).

    SOURCE is a table of photographs, COCO JSON or CSV, or the id of an imported survey. With --from-session,
    one SOURCE is the survey of that session, whose answers name its animals; with an exported file, tables
    whose ids are those of the detections suffice. The animals are divided into
    those to learn and those to test with; the folder then holds the weights, their measures and a card. On
    several GPUs, start it with torchrun. Requires the extra `train`.
    """
    require_training()
    from spotted.training import Progress, Recipe, SplitRule, WarmupDecay, train_backbone  # noqa: PLC0415

    with err.status("reading files"):
        photographs, session = read_sources(sources, directory, images, session_id)
    recipe = Recipe(
        network=chosen.spec(),
        start=chosen.start,
        loop=loop.settings(),
        schedule=WarmupDecay(rate / 100.0, rate, warm_up, decay),
        split=SplitRule(test_share=test_share, seed=loop.seed),
        flanks_apart=tuple(flanks_apart),
        frozen_epochs=frozen_epochs,
    )
    epochs = loop.epochs + frozen_epochs
    with progress("photographs", len(photographs)) as on_crops, progress("epochs", epochs) as on_epochs:
        done = Progress(on_crops, lambda step: on_epochs(int(step.epoch == int(step.epoch))))
        run = train_backbone(
            photographs, recipe, output, name=name, licence=licence, session=session, progress=done
        )
    # of several processes only the first has written the run
    if run.weights_sha256:
        show(_document(run, output), as_json=as_json, text=lambda: _print(run, output))


def _document(run: RunManifest, folder: Path) -> dict[str, object]:
    return {
        "run": str(folder),
        "name": run.name,
        "photographs": run.photographs,
        "individuals": run.individuals,
        "metrics": [_measures(each) for each in run.metrics],
        "start_metrics": [_measures(each) for each in run.start_metrics],
    }


def _measures(metrics: SpeciesMetrics) -> dict[str, object]:
    return {
        "species": metrics.species,
        "queries": metrics.queries,
        "top": dict(metrics.top),
        "mean_average_precision": metrics.mean_average_precision,
    }


def _print(run: RunManifest, folder: Path) -> None:
    click.echo(f"learnt from {run.photographs:,} photographs of {run.individuals:,} animals; run: {folder}")
    before = {each.species: each for each in run.start_metrics}
    for each in run.metrics:
        first = before[each.species]
        click.echo(
            f"{each.species or 'all'}: top-1 {each.top['1']:.3f} (before {first.top['1']:.3f}), top-5 "
            f"{each.top['5']:.3f} ({first.top['5']:.3f}), mAP {each.mean_average_precision:.3f} "
            f"({first.mean_average_precision:.3f}), {each.queries:,} queries"
        )
    for species in run.worse_on:
        err.print(
            f"note: {species or 'these animals'} are found first no more often than before the training; "
            "train longer, with more photographs, or keep the network that it started from",
            markup=False,
            soft_wrap=True,
        )
    next_step(f"spotted export-backbone {folder}")
