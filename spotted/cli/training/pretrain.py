"""`spotted pretrain`: a backbone from the photographs of a survey, without names."""

from __future__ import annotations

import json
from dataclasses import replace
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
from spotted.console import data_option, err, json_option, next_step, progress, show, table
from spotted.errors import PreconditionError
from spotted.formats.imported_survey import ImportedSurvey
from spotted.formats.sources import recall
from spotted.training.methods.names import METHODS, find_method
from spotted.training.pairs import (
    SEVERAL,
    PairReport,
    PairRules,
    Several,
    TemporalPairs,
    boxed_detections,
    draw_sweep,
    find_pairs,
    report_pairs,
)

if TYPE_CHECKING:
    from spotted.training.methods import ViewKind
    from spotted.training.pretraining import PretrainRecipe
    from spotted.training.runs import RunManifest

VIEWS = ("pairs", "photographs", "both")
# least confidence of the boxes that are paired (SSL)
CONFIDENCE = 0.5
PAIRS_FILE, SWEEP_FILE = "pairs.json", "pairs.png"
SHARE = click.FloatRange(0.0, 1.0)
SECONDS = click.FloatRange(min=0.0)


@click.command()
@click.argument("survey")
@run_options
@click.option(
    "--method",
    type=click.Choice(list(METHODS)),
    default="simclr",
    show_default=True,
    help="How it learns; arcface, triplet and supcon learn from names.",
)
@click.option(
    "--views",
    type=click.Choice(VIEWS),
    default="pairs",
    show_default=True,
    help="Views of an example: a temporal pair, changed copies of one photograph, or both kinds.",
)
@click.option(
    "--set",
    "knobs",
    multiple=True,
    metavar="NAME=VALUE",
    help="Setting of the method, e.g. temperature=0.1; repeatable.",
)
@click.option(
    "--small-crops",
    default=8,
    show_default=True,
    type=click.IntRange(min=0),
    help="dino: views of small parts of the photographs beside the two whole ones.",
)
@click.option(
    "--confidence", default=CONFIDENCE, show_default=True, type=SHARE, help="Least confidence of a box."
)
@click.option(
    "--least-overlap",
    default=PairRules().least_overlap,
    show_default=True,
    type=SHARE,
    help="Least intersection over union of the boxes of a pair.",
)
@click.option(
    "--least-gap",
    default=PairRules().least_gap_s,
    show_default=True,
    type=SECONDS,
    help="Least time between the frames of a pair, seconds.",
)
@click.option(
    "--largest-gap",
    default=PairRules().largest_gap_s,
    show_default=True,
    type=SECONDS,
    help="Largest time between the frames of a pair, seconds.",
)
@click.option(
    "--several",
    type=click.Choice(SEVERAL),
    default="assign",
    show_default=True,
    help="Frames of several animals: assign the boxes to each other, or leave the frames out.",
)
@click.option(
    "--flanks-apart",
    multiple=True,
    metavar="SPECIES",
    help='Species whose flanks count as different individuals, "*" for all; repeatable.',
)
@click.option(
    "--test-share", default=0.2, show_default=True, type=SHARE, help="Share of the known animals held out."
)
@network_options(name="vit_tiny_patch16_224", size=224, pooling="default", batch_norm=False, start="random")
@loop_options(epochs=100, batch=128, optimiser="adamw", weight_decay=0.05)
@click.option(
    "--rate", default=5e-4, show_default=True, type=click.FloatRange(min=0.0), help="Largest learning rate."
)
@click.option(
    "--licence", default="NOASSERTION", show_default=True, help="SPDX id of the licence of the weights."
)
@click.option("--pairs-only", is_flag=True, help="Find and report the pairs, and train nothing.")
@data_option
@json_option
def pretrain(
    *,
    survey: str,
    output: Path,
    name: str,
    method: str,
    views: ViewKind,
    knobs: tuple[str, ...],
    small_crops: int,
    confidence: float,
    least_overlap: float,
    least_gap: float,
    largest_gap: float,
    several: Several,
    flanks_apart: tuple[str, ...],
    test_share: float,
    chosen: NetworkChoice,
    loop: LoopChoice,
    rate: float,
    licence: str,
    pairs_only: bool,
    directory: Path,
    as_json: bool,
) -> None:
    """Train a backbone on the photographs of an imported survey, without names.

    Photographs of one camera that most likely show the same animal, by their boxes and times, are two views
    of it. The survey needs boxes, of `spotted detect` or of its files. The folder then holds a report on the
    pairs, the weights, and a card. If individuals are known, some of them are held out with all their
    photographs, and the backbone is measured on those, before and after. Requires the extra `train`.
    """
    settings = dict(map(_knob, knobs))
    rules = PairRules(least_overlap, least_gap, largest_gap, several)
    imported, pairs, report = _read(survey, directory, confidence, rules)
    if (pairs_only or _needs_pairs(method, views)) and report.unusable == report.detections:
        raise PreconditionError(
            f"no detection of {survey!r} has camera, time and box, so there are no pairs; find boxes with "
            f"`spotted detect {survey}`, or import again with --boxes"
        )
    run = None
    if not pairs_only:
        require_training()
        from spotted.training.pretraining import PretrainRecipe  # noqa: PLC0415 - torch takes seconds to import

        recipe = PretrainRecipe(
            method=method,
            network=chosen.spec(),
            start=chosen.start,
            views=views,
            knobs=settings,
            small_crops=small_crops,
            rate=rate,
            loop=loop.settings(),
            flanks_apart=flanks_apart,
            test_share=test_share,
        )
        run = _train(imported, pairs, recipe, output, name, licence)
    _write(output, report)
    document = {"survey_id": survey, "pairs": report.document(), "run": run and json.loads(run.to_json())}
    # of several processes only the first has written the run
    if run is None or run.weights_sha256:
        show(document, as_json=as_json, text=lambda: _print(output, report, run))


def _needs_pairs(method: str, views: ViewKind) -> bool:
    return views != "photographs" and not find_method(method).supervised


def _read(
    survey: str, directory: Path, confidence: float, rules: PairRules
) -> tuple[ImportedSurvey, TemporalPairs, PairReport]:
    """The survey's detections that have a photograph, their pairs as rows of them, and the report."""
    with err.status("reading files"):
        imported = replace(recall(directory, survey), confidence=confidence).read(survey)
    pictures = tuple(picture for picture in imported.pictures if picture.path is not None)
    detections = boxed_detections(pictures)
    pairs = find_pairs(detections, rules)
    return replace(imported, pictures=pictures), pairs, report_pairs(detections, pairs, rules)


def _write(folder: Path, report: PairReport) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PAIRS_FILE).write_text(json.dumps(report.document(), indent=2) + "\n", encoding="utf-8")
    (folder / SWEEP_FILE).write_bytes(draw_sweep(report))


def _train(
    imported: ImportedSurvey,
    pairs: TemporalPairs,
    recipe: PretrainRecipe,
    folder: Path,
    name: str,
    licence: str,
) -> RunManifest:
    from spotted.training import Progress, photographs_of  # noqa: PLC0415 - torch takes seconds to import
    from spotted.training.pretraining import pretrain_backbone  # noqa: PLC0415

    photographs, epochs = photographs_of(imported), recipe.loop.epochs
    with progress("photographs", len(photographs)) as on_crops, progress("epochs", epochs) as on_epochs:
        done = Progress(on_crops, lambda step: on_epochs(int(step.epoch == int(step.epoch))))
        return pretrain_backbone(
            photographs, pairs, recipe, folder, name=name, licence=licence, progress=done
        )


def _knob(text: str) -> tuple[str, float]:
    """Name and value of a setting of the method."""
    name, _, value = text.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError as error:
        raise click.UsageError(
            f"--set {text!r} is not NAME=VALUE; write e.g. --set temperature=0.1"
        ) from error


def _print(folder: Path, report: PairReport, run: RunManifest | None) -> None:
    click.echo(report.sentence())
    drift = [one for one in report.drift if one.pairs]
    if drift:
        rows = [
            (f"{one.least_s:g} to {one.below_s:g}", one.pairs, f"{one.same / one.pairs:.0%}") for one in drift
        ]
        table("consecutive frames that show the same individual", ("gap, s", "frames", "same"), rows)
    click.echo(f"pairs: {folder / PAIRS_FILE}, {folder / SWEEP_FILE}")
    if run is None:
        return
    measured = [
        (
            f"{one.species or 'all'}, {when}",
            one.queries,
            f"{one.top['1']:.3f}",
            f"{one.top['5']:.3f}",
            f"{one.mean_average_precision:.3f}",
        )
        for when, metrics in (("before", run.start_metrics), ("after", run.metrics))
        for one in metrics
    ]
    if measured:
        table("individuals held out", ("species", "queries", "top-1", "top-5", "mAP"), measured)
    click.echo(f"learnt from {run.photographs:,} photographs; run: {folder}")
    next_step(f"spotted export-backbone {folder}")
