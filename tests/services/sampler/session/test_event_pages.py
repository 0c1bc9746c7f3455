from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.common.rpc.message_sizes import MAX_MESSAGE_BYTES
from services.common.store import keys
from services.common.store.journal import Journal
from services.common.store.seal import entry_place, sealed
from services.common.store.store import Store
from services.sampler.session.event_pages import read_page
from services.sampler.session.session_import import import_session
from spotted.client.session_events import import_parts, whole_events
from spotted.event_parts import Joining
from spotted.v1 import sampler_pb2 as pb
from tests.services.journal_entries import push
from tests.services.sampler.journals import journal_of, toy_scorer
from tests.services.sampler.surveys import Sampler, plant_survey


def planned(count: int) -> pb.SessionEvent:
    return pb.SessionEvent(planned=pb.PlannedRound(added_detection_ids=[f"{n:036d}" for n in range(count)]))


SIZES = (1, 5, 100_000, 2, 60_000, 1)


@pytest.fixture
def journal(store: Store, survey_id: str) -> Journal:
    key = keys.session_journal(survey_id, "pages")
    push(store, key, *(planned(size).SerializeToString() for size in SIZES))
    return Journal(store, survey_id, "pages")


@pytest.mark.parametrize("count", [1, 2, 3, 1000])
def test_pages_hold_every_event_once_and_fit_into_messages(journal: Journal, count: int) -> None:
    joining = Joining()
    events: list[pb.SessionEvent] = []
    start: int | None = 0
    while start is not None:
        page = read_page(journal, start, count)
        assert 1 <= len(page.events) <= count
        assert pb.ListEventsResponse(events=page.events).ByteSize() < MAX_MESSAGE_BYTES
        events += joining.whole(page.events)
        start = page.next_start
    joining.end()
    assert [len(event.planned.added_detection_ids) for event in events] == [*SIZES]
    assert [event.position for event in events] == [1, 2, 3, 4, 5, 6]


def test_a_page_after_the_last_event_is_empty(journal: Journal) -> None:
    assert read_page(journal, 1 << 40, 10) == ([], None)


def test_a_first_round_larger_than_a_message_is_exported_and_imported(store: Store, survey_id: str) -> None:
    sampler = Sampler(store, toy_scorer())
    plant_survey(store, survey_id)
    journal = journal_of(sampler, survey_id)
    # what a hundred thousand detections would add, without planning a round of them
    reason = "x" * 200
    (first,) = [event for event in journal if event.HasField("planned")][:1]
    first.planned.reasons.extend(f"{n} {reason}" for n in range(25_000))
    key = keys.session_journal(survey_id, "main")
    store.script("redis.call('LSET', KEYS[1], ARGV[1], ARGV[2])")(
        [key],
        [first.position - 1, sealed(entry_place(key, first.position - 1), first.SerializeToString())],
    )
    assert first.ByteSize() > MAX_MESSAGE_BYTES
    pages = []
    start: int | None = 0
    while start is not None:
        page = sampler.sessions.events_page(survey_id, "main", start, 100)
        pages.append(page.events)
        start = page.next_start
    requests = [*import_parts(survey_id, "copy", whole_events(pages))]
    assert all(request.ByteSize() < MAX_MESSAGE_BYTES for request in requests)

    async def stream() -> AsyncIterator[pb.ImportSessionRequest]:
        for request in requests:
            yield request

    asyncio.run(import_session(sampler.sessions.begin_import, stream()))
    (copied,) = [e for e in sampler.sessions.events(survey_id, "copy") if e.position == first.position]
    assert copied.planned == first.planned
