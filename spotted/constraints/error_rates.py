"""How far an annotator's answers are to be trusted, learned from what they were asked again (ours).

In the spirit of Dawid and Skene (1979): the accepted partition stands for the truth, and each person has two
error rates, SAME said of two animals and DIFFERENT said of one. A Beta prior keeps the rates of somebody who
was seldom checked near what is usual.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """How often one annotator errs.

    false_same: share of questions about two animals that are answered SAME.
    false_different: share of questions about one animal that are answered DIFFERENT.
    """

    false_same: float
    false_different: float

    def log_odds(self, *, same: bool) -> float:
        """What one answer adds to the log-odds of SAME: positive for SAME, negative for DIFFERENT."""
        if same:
            return math.log((1.0 - self.false_different) / self.false_same)
        return math.log(self.false_different / (1.0 - self.false_same))


class Verdict(NamedTuple):
    """An answer against the accepted partition; a tuple, as all answers are judged at once.

    said_same: the answer. is_same: what the partition holds.
    again: True where the pair of components had been answered or decided before this answer.
    """

    annotator_id: str
    said_same: bool
    is_same: bool
    again: bool


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often a second answer about the same two components repeats the first.

    answered_twice: number of second answers. alike: share of them that repeats the first, NaN without any.
    kappa: Cohen's kappa of the two answers; NaN where chance alone would always agree.
    """

    answered_twice: int
    alike: float
    kappa: float


class Annotators:
    """The error rates of every annotator of a session, and how well their answers agree.

    rate: error rate before anything is learned. strength: how many checked answers that belief weighs.
    floor: no rate is learned to be below this, so that no single answer counts for certain.
    """

    def __init__(self, *, rate: float = 0.02, strength: float = 50.0, floor: float = 0.002) -> None:
        self._rate, self._strength, self._floor = rate, strength, floor
        self._usual = ErrorRates(rate, rate)
        self._rates: dict[str, ErrorRates] = {}
        self._answers: Counter[str] = Counter()
        self._seen: Counter[tuple[bool, bool]] = Counter()

    def rates(self, annotator_id: str) -> ErrorRates:
        """The rates as last learned, the usual ones for somebody new."""
        return self._rates.get(annotator_id, self._usual)

    def answers(self) -> dict[str, int]:
        """Number of answers of every annotator, by id."""
        return dict(sorted(self._answers.items()))

    def count(self, annotator_id: str) -> None:
        """Record that an annotator answered SAME or DIFFERENT."""
        self._answers[annotator_id] += 1

    def compare(self, *, before: bool, now: bool) -> None:
        """Record a second answer about two components; True stands for SAME."""
        self._seen[before, now] += 1

    def agreement(self) -> Agreement:
        """The agreement of all second answers with what was answered before."""
        return agreement(self._seen)

    def learn(self, verdicts: Iterable[Verdict]) -> float:
        """Take the rates of everybody from all their answers, judged by the accepted partition.

        A false DIFFERENT is one inside an accepted individual, a false SAME one between separated ones.
        Errors are only found where answers are checked, so that what nobody checked counts by the share of
        SAME answers that was checked.

        Returns by how much the log-odds of an answer changed most.
        """
        told: Counter[tuple[str, bool, bool, bool]] = Counter(verdicts)
        checked = _checked_share(told)
        before = {who: self.rates(who) for who in sorted({key[0] for key in told})}
        self._rates = {who: self._learned(told, who, checked) for who in before}
        changes = (
            abs(rates.log_odds(same=same) - self._rates[who].log_odds(same=same))
            for who, rates in before.items()
            for same in (True, False)
        )
        return max(changes, default=0.0)

    def _learned(self, told: Counter[tuple[str, bool, bool, bool]], who: str, checked: float) -> ErrorRates:
        false_same = told[who, True, False, False] + told[who, True, False, True]
        different = told[who, False, False, False] + told[who, False, False, True]
        false_different = told[who, False, True, False] + told[who, False, True, True]
        same = checked * told[who, True, True, False] + told[who, True, True, True]
        return ErrorRates(
            self._posterior(false_same, false_same + checked * different),
            self._posterior(false_different, false_different + same),
        )

    def _posterior(self, errors: float, trials: float) -> float:
        """The mean of the Beta distribution after so many errors out of so many trials."""
        mean = (self._rate * self._strength + errors) / (self._strength + trials)
        # an answer of somebody who is wrong half of the time says nothing; it never speaks for its opposite
        return min(max(mean, self._floor), 0.5)


def agreement(seen: Counter[tuple[bool, bool]]) -> Agreement:
    """Share alike and Cohen's kappa of a table of (first, second) answers."""
    total = seen.total()
    if not total:
        return Agreement(0, math.nan, math.nan)
    alike = (seen[True, True] + seen[False, False]) / total
    before = (seen[True, True] + seen[True, False]) / total
    now = (seen[True, True] + seen[False, True]) / total
    chance = before * now + (1.0 - before) * (1.0 - now)
    return Agreement(total, alike, (alike - chance) / (1.0 - chance) if chance < 1.0 else math.nan)


def _checked_share(told: Counter[tuple[str, bool, bool, bool]]) -> float:
    """The share of first SAME answers that a second answer upheld or overturned, at most 1."""
    same = upheld = overturned = 0
    for (_, said_same, is_same, again), count in told.items():
        same += count * (said_same and not again)
        upheld += count * (said_same and is_same and again)
        overturned += count * (said_same and not is_same)
    return min(1.0, (upheld + overturned) / same) if same else 0.0
