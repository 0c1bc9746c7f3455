"""The journal of a session: as lines of JSON, as the messages of an import, and what follows from a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from google.protobuf import json_format
from google.protobuf.message import DecodeError

from spotted.client.individuals.messages import individual_values
from spotted.client.session_messages import progress_value, session_event, session_info
from spotted.client.values.individuals import Individual
from spotted.client.values.progress import Progress
from spotted.client.values.sessions import Label, SessionEvent, SessionInfo
from spotted.errors import InvalidInputError
from spotted.event_parts import Joining, split
from spotted.v1 import individuals_pb2, sampler_pb2

# most events of one message of an import, and their bytes
MOST_EVENTS, MOST_BYTES = 1000, 2 << 20


@dataclass(frozen=True, slots=True)
class ExportedSession:
    """The state of a session that was exported to a file."""

    info: SessionInfo
    """The session as it was created."""
    progress: Progress
    """Its progress."""
    individuals: tuple[Individual, ...]
    """Its individuals, largest first."""


def event_json(event: SessionEvent) -> str:
    """An event as one line of JSON, in the contract's JSON form."""
    return json_format.MessageToJson(_message(event), indent=None)


def read_event(text: str) -> SessionEvent:
    """An event from its JSON. Raises InvalidInputError."""
    try:
        return session_event(json_format.Parse(text, sampler_pb2.SessionEvent()))
    except json_format.ParseError as error:
        raise InvalidInputError(f"not an event of a session ({error}); export the session again") from error


def whole_events(pages: Iterable[Iterable[sampler_pb2.SessionEvent]]) -> Iterator[SessionEvent]:
    """The events of pages of a journal, those that came in parts joined."""
    joining = Joining()
    for page in pages:
        yield from map(session_event, joining.whole(page))
    joining.end()


def standing_labels(events: Iterable[SessionEvent]) -> list[Label]:
    """The labels of a journal that have not been retracted, oldest first."""
    labels: dict[str, Label] = {}
    for event in events:
        labels |= {label.label_id: label for label in event.labels}
        for label_id in event.retracted_label_ids:
            labels.pop(label_id, None)
    return list(labels.values())


def read_exported(lines: Iterable[str]) -> ExportedSession:
    """The state that `python -m services.sampler.exported` prints."""
    session, progress, *individuals = lines
    listed = (json_format.Parse(line, individuals_pb2.Individual()) for line in individuals)
    return ExportedSession(
        session_info(json_format.Parse(session, sampler_pb2.Session())),
        progress_value(json_format.Parse(progress, sampler_pb2.Progress())),
        tuple(individual_values(listed)),
    )


def import_parts(
    survey_id: str, session_id: str, events: Iterable[SessionEvent]
) -> Iterator[sampler_pb2.ImportSessionRequest]:
    """Events as messages of an import: the ids in the first, `complete` in the last."""
    part = sampler_pb2.ImportSessionRequest(survey_id=survey_id, session_id=session_id)
    size = 0
    for event in (each for whole in events for each in split(_message(whole))):
        if len(part.events) == MOST_EVENTS or size + event.ByteSize() > MOST_BYTES:
            yield part
            part, size = sampler_pb2.ImportSessionRequest(), 0
        part.events.append(event)
        size += event.ByteSize()
    part.complete = True
    yield part


def _message(event: SessionEvent) -> sampler_pb2.SessionEvent:
    try:
        return sampler_pb2.SessionEvent.FromString(event.content)
    except DecodeError as error:
        raise InvalidInputError(
            f"event {event.position} is not an event of a session ({error}); export the session again"
        ) from error
