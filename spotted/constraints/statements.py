"""Answers as evidence: what annotators said of each image pair, in log-odds of SAME (ours)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from spotted.constraints.answers import Answer, LabelledPair
from spotted.constraints.error_rates import Annotators

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class TrustSettings:
    """When answers suffice; the values held on simulated surveys with up to 3 % wrong answers.

    merge_above: least posterior at which two components become one.
    wrong_pairs: image pairs that a merge may be expected to make wrong; large components need more for it.
    large, large_answers: from this size on both sides, SAME on so many image pairs is needed.
    settle_above: enough for two single items whose image pair was asked `asks` times.
    separate_below: posterior under which a DIFFERENT answer separates.
    lost_pairs: image pairs that a separation may be expected to lose.
    prior_floor, prior_ceiling: limits of the probability that a strategy gave beforehand.
    unknown_prior: taken where none was given.
    repeat: weight of a further answer to an image pair that has one; errors may persist per image pair.
    asks: answers to one image pair, at most, where two components have no other to ask.
    check_share: audits are asked while fewer than this share of all answers were about what was decided.
    audit_risk, reopen_risk: a bridge, a separation is audited where so many image pairs are expected to be
        wrong by it.
    error_rate, error_strength: an annotator's rates beforehand, and how many checked answers that weighs.
    """

    merge_above: float = 0.98
    wrong_pairs: float = 0.5
    large: int = 5
    large_answers: int = 2
    settle_above: float = 0.95
    separate_below: float = 0.02
    lost_pairs: float = 0.1
    prior_floor: float = 0.01
    prior_ceiling: float = 0.97
    unknown_prior: float = 0.5
    repeat: float = 0.2
    asks: int = 3
    check_share: float = 0.05
    audit_risk: float = 0.05
    reopen_risk: float = 0.07
    error_rate: float = 0.01
    error_strength: float = 12.0

    def merge_bar(self, image_pairs: int) -> float:
        """The log-odds that a merge of so many image pairs needs."""
        return max(log_odds(self.merge_above), math.log(image_pairs / self.wrong_pairs))

    def prior(self, probability: float | None) -> float:
        """The log-odds beforehand of a probability, within limits."""
        if probability is None:
            probability = self.unknown_prior
        return log_odds(min(max(probability, self.prior_floor), self.prior_ceiling))


@dataclass(frozen=True, slots=True)
class Given:
    """One answer. again: the two components had been answered or decided before it."""

    label: LabelledPair
    annotator_id: str
    again: bool

    @property
    def same(self) -> bool:
        """True for SAME, False for DIFFERENT."""
        return self.label.answer is Answer.SAME


@dataclass(slots=True)
class ImagePair:
    """The answers to one image pair.

    weight: log-odds of SAME that they add up to. priors: log-odds that strategies gave beforehand.
    """

    given: list[Given] = field(default_factory=list)
    weight: float = 0.0
    priors: list[float] = field(default_factory=list)

    @property
    def any_same(self) -> bool:
        """True where somebody answered SAME."""
        return any(given.same for given in self.given)

    def prior(self, settings: TrustSettings) -> float:
        """The mean of the log-odds given beforehand."""
        return sum(self.priors) / len(self.priors) if self.priors else settings.prior(None)


@dataclass(slots=True)
class Across:
    """All that is known between two components; sums over the image pairs that were answered.

    weight: log-odds of the answers. prior, priors: sum and number of log-odds given beforehand.
    same, different: image pairs that speak for SAME and for DIFFERENT. answers: on all image pairs.
    forbidden: image pairs that are two animals of one image. annotators: who answered.
    """

    weight: float = 0.0
    prior: float = 0.0
    priors: int = 0
    same: int = 0
    different: int = 0
    asked: int = 0
    answers: int = 0
    forbidden: int = 0
    annotators: set[str] = field(default_factory=set)

    def add(self, other: Across) -> None:
        """Take in what is known of other image pairs."""
        self.weight += other.weight
        self.prior += other.prior
        self.priors += other.priors
        self.same += other.same
        self.different += other.different
        self.asked += other.asked
        self.answers += other.answers
        self.forbidden += other.forbidden
        self.annotators |= other.annotators

    def add_pair(self, pair: ImagePair, sign: int = 1) -> None:
        """Add (1) or take away (-1) the answers of one image pair."""
        self.weight += sign * pair.weight
        self.prior += sign * sum(pair.priors)
        self.priors += sign * len(pair.priors)
        self.same += sign * (pair.weight > 0)
        self.different += sign * (pair.weight < 0)
        self.asked += sign
        self.answers += sign * len(pair.given)
        self.annotators.update(given.annotator_id for given in pair.given)

    def log_odds(self, settings: TrustSettings) -> float:
        """Log-odds of SAME: the mean of what strategies gave beforehand, and all answers."""
        return self.weight + (self.prior / self.priors if self.priors else settings.prior(None))


class Statements:
    """Every answer of a session, by image pair; nothing is ever taken back."""

    def __init__(self, settings: TrustSettings, annotators: Annotators) -> None:
        self._settings, self._annotators = settings, annotators
        self._pairs: dict[Pair, ImagePair] = {}
        self._near: dict[int, list[int]] = {}
        self.answered_pairs: list[Pair] = []

    def of(self, first: int, second: int) -> ImagePair | None:
        """The answers to an image pair, None without any."""
        return self._pairs.get(ordered(first, second))

    def near(self, item: int) -> list[int]:
        """The items that were compared with this one, oldest first."""
        return self._near.get(item, [])

    def compared(self) -> Iterator[int]:
        """The items that were compared with others, oldest first."""
        return iter(self._near)

    def pairs(self) -> Iterator[tuple[Pair, ImagePair]]:
        """Every answered image pair, oldest first."""
        return iter(self._pairs.items())

    def hear(self, given: Given, probability: float | None) -> ImagePair:
        """Keep an answer; returns the answers to its image pair."""
        key = ordered(given.label.first, given.label.second)
        pair = self._pairs.get(key)
        if pair is None:
            pair = self._pairs[key] = ImagePair()
            self.answered_pairs.append(key)
            for item, other in (key, key[::-1]):
                self._near.setdefault(item, []).append(other)
        pair.given.append(given)
        if probability is not None:
            pair.priors.append(self._settings.prior(probability))
        pair.weight = self.weigh(pair)
        return pair

    def weigh(self, pair: ImagePair) -> float:
        """Log-odds of SAME by the answers to one image pair, in which further answers count little."""
        count = len(pair.given)
        total = sum(self._annotators.rates(g.annotator_id).log_odds(same=g.same) for g in pair.given)
        return total * (1.0 + self._settings.repeat * (count - 1)) / count


def ordered(first: int, second: int) -> Pair:
    """The pair with the lower item first."""
    return (first, second) if first < second else (second, first)


def log_odds(probability: float) -> float:
    """Natural log of the odds of a probability strictly between 0 and 1."""
    return math.log(probability / (1.0 - probability))


def probability_of(odds: float) -> float:
    """The probability of log-odds; 0 or 1 where they are beyond rounding."""
    if odds >= 0.0:
        return 1.0 / (1.0 + math.exp(-min(odds, 700.0)))
    return math.exp(max(odds, -700.0)) / (1.0 + math.exp(max(odds, -700.0)))
