from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest

from services.common.session import round_messages
from services.sampler.questions.choice import (
    AUDIT_REASON,
    EARLIER_REASON,
    Choice,
    QuestionRequest,
    choose,
    excluded,
)
from services.sampler.session.leases import Lease
from services.sampler.session.state import SessionState
from spotted import messages
from spotted.sampling.questions import BURST_REASON, Kind
from spotted.sampling.rounds import Pair, PairQuery, Round
from spotted.v1 import sampler_pb2 as pb

IDS = [f"d{n}" for n in range(6)]
EVERY = tuple(itertools.combinations(range(6), 2))
ALL_KINDS = frozenset(Kind)


class Session:
    """A session whose events are applied one by one; every pair is in its first round, in this order."""

    def __init__(
        self,
        *asked: Pair,
        trust: pb.Trust.ValueType = pb.TRUST_SINGLE,
        bursts: tuple[tuple[int, ...], ...] = (),
        renew_after: int | None = None,
    ) -> None:
        self.state = SessionState()
        self._labels = 0
        self.apply(pb.SessionEvent(created=pb.Session(session_id="s", trust=trust)))
        groups = [pb.DetectionSet(detection_ids=[IDS[i] for i in frames]) for frames in bursts]
        self.plan(*(asked or EVERY), ids=IDS, bursts=groups, renew_after=renew_after)

    def apply(self, event: pb.SessionEvent) -> None:
        self.state.apply(event.SerializeToString())

    def plan(
        self,
        *asked: Pair,
        ids: Sequence[str] = (),
        bursts: Sequence[pb.DetectionSet] = (),
        renew_after: int | None = None,
    ) -> None:
        """The next round; of each of its pairs a chance is known."""
        queries = tuple(PairQuery(*pair, "why", 0.125, (1.0,)) for pair in asked)
        number = self.state.queue.round.number + 1 if self.state.queue.round else 1
        planned = pb.PlannedRound(added_detection_ids=ids, bursts=bursts)
        round_messages.write(Round(number, "learned", queries, renew_after=renew_after), planned)
        self.apply(pb.SessionEvent(planned=planned))

    def answer(self, pair: Pair, answer: str, annotator: str = "anna") -> None:
        self._labels += 1
        label = pb.Label(
            label_id=str(self._labels),
            first_detection_id=IDS[pair[0]],
            second_detection_id=IDS[pair[1]],
            answer=pb.Answer.Value(f"ANSWER_{answer}"),
            annotator_id=annotator,
            create_time=messages.timestamp(float(self._labels)),
        )
        self.apply(pb.SessionEvent(labelled=pb.LabelsGiven(labels=[label])))

    def choose(self, *live: Lease, annotator: str = "anna", **wanted: object) -> Choice:
        fields = {"count": 1, "lease_s": 60.0} | wanted
        asked_for = QuestionRequest(annotator, **fields)  # type: ignore[arg-type] # any of its fields
        return choose(self.state, live, asked_for)


def lease(pair: Pair, annotator: str) -> Lease:
    return Lease((IDS[pair[0]], IDS[pair[1]]), annotator, 100.0)


def items(choice: Choice) -> list[tuple[int, ...]]:
    return [question.items for question in choice.questions]


def test_questions_come_in_the_order_of_the_round_each_about_other_groups() -> None:
    session = Session((0, 2), (1, 2), (3, 4), (0, 3))
    session.answer((0, 1), "SAME")
    assert items(session.choose(count=3)) == [(0, 2), (3, 4), (0, 3)]
    assert items(session.choose(count=2)) == [(0, 2), (3, 4)]


def test_what_another_holds_is_not_asked_and_neither_are_other_images_of_the_same_groups() -> None:
    session = Session((0, 2), (1, 2), (3, 4))
    session.answer((0, 1), "SAME")
    choice = session.choose(lease((0, 2), "ben"), count=9)
    assert (items(choice), choice.busy) == ([(3, 4)], True)


def test_what_an_annotator_holds_comes_first() -> None:
    session = Session((0, 1), (2, 3), (4, 5))
    assert items(session.choose(lease((4, 5), "anna"), count=2)) == [(4, 5), (0, 1)]


def test_what_an_annotator_holds_of_an_earlier_round_still_comes_first() -> None:
    session = Session((0, 1), (2, 3))
    session.plan((4, 5), (2, 3))
    for kinds in (frozenset({Kind.PAIR}), ALL_KINDS):
        (first, *_) = session.choose(lease((0, 1), "anna"), kinds=kinds).questions
        (query,) = first.pairs
        assert (first.items, query.reason, query.score) == ((0, 1), EARLIER_REASON, 0.125)
    session.answer((0, 1), "SAME")
    assert items(session.choose(lease((0, 1), "anna"))) == [(4, 5)]


def test_what_one_skipped_is_asked_of_others_and_keeps_the_session_unfinished() -> None:
    session = Session((0, 1))
    session.answer((0, 1), "SKIP")
    mine, others = session.choose(), session.choose(annotator="ben")
    assert (items(mine), mine.busy) == ([], True)
    assert items(others) == [(0, 1)]
    session.answer((0, 1), "NOT_COMPARABLE", "ben")
    assert not session.choose().busy


def test_a_lease_whose_answer_was_implied_holds_nobody_up() -> None:
    session = Session((0, 1))
    session.answer((0, 1), "SAME", "cleo")
    choice = session.choose(lease((0, 1), "ben"))
    assert (items(choice), choice.busy) == ([], False)


def test_the_next_round_leaves_out_what_is_on_a_screen_and_what_this_annotator_skipped() -> None:
    session = Session()
    session.answer((2, 3), "SKIP")
    session.answer((4, 5), "SKIP", "ben")
    live = [lease((0, 1), "ben"), lease((1, 2), "anna")]
    assert excluded(session.state, live, "anna") == {(0, 1), (1, 2), (2, 3)}


def test_a_round_is_stale_after_enough_answers_and_still_served() -> None:
    session = Session((0, 1), (2, 3), renew_after=1)
    assert not session.choose().stale
    session.answer((0, 1), "DIFFERENT")
    choice = session.choose()
    assert (items(choice), choice.stale) == ([(2, 3)], True)


def test_bursts_come_before_pairs_if_they_can_be_shown_and_nowhere_else() -> None:
    session = Session((3, 4), (0, 1), bursts=((0, 1, 2),))
    shown = session.choose(count=2, kinds=frozenset({Kind.PAIR, Kind.BURST}))
    assert [(q.kind, q.items) for q in shown.questions] == [(Kind.BURST, (0, 1, 2)), (Kind.PAIR, (3, 4))]
    assert shown.questions[0].pairs[0].reason == BURST_REASON
    assert items(session.choose(count=2)) == [(3, 4), (0, 1)]


def test_a_burst_of_several_animals_is_not_asked_again_and_joins_and_parts_nothing() -> None:
    session = Session((0, 1), bursts=((0, 1, 2),))
    mixed = pb.LabelsGiven(mixed_bursts=[pb.DetectionSet(detection_ids=["d2", "d1", "d0"])])
    session.apply(pb.SessionEvent(labelled=mixed))
    assert items(session.choose(kinds=frozenset({Kind.PAIR, Kind.BURST}))) == [(0, 1)]
    assert session.state.constraints.component_count == 6
    assert len(session.state.constraints.separations()) == 0


def test_a_burst_is_skipped_as_a_whole_by_a_skip_of_one_of_its_pairs() -> None:
    session = Session((0, 1), (0, 2), bursts=((0, 1, 2),))
    session.answer((0, 1), "SKIP")
    kinds = frozenset({Kind.PAIR, Kind.BURST})
    assert items(session.choose(kinds=kinds)) == [(0, 2)]
    assert items(session.choose(kinds=kinds, annotator="ben")) == [(0, 1, 2)]


def test_galleries_are_asked_only_if_they_can_be_shown_and_no_larger_than_wanted() -> None:
    session = Session((0, 1), (0, 2), (0, 3), (4, 5))
    kinds = frozenset({Kind.PAIR, Kind.GALLERY})
    assert items(session.choose(kinds=kinds, gallery_size=2, count=9)) == [(0, 1, 2), (0, 3), (4, 5)]
    assert items(session.choose(kinds=kinds)) == [(0, 1, 2, 3)]
    assert {q.kind for q in session.choose(kinds=ALL_KINDS - {Kind.GALLERY}, count=9).questions} == {
        Kind.PAIR
    }


def test_a_gallery_leaves_out_what_others_hold_and_what_was_skipped_and_asks_the_rest() -> None:
    session = Session((0, 1), (0, 2), (0, 3), (0, 4), (0, 5))
    session.answer((0, 3), "SKIP")
    kinds = frozenset({Kind.PAIR, Kind.GALLERY})
    assert items(session.choose(lease((0, 2), "ben"), kinds=kinds)) == [(0, 1, 4, 5)]


def test_a_gallery_is_filled_from_the_whole_round_however_long_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.sampler.questions.choice.AHEAD", 1)
    session = Session((0, 1), (2, 3), (0, 4))
    assert items(session.choose(kinds=ALL_KINDS, count=9)) == [(0, 1, 4)]


def test_a_gallery_that_is_held_keeps_its_candidates_in_the_next_round() -> None:
    session = Session((0, 1), (0, 2), (3, 4))
    held = (lease((0, 1), "anna"), lease((0, 2), "anna"))
    # round 1 could put more beside another anchor, and round 2 does not have these pairs at all
    for more in ((), ((1, 3), (1, 4), (1, 5), (0, 5))):
        if more:
            session.plan(*more)
        (first, *_) = items(session.choose(*held, kinds=ALL_KINDS, count=9))
        assert first == (0, 1, 2)


def test_two_annotators_share_no_two_groups_whatever_they_are_shown() -> None:
    session = Session(bursts=((0, 1), (2, 3, 4)))
    session.answer((0, 5), "SAME")
    kinds = [frozenset({Kind.PAIR, *more}) for n in range(3) for more in itertools.combinations(Kind, n)]

    def about(pair: Pair) -> frozenset[int]:
        return frozenset(session.state.constraints.component_of(item) for item in pair)

    for theirs, ours in itertools.product(kinds, repeat=2):
        held = [
            (query.first, query.second)
            for question in session.choose(annotator="ben", kinds=theirs, count=2).questions
            for query in question.pairs
        ]
        mine = session.choose(*(lease(pair, "ben") for pair in held), kinds=ours, count=9)
        asked = {about((query.first, query.second)) for q in mine.questions for query in q.pairs}
        assert asked
        assert not asked & {about(pair) for pair in held}


def test_evidence_that_does_not_suffice_is_asked_again_of_another_image_pair_before_the_round() -> None:
    session = Session((0, 1), (4, 5), trust=pb.TRUST_VERIFIED)
    session.answer((2, 3), "SAME")
    session.answer((0, 2), "SAME", "ben")
    session.answer((0, 1), "SAME", "ben")
    (check,) = session.choose().questions
    # 3 was compared least of the group of 0, 2 and 3
    assert check.items == (1, 3)
    assert "confirms that they are the same animal" in check.pairs[0].reason
    assert check.pairs[0].score == 0.0


def test_a_check_on_a_screen_keeps_nobody_else_from_the_round() -> None:
    session = Session((0, 1), (4, 5), trust=pb.TRUST_VERIFIED)
    session.answer((0, 1), "SAME")
    held = lease((0, 1), "anna")
    choice = session.choose(held, annotator="ben")
    assert (items(choice), choice.busy) == ([(4, 5)], True)
    # and who has it is asked it again
    assert items(session.choose(held)) == [(0, 1)]


def test_a_session_with_a_check_on_a_screen_or_skipped_is_not_finished() -> None:
    session = Session((0, 1), trust=pb.TRUST_VERIFIED)
    session.answer((0, 1), "SAME")
    choice = session.choose(lease((0, 1), "anna"), annotator="ben")
    assert (items(choice), choice.busy) == ([], True)
    session.answer((0, 1), "SKIP", "ben")
    choice = session.choose(annotator="ben")
    assert (items(choice), choice.busy) == ([], True)


def test_an_audit_asks_what_was_drawn_and_nothing_of_the_round() -> None:
    session = Session((0, 1), (2, 3))
    assert items(session.choose(audit=True)) == []
    first, second = round_messages.pair_columns([(1, 4), (0, 5), (2, 4)])
    session.apply(pb.SessionEvent(audit=pb.AuditDrawn(first=first, second=second, open_pairs=15)))
    session.answer((0, 5), "DIFFERENT")
    choice = session.choose(audit=True, count=9)
    assert items(choice) == [(1, 4), (2, 4)]
    assert {(q.pairs[0].reason, q.pairs[0].score) for q in choice.questions} == {(AUDIT_REASON, 0.0)}
    assert items(session.choose(lease((1, 4), "ben"), audit=True)) == [(2, 4)]
