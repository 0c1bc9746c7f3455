"""Choice of the questions that an annotator is asked next."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice

from services.sampler.session.leases import Lease
from services.sampler.session.notices import notice_before
from services.sampler.session.state import SessionState
from spotted.constraints.answers import Answer
from spotted.sampling.questions import (
    Kind,
    Question,
    Taken,
    burst_questions,
    galleries,
    pair_question,
)
from spotted.sampling.rounds import Pair, PairQuery

AUDIT_REASON = "drawn at random, to certify how little is missed"
# a question is begun by one of the first 200 open pairs; galleries are filled from the whole round
AHEAD = 200
# frames of the largest burst that can be answered at once; larger ones are asked as pairs
LARGEST_BURST = 100
EARLIER_REASON = "was asked before and waits for an answer"


@dataclass(frozen=True, slots=True)
class QuestionRequest:
    """An annotator's request for questions."""

    annotator_id: str
    count: int
    """Most questions."""
    lease_s: float
    """Seconds for which the questions are leased."""
    kinds: frozenset[Kind] = frozenset({Kind.PAIR})
    """The kinds of questions that can be shown."""
    gallery_size: int = 7
    """Most candidates of a gallery."""
    audit: bool = False
    """Ask the pairs drawn at random instead."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Questions to lease."""

    questions: tuple[Question, ...]
    busy: bool
    """True if others may still answer something, or this annotator skipped open pairs."""
    stale: bool
    """True if a newer round would be better."""
    round: int
    """Number of the present round, 0 before the first."""
    notice: str = ""
    """For an annotator who has not answered yet although others have; see `notices`."""


def choose(state: SessionState, live: Sequence[Lease], wanted: QuestionRequest) -> Choice:
    """Questions about different components each, none on another's screen, none that was skipped.

    Questions that the annotator holds leases on come first; then bursts, checks of earlier answers, pairs of
    one name, and the round.
    """
    held = _items(state, live, wanted, own=False)
    skipped = state.skipped.get(wanted.annotator_id, set())
    # a lease outlives its question if another answer implied it
    taken = Taken(state.constraints, [p for p in held if state.constraints.implied(*p) is not Answer.SAME])
    own = set(_items(state, live, wanted, own=True))
    questions = []
    for question in _offers(state, own, wanted, skipped.union(held), taken):
        pairs = [(query.first, query.second) for query in question.pairs]
        if skipped.isdisjoint(pairs) and taken.free(pairs):
            taken.take(pairs)
            questions.append(question)
        if len(questions) == wanted.count:
            break
    busy = any(state.constraints.awaits_answer(*pair) for pair in skipped.union(held))
    notice = notice_before(state, wanted.annotator_id)
    stale = state.queue.is_stale() or is_outdated(state)
    return Choice(tuple(questions), busy, stale, round_number(state), notice)


def round_number(state: SessionState) -> int:
    """The number of the round that is served, 0 before the first."""
    return state.queue.round.number if state.queue.round else 0


def is_outdated(state: SessionState) -> bool:
    """Whether detections came or were corrected since the present round was planned."""
    return state.planned is not None and state.planned.outdated


def excluded(state: SessionState, live: Sequence[Lease], annotator_id: str) -> frozenset[Pair]:
    """Pairs that the next round must not ask: those on a screen, and those that this annotator skipped."""
    return frozenset(state.roster.items(lease.pair) for lease in live) | state.skipped.get(
        annotator_id, set()
    )


def _offers(
    state: SessionState,
    own: Collection[Pair],
    wanted: QuestionRequest,
    refused: Collection[Pair],
    taken: Taken,
) -> Iterator[Question]:
    if wanted.audit:
        return _audit(state)
    mine, rest = _planned(state, own)
    checked = chain(_checks(state, wanted, refused), _suggested(state))
    if wanted.kinds == {Kind.PAIR}:
        return chain(map(pair_question, mine), checked, map(pair_question, rest))
    shown: Iterator[Question] = iter(())
    if Kind.BURST in wanted.kinds:
        gone = state.roster.gone
        there = (tuple(item for item in frames if item not in gone) for frames in state.bursts)
        bursts = [frames for frames in there if 1 < len(frames) <= LARGEST_BURST]
        shown = burst_questions(state.constraints, bursts, state.mixed_bursts)
    if Kind.GALLERY in wanted.kinds:
        lay_out = partial(
            galleries, state.constraints, size=wanted.gallery_size, refused=refused, taken=taken
        )
        # what is on the screen stays together, whatever else could be asked beside it by now
        held = lay_out(mine, about=partial(_about, state, mine))
        return chain(shown, checked, held, lay_out(rest, about=state.queue.about))
    return chain(shown, checked, map(pair_question, [*mine, *rest]))


def _planned(state: SessionState, own: Collection[Pair]) -> tuple[list[PairQuery], Iterable[PairQuery]]:
    """The queries that the annotator holds, of this round and of earlier ones, and the rest of the round."""
    ahead = islice(state.queue.open_pairs(), AHEAD)
    if not own:
        # read lazily, no further than questions are needed
        return [], ahead
    planned = {(query.first, query.second): query for query in ahead}
    mine = [planned.pop(pair) for pair in list(planned) if pair in own]
    served = {(query.first, query.second) for query in mine}
    # the next round leaves out the pairs that were on a screen when it was planned
    earlier = [pair for pair in sorted(own) if pair not in served and state.is_open(pair)]
    mine += [_asked_earlier(state, pair) for pair in earlier]
    return mine, list(planned.values())


def _asked_earlier(state: SessionState, pair: Pair) -> PairQuery:
    known = state.queue.planned(pair)
    if known is None:
        return PairQuery(*pair, EARLIER_REASON, 0.0)
    return PairQuery(*pair, EARLIER_REASON, known.score, calibrated=known.calibrated)


def _about(state: SessionState, queries: Sequence[PairQuery], component: int) -> list[PairQuery]:
    """The queries about a component."""
    component_of = state.constraints.component_of
    return [q for q in queries if component in (component_of(q.first), component_of(q.second))]


def _checks(state: SessionState, wanted: QuestionRequest, refused: Collection[Pair]) -> Iterator[Question]:
    """Questions that check earlier answers."""
    for first, second, reason in state.constraints.checks(wanted.annotator_id, wanted.count, refused):
        yield pair_question(PairQuery(min(first, second), max(first, second), reason, 0.0))


def _suggested(state: SessionState) -> Iterator[Question]:
    """Pairs of one name, if names are only suggestions."""
    return map(pair_question, state.suggestions.open_pairs(state.constraints))


def _audit(state: SessionState) -> Iterator[Question]:
    for pair in state.audit.pairs:
        if state.is_open(pair):
            yield pair_question(PairQuery(*pair, AUDIT_REASON, 0.0))


def _items(state: SessionState, live: Sequence[Lease], wanted: QuestionRequest, *, own: bool) -> list[Pair]:
    """The leased pairs of the annotator, or of all others, as items."""
    mine = [lease.pair for lease in live if (lease.annotator_id == wanted.annotator_id) is own]
    return [state.roster.items(pair) for pair in mine]
