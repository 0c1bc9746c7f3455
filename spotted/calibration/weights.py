"""The weights of a calibration, by monotone logistic regressions.

The line of the product, log-odds = constant + slope * log(product) + bend * product, ranks as the product
does, and is drawn towards that of other surveys (`starting`). The weights of all evidence are drawn towards a
straight line of log(product). Each penalty has a constant strength while the likelihood grows with the
labels, so few labels hardly move the weights. Bounds make the result monotone.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from spotted.arrays import BoolArray, Float64Array
from spotted.calibration.evidence import LOOKS, TERMS, PairEvidence, Term, weigh
from spotted.calibration.labels import Labels
from spotted.calibration.logistic import Regression
from spotted.calibration.starting import product_weights, starting_line

# half of this is the cost, in nats of likelihood, of a weight one standard deviation off; chosen by trial
SHRINKAGE = 5.0
LEAST_STEEP, STEEPEST = 0.01, 20.0
# the slope of the straight line is drawn loosely to 1
LOOSE = 0.1
# the pull on a constant that is free: small, only to keep it finite
FREE = 1e-6
LEAST_DEVIATION = 1e-3
LINE = tuple(term for term in TERMS if term.name in {"log_visual", "visual", "log_feasibility", "product"})


@dataclass(frozen=True, slots=True)
class Shrinkage:
    """The prior on the weights.

    >>> Shrinkage().strength, Shrinkage(strength=0.0)
    (5.0, Shrinkage(strength=0.0, monotone=True))
    """

    strength: float = SHRINKAGE
    """Strength of the pull towards the product; 0 for none."""
    monotone: bool = True
    """Whether the weights of growing terms must not be negative."""


@dataclass(frozen=True, slots=True)
class Weights:
    """The two sums of a calibration, each its constant and then the weights.

    >>> line = Weights(product_weights(np.array([-2.0, 1.0, 3.0]), TERMS), np.zeros(len(LOOKS) + 1))
    >>> one = np.ones(1)
    >>> line.log_odds(PairEvidence(0.5 * one, one, 0.0 * one, 60.0 * one, np.ones(1, np.int8))).round(3)
    array([-1.193])
    """

    placed: Float64Array
    """The constant, then those of TERMS, for pairs with position and time."""
    unplaced: Float64Array
    """The constant, then those of LOOKS, for other pairs."""

    def log_odds(self, pairs: PairEvidence) -> Float64Array:
        """The log-odds of pairs (m,)."""
        found = weigh(pairs, TERMS, self.placed.tolist())
        return np.where(pairs.placed(), found, weigh(pairs, LOOKS, self.unplaced.tolist()))


def fit_line(labels: Labels, shrinkage: Shrinkage) -> Float64Array:
    """Constant, slope and bend of the product, (3,); of the visual score if feasibility is unknown."""
    score, product = _products(labels.pairs)
    values = np.column_stack([score, product])
    scale = _deviations(values)
    start = starting_line(labels.share)
    pull = np.full(3, max(shrinkage.strength, FREE))
    bounds = scipy.optimize.Bounds(
        [-np.inf, LEAST_STEEP * scale[0], 0.0], [np.inf, STEEPEST * scale[0], np.inf]
    )
    design = np.hstack([np.ones((len(values), 1)), values / scale])
    units = np.array([1.0, *scale])
    found = Regression(design, labels.same, labels.weights, start * units, pull, bounds).solve()
    return np.asarray(found / units)


def fit_evidence(labels: Labels, shrinkage: Shrinkage) -> Weights:
    """The weights of all evidence, drawn towards a straight line of log(product)."""
    placed, line = labels.pairs.placed(), _straight_line(labels)
    return Weights(
        _fit_terms(labels, placed, TERMS, line, shrinkage),
        _fit_terms(labels, np.ones(len(placed), np.bool_), LOOKS, line, shrinkage),
    )


def deviations(pairs: PairEvidence) -> Float64Array:
    """Standard deviation of each of TERMS over the pairs with position and time, the unit of shrinkage."""
    return _deviations(_table(pairs.at(pairs.placed()), TERMS))


def _products(pairs: PairEvidence) -> tuple[Float64Array, Float64Array]:
    """The log of the product and the product of each pair, (m,)."""
    of = {term.name: term.of(pairs) for term in LINE}
    placed = pairs.placed()
    score = of["log_visual"] + np.where(placed, of["log_feasibility"], 0.0)
    return score.astype(np.float64), np.where(placed, of["product"], of["visual"]).astype(np.float64)


def _straight_line(labels: Labels) -> Float64Array:
    """Constant and slope of log(product), and a bend of 0, (3,)."""
    score, _ = _products(labels.pairs)
    design = np.column_stack([np.ones_like(score), score])
    bounds = scipy.optimize.Bounds([-np.inf, LEAST_STEEP], [np.inf, STEEPEST])
    start, pull = np.array([0.0, 1.0]), np.array([FREE, LOOSE])
    return np.append(Regression(design, labels.same, labels.weights, start, pull, bounds).solve(), 0.0)


def _fit_terms(
    labels: Labels, chosen: BoolArray, terms: Sequence[Term], line: Float64Array, shrinkage: Shrinkage
) -> Float64Array:
    """Constant and weights of terms, drawn towards the line of the product in units of their deviations."""
    values = _table(labels.pairs.at(chosen), terms)
    units = np.array([1.0, *_deviations(values)])
    start = product_weights(line, terms) * units
    pull = np.array([FREE, *(max(shrinkage.strength, FREE) for _ in terms)])
    bounds = scipy.optimize.Bounds(
        [-np.inf, *(0.0 if term.grows and shrinkage.monotone else -np.inf for term in terms)],
        # visual similarity and feasibility have weights of their own
        [np.inf, *(0.0 if term.name == "product" else np.inf for term in terms)],
    )
    design = np.hstack([np.ones((len(values), 1)), values / units[1:]])
    same, weights = labels.same[chosen], labels.weights[chosen]
    return np.asarray(Regression(design, same, weights, start, pull, bounds).solve() / units)


def _table(pairs: PairEvidence, terms: Sequence[Term]) -> Float64Array:
    """Values (m, terms)."""
    return np.column_stack([term.of(pairs) for term in terms]).astype(np.float64)


def _deviations(values: Float64Array) -> Float64Array:
    """Standard deviation of each column, with a floor for columns that hardly vary."""
    return np.maximum(values.std(axis=0), LEAST_DEVIATION) if len(values) else np.ones(values.shape[1])
