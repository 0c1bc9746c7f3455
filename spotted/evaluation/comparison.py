"""Scores side by side on a survey whose individuals are known: overall, by stratum, and what one gains."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from spotted.arrays import BoolArray, Float32Array, Float64Array
from spotted.errors import PreconditionError
from spotted.evaluation.bootstrap import Bootstrap, Interval
from spotted.evaluation.outcomes import Kin, Outcomes, kin, score_outcomes
from spotted.evaluation.ranks import Standings, standings
from spotted.evaluation.strata import assign_strata
from spotted.ranking.gallery import Gallery
from spotted.scoring.fusion import Fusion
from spotted.survey import Detection

TOP = (1, 5, 10, 20)
VISUAL, ADAPTED, LOCATION, FUSED, CALIBRATED = "visual", "adapted", "location", "fused", "calibrated"
FUSED_WITHOUT_HEAD = "fused without head"
SCORES = {VISUAL: Fusion.VISUAL, LOCATION: Fusion.LOCATION, FUSED: Fusion.PRODUCT}
# what is compared with what: the first gains over the second
GAINS = (
    (FUSED, VISUAL),
    (FUSED, LOCATION),
    (ADAPTED, VISUAL),
    (FUSED, FUSED_WITHOUT_HEAD),
    (CALIBRATED, FUSED),
)


@dataclass(frozen=True, slots=True)
class Found:
    """How well a score finds.

    queries: how many there were, of how many individuals. top: k -> share with a right one among the k best.
    """

    queries: int
    individuals: int
    top: dict[int, Interval]
    mean_average_precision: Interval


@dataclass(frozen=True, slots=True)
class Comparison:
    """The figures of a survey.

    overall, other_encounters: by score, with and without candidates of the query's own encounter.
    strata: division -> stratum -> score. gains: (better, than) -> the paired difference.
    curves: score -> share of queries with a right one among the k best, k from 1 on (CMC).
    """

    detections: int
    individuals: int
    overall: dict[str, Found]
    other_encounters: dict[str, Found]
    strata: dict[str, dict[str, dict[str, Found]]]
    gains: dict[tuple[str, str], Found]
    curves: dict[str, Float64Array]


@dataclass(frozen=True, slots=True)
class Rankings:
    """Where the detections of each animal stand in the rankings of a survey, by score."""

    gallery: Gallery
    individuals: tuple[str, ...]
    kin: Kin
    standings: dict[str, Standings]


def rankings(
    gallery: Gallery,
    detections: Sequence[Detection],
    *,
    adapted: bool = False,
    base: Float32Array | None = None,
    threads: int = 1,
    told: Callable[[int], None] = lambda _: None,
) -> Rankings:
    """Rank by every score that the survey has, in one pass over its pairs; in two where a head is active.

    adapted: whether the gallery's embeddings are those of a head. base: (n, D) unit rows of the backbone,
        where they are known beside. threads, told: as of `standings`.
    Raises PreconditionError where no individual is known from two detections.
    """
    individuals = tuple(d.individual_id for d in detections)
    pairs = kin(individuals, [d.encounter_id for d in detections], gallery.table.image)
    if not len(pairs.query):
        raise PreconditionError(
            "no individual is known from two detections, so there is nothing to find again; import a survey "
            "whose observations have individualID"
        )
    looks = ADAPTED if adapted else VISUAL
    names = {fusion: looks if score == VISUAL else score for score, fusion in SCORES.items()}
    if gallery.calibration is not None:
        names[Fusion.CALIBRATED] = CALIBRATED
    asked = pairs.query, pairs.candidate
    scored = standings(gallery, asked, list(names), threads=threads, told=told)
    after = {name: scored[f] for f, name in names.items()}
    if base is None:
        return Rankings(gallery, individuals, pairs, after)
    plain = standings(
        replace(gallery, embeddings=base), asked, [Fusion.VISUAL, Fusion.PRODUCT], threads=threads, told=told
    )
    before = {VISUAL: plain[Fusion.VISUAL], FUSED_WITHOUT_HEAD: plain[Fusion.PRODUCT]}
    return Rankings(gallery, individuals, pairs, before | after)


def compare(ranked: Rankings, rng: np.random.Generator, *, other_encounters: bool = False) -> Comparison:
    """Measure all scores, with intervals over individuals.

    other_encounters: take candidates of the query's own encounter out of all strata and gains too.
    """
    pairs, measure = ranked.kin, _Measure(ranked, rng)
    nothing = np.zeros(len(pairs.query), dtype=np.bool_)
    left_out = pairs.together if other_encounters else nothing
    divisions = assign_strata(pairs, ranked.gallery.table, ranked.individuals)
    outcome = measure.outcomes(~nothing, left_out)
    return Comparison(
        detections=len(ranked.individuals),
        individuals=len({*ranked.individuals} - {""}),
        overall=measure.found(~nothing, nothing),
        other_encounters=measure.found(~nothing, pairs.together),
        strata={
            one.by: {name: measure.found(mask, left_out) for name, mask in one.masks().items()}
            for one in divisions
        },
        gains=measure.gains(outcome),
        curves={score: one.hits.mean(axis=0) for score, one in outcome.items()},
    )


class _Measure:
    """Measures what is right and left out, always over the same resamples."""

    def __init__(self, ranked: Rankings, rng: np.random.Generator) -> None:
        self._ranked = ranked
        animal = np.unique(np.array(ranked.individuals, dtype=object), return_inverse=True)[1]
        self._bootstrap = Bootstrap.of(animal, np.unique(ranked.kin.query), rng)

    def outcomes(self, within: BoolArray, left_out: BoolArray) -> dict[str, Outcomes]:
        """The outcome of each score where same pairs within a stratum are right, others taken out."""
        same = self._ranked.kin.same
        right, gone = same & within & ~left_out, left_out | (same & ~within)
        return {score: score_outcomes(one, right, gone) for score, one in self._ranked.standings.items()}

    def found(self, within: BoolArray, left_out: BoolArray) -> dict[str, Found]:
        """The figures of each score; empty where no query has a right candidate."""
        measured = self.outcomes(within, left_out)
        return {score: self._found(one, one.at(TOP)) for score, one in measured.items() if len(one.query)}

    def gains(self, measured: Mapping[str, Outcomes]) -> dict[tuple[str, str], Found]:
        """What one score gains over another, query by query."""
        there = [(a, b) for a, b in GAINS if a in measured and b in measured and len(measured[a].query)]
        return {(a, b): self._found(measured[a], measured[a].at(TOP) - measured[b].at(TOP)) for a, b in there}

    def _found(self, outcome: Outcomes, values: Float64Array) -> Found:
        *top, precision = self._bootstrap.intervals(outcome.query, values)
        animals = len(np.unique(self._bootstrap.animal[outcome.query]))
        return Found(len(outcome.query), animals, dict(zip(TOP, top, strict=True)), precision)
