from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.sampler.session import round_messages
from services.sampler.session.progress import quick_progress
from services.sampler.session.state import SessionState, individual_id
from spotted import messages
from spotted.constraints.trust import Trust
from spotted.errors import NotFoundError
from spotted.sampling.rounds import PairQuery, Round
from spotted.v1 import sampler_pb2 as pb
from spotted.v1 import survey_pb2

IDS = ["d0", "d1", "d2", "d3", "d4"]
UNLIKELY, CHANCE = ((0, 1), (2, 4)), 0.125


def label(label_id: str, first: str, second: str, answer: str, annotator: str = "anna") -> pb.Label:
    return pb.Label(
        label_id=label_id,
        first_detection_id=first,
        second_detection_id=second,
        answer=pb.Answer.Value(f"ANSWER_{answer}"),
        annotator_id=annotator,
        create_time=messages.timestamp(float(label_id.partition("-")[0])),
    )


def folded(
    *events: pb.SessionEvent,
    images: tuple[tuple[str, str], ...] = (),
    trust: pb.Trust.ValueType = pb.TRUST_SINGLE,
) -> SessionState:
    pairs = [survey_pb2.Pair(first_detection_id=a, second_detection_id=b) for a, b in images]
    planned = pb.PlannedRound(added_detection_ids=IDS, image_pairs=pairs, top_k=4, survey_revision=1)
    # unlikely ones, of which one answer alone does not convince
    queries = tuple(PairQuery(*pair, "why", CHANCE, (1.0,)) for pair in UNLIKELY)
    round_messages.write(Round(1, "learned", queries), planned)
    state = SessionState()
    for event in (
        pb.SessionEvent(created=pb.Session(session_id="s", trust=trust)),
        pb.SessionEvent(planned=planned),
        *events,
    ):
        state.apply(event.SerializeToString())
    return state


def labelled(*labels: pb.Label) -> pb.SessionEvent:
    return pb.SessionEvent(labelled=pb.LabelsGiven(labels=labels))


def retracted(*label_ids: str) -> pb.SessionEvent:
    return pb.SessionEvent(retracted=pb.LabelsRetracted(label_ids=label_ids, annotator_id="anna"))


def partition(state: SessionState) -> list[list[str]]:
    return [list(individual.detection_ids) for individual in state.individuals()]


def test_individuals_are_ordered_by_size_and_named_by_their_first_detection() -> None:
    state = folded(labelled(label("1-1", "d3", "d1", "SAME")))
    assert partition(state) == [["d1", "d3"], ["d0"], ["d2"], ["d4"]]
    assert state.individuals()[0].individual_id == individual_id(["d1", "d3"]) == "ind-d1"


def test_a_contradiction_is_kept_with_the_smallest_set_that_explains_it() -> None:
    state = folded(
        labelled(
            label("1-1", "d0", "d1", "SAME"),
            label("1-2", "d1", "d2", "SAME"),
            label("1-3", "d0", "d2", "SAME"),
            label("1-4", "d3", "d4", "SAME"),
        ),
        labelled(label("2-1", "d0", "d2", "DIFFERENT", annotator="ben")),
    )
    (conflict,) = state.conflicts()
    assert conflict.label.label_id == "2-1"
    # the direct answer explains it; the way around by d1 is longer
    assert [reason.label_id for reason in conflict.explanation] == ["1-3"]
    assert "ben" in conflict.message
    assert "retract" in conflict.message
    assert partition(state)[0] == ["d0", "d1", "d2"]


def test_retracting_the_cause_lets_the_contradicting_label_stand() -> None:
    state = folded(
        labelled(label("1-1", "d0", "d1", "SAME")),
        labelled(label("2-1", "d0", "d1", "DIFFERENT", annotator="ben")),
        retracted("1-1"),
    )
    assert state.conflicts() == []
    assert not state.is_open((0, 1))
    assert len(partition(state)) == 5


def test_retracting_everything_leaves_a_session_as_it_began() -> None:
    state = folded(
        labelled(label("1-1", "d0", "d1", "SAME"), label("1-2", "d2", "d3", "NOT_COMPARABLE")),
        labelled(label("2-1", "d1", "d4", "SKIP")),
        retracted("1-1", "1-2", "2-1"),
    )
    assert len(partition(state)) == 5
    assert all(state.is_open((i, j)) for i in range(5) for j in range(i + 1, 5))
    assert not any(state.skipped.values())
    assert state.label_times_s == []


def test_two_animals_of_one_image_cannot_be_one() -> None:
    state = folded(labelled(label("1-1", "d0", "d1", "SAME")), images=(("d0", "d1"),))
    (conflict,) = state.conflicts()
    assert list(conflict.explanation) == []
    assert "one image shows both" in conflict.message


def test_a_second_annotator_who_agrees_changes_nothing_and_is_kept() -> None:
    state = folded(
        labelled(label("1-1", "d0", "d1", "SAME")),
        labelled(label("2-1", "d1", "d0", "SAME", annotator="ben")),
    )
    assert state.label_outcome("2-1").effect == pb.LABEL_EFFECT_IMPLIED
    assert set(state.labels) == {"1-1", "2-1"}


def test_a_pair_of_unknown_detections_is_not_found() -> None:
    with pytest.raises(NotFoundError, match=r"'d0', 'dx' belong to this session: it has no detection 'dx'"):
        folded().pair(label("1-1", "d0", "dx", "SAME"))


def test_one_annotator_is_believed_at_once_and_the_second_makes_all_answers_evidence() -> None:
    first = label("1-1", "d0", "d1", "SAME"), label("1-2", "d2", "d3", "SKIP")
    alone = folded(labelled(*first), trust=pb.TRUST_UNSPECIFIED)
    both = folded(
        labelled(*first), labelled(label("2-1", "d2", "d4", "SAME", "ben")), trust=pb.TRUST_UNSPECIFIED
    )
    assert alone.trust is Trust.SINGLE
    assert quick_progress(alone, 3).trust == pb.TRUST_SINGLE
    assert partition(alone)[0] == ["d0", "d1"]
    assert both.trust is Trust.VERIFIED
    assert quick_progress(both, 4).trust == pb.TRUST_VERIFIED
    # the earlier SAME does not suffice any more
    assert len(partition(both)) == 5
    assert both.constraints.undecided().tolist() == [[0, 1], [2, 4]]
    assert both.skipped["anna"] == {(2, 3)}
    # the effect that it had when it came is still reported
    assert both.label_outcome("1-1").effect == pb.LABEL_EFFECT_MERGED
    assert both.label_outcome("2-1").effect == pb.LABEL_EFFECT_PENDING


def test_the_second_annotator_counts_within_one_call_too() -> None:
    labels = [label("1-1", "d0", "d1", "SAME"), label("1-2", "d2", "d4", "SAME", "ben")]
    state = folded(labelled(*labels), trust=pb.TRUST_UNSPECIFIED)
    assert state.trust is Trust.VERIFIED
    assert quick_progress(state, 3).pending == 2


@pytest.mark.parametrize("trust", [pb.TRUST_SINGLE, pb.TRUST_VERIFIED])
def test_trust_that_was_chosen_stays(trust: pb.Trust.ValueType) -> None:
    one, two = label("1-1", "d0", "d1", "SAME"), label("2-1", "d0", "d1", "SAME", "ben")
    for events in ([labelled(one)], [labelled(one), labelled(two)], [labelled(one, two), retracted("2-1")]):
        assert quick_progress(folded(*events, trust=trust), 3).trust == trust


def test_back_at_one_annotator_the_answers_are_believed_at_once_again() -> None:
    state = folded(
        labelled(label("1-1", "d0", "d1", "SAME")),
        labelled(label("2-1", "d3", "d4", "DIFFERENT", "ben")),
        retracted("2-1"),
        trust=pb.TRUST_UNSPECIFIED,
    )
    assert state.trust is Trust.SINGLE
    assert partition(state)[0] == ["d0", "d1"]
    assert quick_progress(state, 5).trust == pb.TRUST_SINGLE


def test_replayed_trust_keeps_animals_of_one_image_apart() -> None:
    state = folded(
        labelled(label("1-1", "d2", "d3", "SAME")),
        labelled(label("2-1", "d2", "d3", "SAME", "ben")),
        images=(("d0", "d1"),),
        trust=pb.TRUST_UNSPECIFIED,
    )
    assert not state.is_open((0, 1))
    assert partition(state)[0] == ["d2", "d3"]


def test_a_split_keeps_every_answer_and_says_so() -> None:
    together = [
        label(f"{n}-1", a, b, "SAME", who)
        for n, (a, b, who) in enumerate(
            [("d1", "d2", "anna"), ("d1", "d2", "ben"), ("d2", "d3", "anna"), ("d2", "d3", "ben")], start=1
        )
    ]
    against = [label(f"{n}-1", "d1", "d3", "DIFFERENT", f"c{n}") for n in range(5, 9)]
    state = folded(*(labelled(one) for one in [*together, *against]), trust=pb.TRUST_VERIFIED)
    effects = [state.label_outcome(one.label_id).effect for one in against]
    assert partition(folded(*(labelled(one) for one in together), trust=pb.TRUST_VERIFIED))[0] == IDS[1:4]
    assert effects[0] == pb.LABEL_EFFECT_CONFLICT
    assert pb.LABEL_EFFECT_SPLIT in effects
    assert len(partition(state)) == 4
    assert len(state.labels) == 8


labels = st.lists(
    st.tuples(
        st.integers(0, 4), st.integers(0, 4), st.sampled_from(["SAME", "DIFFERENT", "NOT_COMPARABLE"])
    ).filter(lambda pair: pair[0] != pair[1]),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(history=labels, data=st.data(), trust=st.sampled_from(pb.Trust.values()))
def test_a_retraction_leaves_the_state_that_the_other_labels_alone_would_give(
    history: list[tuple[int, int, str]], data: st.DataObject, trust: pb.Trust.ValueType
) -> None:
    events = [
        label(f"{n}-1", IDS[a], IDS[b], answer, data.draw(st.sampled_from(["anna", "ben"])))
        for n, (a, b, answer) in enumerate(history, start=1)
    ]
    gone = data.draw(st.sets(st.sampled_from([e.label_id for e in events]))) if events else set()
    took_back = [retracted(*sorted(gone))] if gone else []
    state = folded(*(labelled(event) for event in events), *took_back, trust=trust)
    other = folded(*(labelled(event) for event in events if event.label_id not in gone), trust=trust)
    assert state.trust is other.trust
    assert partition(state) == partition(other)
    assert [c.label.label_id for c in state.conflicts()] == [c.label.label_id for c in other.conflicts()]
    for i in range(5):
        for j in range(i + 1, 5):
            assert state.is_open((i, j)) == other.is_open((i, j))


def left(*ids: str) -> pb.SessionEvent:
    return pb.SessionEvent(left=pb.DetectionsLeft(detection_ids=ids))


def returned(*ids: str, version: int = 0, **fields: object) -> pb.SessionEvent:
    planned = pb.PlannedRound(added_detection_ids=ids, top_k=4, survey_revision=1, **fields)  # type: ignore[arg-type] # any of its fields
    for detection_id in ids if version else ():
        planned.added_versions.add(detection_id=detection_id, stored=True, version=version)
    round_messages.write(Round(2, "learned", ()), planned)
    return pb.SessionEvent(planned=planned)


GIVEN = st.lists(
    st.tuples(
        st.sampled_from(IDS),
        st.sampled_from(IDS),
        st.sampled_from(["SAME", "DIFFERENT", "NOT_COMPARABLE"]),
        st.sampled_from(["anna", "ben"]),
    ).filter(lambda given: given[0] != given[1]),
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(
    GIVEN, st.sets(st.sampled_from(IDS), min_size=1), st.sampled_from([pb.TRUST_SINGLE, pb.TRUST_VERIFIED])
)
def test_after_a_departure_the_session_is_as_if_the_detection_had_never_been_there(
    answers: list[tuple[str, str, str, str]], gone: set[str], trust: pb.Trust.ValueType
) -> None:
    labels = [label(f"{n}-1", *answer) for n, answer in enumerate(answers, start=3)]
    lived = folded(labelled(*labels), left(*gone), trust=trust)
    kept = [one for one in labels if gone.isdisjoint((one.first_detection_id, one.second_detection_id))]
    fresh = folded(labelled(*kept), trust=trust)
    assert [ids for ids in partition(fresh) if gone.isdisjoint(ids)] == partition(lived)
    assert lived.detection_ids == [i for i in IDS if i not in gone]
    assert list(lived.labels) == [one.label_id for one in kept]
    before, after = quick_progress(fresh, 0), quick_progress(lived, 0)
    assert after.individuals == before.individuals - len(gone)
    assert (after.same, after.different) == (before.same, before.different)
    asked = {(lived.detection_ids[q.first], lived.detection_ids[q.second]) for q in lived.queue.open_pairs()}
    assert asked == {
        (IDS[q.first], IDS[q.second])
        for q in fresh.queue.open_pairs()
        if gone.isdisjoint((IDS[q.first], IDS[q.second]))
    }
    # back with their images: everything is as it was, but for the order of the detections
    back = folded(labelled(*labels), left(*gone), returned(*sorted(gone)), trust=trust)
    assert sorted(partition(back)) == sorted(partition(folded(labelled(*labels), trust=trust)))
    other = folded(labelled(*labels), left(*gone), returned(*sorted(gone), version=1), trust=trust)
    assert list(other.labels) == [one.label_id for one in kept]


def test_what_is_known_of_the_others_stays_when_one_leaves() -> None:
    bursts = [pb.DetectionSet(detection_ids=["d0", "d1", "d2"]), pb.DetectionSet(detection_ids=["d3", "d4"])]
    mixed = pb.SessionEvent(labelled=pb.LabelsGiven(mixed_bursts=bursts[:1]))
    skip = labelled(label("4-1", "d2", "d4", "SKIP"))
    drawn = pb.AuditDrawn(open_pairs=7)
    drawn.first, drawn.second = round_messages.pair_columns([(0, 1), (2, 4)])
    state = folded(
        returned(bursts=bursts), mixed, skip, pb.SessionEvent(audit=drawn), left("d1"),
        images=(("d3", "d4"), ("d0", "d1")),
    )  # fmt: skip
    assert state.detection_ids == ["d0", "d2", "d3", "d4"]
    assert state.bursts == [(0, 1), (2, 3)]
    assert state.mixed_bursts == {frozenset({0, 1})}
    assert (state.audit.pairs, state.audit.open_pairs) == (((1, 3),), 7)
    assert state.skipped["anna"] == {(1, 3)}
    assert not state.is_open((2, 3))
    assert state.is_open((0, 1))


def test_a_label_that_left_can_be_retracted_and_does_not_return() -> None:
    state = folded(labelled(label("3-1", "d0", "d1", "SAME")), left("d1"), retracted("3-1"), returned("d1"))
    assert state.labels == state.given == {}
    assert partition(state) == [[i] for i in IDS]
