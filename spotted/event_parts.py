"""Large events of a session's journal in parts that fit into messages, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from google.protobuf.message import DecodeError

from spotted.errors import InvalidInputError
from spotted.v1 import sampler_pb2 as pb

PART_BYTES = 1 << 20
# a round that adds a million detections with long ids; more would fill the memory of who joins it
MOST_EVENT_BYTES = 512 << 20


def split(event: pb.SessionEvent) -> list[pb.SessionEvent]:
    """An event as it travels: itself, or its parts if it is larger than PART_BYTES."""
    if event.ByteSize() <= PART_BYTES:
        return [event]
    content = event.SerializeToString()
    return [
        pb.SessionEvent(
            position=event.position,
            part=pb.EventPart(
                content=content[start : start + PART_BYTES], last=start + PART_BYTES >= len(content)
            ),
        )
        for start in range(0, len(content), PART_BYTES)
    ]


class Joining:
    """Joins the parts of events that arrive one after the other."""

    def __init__(self) -> None:
        self._position = 0
        self._parts: list[bytes] = []
        self._size = 0

    def whole(self, events: Iterable[pb.SessionEvent]) -> Iterator[pb.SessionEvent]:
        """The events that are complete now. Raises InvalidInputError if parts are missing or out of order."""
        for event in events:
            if event.HasField("part"):
                if self._parts and event.position != self._position:
                    raise self._incomplete()
                self._add(event)
                if event.part.last:
                    yield self._joined()
            elif self._parts:
                raise self._incomplete()
            else:
                yield event

    def end(self) -> None:
        """Raise InvalidInputError if the last event is incomplete."""
        if self._parts:
            raise self._incomplete()

    def _add(self, event: pb.SessionEvent) -> None:
        self._position = event.position
        self._size += len(event.part.content)
        if self._size > MOST_EVENT_BYTES:
            raise InvalidInputError(
                f"the parts of event {self._position} are larger than {MOST_EVENT_BYTES >> 20} MiB; export "
                "the session again"
            )
        self._parts.append(event.part.content)

    def _joined(self) -> pb.SessionEvent:
        try:
            joined = pb.SessionEvent.FromString(b"".join(self._parts))
        except DecodeError as error:
            raise InvalidInputError(
                f"the parts of event {self._position} are not an event ({error}); export the session again"
            ) from error
        if joined.HasField("part") or joined.position != self._position:
            raise self._incomplete()
        self._parts, self._size = [], 0
        return joined

    def _incomplete(self) -> InvalidInputError:
        return InvalidInputError(
            f"event {self._position} is incomplete; send all its parts, in order and nothing between them"
        )
