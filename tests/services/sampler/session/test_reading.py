from __future__ import annotations

from services.common.store.store import Store
from services.sampler.session.reading import add_detections, read_names
from spotted.v1.session_facts_pb2 import KNOWN_INDIVIDUALS_IGNORED, SurveyRead
from tests.services.sampler.surveys import Sampler, ToyScorer, events, planted


def opened(store: Store, survey_id: str, **names: str) -> tuple[Sampler, ToyScorer]:
    scorer = ToyScorer(planted(), more={i: {"individual_id": name} for i, name in names.items()})
    made = Sampler(store, scorer)
    made.create(survey_id, known_individuals=KNOWN_INDIVIDUALS_IGNORED)
    return made, scorer


def test_names_are_read_once_into_a_session_that_has_only_been_created(store: Store, survey_id: str) -> None:
    made, scorer = opened(store, survey_id, d00="Mvula")

    def entry(read: SurveyRead) -> bytes:
        return made.sessions.event(read=read)

    folded, facts = made.sessions.folded(survey_id, "main"), scorer.facts(survey_id)
    for _ in range(2):
        read_names(folded, facts, entry)
    assert len(events(made, survey_id, "read")) == 1


def test_without_names_nothing_is_read(store: Store, survey_id: str) -> None:
    made, scorer = opened(store, survey_id, d00="unknown")
    folded = made.sessions.folded(survey_id, "main")
    read_names(folded, scorer.facts(survey_id), lambda read: made.sessions.event(read=read))
    assert events(made, survey_id, "read") == []


def test_detections_are_added_unless_another_replica_did(store: Store, survey_id: str) -> None:
    made, scorer = opened(store, survey_id)
    folded, facts = made.sessions.folded(survey_id, "main"), scorer.facts(survey_id)
    for _ in range(2):
        add_detections(folded, facts, {"d00", "d01"}, lambda read: made.sessions.event(read=read))
    (event,) = events(made, survey_id, "read")
    assert len(event.read.added_detection_ids) == 20
