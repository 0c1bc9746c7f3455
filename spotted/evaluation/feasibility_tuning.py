"""The feasibility setting that ranks the animals of a survey best, from a grid and known identities.

Sources and choices: docs/research/provenance.md.
"""

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
# length of the candidate lists that are measured: nobody reads further down
DEPTH = 100
# repeats of the bootstrap, and the share of them inside an interval
REPEATS, CONFIDENCE = 1000, 0.95
# resampling fewer says little about animals that were not seen
FEWEST_INDIVIDUALS = 10


@dataclass(frozen=True, slots=True)
class SettingMetrics:
    """Retrieval metrics of one feasibility setting.

    >>> metrics = SettingMetrics(FeasibilityParams(decay=2.0), {1: 0.5}, 0.75, np.array([0.5, 1.0]))
    >>> metrics.precision.mean() == metrics.mean_average_precision
    np.True_
    """

    params: FeasibilityParams
    """The setting."""
    top: dict[int, float]
    """k -> share of queries with a detection of their animal among the k best."""
    mean_average_precision: float
    """Mean over queries of the average precision of their lists of DEPTH candidates."""
    precision: Float64Array
    """(q,) average precision of each query, in the order of `Tuning.queries`."""


@dataclass(frozen=True, slots=True)
class Gain:
    """Gain in mean average precision of the best setting of a grid over the present one.

    The 95 % interval is simultaneous for all settings of the grid, so it accounts for choosing the best.

    >>> Gain(gain=0.03, low=0.01, high=0.05, individuals=40).proven
    True
    >>> Gain(gain=0.03, low=-0.01, high=0.07, individuals=40).proven
    False
    """

    gain: float
    """Mean over all queries."""
    low: float
    """Lower bound of the interval."""
    high: float
    """Upper bound of the interval."""
    individuals: int
    """Number of individuals that the queries show."""

    @property
    def proven(self) -> bool:
        """Whether the gain is more than noise: the interval is above 0 and there are enough individuals."""
        return self.low > 0 and self.individuals >= FEWEST_INDIVIDUALS


@dataclass(frozen=True, slots=True)
class Tuning:
    """The metrics of a grid of settings.

    >>> from spotted.scoring import unit_rows
    >>> from spotted.survey import Camera, Detection, Survey
    >>> rng = np.random.default_rng(0)
    >>> cameras = {f"C{i}": Camera(f"C{i}", 1000.0 * i, 0.0) for i in range(12)}
    >>> survey = Survey("ridge", 0.0, 864_000.0, cameras=cameras)
    >>> detections = [Detection(f"d{i:02}", f"C{i % 12}", 20_000.0 * i) for i in range(36)]
    >>> gallery = Gallery.of(survey, detections, unit_rows(rng.normal(size=(36, 8))))
    >>> homes = [detection.camera_id for detection in detections]  # no animal leaves its camera
    >>> grid = with_decays(gallery.params, decay_grid(0.1, 10.0, 3))
    >>> tuning = tune(gallery, homes, grid, queries=np.arange(36), rng=rng)
    >>> tuning.grid[tuning.best].params.decay, tuning.gain.proven
    (10.0, True)
    """

    queries: IntArray
    """(q,) rows of the queries."""
    grid: tuple[SettingMetrics, ...]
    """One per setting, in the order of the grid."""
    present: int
    """Index of the present setting in the grid."""
    best: int
    """Index of the best setting in the grid."""
    gain: Gain
    """Gain of the best over the present."""


def decay_grid(low: float, high: float, count: int) -> list[float]:
    """A geometric grid of decays from low to high, both above 0.

    >>> [round(decay, 3) for decay in decay_grid(0.1, 10.0, 5)]
    [0.1, 0.316, 1.0, 3.162, 10.0]
    """
    return [float(value) for value in np.geomspace(low, high, count)]


def with_decays(params: FeasibilityParams, values: Sequence[float]) -> list[FeasibilityParams]:
    """Settings that differ only in `decay`, ascending, including the present one."""
    # a value of the grid may equal the present one up to rounding
    others = (value for value in values if not math.isclose(value, params.decay))
    return [replace(params, decay=value) for value in sorted({*others, params.decay})]


def with_speeds(params: FeasibilityParams, values: Sequence[float]) -> list[FeasibilityParams]:
    """Settings that differ only in `max_speed_kmh`, ascending, including the present one and no limit."""
    present = params.max_speed_kmh
    limits = sorted({*values} if present is None else {*values, present})
    return [replace(params, max_speed_kmh=limit) for limit in (*limits, None)]


def choose_queries(individuals: Sequence[str], most: int, rng: np.random.Generator) -> IntArray:
    """Rows whose individual is known from another detection too, ascending; a random `most` of them."""
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
    on_progress: Callable[[int], None] = lambda _: None,
) -> Tuning:
    """Measure each setting of a grid that includes the present one, and the gain of the best.

    The best has the highest mean average precision; among equals it is the present one, or else the first.
    individuals: known individual of each row, "" if unknown; rows without one are candidates, not queries.
    queries: rows of the queries, at least one.
    depth: length of the candidate lists.
    on_progress: called with the number of settings done since the last call.
    """
    codes = np.unique(np.array(individuals, dtype=object), return_inverse=True)[1]
    codes = np.where(np.array([bool(i) for i in individuals]), codes, -1 - np.arange(len(codes)))
    present = list(grid).index(gallery.params)
    measured = []
    for params in grid:
        measured.append(_measured(replace(gallery, params=params), codes, queries, depth))
        on_progress(1)
    means = np.array([m.mean_average_precision for m in measured])
    best = present if means[present] == means.max() else int(means.argmax())
    precision = np.stack([m.precision for m in measured])
    return Tuning(
        queries, tuple(measured), present, best, measure_gain(precision, codes[queries], present, best, rng)
    )


def measure_gain(
    precision: Float64Array,
    animals: IntArray,
    present: int,
    best: int,
    rng: np.random.Generator,
    *,
    repeats: int = REPEATS,
) -> Gain:
    """The gain of the best setting over the present one, resampling whole individuals.

    precision: (settings, q) average precision of each query.
    animals: (q,) number of the animal that each query shows.
    Detections of one animal are not independent, so animals are resampled. The width of the interval is the
    largest deviation among all settings, in units of the spread of each (max-t bootstrap, Romano & Wolf
    2005).
    """
    _, index = np.unique(animals, return_inverse=True)
    count = int(index.max()) + 1
    gains = precision - precision[present]
    # sums over each animal's queries, so that a resample is one product
    sums = np.stack([np.bincount(index, weights=row, minlength=count) for row in gains])
    sizes = np.bincount(index, minlength=count)
    drawn = rng.multinomial(count, np.full(count, 1.0 / count), size=repeats)
    resampled = (drawn @ sums.T) / (drawn @ sizes)[:, None]
    mean, spread = gains.mean(axis=1), resampled.std(axis=0)
    # a setting that changes no list has no deviation
    deviation = np.abs(resampled - mean) / np.where(spread > 0, spread, np.inf)
    half = float(np.quantile(deviation.max(axis=1), CONFIDENCE) * spread[best])
    return Gain(float(mean[best]), float(mean[best]) - half, float(mean[best]) + half, count)


def _measured(gallery: Gallery, codes: IntArray, queries: IntArray, depth: int) -> SettingMetrics:
    others = _others(codes, gallery.table.image)
    first, precision = np.full(len(queries), depth), np.zeros(len(queries))
    for index, ranked in enumerate(Ranker(gallery).top_k(queries, depth, fusion=Fusion.PRODUCT)):
        found = codes[ranked.rows] == codes[ranked.query]
        if found.any():
            first[index] = int(found.argmax())
            # a detection that is not on the list counts as never found
            share = found.sum() / min(depth, others[ranked.query])
            precision[index] = average_precision(found) * share
    top = {k: float((first < min(k, depth)).mean()) for k in TOP}
    return SettingMetrics(gallery.params, top, float(precision.mean()), precision)


def _others(codes: IntArray, image: IntArray) -> IntArray:
    """(n,) number of other detections of the same animal, without those in the same image."""
    animals, pairs = Counter(codes.tolist()), Counter(zip(codes.tolist(), image.tolist(), strict=True))
    return np.array(
        [
            animals[code] - (pairs[code, number] if number >= 0 else 1)
            for code, number in zip(codes.tolist(), image.tolist(), strict=True)
        ],
        dtype=np.int64,
    )
