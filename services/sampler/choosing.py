"""Which questions an annotator is asked of a session as it stands."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from services.sampler.leases import Lease
from services.sampler.state import SessionState
from spotted.repair import checks
from spotted.sampling.questions import (
    Kind,
    Question,
    Taken,
    burst_questions,
    galleries,
    pair_question,
)
from spotted.sampling.rounds import Pair, PairQuery
from spotted.verified import Verified

AUDIT_REASON = "drawn at random, to certify how little is missed"
# of so many open pairs galleries are put together; more would only be found further down the round
AHEAD = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an annotator asks for.

    kinds: what can be shown. gallery_size: most candidates of a gallery. audit: random pairs instead.
    """

    annotator_id: str
    count: int
    lease_s: float
    kinds: frozenset[Kind] = frozenset({Kind.PAIR})
    gallery_size: int = 7
    audit: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """Questions to lease.

    busy: others may still answer something, or this annotator skipped what is open.
    stale: a newer round would be better.
    """

    questions: tuple[Question, ...]
    busy: bool
    stale: bool


def choose(state: SessionState, live: Sequence[Lease], wanted: Wanted) -> Choice:
    """Questions about different components each, none on another's screen, none that was skipped.

    What the annotator holds leases on comes first; then bursts, checks of earlier answers, and the round.
    """
    held = [pair for pair in _items(state, live, wanted, own=False) if state.is_open(pair)]
    skipped = state.skipped.get(wanted.annotator_id, set())
    taken = Taken(state.constraints, held)
    questions = []
    for question in _offers(state, live, wanted, skipped):
        pairs = [(query.first, query.second) for query in question.pairs]
        if skipped.isdisjoint(pairs) and taken.free(pairs):
            taken.take(pairs)
            questions.append(question)
        if len(questions) == wanted.count:
            break
    busy = bool(held) or any(state.is_open(pair) for pair in skipped)
    return Choice(tuple(questions), busy, state.queue.is_stale())


def excluded(state: SessionState, live: Sequence[Lease], annotator_id: str) -> frozenset[Pair]:
    """What the next round must not ask: pairs on a screen, and those that this annotator skipped."""
    return frozenset(state.items(lease.pair) for lease in live) | state.skipped.get(annotator_id, set())


def _offers(
    state: SessionState, live: Sequence[Lease], wanted: Wanted, skipped: Collection[Pair]
) -> Iterator[Question]:
    if wanted.audit:
        return _audit(state)
    own = set(_items(state, live, wanted, own=True))
    planned = _planned(state)
    mine = [pair_question(query) for query in planned if (query.first, query.second) in own]
    if wanted.kinds == {Kind.PAIR}:
        rest: Iterator[Question] = map(pair_question, planned)
        return chain(mine, _checks(state, wanted, skipped), rest)
    shown: Iterator[Question] = iter(())
    if Kind.BURST in wanted.kinds:
        shown = burst_questions(state.constraints, state.bursts, state.mixed_bursts)
    if Kind.GALLERY in wanted.kinds:
        return chain(shown, _checks(state, wanted, skipped), _galleries(state, planned, wanted))
    return chain(shown, _checks(state, wanted, skipped), map(pair_question, planned))


def _planned(state: SessionState) -> Sequence[PairQuery]:
    return list(islice(state.queue.open_pairs(), AHEAD))


def _galleries(state: SessionState, planned: Sequence[PairQuery], wanted: Wanted) -> Iterator[Question]:
    """The round as galleries; a pair where nothing is beside it."""
    apart, taken = [], Taken(state.constraints)
    for query in planned:
        pair = [(query.first, query.second)]
        if taken.free(pair):
            taken.take(pair)
            apart.append(query)
    return galleries(state.constraints, apart, wanted.gallery_size)


def _checks(state: SessionState, wanted: Wanted, skipped: Collection[Pair]) -> Iterator[Question]:
    """What is to be asked again, where answers are evidence."""
    if isinstance(state.constraints, Verified):
        for first, second, reason in checks(state.constraints, wanted.annotator_id, wanted.count, skipped):
            yield pair_question(PairQuery(min(first, second), max(first, second), reason, 0.0))


def _audit(state: SessionState) -> Iterator[Question]:
    for pair in state.audit.pairs:
        if state.is_open(pair):
            yield pair_question(PairQuery(*pair, AUDIT_REASON, 0.0))


def _items(state: SessionState, live: Sequence[Lease], wanted: Wanted, *, own: bool) -> list[Pair]:
    """The leased pairs of the annotator, or of all others, as items."""
    return [state.items(lease.pair) for lease in live if (lease.annotator_id == wanted.annotator_id) is own]
