"""Scores compared on a survey with known individuals: overall, by stratum, and gains between scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from spotted.arrays import BoolArray, Float32Array, Float64Array
from spotted.errors import PreconditionError
from spotted.evaluation.bootstrap import Bootstrap, Interval
from spotted.evaluation.outcomes import (
    QueryMetrics,
    RelevantPairs,
    find_relevant_pairs,
    measure_queries,
)
from spotted.evaluation.ranks import PairRanks, rank_pairs
from spotted.evaluation.strata import assign_strata
from spotted.ranking.gallery import Gallery
from spotted.scoring.fusion import Fusion
from spotted.survey import Detection

TOP = (1, 5, 10, 20)
VISUAL, ADAPTED, LOCATION, FUSED, CALIBRATED = "visual", "adapted", "location", "fused", "calibrated"
LOCAL = "local"
FUSED_WITHOUT_HEAD = "fused without head"
SCORES = {VISUAL: Fusion.VISUAL, LOCATION: Fusion.LOCATION, FUSED: Fusion.PRODUCT}
# the gain of the first score over the second is measured
GAINS = (
    (FUSED, VISUAL),
    (FUSED, LOCATION),
    (ADAPTED, VISUAL),
    (FUSED, FUSED_WITHOUT_HEAD),
    (CALIBRATED, FUSED),
    (LOCAL, FUSED),
)


@dataclass(frozen=True, slots=True)
class ScoreMetrics:
    """Retrieval metrics of one score, with intervals.

    >>> metrics = ScoreMetrics(200, 40, {1: Interval(0.62, 0.55, 0.69)}, Interval(0.48, 0.42, 0.54))
    >>> metrics.top[1].low, metrics.mean_average_precision.value
    (0.55, 0.48)
    """

    queries: int
    """Number of queries."""
    individuals: int
    """Number of individuals that the queries show."""
    top: dict[int, Interval]
    """k -> share of queries with a detection of their animal among the k best candidates."""
    mean_average_precision: Interval
    """Mean over queries of the average precision of the whole ranking."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The metrics of all scores on a survey.

    >>> from spotted.scoring import unit_rows
    >>> from spotted.survey import Survey
    >>> rng = np.random.default_rng(0)
    >>> detections = [Detection(f"d{i:02}", individual_id=f"animal {i // 2}") for i in range(16)]
    >>> looks = np.repeat(rng.normal(size=(8, 4)), 2, axis=0) + 0.3 * rng.normal(size=(16, 4))
    >>> gallery = Gallery.of(Survey("ridge", 0.0, 86_400.0), detections, unit_rows(looks))
    >>> visual = compare(rank_survey(gallery, detections), rng).overall["visual"]
    >>> visual.queries, visual.top[1].value, visual.top[5].value
    (16, 0.9375, 1.0)
    """

    detections: int
    """Number of detections."""
    individuals: int
    """Number of known individuals."""
    overall: dict[str, ScoreMetrics]
    """By score, over all candidates."""
    other_encounters: dict[str, ScoreMetrics]
    """By score, without candidates of the query's own encounter."""
    strata: dict[str, dict[str, dict[str, ScoreMetrics]]]
    """Division -> stratum -> score."""
    gains: dict[tuple[str, str], ScoreMetrics]
    """(score, other score) -> paired difference of their metrics."""
    curves: dict[str, Float64Array]
    """Score -> share of queries with their animal among the k best, k = 1, 2, ... (CMC)."""


@dataclass(frozen=True, slots=True)
class SurveyRanks:
    """The ranks of the detections of each animal in the rankings of a survey, by score.

    >>> from spotted.scoring import unit_rows
    >>> from spotted.survey import Survey
    >>> detections = [Detection(one, individual_id="Asha") for one in "ab"] + [Detection("c")]
    >>> looks = unit_rows(np.array([[1.0, 0.0], [0.6, 0.8], [0.9, 0.4]]))
    >>> gallery = Gallery.of(Survey("ridge", 0.0, 86_400.0), detections, looks)
    >>> ranked = rank_survey(gallery, detections)
    >>> ranked.pairs.query.tolist(), ranked.ranks["visual"].above.tolist()
    ([0, 1], [1, 1])
    """

    gallery: Gallery
    """Detections, cameras and settings of the survey."""
    individuals: tuple[str, ...]
    """Known individual of each row, "" if unknown."""
    pairs: RelevantPairs
    """Pairs that are ranked."""
    ranks: dict[str, PairRanks]
    """Ranks of the pairs, by score."""


def rank_survey(
    gallery: Gallery,
    detections: Sequence[Detection],
    *,
    adapted: bool = False,
    base: Float32Array | None = None,
    threads: int = 1,
    on_progress: Callable[[int], None] = lambda _: None,
) -> SurveyRanks:
    """Rank by every score that the survey has, in one pass over its pairs, or two with base embeddings.

    adapted: whether the embeddings of the gallery come from a head.
    base: (n, D) unit rows of the backbone, to compare with those of the head.
    threads, on_progress: see `rank_pairs`.
    Raises PreconditionError if no individual is known from two detections.
    """
    individuals = tuple(d.individual_id for d in detections)
    pairs = find_relevant_pairs(individuals, [d.encounter_id for d in detections], gallery.table.image)
    if not len(pairs.query):
        raise PreconditionError(
            "no individual is known from two detections, so retrieval cannot be measured; import a survey "
            "whose observations have individualID"
        )
    looks = ADAPTED if adapted else VISUAL
    names = {fusion: looks if score == VISUAL else score for score, fusion in SCORES.items()}
    if gallery.local is not None and len(gallery.local):
        names[Fusion.LOCAL] = LOCAL
    if gallery.calibration is not None:
        names[Fusion.CALIBRATED] = CALIBRATED
    rows = pairs.query, pairs.candidate
    scored = rank_pairs(gallery, rows, list(names), threads=threads, on_progress=on_progress)
    after = {name: scored[f] for f, name in names.items()}
    if base is None:
        return SurveyRanks(gallery, individuals, pairs, after)
    plain = rank_pairs(
        replace(gallery, embeddings=base),
        rows,
        [Fusion.VISUAL, Fusion.PRODUCT],
        threads=threads,
        on_progress=on_progress,
    )
    before = {VISUAL: plain[Fusion.VISUAL], FUSED_WITHOUT_HEAD: plain[Fusion.PRODUCT]}
    return SurveyRanks(gallery, individuals, pairs, before | after)


def compare(ranked: SurveyRanks, rng: np.random.Generator, *, other_encounters: bool = False) -> Comparison:
    """Measure all scores, with intervals over individuals.

    other_encounters: leave candidates of the query's own encounter out of strata and gains too.
    """
    pairs, measure = ranked.pairs, _Measure(ranked, rng)
    nothing = np.zeros(len(pairs.query), dtype=np.bool_)
    left_out = pairs.together if other_encounters else nothing
    divisions = assign_strata(pairs, ranked.gallery.table, ranked.individuals)
    by_score = measure.queries(~nothing, left_out)
    return Comparison(
        detections=len(ranked.individuals),
        individuals=len({*ranked.individuals} - {""}),
        overall=measure.metrics(~nothing, nothing),
        other_encounters=measure.metrics(~nothing, pairs.together),
        strata={
            one.by: {name: measure.metrics(mask, left_out) for name, mask in one.masks().items()}
            for one in divisions
        },
        gains=measure.gains(by_score),
        curves={score: one.hits.mean(axis=0) for score, one in by_score.items()},
    )


class _Measure:
    """Measures subsets of the pairs, always over the same resamples."""

    def __init__(self, ranked: SurveyRanks, rng: np.random.Generator) -> None:
        self._ranked = ranked
        animal = np.unique(np.array(ranked.individuals, dtype=object), return_inverse=True)[1]
        self._bootstrap = Bootstrap.of(animal, np.unique(ranked.pairs.query), rng)

    def queries(self, within: BoolArray, left_out: BoolArray) -> dict[str, QueryMetrics]:
        """Metrics per query and score: same pairs within a stratum are right, others are left out."""
        same = self._ranked.pairs.same
        right, gone = same & within & ~left_out, left_out | (same & ~within)
        return {score: measure_queries(one, right, gone) for score, one in self._ranked.ranks.items()}

    def metrics(self, within: BoolArray, left_out: BoolArray) -> dict[str, ScoreMetrics]:
        """The metrics of each score; empty if no query has a right candidate."""
        by_score = self.queries(within, left_out)
        return {score: self._means(one, one.at(TOP)) for score, one in by_score.items() if len(one.query)}

    def gains(self, by_score: Mapping[str, QueryMetrics]) -> dict[tuple[str, str], ScoreMetrics]:
        """Mean difference between two scores, query by query."""
        there = [(a, b) for a, b in GAINS if a in by_score and b in by_score and len(by_score[a].query)]
        return {(a, b): self._means(by_score[a], by_score[a].at(TOP) - by_score[b].at(TOP)) for a, b in there}

    def _means(self, queries: QueryMetrics, values: Float64Array) -> ScoreMetrics:
        *top, precision = self._bootstrap.intervals(queries.query, values)
        animals = len(np.unique(self._bootstrap.animal[queries.query]))
        return ScoreMetrics(len(queries.query), animals, dict(zip(TOP, top, strict=True)), precision)
