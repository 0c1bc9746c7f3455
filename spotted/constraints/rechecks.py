"""Checks of earlier answers: contested cuts, confirmations, and audits of risky decisions.

A check asks about components that were answered before, on an image pair that nobody answered, so that an
error that sticks to one image pair is found; if there is no such pair, one is asked again. Sources and
choices: docs/research/provenance.md.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator

from spotted.constraints.answers import Check
from spotted.constraints.component_evidence import Evidence
from spotted.constraints.components import Pair, ordered
from spotted.constraints.partition import Partition
from spotted.constraints.risky_decisions import RiskyDecision, RiskyDecisions
from spotted.constraints.trust_settings import probability_of

# among this many riskiest decisions, those answered by others are audited first
AHEAD = 8
# one audit in this many asks an image pair again as it was, blind
BLIND_EVERY = 10
# steps through the answered image pairs in an order that looks random and is not
BLIND_STRIDE, BLIND_TRIES = 7919, 20


def find_checks(
    partition: Partition,
    risky: RiskyDecisions,
    annotator_id: str,
    count: int,
    *,
    answered: int,
    checked: int,
    excluding: Collection[Pair] = frozenset(),
) -> list[Check]:
    """Up to `count` image pairs to ask this annotator as a check, most useful first.

    First contests inside accepted individuals, then pending pairs to confirm, then audits, as long as fewer
    than `check_share` of the answers were about what was decided. No two checks are about the same two
    components; those that others answered are preferred. A pure function of its arguments.
    answered, checked: number of answers so far, and of those about something decided.
    excluding: image pairs (first < second) not to be asked.
    """
    planned = _Planned(partition, risky, annotator_id, set(excluding))
    found: list[Check] = []
    taken: set[Pair] = set()
    for check in planned.checks(answered, checked):
        about = ordered(partition.components.of(check.first), partition.components.of(check.second))
        if about not in taken:
            taken.add(about)
            found.append(check)
        if len(found) == count:
            break
    return found


class _Planned:
    """All checks that one annotator can be asked, the most useful first."""

    def __init__(
        self, partition: Partition, risky: RiskyDecisions, annotator_id: str, refused: set[Pair]
    ) -> None:
        self._partition, self._risky = partition, risky
        self._annotator_id, self._refused = annotator_id, refused
        self._components, self._statements = partition.components, partition.statements

    def checks(self, answered: int, checked: int) -> Iterator[Check]:
        yield from self._contested()
        yield from self._unconfirmed()
        budget = math.ceil(self._partition.settings.check_share * answered) - checked
        if budget > 0:
            if checked % BLIND_EVERY == 0:
                yield from self._blind(checked)
            yield from itertools.islice(self._audits(), budget)

    def _contested(self) -> Iterator[Check]:
        """Image pairs across the cheapest cut of each contradiction."""
        for contest in self._partition.contests():
            pair = self._image_pair(contest.near, contest.far, contest.cheapest)
            if pair:
                groups = f"{len(contest.near)} and {len(contest.far)} of its images"
                yield Check(
                    *pair, f"checks a DIFFERENT answer inside one individual, which may part {groups}"
                )

    def _unconfirmed(self) -> Iterator[Check]:
        pending = [
            (self._urgency(ours, theirs, evidence), ours, theirs, evidence)
            for ours, theirs, evidence in self._partition.pending()
        ]
        for _, ours, theirs, evidence in sorted(pending, key=lambda entry: entry[:3]):
            pair = self._image_pair(self._components.members(ours), self._components.members(theirs))
            if pair:
                yield Check(*pair, self._confirmation(ours, theirs, evidence))

    def _urgency(self, ours: int, theirs: int, evidence: Evidence) -> tuple[bool, float]:
        """Others' answers first, then the most image pairs that may be gained."""
        image_pairs = self._components.size(ours) * self._components.size(theirs)
        own = evidence.annotators == {self._annotator_id}
        return own, -image_pairs * probability_of(evidence.log_odds(self._partition.settings))

    def _confirmation(self, ours: int, theirs: int, evidence: Evidence) -> str:
        sizes = sorted((self._components.size(ours), self._components.size(theirs)), reverse=True)
        said = "are the same animal" if evidence.weight > 0 else "are different animals"
        if evidence.same and evidence.different:
            return f"decides between answers that disagree about groups of {sizes[0]} and {sizes[1]}"
        answers = "one answer is" if evidence.answers == 1 else f"{evidence.answers} answers are"
        return f"confirms that they {said}; {answers} not enough for groups of {sizes[0]} and {sizes[1]}"

    def _audits(self) -> Iterator[Check]:
        riskiest = self._risky.riskiest()
        if len(self._partition.annotators.answers()) > 1:
            ahead = sorted(itertools.islice(riskiest, AHEAD), key=self._all_answers_own)
            riskiest = itertools.chain(ahead, riskiest)
        for decision in riskiest:
            pair = self._image_pair(decision.near, decision.far)
            if pair:
                done = "joins" if decision.merged else "separates"
                groups = f"groups of {len(decision.near)} and {len(decision.far)} images"
                wrong = f"{decision.risk:.2f} image pairs are expected to be wrong by it"
                yield Check(*pair, f"audits what {done} {groups}; {wrong}")

    def _all_answers_own(self, decision: RiskyDecision) -> bool:
        """True if this annotator gave every answer across."""
        far = set(decision.far)
        across = (
            self._statements.of(item, other)
            for item in decision.near
            for other in self._statements.near(item)
            if other in far
        )
        return all(
            given.annotator_id == self._annotator_id for pair in across if pair for given in pair.given
        )

    def _blind(self, checked: int) -> Iterator[Check]:
        """An image pair once more whose answer was accepted or outvoted."""
        answered = self._statements.answered_pairs
        for step in range(min(BLIND_TRIES, len(answered))):
            pair = answered[(checked * BLIND_STRIDE + step) % len(answered)]
            refused = pair in self._refused or self._components.is_closed(*pair)
            if not refused and self._components.implied(*pair) is not None:
                yield Check(*pair, "asks again as before, to learn how often answers repeat")
                break

    def _image_pair(
        self, ours: Collection[int], theirs: Collection[int], last: Pair | None = None
    ) -> Pair | None:
        """An image pair between two groups that nobody answered, of the items compared least.

        If there is none: the one answered least often, fewer than `asks` times; `last` before others.
        """
        near, far = (
            sorted(group, key=lambda item: (len(self._statements.near(item)), item))
            for group in (ours, theirs)
        )
        again: list[tuple[int, bool, Pair]] = []
        for item in near:
            for other in far:
                pair = ordered(item, other)
                if pair in self._refused or self._components.is_closed(*pair):
                    continue
                answered = self._statements.of(*pair)
                if answered is None:
                    return pair
                again.append((len(answered.given), pair != last, pair))
        fewest = min(again, default=None)
        return fewest[2] if fewest and fewest[0] < self._partition.settings.asks else None
