from __future__ import annotations

import pytest

from services.common.rpc import checks
from services.common.store import keys
from services.common.store.journal import Change, Journal
from services.common.store.store import Store
from services.sampler.session import journal_pages
from services.sampler.session.journal_pages import read_events
from spotted.errors import PreconditionError
from spotted.v1 import sampler_pb2 as pb
from tests.services.sampler.surveys import Sampler, ToyScorer, planted


def journal(store: Store, survey_id: str, *extra: bytes) -> Journal:
    sampler = Sampler(store, ToyScorer(planted()))
    sampler.create(survey_id)
    for entry in extra:
        sampler.sessions.folded(survey_id, "main").change(lambda _, e=entry: Change(e, b""), scope="Test")
    return Journal(store, keys.session_journal(survey_id, "main"), survey_id)


def test_events_have_their_positions_from_any_start(store: Store, survey_id: str) -> None:
    audit = pb.SessionEvent(audit=pb.AuditDrawn()).SerializeToString()
    made = journal(store, survey_id, audit, audit)
    assert [event.position for event in read_events(made, 0, 10)] == [1, 2, 3]
    assert [event.position for event in read_events(made, 1, 1)] == [2]


def test_a_page_ends_before_it_is_too_large_and_has_at_least_one_event(
    store: Store, survey_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit = pb.SessionEvent(audit=pb.AuditDrawn()).SerializeToString()
    made = journal(store, survey_id, audit, audit)
    monkeypatch.setattr(journal_pages, "MOST_PAGE_BYTES", 1)
    assert [event.position for event in read_events(made, 0, 10)] == [1]
    monkeypatch.setattr(checks, "ANSWER_BYTES", 1)
    with pytest.raises(PreconditionError, match="event 1 is larger than a message"):
        read_events(made, 0, 10)
