from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from services.sampler.facts.session_facts import SessionFacts, text_columns, texts_of
from services.sampler.facts.survey_read import read_survey
from spotted.survey import Detection, Side
from spotted.v1 import sampler_pb2 as pb
from spotted.v1.scorer_pb2 import CandidateFilter
from spotted.v1.session_facts_pb2 import KNOWN_INDIVIDUALS_IGNORED, KNOWN_INDIVIDUALS_SUGGESTED
from tests.services.sampler.versions import content, roster

SEEN = [
    Detection("a", "c", 10.0, side=Side.LEFT, encounter_id="e", individual_id="Mvula"),
    Detection("b", "c", 20.0, side=Side.RIGHT, encounter_id="e"),
    Detection("c", "d", 30.0, side=Side.LEFT, encounter_id="f", individual_id="Nandi"),
    Detection("d", "d", 40.0, side=Side.LEFT, encounter_id="f", individual_id="Mvula"),
    Detection("e", "d", None, side=Side.FRONT),
]


def facts_of(session: pb.Session, detections: list[Detection]) -> SessionFacts:
    facts = SessionFacts()
    read = read_survey(session, roster(), content(detections))
    facts.take(read.facts, complete=False)
    return facts


def test_only_encounters_with_both_flanks_and_no_shared_image_are_one_animal() -> None:
    session = pb.Session()
    assumed = facts_of(session, SEEN).assumptions(session, [])
    assert assumed.encounters == {"e": [0, 1]}
    assert assumed.names == {0: "Mvula", 2: "Nandi", 3: "Mvula"}
    assert facts_of(session, SEEN).assumptions(session, [(0, 1)]).encounters == {}
    # an image of two encounters says nothing about either
    assert facts_of(session, SEEN).assumptions(session, [(0, 2)]).encounters == {"e": [0, 1]}


def test_names_are_assumed_only_if_they_are_believed() -> None:
    for known in (KNOWN_INDIVIDUALS_IGNORED, KNOWN_INDIVIDUALS_SUGGESTED):
        session = pb.Session(known_individuals=known)
        assert facts_of(session, SEEN).assumptions(session, []).names == {}


def test_the_scope_is_that_of_the_filter() -> None:
    closed = {
        "": {(0, 1), (1, 2), (1, 3)},
        "flanks": set(),
        "cameras": {(a, b) for a in range(5) for b in range(a + 1, 5) if a < 2},
        "times": {(a, b) for a in range(5) for b in range(a + 1, 5)} - {(1, 2)},
        "known": {(1, 4)},
        "encounters": {(0, 1), (2, 3)},
        "excluded": {(a, b) for a in range(5) for b in range(a + 1, 5) if {a, b} & {0, 3}},
    }
    only = {
        "cameras": CandidateFilter(camera_ids=["d"]),
        "times": CandidateFilter(captured_from=Timestamp(seconds=20), captured_before=Timestamp(seconds=40)),
        "known": CandidateFilter(known_individuals_only=True),
        "encounters": CandidateFilter(exclude_same_encounter=True),
        "excluded": CandidateFilter(exclude_individual_ids=["Mvula"]),
    }
    for rule, pairs in closed.items():
        session = pb.Session(filter=only.get(rule), ask_opposite_flanks=bool(rule))
        scope = facts_of(session, SEEN).scope(session)
        found = {(a, b) for a in range(5) for b in range(a + 1, 5) if scope.closes(a, b)}
        assert found == pairs, rule


def test_suggestions_pair_neighbours_of_one_flank() -> None:
    session = pb.Session(known_individuals=KNOWN_INDIVIDUALS_SUGGESTED)
    named = [Detection(f"d{n}", side=[Side.LEFT, Side.RIGHT][n % 2], individual_id="Mvula") for n in range(4)]
    assert facts_of(session, named).suggested() == [(0, 2, "Mvula"), (1, 2, "Mvula"), (1, 3, "Mvula")]


def test_a_complete_read_forgets_and_a_copy_does_not_follow() -> None:
    facts = facts_of(pb.Session(), SEEN)
    copied = facts.copy()
    read = read_survey(pb.Session(), roster("a"), content([Detection("a")]), complete=True)
    facts.take(read.facts, complete=True)
    assert facts.names == facts.encounter_of == {}
    assert len(copied.names) == 3


@given(st.lists(st.sampled_from(["", "a", "b", "c"])))
def test_columns_of_texts_give_the_texts(texts: list[str]) -> None:
    kept = {"a", "b"}
    distinct, index = text_columns(texts, kept)
    assert texts_of(range(len(texts)), distinct, index) == {
        n: text for n, text in enumerate(texts) if text in kept
    }
