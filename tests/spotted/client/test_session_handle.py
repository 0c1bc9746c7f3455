from __future__ import annotations

import uuid
from itertools import combinations, product

import pytest

from spotted.client import SurveyHandle
from spotted.client.session_handle import SessionHandle
from spotted.client.values import BurstAnswer, Confidence, Label, QuestionKind
from spotted.constraints.answers import Answer, LabelEffect
from spotted.constraints.trust import Trust
from spotted.errors import NotFoundError
from spotted.facts import KnownIndividuals
from tests.spotted.client.surveys import COUNT, DETECTIONS

IDS = [str(uuid.UUID(int=n + 1, version=4)) for n in range(4)]


@pytest.fixture
def session(handle: SurveyHandle) -> SessionHandle:
    return handle.create_session(
        "main", strategy="greedy", seed=3, known_individuals=KnownIndividuals.IGNORED
    )


def test_a_session_is_created_once_and_asked(handle: SurveyHandle, session: SessionHandle) -> None:
    first = session.info()
    assert (
        handle.create_session(
            "main", strategy="greedy", seed=3, known_individuals=KnownIndividuals.IGNORED
        ).info()
        == first
    )
    assert (first.strategy, first.seed, first.survey_id) == ("greedy", 3, handle.survey_id)
    questions = session.next_pairs("anna", count=3)
    assert len(questions.pairs) == 3
    labels = [
        Label(p.first.detection_id, p.second.detection_id, Answer.DIFFERENT, "anna") for p in questions.pairs
    ]
    submitted = session.submit_labels(labels)
    assert [o.effect for o in submitted.outcomes] == [LabelEffect.SEPARATED] * 3
    assert submitted.progress.different == session.progress().different == 3
    individuals = list(session.individuals())
    assert len(individuals) == COUNT


def test_a_question_holds_the_detections_and_their_journey(
    handle: SurveyHandle, session: SessionHandle
) -> None:
    (pair,) = session.next_pairs("anna", lease_s=60.0).pairs
    stored = {d.detection_id: d for d in handle.detections()}
    assert (pair.first, pair.second) == (stored[pair.first.detection_id], stored[pair.second.detection_id])
    explained = handle.explain_pair(pair.first.detection_id, pair.second.detection_id)
    assert (pair.distance_m, pair.gap_s) == (explained.distance_m, explained.gap_s)
    created = session.info().created_at_s
    assert created is not None
    assert pair.lease_expires_at_s is not None
    assert 0.0 < pair.lease_expires_at_s - created < 120.0


def test_an_unknown_session_is_not_found(handle: SurveyHandle) -> None:
    with pytest.raises(NotFoundError):
        handle.session("nosuch").progress()
    with pytest.raises(NotFoundError):
        handle.session("nosuch").labels()


def test_sessions_are_listed_and_deleted(handle: SurveyHandle, session: SessionHandle) -> None:
    handle.create_session("other", known_individuals=KnownIndividuals.IGNORED)
    assert [one.session_id for one in handle.sessions()] == ["main", "other"]
    session.delete()
    assert [one.session_id for one in handle.sessions()] == ["other"]


def test_the_labels_are_those_that_were_not_retracted_oldest_first(session: SessionHandle) -> None:
    assert session.labels() == []
    session.next_pairs("anna")
    given = []
    # one event for each label, more than a page of events
    for annotator, (first, second) in product(("anna", "ben"), combinations(DETECTIONS, 2)):
        same = first.individual_id == second.individual_id
        answer = Answer.SAME if same else Answer.DIFFERENT
        label = Label(first.detection_id, second.detection_id, answer, annotator)
        given += [o.label for o in session.submit_labels([label]).outcomes]
    assert session.labels() == given
    assert len(given) > 100
    retracted = [given[0].label_id, given[70].label_id]
    session.retract_labels(retracted, "anna")
    assert session.labels() == [one for one in given if one.label_id not in retracted]


def test_a_session_has_the_default_strategy_and_the_trust_it_was_given(handle: SurveyHandle) -> None:
    plain = handle.create_session("plain", known_individuals=KnownIndividuals.IGNORED).info()
    assert (plain.strategy, plain.trust, plain.eps, plain.retrain) == ("learned", Trust.SINGLE, None, False)
    assert handle.create_session("sure", trust=Trust.VERIFIED).info().trust is Trust.VERIFIED


def test_bursts_and_galleries_are_asked_if_they_are_shown(session: SessionHandle) -> None:
    shown = session.next_pairs("anna", count=20, shows=[QuestionKind.GALLERY], gallery_size=2)
    assert {len(group.detections) for group in shown.groups} == {2}
    assert all(group.anchor and len(group.scores) == 2 for group in shown.groups)
    plain = session.next_pairs("ben", audit=True)
    assert "at random" in plain.pairs[0].reason


def test_a_burst_is_answered_as_a_whole(session: SessionHandle) -> None:
    session.next_pairs("anna")
    one = BurstAnswer(
        ("d00", "d04", "d08"),
        one_animal=True,
        annotator_id="anna",
        note="three frames",
        confidence=Confidence.SURE,
    )
    other = BurstAnswer(("d01", "d02"), one_animal=False, annotator_id="anna")
    submitted = session.submit_labels([], bursts=[one, other])
    assert [o.label.answer for o in submitted.outcomes] == [Answer.SAME, Answer.SAME, Answer.DIFFERENT]
    said = ("three frames", Confidence.SURE)
    assert [(one.note, one.confidence) for one in session.labels()] == [said, said, ("", None)]


def test_a_conflict_is_listed_and_ends_when_its_cause_is_retracted(session: SessionHandle) -> None:
    session.next_pairs("anna")
    cause = session.submit_labels([Label("d00", "d01", Answer.SAME, "anna")]).outcomes[0].label
    outcome = session.submit_labels([Label("d01", "d00", Answer.DIFFERENT, "anna")]).outcomes[0]
    (conflict,) = session.conflicts()
    assert outcome.conflict == conflict
    assert conflict.explanation == (cause,)
    progress = session.retract_labels([cause.label_id], "anna")
    assert (progress.same, progress.different, progress.conflicts) == (0, 1, 0)
    assert list(session.conflicts()) == []


def test_progress_is_watched_from_the_present_on(session: SessionHandle) -> None:
    session.next_pairs("anna")
    watched = session.watch_progress()
    assert next(watched) == session.progress()
    session.submit_labels([Label("d00", "d01", Answer.SAME, "anna")])
    assert next(watched).same == 1


def test_a_write_is_repeated_by_its_request_id(session: SessionHandle) -> None:
    (pair,) = session.next_pairs("anna").pairs
    label = Label(pair.first.detection_id, pair.second.detection_id, Answer.DIFFERENT, "anna")
    first, again = (session.submit_labels([label], request_id=IDS[0]) for _ in range(2))
    assert first.outcomes == again.outcomes
    assert session.progress().different == 1
    label_id = first.outcomes[0].label.label_id
    without, still = (session.retract_labels([label_id], "anna", request_id=IDS[1]) for _ in range(2))
    assert without.different == still.different == 0
    individual = next(session.individuals())
    named, repeated = (
        session.individual(individual.individual_id).rename("Sita", "anna", request_id=IDS[2])
        for _ in range(2)
    )
    assert named == repeated
    undone, twice = (session.undo_change(named.position, "anna", request_id=IDS[3]) for _ in range(2))
    assert undone == twice
