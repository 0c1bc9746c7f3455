"""How many candidates of each detection to match: the true matches among them, and the rankings that follow.

    python -m benchmarks.grouping.shortlists --data ../shared/data

Each detection is matched with its best candidates by the product, as `spotted match-marks` does. Generated
surveys have no photographs: on them only the share of true matches is measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click
import cv2
import numpy as np

from benchmarks.calibration.marks import shortlists
from benchmarks.common import known_surveys, report
from benchmarks.common.known_surveys import KnownSurvey
from benchmarks.common.options import cache_option, data_option, generator_option, models_option, share_option
from benchmarks.common.tables import grid, shown
from benchmarks.grouping.surveys import MatchedSurvey, matched_surveys
from benchmarks.local.cost import Cost, measure_cost
from benchmarks.local.methods import HOTSPOTTER
from benchmarks.retrieval.scores import named
from services.embedder.inference.backbones import load_backbone
from spotted.arrays import IntArray
from spotted.evaluation.bootstrap import Bootstrap, Interval
from spotted.evaluation.outcomes import RelevantPairs, find_relevant_pairs, measure_queries
from spotted.evaluation.ranks import rank_pairs
from spotted.ranking.gallery import Gallery
from spotted.scoring.fusion import Fusion

BUDGETS = (10, 20, 50, 100, 200)
SHORTLIST = 50
TOP = (1, 5)
SEED = 20


@dataclass(frozen=True, slots=True)
class Line:
    """A survey whose detections are matched with a number of candidates each."""

    survey: str
    detections: int
    candidates: int
    """As many as there are: all pairs are matched."""
    pairs: int
    """Pairs that are matched."""
    share: float
    """Their share of all pairs."""
    recall: Interval
    """Share of the true matches that are matched."""
    reached: Interval
    """Share of queries with a true match that is matched."""
    ranking: tuple[Interval, ...] = ()
    """Top-1, top-5 and mean average precision by `Fusion.LOCAL`; none without photographs."""
    cost_s: float = 0.0
    """Processor time of one thread for preparation and matching."""


def recall_line(gallery: Gallery, pairs: RelevantPairs, animal: IntArray, name: str, candidates: int) -> Line:
    """The true matches that are matched, of pairs of one animal. animal: (n,) the animal of each row."""
    low, high = shortlists(gallery, candidates)
    right = pairs.same & ~pairs.together
    query, candidate = pairs.query[right], pairs.candidate[right]
    ends = np.minimum(query, candidate) << 32 | np.maximum(query, candidate)
    matched = np.isin(ends, low << 32 | high)
    queries, index = np.unique(query, return_inverse=True)
    reached = np.bincount(index, matched) > 0
    bootstrap = Bootstrap.of(animal, queries, np.random.default_rng(SEED))
    (recall,) = bootstrap.intervals(query, matched[:, None].astype(np.float64))
    (found,) = bootstrap.intervals(queries, reached[:, None].astype(np.float64))
    count = len(gallery)
    return Line(name, count, candidates, len(low), 2 * len(low) / (count * (count - 1)), recall, found)


def lines_of(survey: MatchedSurvey, budgets: Sequence[int], cost: Cost) -> Iterator[Line]:
    """The lines of a survey with marks. cost: what a detection and a shortlist take."""
    names, gallery = survey.names, survey.gallery
    pairs = find_relevant_pairs(names, survey.encounters, gallery.table.image)
    animal = np.unique(names, return_inverse=True)[1]
    for candidates in budgets:
        line = recall_line(gallery, pairs, animal, survey.known.name, candidates)
        ranks = rank_pairs(survey.matched(candidates), (pairs.query, pairs.candidate), [Fusion.LOCAL])
        found = measure_queries(ranks[Fusion.LOCAL], pairs.same & ~pairs.together, pairs.together)
        bootstrap = Bootstrap.of(animal, found.query, np.random.default_rng(SEED))
        yield replace(
            line,
            ranking=tuple(bootstrap.intervals(found.query, found.at(TOP))),
            cost_s=line.detections * cost.preparation_s + line.pairs * cost.shortlist_s / SHORTLIST,
        )


def recalls_of(survey: KnownSurvey, budgets: Sequence[int]) -> Iterator[Line]:
    """The lines of a survey without photographs."""
    names = named(survey)
    pairs = find_relevant_pairs(names, [""] * len(names), survey.gallery.table.image)
    animal = np.unique(names, return_inverse=True)[1]
    for candidates in budgets:
        yield recall_line(survey.gallery, pairs, animal, survey.name, candidates)


@click.command(help=__doc__)
@data_option
@generator_option
@models_option
@click.option("--model", default="efficientnet-lite0", show_default=True, help="Backbone of the photographs.")
@cache_option
@share_option
def main(*, data: Path, generator: Path, models: Path, model: str, cache: Path, share: float) -> None:
    """Measure, print and write the table."""
    # its threads wait for each other on a busy machine
    cv2.setNumThreads(1)
    found: list[Line] = []
    cost: Cost | None = None
    for survey in matched_surveys(data, load_backbone(models, model), cache, share):
        cost = cost or measure_cost(survey.flanks, HOTSPOTTER, cache)
        found += lines_of(survey, [*BUDGETS, len(survey.gallery) - 1], cost)
    for shape in known_surveys.SHAPES if generator.is_file() else ():
        found += recalls_of(known_surveys.generated(generator, shape, SEED), BUDGETS)
    click.echo(table_of(found))
    written = report.write("shortlists", {"backbone": model, "lines": [asdict(one) for one in found]}, [])
    written.with_suffix(".md").write_text(table_of(found))
    click.echo(f"written: {written}")


def table_of(lines: Iterable[Line]) -> str:
    """The lines as Markdown."""
    columns = ("survey", "candidates", "pairs", "of all", "true matches", "queries", "top-1", "top-5", "mAP")
    return grid(
        (*columns, "processor time"),
        [
            (
                f"{one.survey} ({one.detections})",
                str(one.candidates),
                f"{one.pairs:,}",
                f"{one.share:.0%}",
                *(shown(x.value, x.low, x.high) for x in (one.recall, one.reached)),
                *(f"{x.value:.3f}" for x in one.ranking or ()),
                *([""] * (len(TOP) + 1 - len(one.ranking))),
                f"{one.cost_s:.0f} s" if one.ranking else "",
            )
            for one in lines
        ],
    )


if __name__ == "__main__":
    main()
