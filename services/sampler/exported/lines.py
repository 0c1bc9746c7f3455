"""The state of a session that follows from its journal, as lines of JSON.

{"survey_id": "leopards", ...}       the session, first
{"detections": 36, ...}              its progress
{"individual_id": "ind-p00", ...}    then an individual on each line, or a part of a large one
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from google.protobuf import json_format

from services.sampler.session.imported_events import ImportedEvents
from services.sampler.session.progress import full_progress
from spotted.errors import InvalidInputError
from spotted.v1 import sampler_pb2 as pb


def state_lines(journal: Iterable[str]) -> Iterator[str]:
    """The lines of the state after a journal. journal: an event in JSON on each line, as it is exported.

    Raises InvalidInputError that names the first event that is damaged or cannot follow the others.
    """
    session = pb.Session()
    arriving: ImportedEvents | None = None
    for number, line in enumerate(journal, start=1):
        event = _event(line, number)
        if arriving is None:
            session.CopyFrom(event.created)
            arriving = ImportedEvents((session.survey_id, session.session_id), ())
        arriving.take(event)
    if arriving is None:
        raise InvalidInputError("it has no event; export the session again")
    state = arriving.state
    messages = session, full_progress(state, state.position), *state.named_individuals.messages()
    for message in messages:
        yield json_format.MessageToJson(message, indent=None)


def _event(line: str, number: int) -> pb.SessionEvent:
    try:
        return json_format.Parse(line, pb.SessionEvent())
    except json_format.ParseError as error:
        raise InvalidInputError(
            f"event {number} is no event of a session ({error}); export the session again"
        ) from error
