from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from services.common.store.store import Store
from spotted.client import Label, SessionHandle, SurveyHandle, oracle
from spotted.client.values import BurstAnswer
from spotted.constraints.answers import Answer, LabelEffect
from spotted.constraints.trust import Trust
from spotted.errors import AlreadyExistsError, InvalidInputError, NotFoundError
from spotted.facts import KnownIndividuals
from spotted.testing import FakeScorer, fake_services
from spotted.testing.fake_sampler import FakeSampler
from tests.spotted.client.surveys import DETECTIONS, SPEC, serving, survey, vectors


@pytest.fixture
def handle(survey_id: str) -> Iterator[SurveyHandle]:
    with fake_services() as spotted:
        stored = spotted.create_survey(survey(survey_id))
        stored.add_detections(DETECTIONS, vectors(), SPEC)
        yield stored


@pytest.fixture
def session(handle: SurveyHandle) -> SessionHandle:
    return handle.create_session("main", known_individuals=KnownIndividuals.IGNORED)


def same(first: str, second: str) -> Label:
    return Label(first, second, Answer.SAME, "anna")


def test_the_oracle_finds_the_individuals(handle: SurveyHandle, session: SessionHandle) -> None:
    truth = oracle.read_truth(handle)
    oracle.answer_all(session, truth)
    found = {frozenset(one.detection_ids) for one in session.individuals()}
    assert found == {frozenset(d for d in truth if truth[d] == animal) for animal in truth.values()}
    assert session.next_pairs("anna").finished


def test_answers_do_what_they_do_to_the_sampler(session: SessionHandle, store: Store, survey_id: str) -> None:
    labels = [
        same("d00", "d04"),
        same("d04", "d08"),
        same("d00", "d08"),
        replace(same("d00", "d04"), answer=Answer.DIFFERENT),
        replace(same("d00", "d01"), answer=Answer.DIFFERENT),
        replace(same("d02", "d03"), answer=Answer.NOT_COMPARABLE),
    ]
    with serving(store) as spotted:
        real = spotted.create_survey(survey(survey_id))
        real.add_detections(DETECTIONS, vectors(), SPEC)
        expected = real.create_session(
            "main", strategy="greedy", trust=Trust.SINGLE, known_individuals=KnownIndividuals.IGNORED
        )
        expected.next_pairs("anna")
        for label in labels:
            ours, theirs = (one.submit_labels([label]) for one in (session, expected))
            assert ours.outcomes[0].effect is theirs.outcomes[0].effect
            assert ours.outcomes[0].implied_same_pairs == theirs.outcomes[0].implied_same_pairs
            for field in ("same", "different", "not_comparable", "individuals", "same_pairs", "conflicts"):
                assert getattr(ours.progress, field) == getattr(theirs.progress, field), field
        found, known = (
            [(one.individual_id, one.detection_ids) for one in each.individuals()]
            for each in (session, expected)
        )
        assert found == known
        assert session.individual("ind-d04").get().detection_ids == ("d00", "d04", "d08")
        conflicts, others = list(session.conflicts()), list(expected.conflicts())
        assert [len(one.explanation) for one in conflicts] == [len(one.explanation) for one in others]


def test_a_conflict_ends_when_its_cause_is_retracted(session: SessionHandle) -> None:
    cause = session.submit_labels([same("d00", "d01")]).outcomes[0].label
    different = replace(same("d00", "d01"), answer=Answer.DIFFERENT)
    outcome = session.submit_labels([different]).outcomes[0]
    assert outcome.effect is LabelEffect.CONFLICT
    assert outcome.conflict is not None
    assert outcome.conflict.explanation == (cause,)
    assert session.retract_labels([cause.label_id], "anna").conflicts == 0
    with pytest.raises(NotFoundError, match="label"):
        session.retract_labels([cause.label_id], "anna")


def test_a_session_is_exported_and_imported(handle: SurveyHandle, session: SessionHandle) -> None:
    session.submit_labels([same("d00", "d01")])
    copy = handle.import_session("copy", session.events())
    assert copy.labels() == session.labels()
    assert [one.session_id for one in handle.sessions()] == ["copy", "main"]
    assert next(copy.watch_progress()) == copy.progress()
    copy.delete()
    with pytest.raises(NotFoundError, match="create the session first"):
        copy.info()


def test_wrong_calls_are_refused(handle: SurveyHandle, session: SessionHandle) -> None:
    with pytest.raises(AlreadyExistsError):
        handle.create_session("main", seed=1)
    with pytest.raises(NotFoundError, match="'nosuch'"):
        session.submit_labels([same("d00", "nosuch")])
    with pytest.raises(InvalidInputError, match="pairs only"):
        session.submit_labels([], bursts=[BurstAnswer(("d00", "d01"), one_animal=True, annotator_id="anna")])
    with pytest.raises(InvalidInputError, match="event 1"):
        handle.import_session("empty", [])


def test_the_fake_names_what_it_answers() -> None:
    assert {"NextPairs", "SubmitLabels", "ListEvents"} <= FakeSampler(FakeScorer()).replies().keys()


def test_a_retraction_is_previewed_and_leases_are_given_back(session: SessionHandle) -> None:
    label = session.submit_labels([same("d00", "d01")]).outcomes[0].label
    before = session.progress()
    preview = session.preview_retraction([label.label_id], "anna")
    assert (preview.individuals, session.progress()) == (before.individuals + 1, before)
    assert session.retract_labels([label.label_id], "anna").individuals == preview.individuals
    assert session.release_leases("anna") == 0
