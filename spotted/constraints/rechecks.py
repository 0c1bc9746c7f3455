"""What to check next where answers may be wrong: contested cuts, confirmations, audits of bridges (ours).

A check asks about components that were answered before, on an image pair that nobody answered, so that an
error that clings to one image pair is found; where there is no such pair, one is asked again.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator

from spotted.constraints.risky_decisions import Doubt
from spotted.constraints.statements import Across, Pair, ordered, probability_of
from spotted.constraints.verified import Verified

Check = tuple[int, int, str]
# of so many riskiest decisions, those that others answered are audited first
AHEAD = 8
# every so many audits, one asks an image pair again as it was, blind
BLIND_EVERY = 10
# steps through the answered image pairs in an order that looks like chance and is not
BLIND_STRIDE, BLIND_TRIES = 7919, 20


def checks(
    state: Verified, annotator_id: str, count: int, excluding: Collection[Pair] = frozenset()
) -> list[Check]:
    """Up to `count` image pairs to ask this annotator as a check, most useful first, each with its reason.

    First what speaks against an accepted individual, then what waits for confirmation, then audits, as long
    as fewer than `check_share` of the answers were about what was decided. No two checks are about the same
    two components; what others answered is preferred. A pure function of the state.
    excluding: image pairs (first < second) not to be asked.
    """
    asking = _Asking(state, annotator_id, set(excluding))
    found: list[Check] = []
    taken: set[Pair] = set()
    for first, second, reason in asking.everything():
        about = ordered(state.component_of(first), state.component_of(second))
        if about not in taken:
            taken.add(about)
            found.append((first, second, reason))
        if len(found) == count:
            break
    return found


class _Asking:
    """What one annotator can be asked of the state as it is."""

    def __init__(self, state: Verified, annotator_id: str, refused: set[Pair]) -> None:
        self._state, self._annotator_id, self._refused = state, annotator_id, refused

    def everything(self) -> Iterator[Check]:
        yield from self._contested()
        yield from self._unconfirmed()
        state = self._state
        budget = math.ceil(state.settings.check_share * state.answered) - state.audited
        if budget > 0:
            if state.audited % BLIND_EVERY == 0:
                yield from self._blind()
            yield from itertools.islice(self._audits(), budget)

    def _contested(self) -> Iterator[Check]:
        """Image pairs across the cheapest cut of each contradiction."""
        for contest in self._state.contests():
            pair = self._image_pair(contest.near, contest.far, contest.cheapest)
            if pair:
                groups = f"{len(contest.near)} and {len(contest.far)} of its images"
                yield (*pair, f"checks a DIFFERENT answer inside one individual, which may part {groups}")

    def _unconfirmed(self) -> Iterator[Check]:
        state = self._state
        waiting = [(self._urgency(a, b, across), a, b, across) for a, b, across in state.pending()]
        for _, ours, theirs, across in sorted(waiting, key=lambda entry: entry[:3]):
            pair = self._image_pair(state.members(ours), state.members(theirs))
            if pair:
                yield (*pair, self._confirmation(ours, theirs, across))

    def _urgency(self, ours: int, theirs: int, across: Across) -> tuple[bool, float]:
        """Others' answers first, then the most image pairs that may be gained."""
        image_pairs = self._state.size(ours) * self._state.size(theirs)
        own = across.annotators == {self._annotator_id}
        return own, -image_pairs * probability_of(across.log_odds(self._state.settings))

    def _confirmation(self, ours: int, theirs: int, across: Across) -> str:
        sizes = sorted((self._state.size(ours), self._state.size(theirs)), reverse=True)
        said = "are the same animal" if across.weight > 0 else "are different animals"
        if across.same and across.different:
            return f"decides between answers that disagree about groups of {sizes[0]} and {sizes[1]}"
        answers = "one answer is" if across.answers == 1 else f"{across.answers} answers are"
        return f"confirms that they {said}; {answers} not enough for groups of {sizes[0]} and {sizes[1]}"

    def _audits(self) -> Iterator[Check]:
        riskiest = self._state.doubts.riskiest(self._state)
        if len(self._state.annotators.answers()) > 1:
            ahead = sorted(itertools.islice(riskiest, AHEAD), key=self._answered_alone)
            riskiest = itertools.chain(ahead, riskiest)
        for doubt in riskiest:
            pair = self._image_pair(doubt.near, doubt.far)
            if pair:
                done = "joins" if doubt.merged else "separates"
                groups = f"groups of {len(doubt.near)} and {len(doubt.far)} images"
                wrong = f"{doubt.risk:.2f} image pairs are expected to be wrong by it"
                yield (*pair, f"audits what {done} {groups}; {wrong}")

    def _answered_alone(self, doubt: Doubt) -> bool:
        """True where this annotator gave every answer across."""
        testimony, far = self._state.testimony, set(doubt.far)
        across = (
            testimony.of(item, other) for item in doubt.near for other in testimony.near(item) if other in far
        )
        return all(
            given.annotator_id == self._annotator_id for pair in across if pair for given in pair.given
        )

    def _blind(self) -> Iterator[Check]:
        """An image pair once more whose answer was accepted or outvoted."""
        state = self._state
        answered = state.testimony.answered_pairs
        for step in range(min(BLIND_TRIES, len(answered))):
            pair = answered[(state.audited * BLIND_STRIDE + step) % len(answered)]
            if pair not in self._refused and state.implied(*pair) is not None:
                yield (*pair, "asks again as before, to learn how often answers repeat")
                break

    def _image_pair(
        self, ours: Collection[int], theirs: Collection[int], last: Pair | None = None
    ) -> Pair | None:
        """An image pair between two groups that nobody answered, of the items compared least.

        Where there is none: the one answered least often, fewer than `asks` times; `last` before others.
        """
        testimony = self._state.testimony
        near, far = (
            sorted(group, key=lambda item: (len(testimony.near(item)), item)) for group in (ours, theirs)
        )
        again: list[tuple[int, bool, Pair]] = []
        for item in near:
            for other in far:
                pair = ordered(item, other)
                if pair in self._refused or not self._state.is_comparable(*pair):
                    continue
                held = testimony.of(*pair)
                if held is None:
                    return pair
                again.append((len(held.given), pair != last, pair))
        fewest = min(again, default=None)
        return fewest[2] if fewest and fewest[0] < self._state.settings.asks else None
