from __future__ import annotations

import uuid
from functools import partial
from typing import Any

import pytest
from google.protobuf.message import Message

from spotted.client import SurveyHandle
from spotted.client.individuals.handle import IndividualHandle
from spotted.client.session_handle import SessionHandle
from spotted.client.values import Label
from spotted.constraints.answers import Answer
from spotted.errors import AlreadyExistsError, NotFoundError, PreconditionError
from spotted.facts import KnownIndividuals
from spotted.individuals.attributes import Sex, Status
from spotted.testing import fake_services
from spotted.v1 import individuals_pb2 as pb


@pytest.fixture
def session(handle: SurveyHandle) -> SessionHandle:
    session = handle.create_session("main", strategy="greedy", known_individuals=KnownIndividuals.IGNORED)
    session.next_pairs("anna")
    return session


def test_a_handle_is_made_without_a_call(session: SessionHandle) -> None:
    handle = session.individual("ind-d00")
    assert isinstance(handle, IndividualHandle)
    assert repr(handle).endswith("'main', 'ind-d00')")


def test_an_individual_is_named_described_and_found_again(session: SessionHandle) -> None:
    handle = session.individual("ind-d00")
    assert handle.get().name == "ind-d00"
    handle.rename("Sita", "anna")
    change = handle.update(
        "anna", sex=Sex.FEMALE, status=Status.DEAD, dead_since_s=5.0, notes="torn ear", tags=["ear"]
    )
    (one,) = change.individuals
    assert one == handle.get() == next(session.individuals(display_name="sita"))
    assert (one.name, one.sex, one.status, one.dead_since_s) == ("Sita", Sex.FEMALE, Status.DEAD, 5.0)
    assert (one.notes, one.tags, one.position) == ("torn ear", ("ear",), change.position)
    with pytest.raises(AlreadyExistsError, match="'ind-d00' is named 'Sita'"):
        session.individual("ind-d01").rename("Sita", "anna")
    with pytest.raises(NotFoundError):
        session.individual("ind-x").get()
    handle.rename("", "anna")
    assert handle.get().name == "ind-d00"


def test_individuals_are_merged_split_moved_and_all_of_it_undone(session: SessionHandle) -> None:
    before = list(session.individuals())
    label = Label("d00", "d04", Answer.DIFFERENT, "anna")
    session.submit_labels([label])
    handle = session.individual("ind-d00")
    merged = handle.merge(["ind-d04", "ind-d08"], "carla")
    assert handle.get().detection_ids == ("d00", "d04", "d08")
    assert [alias.individual_id for alias in handle.get().aliases] == ["ind-d04", "ind-d08"]
    assert [(one.first_detection_id, one.annotator_id) for one in merged.superseded] == [("d00", "anna")]
    split = handle.split(["d08"], "carla", as_of=merged.position)
    moved = session.individual("ind-d08").move_here(["d04"], "carla")
    assert session.individual("ind-d04").get().individual_id == "ind-d08"
    with pytest.raises(PreconditionError, match="changed at position"):
        handle.merge(["ind-d08"], "carla", as_of=merged.position)
    for change in (moved, split, merged):
        session.undo_change(change.position, "carla")
    session.retract_labels([merged.superseded[0].label_id], "anna")
    assert [(one.individual_id, one.detection_ids) for one in session.individuals()] == [
        (one.individual_id, one.detection_ids) for one in before
    ]
    kinds = [event.change.kind for event in session.events() if event.change]
    assert kinds == ["merged", "split", "moved", "undone", "undone", "undone"]


def test_a_watcher_sees_a_change_and_resumes_at_its_cursor(session: SessionHandle) -> None:
    watched = session.watch_individuals()
    first = next(watched)
    assert first.reset
    session.individual("ind-d00").merge(["ind-d04"], "carla")
    change = next(watched)
    assert (change.ended, [one.individual_id for one in change.individuals]) == (("ind-d04",), ["ind-d00"])
    assert next(session.watch_individuals(first.cursor)) == change


def test_every_change_names_its_session_who_states_it_and_what_they_have_seen() -> None:
    sent: list[Any] = []
    names = ("UpdateIndividual", "MergeIndividuals", "SplitIndividual", "MoveDetections")
    answers = {name: partial(answered, sent, getattr(pb, f"{name}Response")) for name in names}
    with fake_services(answers) as spotted:
        one = spotted.survey("kruger").session("main").individual("ind-a")
        one.rename("Sita", "anna", as_of=7, request_id="r")
        one.merge(["ind-b"], "anna", as_of=7, request_id="r")
        one.split(["b"], "anna", as_of=7, request_id="r")
        one.move_here(["b"], "anna", as_of=7)
    assert [(one.survey_id, one.session_id, one.annotator_id, one.as_of_position) for one in sent] == [
        ("kruger", "main", "anna", 7)
    ] * 4
    *given, made = (one.request_id for one in sent)
    assert given == ["r", "r", "r"]
    assert str(uuid.UUID(made)) == made


def answered(sent: list[Message], response: type[Message], request: Message) -> Message:
    """An empty answer to a request that is noted."""
    sent.append(request)
    return response()
