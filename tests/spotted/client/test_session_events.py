from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, product

import pytest

from services.common.store import keys
from services.common.store.store import Store
from spotted.client import SurveyHandle
from spotted.client.calls import MAX_MESSAGE_BYTES
from spotted.client.session_events import event_json, import_parts, read_event
from spotted.client.session_messages import session_event
from spotted.client.values import EventKind, Label, SessionEvent
from spotted.constraints.answers import Answer
from spotted.errors import InvalidInputError, NotFoundError
from spotted.facts import KnownIndividuals
from spotted.v1 import sampler_pb2
from tests.spotted.client.surveys import DETECTIONS
from tests.waiting import until


@pytest.fixture
def events(handle: SurveyHandle) -> list[SessionEvent]:
    """The events of a session with more answers than a page of events."""
    session = handle.create_session("main", known_individuals=KnownIndividuals.IGNORED)
    session.next_pairs("anna")
    for annotator, (first, second) in product(("anna", "ben"), combinations(DETECTIONS, 2)):
        same = first.individual_id == second.individual_id
        answer = Answer.SAME if same else Answer.DIFFERENT
        session.submit_labels([Label(first.detection_id, second.detection_id, answer, annotator)])
    return list(session.events())


def test_an_exported_session_is_imported_as_it_was(handle: SurveyHandle, events: list[SessionEvent]) -> None:
    assert [event.position for event in events] == list(range(1, len(events) + 1))
    assert len(events) > 100
    copy, session = handle.import_session("copy", iter(events)), handle.session("main")
    assert (copy.info().session_id, copy.info().position) == ("copy", len(events))
    assert handle.import_session("copy", events).info() == copy.info()
    assert copy.labels() == session.labels()
    assert copy.progress() == session.progress()
    assert list(copy.individuals()) == list(session.individuals())


def test_a_wrong_event_is_named_by_its_position_and_nothing_is_stored(
    handle: SurveyHandle, events: list[SessionEvent]
) -> None:
    message = sampler_pb2.SessionEvent.FromString(events[40].content)
    message.labelled.labels[0].first_detection_id = "d99"
    events[40] = session_event(message)
    with pytest.raises(InvalidInputError, match=r"event 41: .*'d99'"):
        handle.import_session("copy", events)
    with pytest.raises(NotFoundError):
        handle.session("copy").progress()


def test_events_that_cannot_be_read_to_their_end_store_nothing(
    handle: SurveyHandle, events: list[SessionEvent], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spotted.client.session_events.MOST_EVENTS", 20)
    uploads = f"{keys.of_survey(handle.survey_id)}session:copy:"

    def torn() -> Iterator[SessionEvent]:
        yield from events[:60]
        until(lambda: store.names(uploads), "the first events are stored")
        raise InvalidInputError("line 61 is no event")

    with pytest.raises(InvalidInputError, match="line 61"):
        handle.import_session("copy", torn())
    until(lambda: not store.names(uploads), "the uploaded events are gone")
    with pytest.raises(NotFoundError):
        handle.session("copy").progress()


def planned(reason: str) -> SessionEvent:
    message = sampler_pb2.SessionEvent(position=2, planned=sampler_pb2.PlannedRound(reasons=[reason]))
    return session_event(message)


def test_a_large_journal_is_sent_in_messages_below_the_limit() -> None:
    # as large as rounds come
    larger = [planned("x" * 700_000)] * 12
    parts = list(import_parts("survey", "copy", larger))
    assert [session_event(event) for part in parts for event in part.events] == larger
    assert max(part.ByteSize() for part in parts) < MAX_MESSAGE_BYTES
    assert [part.session_id for part in parts][:2] == ["copy", ""]
    assert [part.complete for part in parts] == [False] * (len(parts) - 1) + [True]


def test_an_event_travels_as_one_line_of_json() -> None:
    label = sampler_pb2.Label(
        label_id="l", first_detection_id="a", second_detection_id="b", answer=sampler_pb2.ANSWER_SAME
    )
    given = sampler_pb2.LabelsGiven(labels=[label])
    event = session_event(sampler_pb2.SessionEvent(position=7, labelled=given))
    assert (event.kind, [one.answer for one in event.labels]) == (EventKind.LABELLED, [Answer.SAME])
    line = event_json(event)
    assert "\n" not in line
    assert json.loads(line)["labelled"]["labels"][0]["answer"] == "ANSWER_SAME"
    assert read_event(line) == event


def test_what_is_not_an_event_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="export the session again"):
        read_event('{"position": "many"}')
    with pytest.raises(InvalidInputError, match="event 7 is not an event"):
        list(import_parts("survey", "copy", [replace(planned("x"), position=7, content=b"\xff")]))
