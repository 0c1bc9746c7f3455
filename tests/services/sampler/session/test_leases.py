from __future__ import annotations

import time

from services.common.store import keys
from services.common.store.journal import Change, Journal
from services.common.store.store import Store
from services.sampler.session.leases import Leases, lease_fields
from tests.waiting import until

PAIR, OTHER = ("d1", "d2"), ("d1", "d3")


def test_a_leased_pair_is_refused_to_others_and_extended_for_its_annotator(
    store: Store, survey_id: str
) -> None:
    leases = Leases(store)
    (first,) = leases.acquire(survey_id, "s", "anna", [PAIR], 60.0)
    assert leases.acquire(survey_id, "s", "ben", [PAIR, OTHER], 60.0)[0].pair == OTHER
    (again,) = leases.acquire(survey_id, "s", "anna", [PAIR], 120.0)
    assert again.ends_s > first.ends_s + 30


def test_live_leases_are_listed_by_pair_with_their_annotators(store: Store, survey_id: str) -> None:
    leases = Leases(store)
    leases.acquire(survey_id, "s", "ben", [OTHER], 60.0)
    leases.acquire(survey_id, "s", "anna", [PAIR], 60.0)
    listed = leases.live(survey_id, "s")
    assert [(lease.pair, lease.annotator_id) for lease in listed] == [(PAIR, "anna"), (OTHER, "ben")]
    assert all(0 < lease.ends_s - time.time() <= 61 for lease in listed)


def test_an_ended_lease_is_gone(store: Store, survey_id: str) -> None:
    leases = Leases(store)
    leases.acquire(survey_id, "s", "anna", [PAIR], 0.02)
    until(lambda: not leases.live(survey_id, "s"), "the lease has ended")
    assert leases.acquire(survey_id, "s", "ben", [PAIR], 60.0)[0].annotator_id == "ben"


def test_a_pair_that_was_answered_is_free_and_others_are_not(store: Store, survey_id: str) -> None:
    leases = Leases(store)
    leases.acquire(survey_id, "s", "anna", [PAIR, OTHER], 60.0)
    journal = Journal(store, keys.session_journal(survey_id, "s"), survey_id)
    answered = Change(b"label", b"", lease_fields(survey_id, "s", [PAIR]))
    journal.append(answered, expected=0, scope="SubmitLabels", request_id="r")
    assert [lease.pair for lease in leases.live(survey_id, "s")] == [OTHER]


def test_sessions_do_not_share_leases(store: Store, survey_id: str) -> None:
    leases = Leases(store)
    leases.acquire(survey_id, "s", "anna", [PAIR], 60.0)
    assert leases.acquire(survey_id, "t", "ben", [PAIR], 60.0)


def test_nothing_asked_for_is_nothing_leased(store: Store, survey_id: str) -> None:
    leases = Leases(store)
    assert leases.acquire(survey_id, "s", "anna", [], 60.0) == []
    assert leases.live(survey_id, "s") == []
