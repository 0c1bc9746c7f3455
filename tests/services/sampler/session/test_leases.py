from __future__ import annotations

import time
import uuid

from services.common.store import keys
from services.common.store.journal import Change, Journal, generation
from services.common.store.keys import SessionKey
from services.common.store.store import Store
from services.common.survey.existence import Existence
from services.sampler.session.leases import Leases, lease_fields
from tests.waiting import until

PAIR, OTHER = ("d1", "d2"), ("d1", "d3")


def begun(store: Store, survey_id: str, session_id: str = "s") -> tuple[SessionKey, str]:
    """The ids and the generation of a session, which is created if it does not exist."""
    existence, key = Existence(store), (survey_id, session_id)
    existence.create_session(key, existence.generation(survey_id), uuid.uuid4().bytes, b"", "")
    return key, generation(store.slice(keys.session_journal(*key), 0, 0)[0])


def test_a_leased_pair_is_refused_to_others_and_extended_for_its_annotator(
    store: Store, survey_id: str
) -> None:
    leases = Leases(store)
    (first,) = leases.acquire(*begun(store, survey_id), "anna", [PAIR], 60.0)
    assert leases.acquire(*begun(store, survey_id), "ben", [PAIR, OTHER], 60.0)[0].pair == OTHER
    (again,) = leases.acquire(*begun(store, survey_id), "anna", [PAIR], 120.0)
    assert again.ends_s > first.ends_s + 30


def test_live_leases_are_listed_by_pair_with_their_annotators(store: Store, survey_id: str) -> None:
    leases = Leases(store)
    leases.acquire(*begun(store, survey_id), "ben", [OTHER], 60.0)
    leases.acquire(*begun(store, survey_id), "anna", [PAIR], 60.0)
    listed = leases.live(survey_id, "s")
    assert [(lease.pair, lease.annotator_id) for lease in listed] == [(PAIR, "anna"), (OTHER, "ben")]
    assert all(0 < lease.ends_s - time.time() <= 61 for lease in listed)


def test_an_ended_lease_is_gone(store: Store, survey_id: str) -> None:
    leases = Leases(store)
    key = begun(store, survey_id)
    leases.acquire(*key, "anna", [PAIR], 0.02)
    until(lambda: not leases.live(survey_id, "s"), "the lease has ended")
    assert leases.acquire(*key, "ben", [PAIR], 60.0)[0].annotator_id == "ben"


def test_a_pair_that_was_answered_is_free_and_others_are_not(store: Store, survey_id: str) -> None:
    leases = Leases(store)
    leases.acquire(*begun(store, survey_id), "anna", [PAIR, OTHER], 60.0)
    journal = Journal(store, survey_id, "s")
    answered = Change(b"label", b"", lease_fields(survey_id, "s", [PAIR]))
    journal.append(answered, expected=1, scope="SubmitLabels", request_id="r")
    assert [lease.pair for lease in leases.live(survey_id, "s")] == [OTHER]


def test_sessions_do_not_share_leases(store: Store, survey_id: str) -> None:
    leases = Leases(store)
    leases.acquire(*begun(store, survey_id), "anna", [PAIR], 60.0)
    assert leases.acquire(*begun(store, survey_id, "t"), "ben", [PAIR], 60.0)


def test_nothing_asked_for_is_nothing_leased(store: Store, survey_id: str) -> None:
    leases = Leases(store)
    assert leases.acquire(*begun(store, survey_id), "anna", [], 60.0) == []
    assert leases.live(survey_id, "s") == []


def test_questions_of_a_deleted_session_lease_nothing_in_the_one_created_since(
    store: Store, survey_id: str
) -> None:
    leases, existence = Leases(store), Existence(store)
    key, old = begun(store, survey_id)
    assert existence.delete_session(key, "")
    assert leases.acquire(key, old, "anna", [PAIR], 60.0) == []
    _, new = begun(store, survey_id)
    assert leases.acquire(key, old, "anna", [PAIR], 60.0) == []
    assert leases.live(*key) == []
    assert leases.acquire(key, new, "ben", [PAIR], 60.0)


def test_damaged_leases_are_dropped_and_the_others_stay(store: Store, survey_id: str) -> None:
    leases = Leases(store)
    key = begun(store, survey_id)
    leases.acquire(*key, "anna", [PAIR], 60.0)
    damage = store.script("return redis.call('HSET', KEYS[1], unpack(ARGV))")
    fields: list[bytes | str | int] = [
        b"a\0b",
        b"soon",
        b"a b",
        b"1\0x",
        b"c\0d",
        b"\0x",
        b"e\xff\0f",
        b"9\0x",
    ]
    damage([keys.leases(survey_id, "s")], fields)
    assert [lease.pair for lease in leases.live(survey_id, "s")] == [PAIR]
    far = b"99999999999999\0\xff"
    damage([keys.leases(survey_id, "s")], [b"e\xff\0f", far])
    assert len(leases.live(survey_id, "s")) == 2
    assert leases.acquire(*key, "ben", [OTHER], 60.0)


def test_leases_that_are_given_back_are_free_and_those_of_others_stay(store: Store, survey_id: str) -> None:
    leases = Leases(store)
    key = begun(store, survey_id)
    leases.acquire(*key, "anna", [PAIR, OTHER], 60.0)
    leases.acquire(*key, "ben", [("d4", "d5")], 60.0)
    assert leases.release(*key[0], "anna") == 2
    assert [lease.annotator_id for lease in leases.live(*key[0])] == ["ben"]
    assert leases.release(*key[0], "anna") == 0
    assert leases.acquire(*key, "ben", [PAIR], 60.0)
