"""HotSpotter, backbones and Spotted side by side, and individuals found without any answer.

    python -m benchmarks.grouping --data ../shared/data --figure docs/images/scores.png

On one flank of nyala and on the composites: top-k and mean average precision of each score, unreviewed groups
by the starting calibration (adjusted Rand index), and how often known animals are named and new ones are
recognised as new, without and with matched marks (balanced accuracies, in six splits). Intervals are of 95 %,
by drawing animals.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
import cv2
import numpy as np

from benchmarks.common import report
from benchmarks.common.options import cache_option, data_option, models_option
from benchmarks.common.tables import grid
from benchmarks.grouping.curves import (
    HOTSPOTTER,
    LOCATION,
    LOOKS,
    SPOTTED,
    SPOTTED_MARKS,
    Curves,
    measure_curves,
)
from benchmarks.grouping.figure import draw_curves, table_of
from benchmarks.grouping.surveys import MatchedSurvey, matched_surveys
from services.embedder.inference.backbones import load_backbone
from spotted.evaluation.without_answers import (
    WithoutAnswers,
    measure_grouping,
    measure_new_animals,
)
from spotted.scoring.similarity import single_precision

SEED = 0
GAINS = ((LOOKS, HOTSPOTTER), (SPOTTED, LOCATION), (SPOTTED_MARKS, SPOTTED), (SPOTTED_MARKS, HOTSPOTTER))
# survey and way -> measures
Grouped = dict[tuple[str, str], WithoutAnswers]


@click.command(help=__doc__)
@data_option
@models_option
@click.option(
    "--model",
    "chosen",
    multiple=True,
    default=("efficientnet-lite0",),
    show_default=True,
    help="Backbone; may be repeated. All other scores use the first.",
)
@cache_option
@click.option("--share", default=1.0, show_default=True, help="Part of the animals of nyala.")
@click.option("--figure", type=click.Path(path_type=Path), help="PNG file to draw the curves into.")
def main(
    *, data: Path, models: Path, chosen: tuple[str, ...], cache: Path, share: float, figure: Path | None
) -> None:
    """Measure, print, and write tables and curves."""
    # its threads wait for each other on a busy machine
    cv2.setNumThreads(1)
    backbones = {name: load_backbone(models, name) for name in chosen}
    gains = [*((LOOKS, name) for name in chosen), *((name, chosen[0]) for name in chosen[1:]), *GAINS]
    curves: dict[str, Curves] = {}
    grouped: Grouped = {}
    for survey in matched_surveys(data, backbones[chosen[0]], cache, share):
        others = {name: survey.vectors(backbones[name]) for name in chosen[1:]}
        vectors = {chosen[0]: single_precision(survey.gallery.embeddings), **others}
        name = survey.known.name
        curves[name] = measure_curves(survey, vectors, gains, np.random.default_rng(SEED))
        grouped |= {(name, way): one for way, one in without_answers(survey).items()}
    text = f"{table_of(curves)}\n{grouping_table(grouped)}"
    click.echo(text)
    written = report.write("grouping", results(curves, grouped), [])
    written.with_suffix(".md").write_text(text)
    click.echo(f"written: {written}")
    if figure is not None:
        figure.parent.mkdir(parents=True, exist_ok=True)
        figure.write_bytes(draw_curves(curves))


def without_answers(survey: MatchedSurvey) -> dict[str, WithoutAnswers]:
    """Groups and new animals, without and with the marks of the survey."""
    ways = {"vectors": survey.gallery, "vectors and marks": survey.matched()}
    return {
        way: WithoutAnswers(
            measure_grouping(gallery, survey.names),
            measure_new_animals(gallery, survey.names, survey.encounters, np.random.default_rng(SEED)),
        )
        for way, gallery in ways.items()
    }


def grouping_table(grouped: Grouped) -> str:
    """The measures without answers as Markdown."""
    columns = ("survey", "evidence", "adjusted Rand index", "pair precision", "pair recall")
    lines = []
    for (survey, way), one in grouped.items():
        groups, new = one.grouping, one.new_animals
        values = [groups.adjusted_rand, groups.pair_precision, groups.pair_recall]
        values += [np.nan] * 3 if new is None else [new.known, new.new, new.score]
        lines.append((survey, way, *(f"{value:.3f}" for value in values)))
    return grid((*columns, "known animals", "new animals", "both"), lines)


def results(curves: dict[str, Curves], grouped: Grouped) -> dict[str, object]:
    """All figures for the file."""
    return {
        "curves": {
            survey: {
                "queries": one.queries,
                "animals": one.animals,
                "scores": {
                    score: {**asdict(curve), "shares": curve.shares.tolist()}
                    for score, curve in one.of.items()
                },
                "gains": {
                    f"{score} over {over}": [asdict(value) for value in values]
                    for (score, over), values in one.gains.items()
                },
            }
            for survey, one in curves.items()
        },
        "without answers": {f"{survey}, {way}": asdict(one) for (survey, way), one in grouped.items()},
    }


if __name__ == "__main__":
    main()
