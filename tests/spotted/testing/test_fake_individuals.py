"""A watch of the fake; that it lists and changes individuals as the sampler is tested with its changes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from spotted.client import EmbeddingSpec, SessionHandle
from spotted.errors import NotFoundError
from spotted.survey import Detection, Survey
from spotted.testing import FakeSampler, FakeScorer, fake_services
from spotted.testing.fake_individuals import FakeIndividuals
from spotted.v1 import individuals_pb2

SPEC = EmbeddingSpec("backbone", "preprocessing", dimension=3)


@pytest.fixture
def session() -> Iterator[SessionHandle]:
    with fake_services() as spotted:
        survey = spotted.create_survey(Survey("kruger", 0.0, 86_400.0))
        detections = [Detection(name) for name in "abc"]
        survey.add_detections(detections, np.eye(3), SPEC)
        yield survey.create_session("main")


def test_a_watch_begins_with_all_and_resumes_at_its_cursor(session: SessionHandle) -> None:
    (first,) = session.watch_individuals()
    assert first.reset
    assert [one.individual_id for one in first.individuals] == ["ind-a", "ind-b", "ind-c"]
    session.individual("ind-a").merge(["ind-b"], "carla")
    (change,) = session.watch_individuals(first.cursor)
    assert (change.reset, change.ended) == (False, ("ind-b",))
    assert [one.individual_id for one in change.individuals] == ["ind-a"]
    (nothing,) = session.watch_individuals(change.cursor)
    assert (nothing.ended, nothing.individuals) == ((), ())
    (again,) = session.watch_individuals("5-other")
    assert again.reset


def test_a_session_with_changes_is_exported_and_imported(session: SessionHandle) -> None:
    session.individual("ind-a").rename("Sita", "anna")
    change = session.individual("ind-a").merge(["ind-b"], "carla")
    session.individual("ind-c").move_here(["b"], "carla")
    session.undo_change(change.position, "carla")
    with fake_services() as other:
        survey = other.create_survey(Survey("kruger", 0.0, 86_400.0))
        detections = [Detection(name) for name in "abc"]
        survey.add_detections(detections, np.eye(3), SPEC)
        copy = survey.import_session("copy", session.events())
        assert list(copy.individuals()) == list(session.individuals())


def test_a_session_that_does_not_exist_has_no_individuals() -> None:
    sampler = FakeSampler(FakeScorer())
    individuals = FakeIndividuals(lambda request: sampler.sessions[request.survey_id, request.session_id])
    assert individuals.replies().keys() <= sampler.replies().keys()
    with pytest.raises(NotFoundError, match="create the session first"):
        sampler.replies()["GetIndividual"](individuals_pb2.GetIndividualRequest(session_id="main"))
