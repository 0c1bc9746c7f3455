"""How likely two components look like one animal: a Gaussian model of individuals, flanks and encounters.

Probabilistic linear discriminant analysis (Ioffe 2006; Prince and Elder 2007) over the means of encounters:
an image shows its animal, the animal's flank, and the encounter it was taken in. Frames of one burst share
light, pose and background, so that they count as one view. The labels so far say how much of the variance
belongs to animals. Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from spotted.arrays import Float32Array, Float64Array, IntArray

DIMENSIONS = 48  # directions of most variance that are kept; 24 to 64 make little difference
STATION_PULL = (
    10.0  # a station's mean over n images is taken away by n / (n + 10): backgrounds are no animals
)
PRIOR_VIEWS = 100.0  # weight, in views, of the spread guessed before there are labels
PRIOR_PAIRS = 20.0  # weight, in pairs of flanks, of the guess that half of what an animal shows is both-sided
GUESS_PAIRS = 10.0  # weight, in pairs, of half of the covariance of all items in the guessed spread
LEAST_VARIANCE = 1e-6  # of unit embeddings in any direction: few or equal images show none in some
LEAST_RATIO = 0.02  # of the variance between animals to that within, in every direction
ROWS = 20_000  # pairs that are scored at a time, so that memory stays bounded


def looks(embeddings: Float32Array, station: IntArray, *, dimensions: int = DIMENSIONS) -> Float64Array:
    """(n, d) embeddings without the survey's and their station's mean, on their d main directions.

    embeddings: (n, D). station: (n,) the station of each item, -1 if unknown.
    """
    centred = _centred(embeddings.astype(np.float64))
    known = station >= 0
    count = np.bincount(station[known], minlength=1)
    means = _sums(centred[known], station[known], len(count)) / (count + STATION_PULL)[:, None]
    centred[known] -= means[station[known]]
    directions = scipy.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :dimensions]
    return np.asarray(centred @ directions, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Views:
    """One row for each component, side and encounter: the mean of its images.

    mean: (v, d). component, side: (v,).
    """

    mean: Float64Array
    component: IntArray
    side: IntArray


def views(seen: Float64Array, component: IntArray, side: IntArray, burst: IntArray) -> Views:
    """The views of items (n, d) that belong to components, show sides and were taken in bursts."""
    groups, row = np.unique(np.stack((component, side, burst)), axis=1, return_inverse=True)
    row = row.reshape(-1)
    mean = _sums(seen, row, groups.shape[1]) / np.bincount(row)[:, None]
    return Views(mean, groups[0], groups[1])


@dataclass(frozen=True, slots=True)
class Appearance:
    """The views of each component, in directions in which a view of an animal varies with variance 1."""

    shared: Float64Array
    """(d,) variance between animals that both flanks show."""
    flank: Float64Array
    """(d,) variance between animals that only one flank shows."""
    number: Float64Array
    """(c, s) number of views of each component and side."""
    total: Float64Array
    """(c, s, d) sum of the views of each component and side."""
    single: Float64Array
    """(c,) log-evidence of each component by itself, relative to no animal at all."""

    def log_ratio(self, first: IntArray, second: IntArray) -> Float64Array:
        """(m,) log of the likelihood ratio of one animal to two, for the views of two components."""
        ratio = np.empty(len(first))
        for start in range(0, len(first), ROWS):
            rows = slice(start, start + ROWS)
            a, b = first[rows], second[rows]
            together = _evidence(
                self.number[a] + self.number[b], self.total[a] + self.total[b], self.shared, self.flank
            )
            ratio[rows] = together - self.single[a] - self.single[b]
        return ratio


def fitted(shown: Views, components: int, sides: int, guess: Float64Array) -> Appearance:
    """The model of views whose components are taken for animals.

    components, sides: their numbers. guess: (d, d) covariance of the views of one animal and flank as
    it is thought to be before any label; it weighs as much as PRIOR_VIEWS views.
    """
    group = shown.component * sides + shown.side
    count = np.bincount(group, minlength=components * sides).astype(np.float64)
    means = _sums(shown.mean, group, len(count)) / np.maximum(count, 1.0)[:, None]
    off = shown.mean - means[group]
    freedom = len(group) - np.count_nonzero(count)
    within = (off.T @ off + PRIOR_VIEWS * guess) / (freedom + PRIOR_VIEWS)
    spread = _covariance(shown.mean)
    ratio, directions = scipy.linalg.eigh(spread - within, within)
    ratio = np.maximum(ratio, LEAST_RATIO)
    both = _both_sided(means @ directions, count.reshape(components, sides), ratio)
    number = count.reshape(components, sides)
    total = _sums(shown.mean @ directions, group, len(count)).reshape(components, sides, len(ratio))
    shared, flank = both * ratio, (1.0 - both) * ratio
    return Appearance(shared, flank, number, total, _evidence(number, total, shared, flank))


def guessed_spread(seen: Float64Array, first: IntArray, second: IntArray) -> Float64Array:
    """(d, d) covariance of the views of one animal, from pairs (m,) that are thought to show one.

    It is drawn to half of the covariance of all items: as much within animals as between them. Few pairs
    say nothing about most directions.
    """
    off = seen[first] - seen[second]
    pairs = len(first) + GUESS_PAIRS
    return np.asarray((off.T @ off + GUESS_PAIRS * _covariance(seen)) / (2.0 * pairs), dtype=np.float64)


def _evidence(
    number: Float64Array, total: Float64Array, shared: Float64Array, flank: Float64Array
) -> Float64Array:
    """(c,) log-evidence of views (c, s) and (c, s, d) under one animal each, closed form.

    With unit noise, a flank that varies by f and an animal that varies by a: the flanks are integrated out
    first, each leaving precision n / (1 + n f) on the animal, then the animal.
    """
    spread = 1.0 + number[..., None] * flank
    by_flank = (flank * total**2 / spread - np.log(spread)).sum(axis=(-2, -1))
    precision, weighted = (number[..., None] / spread).sum(axis=-2), (total / spread).sum(axis=-2)
    pooled = 1.0 + shared * precision
    by_animal = (shared * weighted**2 / pooled - np.log(pooled)).sum(axis=-1)
    return np.asarray(0.5 * (by_flank + by_animal), dtype=np.float64)


def _both_sided(means: Float64Array, count: Float64Array, ratio: Float64Array) -> float:
    """The share of the variance between animals that both flanks show, 0.1 to 1.

    From the products of the means of two sides of one component: their expectation is the shared part.
    """
    if count.shape[1] == 1:
        return 1.0
    by_side = means.reshape(*count.shape, -1)
    products, pairs = 0.0, 0
    for one in range(count.shape[1]):
        for other in range(one):
            seen = (count[:, one] > 0) & (count[:, other] > 0)
            products += float((by_side[seen, one] * by_side[seen, other]).sum())
            pairs += int(seen.sum())
    whole = float(ratio.sum())
    share = (products + PRIOR_PAIRS * whole / 2.0) / ((pairs + PRIOR_PAIRS) * whole)
    return float(np.clip(share, 0.1, 1.0))


def _covariance(rows: Float64Array) -> Float64Array:
    """(d, d) covariance of rows (m, d), positive definite."""
    off = _centred(rows)
    floor = LEAST_VARIANCE * np.eye(rows.shape[1])
    return np.asarray(off.T @ off / max(len(rows) - 1, 1) + floor, dtype=np.float64)


def _centred(rows: Float64Array) -> Float64Array:
    # a mean of no rows would warn
    return np.asarray(rows - rows.sum(axis=0) / max(len(rows), 1), dtype=np.float64)


def _sums(rows: Float64Array, group: IntArray, groups: int) -> Float64Array:
    """(groups, d) sums of the rows of each group."""
    sums = np.zeros((groups, rows.shape[1]))
    np.add.at(sums, group, rows)
    return sums
