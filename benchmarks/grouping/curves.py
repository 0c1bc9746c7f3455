"""How often each score has the animal among its k best candidates: HotSpotter, backbones, and Spotted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.grouping.surveys import MatchedSurvey
from spotted.arrays import Float32Array, Float64Array, IntArray
from spotted.evaluation.bootstrap import Bootstrap, Interval
from spotted.evaluation.comparison import TOP
from spotted.evaluation.outcomes import RelevantPairs, find_relevant_pairs, measure_queries
from spotted.evaluation.ranks import PairRanks, rank_pairs
from spotted.ranking.gallery import Gallery
from spotted.scoring.fusion import Fusion
from spotted.scoring.local_pairs import LocalPairs

HOTSPOTTER, LOCATION = "HotSpotter", "location"
# the paper's score, and that of `spotted match --fusion local`
SPOTTED, SPOTTED_MARKS = "Spotted", "Spotted with marks"
LOOKS = "vector and marks"
# pairs of a ranking that are counted at once
PART = 256


@dataclass(frozen=True, slots=True)
class Curve:
    """The rankings of one score."""

    shares: Float64Array
    """Share of queries with their animal among the k best, k = 1, 2, ..."""
    top: dict[int, Interval]
    """The same at each k of TOP, with intervals over animals."""
    precision: Interval
    """Mean average precision."""


@dataclass(frozen=True, slots=True)
class Curves:
    """The rankings of all scores of a survey, over the same queries."""

    queries: int
    """Detections whose animal has another candidate."""
    animals: int
    """Number of animals that they show."""
    of: dict[str, Curve]
    """By score."""
    gains: dict[tuple[str, str], list[Interval]]
    """(score, other score) -> difference at each k of TOP, then in mean average precision."""


def rank_scores(
    survey: MatchedSurvey, pairs: RelevantPairs, backbones: Mapping[str, Float32Array]
) -> dict[str, PairRanks]:
    """The ranks of pairs by every score of a survey.

    backbones: unit vectors (n, D) by name; the first are those of its gallery.
    """
    rows, gallery = (pairs.query, pairs.candidate), survey.matched()
    ranked = {
        name: rank_pairs(replace(gallery, embeddings=vectors), rows, [Fusion.VISUAL])[Fusion.VISUAL]
        for name, vectors in backbones.items()
    }
    ranked[HOTSPOTTER] = rank_by_table(survey.pairs, pairs, gallery.table.image)
    ranked[LOOKS] = rank_pairs(without_places(gallery), rows, [Fusion.LOCAL])[Fusion.LOCAL]
    if survey.placed:
        fused = rank_pairs(gallery, rows, [Fusion.LOCATION, Fusion.PRODUCT, Fusion.LOCAL])
        ranked |= dict(zip((LOCATION, SPOTTED, SPOTTED_MARKS), fused.values(), strict=True))
    return ranked


def rank_by_table(table: LocalPairs, pairs: RelevantPairs, image: IntArray) -> PairRanks:
    """The ranks of pairs by local scores of all pairs; detections in the query's own image do not compete."""
    everyone = np.arange(len(image))
    above, tied = np.empty((2, len(pairs.query)), np.int64)
    for start in range(0, len(pairs.query), PART):
        part = slice(start, start + PART)
        query, candidate = pairs.query[part, None], pairs.candidate[part, None]
        competes = (everyone != query) & ((image < 0) | (image != image[query]))
        scores = table.scores_of(query, everyone)
        own = table.scores_of(query, candidate)
        above[part] = ((scores > own) & competes).sum(axis=1)
        tied[part] = ((scores == own) & competes).sum(axis=1)
    return PairRanks(pairs.query, pairs.candidate, above, tied)


def without_places(gallery: Gallery) -> Gallery:
    """The same photographs, taken at unknown places."""
    nowhere = np.full_like(gallery.table.position_m, np.nan)
    return replace(gallery, table=replace(gallery.table, position_m=nowhere))


def measure_curves(
    survey: MatchedSurvey,
    backbones: Mapping[str, Float32Array],
    gains: Sequence[tuple[str, str]],
    rng: np.random.Generator,
) -> Curves:
    """Curves and gains of all scores, without candidates of the query's own encounter."""
    names = survey.names
    pairs = find_relevant_pairs(names, survey.encounters, survey.gallery.table.image)
    right = pairs.same & ~pairs.together
    found = {
        score: measure_queries(ranks, right, pairs.together)
        for score, ranks in rank_scores(survey, pairs, backbones).items()
    }
    query = next(iter(found.values())).query
    animal = np.unique(names, return_inverse=True)[1]
    bootstrap = Bootstrap.of(animal, query, rng)
    curves = {}
    for score, one in found.items():
        *top, precision = bootstrap.intervals(query, one.at(TOP))
        curves[score] = Curve(one.hits.mean(axis=0), dict(zip(TOP, top, strict=True)), precision)
    return Curves(
        queries=len(query),
        animals=len(np.unique(animal[query])),
        of=curves,
        gains={
            (score, over): bootstrap.intervals(query, found[score].at(TOP) - found[over].at(TOP))
            for score, over in gains
            if score in found and over in found
        },
    )
