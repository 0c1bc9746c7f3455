"""How calibrations judge labelled individuals that they were not fitted to.

The individuals are split into folds; each fold is judged by weights fitted to the pairs between the others.
A pair across two folds is judged in both. Evidence is trusted only if it finds the right animal first more
often than the product does, by more than chance among the individuals. A gain at top-5 does not make up for a
loss at top-1.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from spotted.arrays import BoolArray, Float64Array, IntArray
from spotted.calibration.evidence import LOOKS, TERMS
from spotted.calibration.labels import Labels, balanced
from spotted.calibration.model import expected_calibration_error
from spotted.calibration.starting import product_weights
from spotted.calibration.unanswered import SPREAD, Population, represented
from spotted.calibration.weights import Shrinkage, Weights, fit_evidence, fit_line

FOLDS = 5
# of a query, to tell whether its animal is among the first five
FEWEST_RIVALS = 5
# with queries of fewer individuals, chance and gain cannot be distinguished
FEWEST_JUDGED = 8
# part of its standard error that the gain at top-1 must exceed
MARGIN = 0.5
# a query or two may change by a tie
FEWEST_GAINED = 3


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Results on individuals that were left out."""

    product_error: float | None
    """Calibration error of the line of the product; None if nothing could be judged."""
    evidence_error: float | None
    """Calibration error of all evidence; None if nothing could be judged."""
    gain: float | None
    """Share of queries that all evidence finds first, less that of the product; None without queries."""
    better: bool
    """Whether all evidence ranks better than the product."""
    found: float
    """Share of queries that the better of the two finds first; 0 without queries."""


def cross_validate(labels: Labels, shrinkage: Shrinkage) -> HeldOut:
    """Judge the labelled individuals, each by calibrations fitted to others."""
    folds, surveys = _folds(labels), _surveys(labels)
    errors: list[tuple[float, float, float]] = []
    hits: list[Float64Array] = []
    for fold in range(FOLDS):
        held = (folds == fold).any(axis=1)
        if not held.any() or len(np.unique(labels.same[~held])) < 2:  # noqa: PLR2004 - both answers
            continue
        judged = labels.at(held)
        product, evidence = (w.log_odds(judged.pairs) for w in _fitted(labels.at(~held), shrinkage))
        mass = np.where(folds[held, 0] == folds[held, 1], 1.0, 0.5)
        truths = [(survey.truth[held], mass * survey.mass[held]) for survey in surveys]
        truths = truths or [(judged.same, balanced(judged.same, mass, labels.share))]
        error = [np.mean([_error(odds, *truth) for truth in truths]) for odds in (product, evidence)]
        errors.append((mass.sum(), *error))
        # nobody knows whether a pair of the background is right
        labelled = ~judged.background
        own = folds[held][labelled] == fold
        hits.append(_hits(judged.at(labelled), own, product[labelled], evidence[labelled]))
    if not errors:
        return HeldOut(None, None, None, better=False, found=0.0)
    size, *both = np.array(errors).T
    product_error, evidence_error = (float(size @ error / size.sum()) for error in both)
    queries = np.concatenate(hits)
    gain, better = _gain(queries)
    by_product = float(queries[:, 3].mean()) if len(queries) else 0.0
    found = by_product + (gain or 0.0) * better
    return HeldOut(product_error, evidence_error, gain, better=better, found=found)


def _fitted(labels: Labels, shrinkage: Shrinkage) -> tuple[Weights, Weights]:
    """The weights of the line of the product, and those of all evidence."""
    survey = represented(labels)
    return line_weights(fit_line(labels, shrinkage, survey)), fit_evidence(labels, shrinkage, survey)


def line_weights(line: Float64Array) -> Weights:
    """The weights of both sums for which the log-odds are a line of the product."""
    return Weights(product_weights(line, TERMS), product_weights(line, LOOKS))


def _folds(labels: Labels) -> IntArray:
    """The fold of the individual at each end, (m, 2); folds have about equally many photographs."""
    often = sorted(labels.photographs, key=lambda i: (-labels.photographs[i], i))
    fold = {individual: rank % FOLDS for rank, individual in enumerate(often)}
    # a detection without a label is in any fold
    found = np.vectorize(lambda one: fold.get(one, one % FOLDS), otypes=[np.int64])
    return np.asarray(found(labels.individuals))


def _surveys(labels: Labels) -> list[Population]:
    """A survey with fewer SAME pairs than expected and one with more, if only answers of a session are known.

    Empty if the labels are about any pairs. A calibration is judged in both, since the share is only a guess.
    """
    if not labels.background.any():
        return []
    return Population.with_shares(labels, [float(np.exp(sign * SPREAD)) for sign in (-1, 1)])


def _error(odds: Float64Array, same: BoolArray | Float64Array, weights: Float64Array) -> float:
    return expected_calibration_error(scipy.special.expit(odds), same, weights)


def _hits(judged: Labels, own: BoolArray, product: Float64Array, evidence: Float64Array) -> Float64Array:
    """For each query of the fold its individual, gains at top-1 and top-5, and top-1 of the product, (q, 4).

    own: (m, 2), whether the individual at each end is of the fold; all its labelled pairs are judged then.
    """
    ends = own.ravel()
    query, individual = judged.rows.ravel()[ends], judged.individuals.ravel()[ends]
    order = np.argsort(query, kind="stable")
    start = np.flatnonzero(np.diff(query[order], prepend=-1))
    same = np.repeat(judged.same, 2)[ends][order]
    ahead = [_ahead(np.repeat(odds, 2)[ends][order], same, start) for odds in (product, evidence)]
    met, rivals = (np.add.reduceat(answer.astype(np.int64), start) for answer in (same, ~same))
    asked = (met > 0) & (rivals >= FEWEST_RIVALS)
    first, five = ((ahead[1] < k) * 1.0 - (ahead[0] < k) for k in (1, FEWEST_RIVALS))
    return np.column_stack([individual[order][start], first, five, ahead[0] < 1])[asked]


def _ahead(odds: Float64Array, same: BoolArray, start: IntArray) -> IntArray:
    """Number of other animals' detections that score no lower than the best of its own, of each query."""
    best = np.maximum.reduceat(np.where(same, odds, -np.inf), start)
    each = np.repeat(best, np.diff(start, append=len(odds)))
    return np.asarray(np.add.reduceat(~same & (odds >= each), start, dtype=np.int64))


def _gain(hits: Float64Array) -> tuple[float | None, bool]:
    """The mean gain at top-1, and whether it exceeds chance while top-5 loses nothing. hits: of `_hits`."""
    if not len(hits):
        return None, False
    individual, count = np.unique(hits[:, 0], return_inverse=True)
    first, five = hits[:, 1:3].mean(axis=0).tolist()
    # queries of one individual are alike, so the individuals are the sample
    off = np.bincount(count, hits[:, 1] - first)
    error = float(np.sqrt((off**2).sum())) / len(hits)
    enough = len(individual) >= FEWEST_JUDGED and hits[:, 1].sum() >= FEWEST_GAINED
    return first, enough and first > MARGIN * error and five >= 0.0
