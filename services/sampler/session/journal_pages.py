"""A session's journal in pages that fit into messages."""

from __future__ import annotations

from itertools import islice

from services.common.rpc import checks
from services.common.store.journal import Journal
from spotted.errors import PreconditionError
from spotted.v1 import sampler_pb2 as pb

# a page ends before it, but has at least one entry
MOST_PAGE_BYTES = 2 << 20


def read_events(journal: Journal, start: int, count: int) -> list[pb.SessionEvent]:
    """Up to `count` events from position `start`, counted from 0; fewer if they would not fit into a message.

    Raises PreconditionError for an event that is larger than a message.
    """
    events: list[pb.SessionEvent] = []
    size = 0
    for position, entry in enumerate(islice(journal.read(start), count), start=start + 1):
        size += len(entry)
        if len(entry) > checks.ANSWER_BYTES:
            raise PreconditionError(f"event {position} is larger than a message; back up the survey instead")
        if events and size > MOST_PAGE_BYTES:
            break
        event = pb.SessionEvent.FromString(entry)
        event.position = position
        events.append(event)
    return events
