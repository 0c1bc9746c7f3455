"""Error rates of annotators, learned from repeated questions.

In the spirit of Dawid and Skene (1979): the accepted partition stands for the truth, and each annotator has
two error rates, SAME for two animals and DIFFERENT for one. A Beta prior keeps the rates of an annotator who
was seldom checked near the usual ones. Sources and choices: docs/research/provenance.md.
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

    >>> round(ErrorRates(false_same=0.01, false_different=0.01).log_odds(same=True), 2)
    4.6
    """

    false_same: float
    """Share of the questions about two animals that are answered SAME."""
    false_different: float
    """Share of the questions about one animal that are answered DIFFERENT."""

    def log_odds(self, *, same: bool) -> float:
        """The log-odds of SAME that one answer adds: positive for SAME, negative for DIFFERENT."""
        if same:
            return math.log((1.0 - self.false_different) / self.false_same)
        return math.log(self.false_different / (1.0 - self.false_same))


class Verdict(NamedTuple):
    """An answer compared with the accepted partition; a tuple, as all answers are compared at once."""

    annotator_id: str
    said_same: bool
    """True if the annotator answered SAME."""
    is_same: bool
    """True if the partition holds SAME."""
    again: bool
    """True if the pair of components had been answered or decided before this answer."""


@dataclass(frozen=True, slots=True)
class RepeatAgreement:
    """How often a second answer about the same two components repeats the first.

    >>> annotators = Annotators()
    >>> for before, now in [(True, True)] * 8 + [(False, False)] * 8 + [(True, False)] * 4:
    ...     annotators.compare(before=before, now=now)
    >>> agreement = annotators.agreement()
    >>> agreement.answered_twice, agreement.alike, round(agreement.kappa, 2)
    (20, 0.8, 0.62)
    """

    answered_twice: int
    """Number of second answers."""
    alike: float
    """Share of the second answers that repeat the first; NaN without any."""
    kappa: float
    """Cohen's kappa of the two answers; NaN if chance by itself would always agree."""


class Annotators:
    """The error rates of every annotator of a session, and how well their answers agree.

    >>> annotators = Annotators()
    >>> said = [(True, True)] * 40 + [(True, False)] * 10 + [(False, False)] * 50
    >>> change = annotators.learn(Verdict("ana", same, is_same, again=True) for same, is_same in said)
    >>> [f"{annotators.rates(who).false_same:.3f}" for who in ("ana", "ben")]
    ['0.183', '0.020']
    """

    def __init__(self, *, rate: float = 0.02, strength: float = 50.0, floor: float = 0.002) -> None:
        """Start every annotator with the same rates.

        rate: error rate before anything is learned.
        strength: number of checked answers that this prior weighs as much as.
        floor: lowest rate that is learned, so that no single answer is certain.
        """
        self._rate, self._strength, self._floor = rate, strength, floor
        self._usual = ErrorRates(rate, rate)
        self._rates: dict[str, ErrorRates] = {}
        self._answers: Counter[str] = Counter()
        self._seen: Counter[tuple[bool, bool]] = Counter()

    def rates(self, annotator_id: str) -> ErrorRates:
        """The rates as last learned; the usual ones for a new annotator."""
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

    def agreement(self) -> RepeatAgreement:
        """The agreement of all second answers with the answers before them."""
        return repeat_agreement(self._seen)

    def learn(self, verdicts: Iterable[Verdict]) -> float:
        """Learn the rates of every annotator from all answers, compared with the accepted partition.

        A false DIFFERENT is one inside an accepted individual, a false SAME one between separated ones.
        Errors are found only if answers are checked, so that unchecked answers count by the share of SAME
        answers that was checked.

        Returns the largest change in the log-odds of an answer.
        """
        verdict_counts: Counter[tuple[str, bool, bool, bool]] = Counter(verdicts)
        checked = _checked_share(verdict_counts)
        before = {who: self.rates(who) for who in sorted({key[0] for key in verdict_counts})}
        self._rates = {who: self._learned(verdict_counts, who, checked) for who in before}
        changes = (
            abs(rates.log_odds(same=same) - self._rates[who].log_odds(same=same))
            for who, rates in before.items()
            for same in (True, False)
        )
        return max(changes, default=0.0)

    def _learned(
        self, verdicts: Counter[tuple[str, bool, bool, bool]], who: str, checked: float
    ) -> ErrorRates:
        false_same = verdicts[who, True, False, False] + verdicts[who, True, False, True]
        different = verdicts[who, False, False, False] + verdicts[who, False, False, True]
        false_different = verdicts[who, False, True, False] + verdicts[who, False, True, True]
        same = checked * verdicts[who, True, True, False] + verdicts[who, True, True, True]
        return ErrorRates(
            self._posterior(false_same, false_same + checked * different),
            self._posterior(false_different, false_different + same),
        )

    def _posterior(self, errors: float, trials: float) -> float:
        """The mean of the Beta distribution after `errors` errors in `trials` trials."""
        mean = (self._rate * self._strength + errors) / (self._strength + trials)
        # an annotator who is wrong half of the time is no evidence; an answer never counts for its opposite
        return min(max(mean, self._floor), 0.5)


def repeat_agreement(seen: Counter[tuple[bool, bool]]) -> RepeatAgreement:
    """Share alike and Cohen's kappa of a table of (first, second) answers."""
    total = seen.total()
    if not total:
        return RepeatAgreement(0, math.nan, math.nan)
    alike = (seen[True, True] + seen[False, False]) / total
    before = (seen[True, True] + seen[True, False]) / total
    now = (seen[True, True] + seen[False, True]) / total
    chance = before * now + (1.0 - before) * (1.0 - now)
    return RepeatAgreement(total, alike, (alike - chance) / (1.0 - chance) if chance < 1.0 else math.nan)


def _checked_share(verdicts: Counter[tuple[str, bool, bool, bool]]) -> float:
    """The share of first SAME answers that a second answer upheld or overturned, at most 1."""
    same = upheld = overturned = 0
    for (_, said_same, is_same, again), count in verdicts.items():
        same += count * (said_same and not again)
        upheld += count * (said_same and is_same and again)
        overturned += count * (said_same and not is_same)
    return min(1.0, (upheld + overturned) / same) if same else 0.0
