"""How likely pairs without an answer show one animal, so that a few answers stand in a whole survey.

The answers of a session are about the likeliest pairs and have found only some of the SAME pairs. Answered
pairs stand for themselves, and pairs drawn at random among the others (`background`) stand for all of those.
The line of other surveys (`starting`) says how likely each of them is SAME, moved so that the survey has as
many SAME pairs as expected.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import scipy

from spotted.arrays import Float64Array
from spotted.calibration.labels import SHARES, TINY, USUAL_PARTNERS, Labels
from spotted.calibration.starting import line_values, starting_line

# surveys seldom have fewer animals than a dozen, however few photographs they have
FEWEST_ANIMALS = 12
# standard deviation of the log of a survey's share about the expected one
SPREAD = 0.7
# no answers make the share less than the expected one by a larger factor than e to this
MOST_LOWERED = 3.0
# how precisely its logarithm is found
PRECISION = 0.05
# part of the expected SAME pairs that answers never find
LEAST_UNFOUND = 0.1


@dataclass(frozen=True, slots=True)
class Population:
    """All pairs of a survey, represented by its labelled pairs and its background.

    >>> from spotted.calibration.evidence import PairEvidence
    >>> visual, unknown = np.array([0.9, 0.8, 0.7, 0.2]), np.full(4, np.nan)
    >>> pairs = PairEvidence(visual, unknown, unknown, unknown, np.ones(4, np.int8))
    >>> rows = np.array([[0, 1], [0, 2], [1, 3], [2, 3]])
    >>> animals = np.array([[0, 0], [0, 1], [-2, -4], [-3, -4]])
    >>> drawn = np.array([False, False, True, True])
    >>> survey = Population.of(Labels.of(pairs, rows, animals, 19, drawn))
    >>> survey.mass.tolist(), survey.truth[:2].tolist(), bool(survey.truth[2] > survey.truth[3])
    ([1.0, 1.0, 94.0, 94.0], [1.0, 0.0], True)
    """

    share: float
    """Expected share of SAME pairs."""
    line: Float64Array
    """(3,) constant, slope and bend of the product by which the survey has this share."""
    truth: Float64Array
    """(m,) the probability that each pair is SAME: 0 or 1 if it was labelled."""
    mass: Float64Array
    """(m,) the number of pairs of the survey for which each stands."""

    @classmethod
    def of(cls, labels: Labels) -> Self:
        """The population of labels with a background."""
        return cls.with_shares(labels, (1.0,))[0]

    @classmethod
    def with_shares(cls, labels: Labels, factors: Sequence[float]) -> list[Self]:
        """Populations whose shares are the expected one times each factor."""
        mass = _masses(labels)
        guess = _guessed_share(labels)
        odds = line_values(labels.pairs) @ starting_line(guess)
        expected = _expected_share(labels, guess, odds, mass)
        shares = np.clip(expected * np.array(factors), *SHARES).tolist()
        return [cls._at(labels, share, guess, odds, mass) for share in shares]

    @classmethod
    def _at(cls, labels: Labels, share: float, guess: float, odds: Float64Array, mass: Float64Array) -> Self:
        """The population with a share. odds: by the line of other surveys with the guessed share."""
        drawn, total, found = labels.background, mass.sum(), float(labels.same.sum())
        truth = labels.same.astype(np.float64)
        unfound = max(share * total - found, LEAST_UNFOUND * share * total)
        likely = min(unfound / mass[drawn].sum(), SHARES[1])
        truth[drawn] = scipy.special.expit(odds[drawn] + _move(odds[drawn], mass[drawn], likely))
        line = starting_line(guess)
        line[0] += _move(odds, mass, share)
        return cls(share, line, truth, mass)


def represented(labels: Labels) -> Population | None:
    """The population that labels represent; None if they have no background."""
    return Population.of(labels) if labels.background.any() else None


def _masses(labels: Labels) -> Float64Array:
    """The number of pairs of the survey for which each pair stands, (m,)."""
    drawn = labels.background
    others = labels.candidates * (labels.candidates + 1) / 2 - (~drawn).sum()
    return np.where(drawn, max(1.0, others / drawn.sum()), 1.0)


def _guessed_share(labels: Labels) -> float:
    """The share of SAME pairs that is usual, or more if labelled animals have more photographs."""
    if labels.share * labels.candidates > USUAL_PARTNERS + TINY:
        return labels.share
    return min(labels.share, 1.0 / FEWEST_ANIMALS)


def _expected_share(labels: Labels, guess: float, odds: Float64Array, mass: Float64Array) -> float:
    """The guessed share of SAME pairs, lowered if answers about likely pairs are seldom SAME.

    Answers never raise it: the likeliest pairs, which a session asks first, are more often SAME than the line
    of other surveys says.
    """
    asked = ~labels.background
    photographs = sum(labels.photographs.values())

    def misfit(lowered: float) -> float:
        own = odds[asked] + _move(odds, mass, guess * np.exp(-lowered))
        surprise = np.logaddexp(0.0, own) - labels.same[asked] * own
        return float(photographs * surprise.mean() + (lowered / SPREAD) ** 2 / 2)

    if not asked.any():
        return guess
    best = scipy.optimize.minimize_scalar(
        misfit, bounds=(0.0, MOST_LOWERED), method="bounded", options={"xatol": PRECISION}
    )
    # the search ends near a bound, never at it
    return guess * (1.0 if misfit(0.0) <= best.fun else float(np.exp(-best.x)))


def _move(odds: Float64Array, mass: Float64Array, share: float) -> float:
    """The constant to add to log-odds (m,) so that their probabilities have the mean `share`."""
    middle = float(np.log(share) - np.log1p(-share))
    low, high = middle - float(odds.max()), middle - float(odds.min())
    if high - low < PRECISION:
        return low

    def surplus(constant: float) -> float:
        return float(mass @ scipy.special.expit(odds + constant) / mass.sum() - share)

    return float(scipy.optimize.brentq(surplus, low - 1.0, high + 1.0))
