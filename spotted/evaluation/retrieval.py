"""Retrieval metrics on known individuals, and matches found per question.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from spotted.arrays import BoolArray, Float64Array, IntArray
from spotted.evaluation.outcomes import find_relevant_pairs, measure_queries
from spotted.evaluation.ranks import rank_pairs
from spotted.ranking.gallery import Gallery
from spotted.scoring.fusion import Fusion

# the measured rate of an expert (Spotted, section on labelling hours)
ANSWERS_PER_MINUTE = 5.78
TOP = (1, 5, 10, 20)


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Retrieval metrics of one score."""

    queries: int
    """Number of detections with another detection of their animal in another image."""
    top: dict[int, float]
    """k -> share of queries with at least one detection of the animal among the k best."""
    mean_average_precision: float
    """Mean over queries of the average precision of the whole ranking."""


def measure_retrieval(
    gallery: Gallery,
    individuals: Sequence[str],
    *,
    fusion: Fusion = Fusion.PRODUCT,
    ks: Sequence[int] = TOP,
    encounters: Sequence[str] | None = None,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Retrieval:
    """Measure a score one-vs-all: each detection queries all others, itself excluded (MiewID).

    individuals: known individual of each row, "" if unknown; rows without one are candidates, not queries.
    encounters: if given, candidates of the query's own encounter are left out, because frames of one visit
        are easy to match.
    on_progress: called with the number of queries done since the last call.
    Metrics are averaged over all orders of equal scores; scores are those of `rank_pairs`.

    >>> from spotted.scoring import unit_rows
    >>> from spotted.survey import Detection, Survey
    >>> looks = unit_rows(np.array([[1.0, 0.0], [1.0, 0.1], [0.1, 1.0], [0.4, 1.0]]))
    >>> gallery = Gallery.of(Survey("ridge", 0.0, 86_400.0), [Detection(one) for one in "abcd"], looks)
    >>> found = measure_retrieval(gallery, ["Asha", "Asha", "Tau", "Tau"], fusion=Fusion.VISUAL, ks=[1, 3])
    >>> found.queries, found.top, found.mean_average_precision
    (4, {1: 1.0, 3: 1.0}, 1.0)
    """
    pairs = find_relevant_pairs(individuals, encounters or [""] * len(individuals), gallery.table.image)
    rows = pairs.query, pairs.candidate
    ranks = rank_pairs(gallery, rows, [fusion], on_progress=on_progress)[fusion]
    right = pairs.same & ~pairs.together
    queries = measure_queries(ranks, right, pairs.together, depth=max(ks))
    count = len(queries.query)
    if not count:
        return Retrieval(0, dict.fromkeys(ks, float("nan")), float("nan"))
    *top, precision = queries.at(ks).mean(axis=0).tolist()
    return Retrieval(count, dict(zip(ks, top, strict=True)), precision)


def average_precision(found: BoolArray) -> float:
    """Mean of the precision at each hit of a ranking, best candidate first; 0 without a hit.

    >>> average_precision(np.array([True, False, False, True]))
    0.75
    """
    ranks = np.flatnonzero(found) + 1
    if not len(ranks):
        return 0.0
    return float((np.arange(1, len(ranks) + 1) / ranks).mean())


def hours(questions: int, *, answers_per_minute: float = ANSWERS_PER_MINUTE) -> float:
    """Working hours that answers take at the measured rate of an expert (paper: 5.78 per minute)."""
    return questions / answers_per_minute / 60.0


def recall_curve(found: IntArray, total: int) -> Float64Array:
    """Share of all true pairs known after each question, (q,)."""
    return np.asarray(found / max(total, 1), dtype=np.float64)
