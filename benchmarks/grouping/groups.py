"""Individuals found without any answer, without and with matched marks: AnimalCLEF's measures.

    python -m benchmarks.grouping.groups --data ../shared/data

On one flank of nyala and on the composites: unreviewed groups by the starting calibration, those of
`spotted cluster` (adjusted Rand index), and how often known animals are named and new ones are recognised as
new (balanced accuracies, in six splits).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import cv2
import numpy as np

from benchmarks.common import report
from benchmarks.common.options import cache_option, data_option, models_option, share_option
from benchmarks.common.tables import grid
from benchmarks.grouping.surveys import MatchedSurvey, matched_surveys
from services.embedder.inference.backbones import load_backbone
from spotted.evaluation.partition import PartitionMetrics
from spotted.evaluation.without_answers import NewAnimals, measure_grouping, measure_new_animals

SEED = 0
# the default of `spotted cluster`, and lower ones
THRESHOLDS = (0.5, 0.2, 0.1, 0.05)


@dataclass(frozen=True, slots=True)
class Found:
    """The measures of a survey with one kind of evidence."""

    survey: str
    evidence: str
    groups: dict[float, PartitionMetrics]
    """By threshold."""
    new: NewAnimals | None
    """None if it could not be measured."""


@click.command(help=__doc__)
@data_option
@models_option
@click.option("--model", default="efficientnet-lite0", show_default=True, help="Backbone of the photographs.")
@cache_option
@share_option
def main(*, data: Path, models: Path, model: str, cache: Path, share: float) -> None:
    """Measure, print, and write the table."""
    # its threads wait for each other on a busy machine
    cv2.setNumThreads(1)
    found: list[Found] = []
    for survey in matched_surveys(data, load_backbone(models, model), cache, share):
        own = without_answers(survey)
        click.echo(table_of(own))
        found += own
    written = report.write("groups", {"backbone": model, "surveys": [asdict(one) for one in found]}, [])
    written.with_suffix(".md").write_text(table_of(found))
    click.echo(f"written: {written}")


def without_answers(survey: MatchedSurvey) -> list[Found]:
    """Groups and new animals, without and with the marks of the survey."""
    names, found = survey.names, []
    for evidence, gallery in (("vectors", survey.gallery), ("vectors and marks", survey.matched())):
        groups = {one: measure_grouping(gallery, names, threshold=one) for one in THRESHOLDS}
        new = measure_new_animals(gallery, names, survey.encounters, np.random.default_rng(SEED))
        found.append(Found(survey.known.name, evidence, groups, new))
    return found


def table_of(found: Sequence[Found]) -> str:
    """The measures as Markdown: groups, then new animals."""
    groups = [
        (one.survey, one.evidence, f"{threshold:g}", *(f"{value:.3f}" for value in _measures(metrics)))
        for one in found
        for threshold, metrics in one.groups.items()
    ]
    animals = [
        (one.survey, one.evidence, *(f"{value:.3f}" for value in (one.new.known, one.new.new, one.new.score)))
        for one in found
        if one.new is not None
    ]
    columns = ("adjusted Rand index", "pair precision", "pair recall")
    return (
        grid(("survey", "evidence", "threshold", *columns), groups)
        + "\n"
        + grid(("survey", "evidence", "known animals", "new animals", "both"), animals)
    )


def _measures(metrics: PartitionMetrics) -> tuple[float, float, float]:
    return metrics.adjusted_rand, metrics.pair_precision, metrics.pair_recall


if __name__ == "__main__":
    main()
