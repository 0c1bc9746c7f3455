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
from spotted.calibration.starting import line_values, product_weights, starting_line
from spotted.calibration.unanswered import Population

# half of this is the cost, in nats of likelihood, of a weight one standard deviation off; chosen by trial
SHRINKAGE = 5.0
LEAST_STEEP, STEEPEST = 0.01, 20.0
# the slope of the straight line is drawn loosely to 1
LOOSE = 0.1
# the pull on a constant that is free: small, only to keep it finite
FREE = 1e-6
LEAST_DEVIATION = 1e-3
# the least factor by which log-odds of all evidence are stretched to fit the answers of a session
LEAST_STRETCH = 0.05


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


def fit_line(labels: Labels, shrinkage: Shrinkage, survey: Population | None) -> Float64Array:
    """Constant, slope and bend of the product, (3,); of the visual score if feasibility is unknown.

    survey: the population of the labels if they have a background (`represented`).
    """
    values = line_values(labels.pairs)
    start, weights = starting_line(labels.share), labels.weights
    truth: BoolArray | Float64Array = labels.same
    if survey is not None:
        start, truth, weights = survey.line, survey.truth, _weights(labels, survey)
    units = np.array([1.0, *_deviations(values[:, 1:])])
    bounds = scipy.optimize.Bounds(
        [-np.inf, LEAST_STEEP * units[1], 0.0], [np.inf, STEEPEST * units[1], np.inf]
    )
    pull = np.full(3, max(shrinkage.strength, FREE))
    found = Regression(values / units, truth, weights, start * units, pull, bounds).solve()
    return np.asarray(found / units)


def fit_evidence(labels: Labels, shrinkage: Shrinkage, survey: Population | None) -> Weights:
    """The weights of all evidence, drawn towards a straight line of log(product).

    survey: as of `fit_line`.
    """
    placed, line = labels.pairs.placed(), _straight_line(labels)
    found = Weights(
        _fit_terms(labels, placed, TERMS, line, shrinkage),
        _fit_terms(labels, np.ones(len(placed), np.bool_), LOOKS, line, shrinkage),
    )
    return found if survey is None else _stretched(found, labels, survey, shrinkage)


def _stretched(found: Weights, labels: Labels, survey: Population, shrinkage: Shrinkage) -> Weights:
    """The same order of pairs, with the probabilities that the answers of a session and the share imply."""
    odds = found.log_odds(labels.pairs)
    unit = float(_deviations(odds[:, None])[0])
    design = np.column_stack([np.ones_like(odds), odds / unit])
    pull, start = np.array([FREE, max(shrinkage.strength, FREE)]), np.array([0.0, unit])
    bounds = scipy.optimize.Bounds([-np.inf, LEAST_STRETCH * unit], [np.inf, STEEPEST * unit])
    weights = _weights(labels, survey)
    constant, slope = Regression(design, survey.truth, weights, start, pull, bounds).solve()
    placed, unplaced = (slope / unit * one for one in (found.placed, found.unplaced))
    placed[0] += constant
    unplaced[0] += constant
    return Weights(placed, unplaced)


def _weights(labels: Labels, survey: Population) -> Float64Array:
    """The weight of each pair of a survey, (m,); those of SAME pairs add up to the number of photographs."""
    photographs = sum(labels.photographs.values())
    return np.asarray(survey.mass / survey.mass.sum() * photographs / survey.share)


def deviations(pairs: PairEvidence) -> Float64Array:
    """Standard deviation of each of TERMS over the pairs with position and time, the unit of shrinkage."""
    return _deviations(_table(pairs.at(pairs.placed()), TERMS))


def _straight_line(labels: Labels) -> Float64Array:
    """Constant and slope of log(product), and a bend of 0, (3,)."""
    design = line_values(labels.pairs)[:, :2]
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
