"""Individuals found without any answer, and HotSpotter beside the other scores.

    python -m benchmarks.grouping --data ../shared/data --figures out/figures

On the composites and on one flank of nyala: top-k and mean average precision of each score, unreviewed groups
by the starting calibration (adjusted Rand index), and how often known animals are named and new ones are
recognised as new, without and with matched marks (balanced accuracies, in six splits).
"""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path

import click
import numpy as np

from benchmarks.common import report
from benchmarks.common.options import data_option, models_option
from benchmarks.grouping.curves import ranked_with_hotspotter
from benchmarks.grouping.surveys import MatchedSurvey, matched_surveys
from services.embedder.inference.backbones import load_backbone
from spotted.evaluation.comparison import TOP, Comparison, compare
from spotted.evaluation.without_answers import measure_grouping, measure_new_animals
from spotted.reports.plots import cmc

SEED = 0


@click.command(help=__doc__)
@data_option
@models_option
@click.option("--model", default="efficientnet-lite0", show_default=True, help="Backbone of the photographs.")
@click.option(
    "--cache",
    type=click.Path(path_type=Path),
    default=Path(tempfile.gettempdir()) / "spotted-local",
    show_default=True,
    help="Folder of features and scores.",
)
@click.option("--share", default=0.5, show_default=True, help="Part of the animals of nyala.")
@click.option("--figures", type=click.Path(path_type=Path), help="Folder to write the curves to.")
def main(*, data: Path, models: Path, model: str, cache: Path, share: float, figures: Path | None) -> None:
    """Measure, print and write the curves."""
    results = {}
    for survey in matched_surveys(data, load_backbone(models, model), cache, share):
        name = survey.known.name
        compared = compare(ranked_with_hotspotter(survey), np.random.default_rng(SEED), other_encounters=True)
        results[name] = {"scores": _scores(compared), **_without_answers(survey)}
        click.echo(f"{name}: {results[name]}")
        if figures is not None:
            figures.mkdir(parents=True, exist_ok=True)
            (figures / f"curves-{name.split(',')[0]}.png").write_bytes(cmc(compared.curves))
    click.echo(f"written: {report.write('grouping', results, [])}")


def _scores(compared: Comparison) -> dict[str, list[float]]:
    """Top-k and mean average precision of each score, without candidates of the query's encounter."""
    return {
        score: [*(one.top[k].value for k in TOP), one.mean_average_precision.value]
        for score, one in compared.other_encounters.items()
    }


def _without_answers(survey: MatchedSurvey) -> dict[str, object]:
    found: dict[str, object] = {}
    for title, gallery in (("without marks", survey.without), ("with marks", survey.known.gallery)):
        rng = np.random.default_rng(SEED)
        grouping = measure_grouping(gallery, survey.names)
        new = measure_new_animals(gallery, survey.names, survey.encounters, rng)
        found[title] = {
            "grouping": asdict(grouping),
            "new animals": None if new is None else {**asdict(new), "score": new.score},
        }
    return found


if __name__ == "__main__":
    main()
