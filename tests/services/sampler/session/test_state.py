from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.common.session import round_messages
from services.sampler.facts.survey_read import read_survey
from services.sampler.session.progress import quick_progress
from services.sampler.session.state import SessionState
from services.sampler.survey_values import Version
from spotted import messages
from spotted.constraints.trust import Trust
from spotted.errors import NotFoundError
from spotted.sampling.rounds import PairQuery, Round, RoundQueue
from spotted.survey import Detection, Side
from spotted.v1 import sampler_pb2 as pb
from spotted.v1 import survey_pb2
from spotted.v1.session_facts_pb2 import (
    EVIDENCE_SOURCE_ENCOUNTER,
    EVIDENCE_SOURCE_KNOWN,
    KNOWN_INDIVIDUALS_IGNORED,
    KNOWN_INDIVIDUALS_SUGGESTED,
    SurveyRead,
)
from tests.services.sampler.versions import content, roster

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
    return [list(individual.detection_ids) for individual in state.named_individuals.messages()]


def test_individuals_are_ordered_by_size_and_named_by_their_first_detection() -> None:
    state = folded(labelled(label("1-1", "d3", "d1", "SAME")))
    assert partition(state) == [["d1", "d3"], ["d0"], ["d2"], ["d4"]]
    assert state.named_individuals.messages()[0].individual_id == "ind-d1"


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
    assert state.counts.times_s == []


def test_two_animals_of_one_image_cannot_be_one() -> None:
    state = folded(labelled(label("1-1", "d0", "d1", "SAME")), images=(("d0", "d1"),))
    (conflict,) = state.conflicts()
    assert list(conflict.explanation) == []
    assert "one image shows d0 and d1 (image)" in conflict.message


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


def updated(trust: pb.Trust.ValueType, **settings: object) -> pb.SessionEvent:
    session = pb.Session(trust=trust, **settings)  # type: ignore[arg-type] # any field
    return pb.SessionEvent(updated=pb.SessionUpdated(settings=session))


def test_a_second_annotator_changes_no_trust() -> None:
    first = label("1-1", "d0", "d1", "SAME"), label("1-2", "d2", "d3", "SKIP")
    both = folded(
        labelled(*first), labelled(label("2-1", "d2", "d4", "SAME", "ben")), trust=pb.TRUST_UNSPECIFIED
    )
    assert both.trust is Trust.SINGLE
    assert quick_progress(both, 4).trust == pb.TRUST_SINGLE
    assert partition(both) == [["d0", "d1"], ["d2", "d4"], ["d3"]]


def test_verified_trust_keeps_what_stands_and_weighs_what_comes() -> None:
    first = label("1-1", "d0", "d1", "SAME"), label("1-2", "d2", "d3", "SKIP")
    state = folded(
        labelled(*first), updated(pb.TRUST_VERIFIED), labelled(label("5-1", "d2", "d4", "SAME", "ben"))
    )
    assert state.trust is Trust.VERIFIED
    assert quick_progress(state, 5).trust == state.session.trust == pb.TRUST_VERIFIED
    # one SAME decided at once; the one after the change does not suffice
    assert partition(state)[0] == ["d0", "d1"]
    assert state.constraints.undecided().tolist() == [[2, 4]]
    assert state.label_outcome("5-1").effect == pb.LABEL_EFFECT_PENDING
    assert state.skipped["anna"] == {(2, 3)}


def test_a_retraction_after_the_change_forgets_only_its_label() -> None:
    first = label("1-1", "d0", "d1", "SAME"), label("1-2", "d2", "d4", "SAME")
    later = label("5-1", "d1", "d3", "DIFFERENT", "ben")
    events = labelled(*first), updated(pb.TRUST_VERIFIED), labelled(later)
    assert partition(folded(*events, retracted("1-2")))[0] == ["d0", "d1"]
    assert partition(folded(*events, retracted("1-2"))) == partition(
        folded(labelled(first[0]), updated(pb.TRUST_VERIFIED), labelled(later))
    )
    assert partition(folded(*events, retracted("5-1")))[:2] == [["d0", "d1"], ["d2", "d4"]]


def test_trust_that_returns_to_single_decides_by_every_answer() -> None:
    state = folded(
        labelled(label("1-1", "d0", "d1", "SAME")),
        updated(pb.TRUST_VERIFIED),
        labelled(label("5-1", "d2", "d4", "SAME", "ben")),
        updated(pb.TRUST_SINGLE),
    )
    assert state.trust is Trust.SINGLE
    assert partition(state) == [["d0", "d1"], ["d2", "d4"], ["d3"]]
    again = folded(
        labelled(label("1-1", "d0", "d1", "SAME")),
        updated(pb.TRUST_VERIFIED),
        updated(pb.TRUST_SINGLE),
        labelled(label("6-1", "d2", "d4", "SAME", "ben")),
        updated(pb.TRUST_VERIFIED),
    )
    assert partition(again) == partition(state)


@pytest.mark.parametrize("trust", [pb.TRUST_SINGLE, pb.TRUST_VERIFIED])
def test_trust_that_was_chosen_stays(trust: pb.Trust.ValueType) -> None:
    one, two = label("1-1", "d0", "d1", "SAME"), label("2-1", "d0", "d1", "SAME", "ben")
    for events in ([labelled(one)], [labelled(one), labelled(two)], [labelled(one, two), retracted("2-1")]):
        assert quick_progress(folded(*events, trust=trust), 3).trust == trust


def test_trust_that_changes_keeps_animals_of_one_image_apart() -> None:
    state = folded(
        labelled(label("1-1", "d2", "d3", "SAME")), updated(pb.TRUST_VERIFIED), images=(("d0", "d1"),)
    )
    assert not state.is_open((0, 1))
    assert partition(state)[0] == ["d2", "d3"]


def survey_read(
    session: pb.Session, *detections: Detection, have: Sequence[str] = (), complete: bool = False
) -> SurveyRead:
    return read_survey(session, roster(*have), content(detections), complete=complete)


def opened(session: pb.Session, *events: pb.SessionEvent) -> SessionState:
    state = SessionState()
    for event in (pb.SessionEvent(created=session), *events):
        state.apply(event.SerializeToString())
    return state


NAMED = (
    Detection("d0", individual_id="Mvula", side=Side.LEFT),
    Detection("d1", individual_id="unknown", side=Side.RIGHT, encounter_id="e"),
    Detection("d2", individual_id="Nandi", side=Side.LEFT, encounter_id="e"),
    Detection("d3", individual_id="Mvula", side=Side.RIGHT),
)


def test_known_names_and_encounters_are_individuals_before_any_label() -> None:
    session = pb.Session()
    state = opened(session, pb.SessionEvent(read=survey_read(session, *NAMED)))
    assert partition(state) == [["d0", "d3"], ["d1", "d2"]]
    assert not state.is_open((0, 2))
    assert state.survey == Version("u", 1)


def test_names_that_are_ignored_or_suggested_imply_nothing() -> None:
    for known in (KNOWN_INDIVIDUALS_IGNORED, KNOWN_INDIVIDUALS_SUGGESTED):
        session = pb.Session(known_individuals=known)
        state = opened(session, pb.SessionEvent(read=survey_read(session, *NAMED)))
        # the two flanks of an encounter are one animal in any case
        assert partition(state) == [["d1", "d2"], ["d0"], ["d3"]]


def test_suggested_names_are_asked_first_unless_the_flanks_are_opposite() -> None:
    session = pb.Session(known_individuals=KNOWN_INDIVIDUALS_SUGGESTED)
    left = [Detection(f"d{n}", individual_id="Mvula", side=Side.LEFT) for n in range(3)]
    state = opened(session, pb.SessionEvent(read=survey_read(session, *left, NAMED[3])))
    asked = [*state.suggestions.open_pairs(state.constraints)]
    assert [(query.first, query.second) for query in asked] == [(0, 1), (1, 2)]
    assert {query.reason for query in asked} == {"both are named 'Mvula'"}


def test_a_label_against_a_name_is_kept_as_a_conflict() -> None:
    session = pb.Session()
    state = opened(
        session,
        pb.SessionEvent(read=survey_read(session, *NAMED)),
        labelled(label("3-1", "d0", "d3", "DIFFERENT")),
    )
    (conflict,) = state.conflicts()
    assert state.label_outcome("3-1").conflict == conflict
    assert "both named Mvula (known)" in conflict.message
    assert partition(state)[0] == ["d0", "d3"]


def test_names_are_read_again_only_by_an_update() -> None:
    session = pb.Session()
    renamed = [replace(one, individual_id="Nandi" if one.individual_id else "") for one in NAMED]
    fifth = Detection("d4", individual_id="Mvula", side=Side.LEFT)
    added = survey_read(session, *renamed, fifth, have=["d0", "d1", "d2", "d3"])
    events = [pb.SessionEvent(read=survey_read(session, *NAMED)), pb.SessionEvent(read=added)]
    assert partition(opened(session, *events)) == [["d0", "d3", "d4"], ["d1", "d2"]]
    again = survey_read(session, *renamed, fifth, have=IDS, complete=True)
    update = pb.SessionEvent(updated=pb.SessionUpdated(settings=session, read=again))
    assert partition(opened(session, *events, update)) == [["d0", "d1", "d2", "d3"], ["d4"]]


def test_labels_of_before_give_way_to_names_that_come_later() -> None:
    session = pb.Session()
    unnamed = [replace(one, individual_id="", encounter_id="") for one in NAMED]
    again = survey_read(session, *NAMED, have=IDS[:4], complete=True)
    state = opened(
        session,
        pb.SessionEvent(read=survey_read(session, *unnamed)),
        labelled(label("3-1", "d0", "d2", "SAME")),
        pb.SessionEvent(updated=pb.SessionUpdated(settings=session, read=again)),
    )
    assert partition(state) == [["d0", "d3"], ["d1", "d2"]]
    (conflict,) = state.conflicts()
    assert conflict.label.label_id == "3-1"
    assert "d0 is named Mvula and d2 Nandi" in conflict.message


def test_two_names_of_one_encounter_and_one_name_in_one_image_are_conflicts_without_a_label() -> None:
    session = pb.Session()
    seen = [
        Detection("d0", individual_id="Mvula", side=Side.LEFT, encounter_id="e"),
        Detection("d1", individual_id="Nandi", side=Side.RIGHT, encounter_id="e"),
        Detection("d2", individual_id="Nandi", image_id="i"),
        Detection("d3", individual_id="Nandi", image_id="i"),
    ]
    state = opened(session, pb.SessionEvent(read=survey_read(session, *seen)))
    assert partition(state) == [["d1", "d2"], ["d0"], ["d3"]]
    assert [conflict.HasField("label") for conflict in state.conflicts()] == [False, False]
    assert [conflict.evidence[0].source for conflict in state.conflicts()] == [
        EVIDENCE_SOURCE_KNOWN,
        EVIDENCE_SOURCE_ENCOUNTER,
    ]


def test_a_copy_takes_in_detections_and_leaves_the_session_as_it_is() -> None:
    session = pb.Session()
    state = opened(session, pb.SessionEvent(read=survey_read(session, *NAMED[:2])))
    read = survey_read(session, *NAMED, have=["d0", "d1"])
    grown = state.copied()
    grown.take_in(read)
    assert partition(state) == [["d0"], ["d1"]]
    state.apply(pb.SessionEvent(read=read).SerializeToString())
    assert partition(grown) == partition(state) == [["d0", "d3"], ["d1", "d2"]]


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


def test_an_answer_keeps_the_chance_at_which_it_was_asked_when_an_earlier_one_is_retracted() -> None:
    # with d0 and d2 one animal, d0 and d4 stand for d2 and d4, which were planned at a chance of 1 in 8
    first, second = label("1-1", "d0", "d2", "SAME"), label("2-1", "d0", "d4", "SAME")
    assert folded(labelled(second), trust=pb.TRUST_VERIFIED).label_outcome("2-1").effect == (
        pb.LABEL_EFFECT_MERGED
    )
    both = folded(labelled(first), labelled(second), trust=pb.TRUST_VERIFIED)
    assert both.label_outcome("2-1").effect == pb.LABEL_EFFECT_PENDING
    alone = folded(labelled(first), labelled(second), retracted("1-1"), trust=pb.TRUST_VERIFIED)
    assert alone.label_outcome("2-1").effect == pb.LABEL_EFFECT_PENDING


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
    standing = [event for event in events if event.label_id not in gone]
    # an answer keeps the chance at which it was asked, which may depend on earlier answers that are gone
    chances = [state._chances[event.label_id] for event in standing]
    with mock.patch.object(RoundQueue, "chance", side_effect=chances):
        other = folded(*(labelled(event) for event in standing), trust=trust)
    assert state.trust is other.trust
    assert partition(state) == partition(other)
    assert [c.label.label_id for c in state.conflicts()] == [c.label.label_id for c in other.conflicts()]
    for i in range(5):
        for j in range(i + 1, 5):
            assert state.is_open((i, j)) == other.is_open((i, j))
