"""The kinds of events of a session's journal, and its pages, over which large events spread."""

from __future__ import annotations

from typing import NamedTuple, TypedDict

from services.common.store.journal import Journal
from spotted.event_parts import PART_BYTES, split
from spotted.v1 import sampler_pb2 as pb
from spotted.v1.individuals_pb2 import IndividualsChanged
from spotted.v1.session_facts_pb2 import SurveyRead

# a page ends before it, but has at least one entry
MOST_PAGE_BYTES = 2 << 20
# the start of a page counts each event before it as this many, and the parts before it of its first event
PARTS = 1 << 16


class EventKind(TypedDict, total=False):
    """The parts of an event, by the name of its kind; one of these is set."""

    created: pb.Session
    planned: pb.PlannedRound
    labelled: pb.LabelsGiven
    retracted: pb.LabelsRetracted
    audit: pb.AuditDrawn
    changed: IndividualsChanged
    read: SurveyRead
    updated: pb.SessionUpdated


class EventPage(NamedTuple):
    """A page of a journal."""

    events: list[pb.SessionEvent]
    """Events, or parts of events."""
    next_start: int | None
    """Start of the next page; None if this is the last one."""


def read_page(journal: Journal, start: int, count: int) -> EventPage:
    """Up to `count` events or parts of events from a start, 0 for the first page.

    Raises SurveyDamagedError.
    """
    index, skipped = divmod(start, PARTS)
    events: list[pb.SessionEvent] = []
    size, position = 0, index
    for position, entry in enumerate(journal.read(index), start=index + 1):
        # a large entry is not parsed for a page that ends before it
        if events and size + min(len(entry), PART_BYTES) > MOST_PAGE_BYTES:
            return EventPage(events, PARTS * (position - 1))
        event = pb.SessionEvent.FromString(entry)
        event.position = position
        for number, part in enumerate(split(event)):
            if number < skipped:
                continue
            size += part.ByteSize()
            if len(events) == count or (events and size > MOST_PAGE_BYTES):
                return EventPage(events, PARTS * (position - 1) + number)
            events.append(part)
        skipped = 0
    # events that were lost from the end are reported after the page of those before them
    if (length := journal.length()) > position:
        if not events:
            raise journal.lost(position, length - position)
        return EventPage(events, PARTS * position)
    return EventPage(events, None)
