"""Two backbones on one survey: which finds more animals again, and how far their rankings agree.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spotted.arrays import Float32Array, Float64Array, IntArray
from spotted.errors import PreconditionError
from spotted.evaluation.bootstrap import Bootstrap
from spotted.evaluation.comparison import TOP, ScoreMetrics
from spotted.evaluation.outcomes import QueryMetrics, find_relevant_pairs, measure_queries
from spotted.evaluation.ranks import rank_pairs
from spotted.ranking.gallery import Gallery
from spotted.scoring.fusion import Fusion

# queries by which the agreement of rankings is measured; more change the third digit
MOST_QUERIES = 1000
STRIP = 256
FEWEST_ROWS = 3


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two backbones rank the candidates of a query alike, whoever they show.

    >>> vectors = np.eye(4, dtype=np.float32)[[0, 0, 1, 1]] + np.float32(0.1)
    >>> measure_agreement(vectors, vectors, np.random.default_rng(0), ks=[1]).shared
    {1: 1.0}
    """

    queries: int
    """Number of queries."""
    shared: dict[int, float]
    """k -> mean share of the k best candidates of one backbone that are among the k best of the other."""
    correlation: float
    """Mean rank correlation (Spearman) of the candidates of a query."""


@dataclass(frozen=True, slots=True)
class BackboneComparison:
    """The visual rankings of two backbones on the known individuals of a survey.

    >>> from spotted.scoring import unit_rows
    >>> from spotted.survey import Detection, Survey
    >>> rng = np.random.default_rng(0)
    >>> names = [f"animal {row // 2}" for row in range(16)]
    >>> detections = [Detection(f"d{row:02}") for row in range(16)]
    >>> looks = np.repeat(rng.normal(size=(8, 4)), 2, axis=0)
    >>> blurred, sharp = (unit_rows(looks + noise * rng.normal(size=(16, 4))) for noise in (1.0, 0.1))
    >>> galleries = [Gallery.of(Survey("ridge", 0.0, 1.0), detections, one) for one in (blurred, sharp)]
    >>> found = compare_backbones(*galleries, names, rng)
    >>> found.second.top[1].value > found.first.top[1].value, found.only_second > found.only_first
    (True, True)
    """

    first: ScoreMetrics
    """Metrics of the first backbone."""
    second: ScoreMetrics
    """Metrics of the second backbone."""
    gain: ScoreMetrics
    """Second minus first, query by query."""
    only_first: float
    """Share of queries whose best candidate is right only with the first backbone."""
    only_second: float
    """Share of queries whose best candidate is right only with the second backbone."""
    agreement: Agreement
    """How far the two rank alike."""


def compare_backbones(
    first: Gallery,
    second: Gallery,
    individuals: Sequence[str],
    rng: np.random.Generator,
    *,
    encounters: Sequence[str] | None = None,
) -> BackboneComparison:
    """Compare the visual rankings of two backbones, one-vs-all, with intervals over individuals.

    first, second: the same detections with the vectors of either backbone.
    individuals: (n,), "" if unknown. encounters: if given, candidates of the query's own encounter are left
    out.
    Raises PreconditionError if no individual is known from two detections.
    """
    pairs = find_relevant_pairs(individuals, encounters or [""] * len(individuals), first.table.image)
    right = pairs.same & ~pairs.together
    if not right.any():
        raise PreconditionError(
            "no individual is known from two detections, so backbones cannot be compared; import a survey "
            "whose observations have individualID, or give a labelled --session"
        )
    rows = pairs.query, pairs.candidate
    one, other = (
        measure_queries(rank_pairs(each, rows, [Fusion.VISUAL])[Fusion.VISUAL], right, pairs.together)
        for each in (first, second)
    )
    animal = np.unique(np.array(individuals, dtype=object), return_inverse=True)[1]
    bootstrap = Bootstrap.of(animal, one.query, rng)
    return BackboneComparison(
        first=_metrics(bootstrap, one, one.at(TOP)),
        second=_metrics(bootstrap, other, other.at(TOP)),
        gain=_metrics(bootstrap, one, other.at(TOP) - one.at(TOP)),
        only_first=float((one.hits[:, 0] * (1.0 - other.hits[:, 0])).mean()),
        only_second=float((other.hits[:, 0] * (1.0 - one.hits[:, 0])).mean()),
        agreement=measure_agreement(first.embeddings, second.embeddings, rng),
    )


def measure_agreement(
    first: Float32Array,
    second: Float32Array,
    rng: np.random.Generator,
    *,
    ks: Sequence[int] = TOP,
    most: int = MOST_QUERIES,
) -> Agreement:
    """The agreement of the rankings by two sets of vectors of the same detections.

    first: (n, D), second: (n, E) unit rows. most: at most this many queries, drawn at random.
    Raises PreconditionError for fewer than three detections, which have one candidate each.
    """
    if len(first) < FEWEST_ROWS:
        raise PreconditionError(
            f"{len(first)} detections have no rankings to compare; embed at least {FEWEST_ROWS}"
        )
    rows = np.sort(rng.choice(len(first), min(most, len(first)), replace=False))
    possible = [k for k in ks if k < len(first)]
    shared: dict[int, list[Float64Array]] = {k: [] for k in possible}
    correlations = []
    for start in range(0, len(rows), STRIP):
        queries = rows[start : start + STRIP]
        one, other = (_candidate_ranks(vectors, queries) for vectors in (first, second))
        for k in possible:
            shared[k].append(((one <= k) & (other <= k)).sum(axis=1) / k)
        correlations.append(_correlations(one, other))
    return Agreement(
        queries=len(rows),
        shared={k: float(np.concatenate(shares).mean()) for k, shares in shared.items()},
        correlation=float(np.concatenate(correlations).mean()),
    )


def _metrics(bootstrap: Bootstrap, queries: QueryMetrics, values: Float64Array) -> ScoreMetrics:
    *top, precision = bootstrap.intervals(queries.query, values)
    animals = len(np.unique(bootstrap.animal[queries.query]))
    return ScoreMetrics(len(queries.query), animals, dict(zip(TOP, top, strict=True)), precision)


def _candidate_ranks(vectors: Float32Array, queries: IntArray) -> IntArray:
    """Ranks of all other rows for each query, (q, n - 1), from 1; equal ones by row."""
    cosines = vectors[queries] @ vectors.T
    others = np.arange(len(vectors))[None, :] != queries[:, None]
    cosines = cosines[others].reshape(len(queries), -1)
    order = np.argsort(-cosines, axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(1, order.shape[1] + 1)[None, :], axis=1)
    return ranks


def _correlations(one: IntArray, other: IntArray) -> Float64Array:
    """Spearman's rank correlation of each row; ranks without ties."""
    count = one.shape[1]
    squares = ((one - other).astype(np.float64) ** 2).sum(axis=1)
    return np.asarray(1.0 - 6.0 * squares / (count * (count**2 - 1.0)))
