"""Events of an imported journal, converted to events of a session of this survey."""

from __future__ import annotations

from collections.abc import Collection

from services.common.access.caller import current_caller
from services.common.session.events import SessionEvents
from services.sampler.catalogue.access import require_access
from services.sampler.session.imported_changes import check_change
from services.sampler.session.state import SessionState
from spotted.errors import InvalidInputError, PermissionDeniedError, SpottedError
from spotted.v1 import sampler_pb2 as pb


class ImportedEvents:
    """The events of one journal, in order."""

    def __init__(self, key: tuple[str, str], detection_ids: Collection[str]) -> None:
        """Begin. key: the ids of the survey and the session. detection_ids: the survey's detections."""
        self._key = key
        self._events = SessionEvents(key[0], detection_ids, may_lack_gone=True)
        self.state = SessionState()
        """The session after the events so far."""

    def take(self, event: pb.SessionEvent) -> pb.SessionEvent:
        """The next event as the session stores it.

        Raises InvalidInputError if it cannot follow the earlier events; the message and the field
        `events[i]`, counted from 0 over the whole journal, name the event.
        """
        position = self._events.events + 1
        try:
            if event.position != position:
                raise InvalidInputError(
                    f"its position is {event.position}; send every event, in the order of the journal"
                )
            self._events.take(event)
            require_access(event.created, current_caller())
            if event.HasField("changed"):
                check_change(self.state, event)
            converted = self._converted(event)
            self.state.apply(converted.SerializeToString())
        except PermissionDeniedError:
            raise
        except SpottedError as error:
            raise InvalidInputError(f"event {position}: {error}", field=f"events[{position - 1}]") from error
        return converted

    def end(self) -> None:
        """Raise InvalidInputError if the survey lacks a detection that the session has in the end."""
        self._events.require_detections()

    def _converted(self, event: pb.SessionEvent) -> pb.SessionEvent:
        converted = pb.SessionEvent()
        converted.CopyFrom(event)
        converted.DiscardUnknownFields()
        # the order of the journal gives the position
        converted.ClearField("position")
        converted.ClearField("import_id")
        if converted.HasField("created"):
            converted.created.survey_id, converted.created.session_id = self._key
            converted.created.ClearField("create_time")
            converted.created.ClearField("update_time")
            converted.created.ClearField("position")
        return converted
