"""How high the photographs of the same animal rank, and scores joined by what known animals teach."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from spotted.arrays import BoolArray, Float64Array

SPLITS = 6
TOP = 5
# bounds of a probability, so that its logarithm stays finite
LEAST, MOST = 1e-4, 1.0 - 1e-4


def relevant(animals: Sequence[str], encounters: Sequence[str]) -> tuple[BoolArray, BoolArray]:
    """Which pairs (n, n) may be asked, those of different encounters, and which show one animal."""
    names, groups = np.array(animals), np.array(encounters)
    asked = groups[:, None] != groups[None, :]
    return asked, (names[:, None] == names[None, :]) & asked


def measure(scores: Float64Array, asked: BoolArray, same: BoolArray, queries: BoolArray) -> Float64Array:
    """Rank-1, rank-5 and average precision (q, 3) of each query that has a match; ties in a random order."""
    found = []
    tie = np.random.default_rng(0).permutation(len(scores))
    for i in np.flatnonzero(queries & same.any(axis=1)):
        order = np.lexsort((tie, -scores[i]))
        hits = same[i][order][asked[i][order]]
        ranks = np.flatnonzero(hits)
        precision = (np.arange(len(ranks)) + 1.0) / (ranks + 1.0)
        found.append((hits[0], hits[:TOP].any(), precision.mean()))
    return np.array(found, dtype=float)


def halves(animals: Sequence[str]) -> list[BoolArray]:
    """For each split which photographs show animals of the half whose answers are known."""
    names = np.array(animals)
    known = []
    for split in range(SPLITS):
        order = np.random.default_rng(split).permutation(np.unique(names))
        known.append(np.isin(names, order[: len(order) // 2]))
    return known


def matched(scores: Sequence[Float64Array]) -> BoolArray:
    """Which pairs (n, n) have all scores: those beyond a shortlist have no number."""
    return np.asarray(np.isfinite(np.stack(scores)).all(axis=0))


def behind(score: Float64Array, visual: Float64Array) -> Float64Array:
    """A score (n, n) in which pairs without a number come after all others, by their visual score."""
    least = np.nanmin(score) - np.ptp(visual) - 1.0
    return np.where(np.isnan(score), visual - visual.min() + least, score)


def isotonic_mean(
    scores: Sequence[Float64Array], asked: BoolArray, same: BoolArray, known: BoolArray
) -> Float64Array:
    """WildFusion's fusion: the mean of the probabilities to which each score is calibrated, (n, n).

    Pairs without all scores have no number.
    """
    complete = matched(scores)
    pairs = np.triu(asked & known[:, None] & known[None, :] & complete)
    total = np.full(scores[0].shape, np.nan)
    total[complete] = 0.0
    for score in scores:
        model = IsotonicRegression(out_of_bounds="clip").fit(score[pairs], same[pairs])
        # the steps of isotonic regression tie; the score itself orders what ties
        spread = np.ptp(score[complete]) or 1.0
        total[complete] += model.predict(score[complete]) + 1e-6 * score[complete] / spread
    return total / len(scores)


def logistic(
    scores: Sequence[Float64Array], asked: BoolArray, same: BoolArray, known: BoolArray
) -> Float64Array:
    """Log-odds (n, n) of a logistic regression on the square roots of standardised scores, as above."""
    complete = matched(scores)
    pairs = np.triu(asked & known[:, None] & known[None, :] & complete)
    terms = [np.sqrt(np.maximum(score, 0.0)) for score in scores]
    terms = [(term - term[pairs].mean()) / term[pairs].std() for term in terms]
    model = LogisticRegression(C=1.0).fit(np.column_stack([term[pairs] for term in terms]), same[pairs])
    total = np.full(scores[0].shape, np.nan)
    total[complete] = model.decision_function(np.column_stack([term[complete] for term in terms]))
    return total
