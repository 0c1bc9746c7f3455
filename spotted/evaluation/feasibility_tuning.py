"""Which feasibility finds a survey's animals best: a grid of settings against known identities (ours)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from spotted.arrays import Float64Array, IntArray
from spotted.evaluation.retrieval import average_precision
from spotted.ranking.gallery import Gallery
from spotted.ranking.ranker import Ranker
from spotted.scoring.feasibility import FeasibilityParams
from spotted.scoring.fusion import Fusion

TOP = (1, 5, 20)
# a list of so many candidates is looked through; what stands further down nobody reads
DEPTH = 100
# repeats of the bootstrap, and the share of them that an interval holds
REPEATS, CONFIDENCE = 1000, 0.95
# resampling fewer tells little of those that were not seen
FEWEST_INDIVIDUALS = 10


@dataclass(frozen=True, slots=True)
class Measured:
    """How well one setting ranks.

    top: k -> share of queries with a detection of their animal among the k best.
    mean_average_precision: over the queries, of their lists of DEPTH candidates.
    precision: (q,) average precision of each query, in the order of `Tuning.queries`.
    """

    params: FeasibilityParams
    top: dict[int, float]
    mean_average_precision: float
    precision: Float64Array


@dataclass(frozen=True, slots=True)
class Gain:
    """What the best setting of a grid gains in mean average precision over the present one.

    gain: over all queries. low, high: its 95 % interval, which holds for all settings of the grid at once, so
    that choosing the best of many is paid for. individuals: how many were asked for.
    """

    gain: float
    low: float
    high: float
    individuals: int

    @property
    def proven(self) -> bool:
        """Whether the gain is more than noise."""
        return self.low > 0 and self.individuals >= FEWEST_INDIVIDUALS


@dataclass(frozen=True, slots=True)
class Tuning:
    """A grid of settings, measured. queries: (q,) rows that asked. present, best: places in the grid."""

    queries: IntArray
    grid: tuple[Measured, ...]
    present: int
    best: int
    gain: Gain


def decays(low: float, high: float, count: int) -> list[float]:
    """A geometric grid of decays from low to high, both above 0."""
    return [float(value) for value in np.geomspace(low, high, count)]


def with_decays(params: FeasibilityParams, values: Sequence[float]) -> list[FeasibilityParams]:
    """Settings that differ in `decay` alone, the present one among them, rising."""
    # a grid may come within rounding of the present value
    others = (value for value in values if not math.isclose(value, params.decay))
    return [replace(params, decay=value) for value in sorted({*others, params.decay})]


def with_speeds(params: FeasibilityParams, values: Sequence[float]) -> list[FeasibilityParams]:
    """Settings that differ in `max_speed_kmh` alone, the present one and no limit among them, rising."""
    present = params.max_speed_kmh
    limits = sorted({*values} if present is None else {*values, present})
    return [replace(params, max_speed_kmh=limit) for limit in (*limits, None)]


def queries_of(individuals: Sequence[str], most: int, rng: np.random.Generator) -> IntArray:
    """Rows whose individual is known and has another detection, rising; `most` of them at random if more."""
    counts = Counter(i for i in individuals if i)
    rows = np.array([row for row, i in enumerate(individuals) if counts[i] > 1], dtype=np.int64)
    return np.sort(rng.choice(rows, most, replace=False)) if len(rows) > most else rows


def tune(
    gallery: Gallery,
    individuals: Sequence[str],
    grid: Sequence[FeasibilityParams],
    *,
    queries: IntArray,
    rng: np.random.Generator,
    depth: int = DEPTH,
    told: Callable[[int], None] = lambda _: None,
) -> Tuning:
    """Measure each setting of a grid, which holds the present one, and what the best of them gains.

    The best has the highest mean average precision; of equal ones, the present or the one before the others.
    individuals: known identity of each row, "" where unknown; those are candidates, but ask nothing.
    queries: rows that ask, at least one. depth: candidates looked through for each.
    told: called with the number of settings done since the last call.
    """
    codes = np.unique(np.array(individuals, dtype=object), return_inverse=True)[1]
    codes = np.where(np.array([bool(i) for i in individuals]), codes, -1 - np.arange(len(codes)))
    present = list(grid).index(gallery.params)
    measured = []
    for params in grid:
        measured.append(_measured(replace(gallery, params=params), codes, queries, depth))
        told(1)
    means = np.array([m.mean_average_precision for m in measured])
    best = present if means[present] == means.max() else int(means.argmax())
    precision = np.stack([m.precision for m in measured])
    return Tuning(
        queries, tuple(measured), present, best, gain_of(precision, codes[queries], present, best, rng)
    )


def gain_of(
    precision: Float64Array,
    animals: IntArray,
    present: int,
    best: int,
    rng: np.random.Generator,
    *,
    repeats: int = REPEATS,
) -> Gain:
    """The gain of the best setting over the present one, resampling whole individuals.

    precision: (settings, q) average precision of each query. animals: (q,) whom each query shows.
    One detection of an animal tells of its others, so animals are drawn, not detections. The interval is as
    wide as the largest deviation among all settings, in units of each one's own spread (max-t bootstrap,
    Romano & Wolf 2005).
    """
    _, places = np.unique(animals, return_inverse=True)
    count = int(places.max()) + 1
    gains = precision - precision[present]
    # sums over each animal's queries, so that a resample is one product
    sums = np.stack([np.bincount(places, weights=row, minlength=count) for row in gains])
    sizes = np.bincount(places, minlength=count)
    drawn = rng.multinomial(count, np.full(count, 1.0 / count), size=repeats)
    resampled = (drawn @ sums.T) / (drawn @ sizes)[:, None]
    mean, spread = gains.mean(axis=1), resampled.std(axis=0)
    # a setting that changes no list deviates by nothing
    deviation = np.abs(resampled - mean) / np.where(spread > 0, spread, np.inf)
    half = float(np.quantile(deviation.max(axis=1), CONFIDENCE) * spread[best])
    return Gain(float(mean[best]), float(mean[best]) - half, float(mean[best]) + half, count)


def _measured(gallery: Gallery, codes: IntArray, queries: IntArray, depth: int) -> Measured:
    others = _others(codes, gallery.table.image)
    first, precision = np.full(len(queries), depth), np.zeros(len(queries))
    for place, ranked in enumerate(Ranker(gallery).top_k(queries, depth, fusion=Fusion.PRODUCT)):
        found = codes[ranked.rows] == codes[ranked.query]
        if found.any():
            first[place] = int(found.argmax())
            # what is not on the list counts as never found
            share = found.sum() / min(depth, others[ranked.query])
            precision[place] = average_precision(found) * share
    top = {k: float((first < min(k, depth)).mean()) for k in TOP}
    return Measured(gallery.params, top, float(precision.mean()), precision)


def _others(codes: IntArray, image: IntArray) -> IntArray:
    """How many detections of each one's animal compete for it, (n,): all but itself and its image's."""
    animals, pairs = Counter(codes.tolist()), Counter(zip(codes.tolist(), image.tolist(), strict=True))
    return np.array(
        [
            animals[code] - (pairs[code, number] if number >= 0 else 1)
            for code, number in zip(codes.tolist(), image.tolist(), strict=True)
        ],
        dtype=np.int64,
    )
