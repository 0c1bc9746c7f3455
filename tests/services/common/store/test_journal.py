from __future__ import annotations

import pytest

from services.common.store import keys
from services.common.store.folded import Folded
from services.common.store.journal import PAGE_ENTRIES, Change, Fields, Journal, News, Offer, OfferResult
from services.common.store.request_content import NO_REQUEST, KeptAnswer
from services.common.store.seal import entry_place, sealed
from services.common.store.store import Store
from spotted.errors import DamagedError, NotFoundError, SurveyDamagedError
from tests.services.journal_entries import DAMAGES, break_entry


@pytest.fixture
def journal(store: Store, survey_id: str) -> Journal:
    """A journal with the one event `first`."""
    made = Journal(store, survey_id)
    assert made.append(Change(b"first", b""), expected=0, scope="create", request_id="x") == b""
    return made


def as_stored(journal: Journal, position: int, word: bytes) -> bytes:
    return sealed(entry_place(journal.key, position), word)


def offer(word: bytes, request_id: str, ends: Fields | None = None) -> Offer:
    return Offer(Change(word, b"answer to " + word, ends), "add", request_id)


def test_an_append_behind_the_end_writes_nothing(journal: Journal) -> None:
    assert journal.append(Change(b"late", b"a"), expected=0, scope="add", request_id="late") is None
    assert journal.length() == 1
    assert journal.answered("add", "late") is None


def test_a_repeated_append_returns_the_first_answer(journal: Journal) -> None:
    for expected in (1, 2):
        answer = journal.append(
            Change(b"word", b"%d" % expected), expected=expected, scope="a", request_id="r"
        )
        assert answer == b"1"
    assert list(journal.read(0)) == [b"first", b"word"]


def test_entries_of_any_size_are_read_in_order_over_many_pages(journal: Journal) -> None:
    for i in range(1, 50):
        journal.append(Change(b"%d" % i, b""), expected=i, scope="add", request_id=str(i))
    assert list(journal.read(1)) == [b"%d" % i for i in range(1, 50)]


def test_offers_are_appended_in_their_order_with_an_answer_each(journal: Journal) -> None:
    first = as_stored(journal, 0, b"first")
    outcome = journal.offer([offer(b"leopard", "1"), offer(b"hyena", "2")], folded=1, first=first)
    appended = [as_stored(journal, 1, b"leopard"), as_stored(journal, 2, b"hyena")]
    assert outcome == OfferResult([None, None], None, appended)
    assert list(journal.read(0)) == [b"first", b"leopard", b"hyena"]
    assert [journal.answered("add", i) for i in "12"] == [b"answer to leopard", b"answer to hyena"]


def test_offers_beside_one_that_was_answered_before_are_not_appended(journal: Journal) -> None:
    journal.offer([offer(b"leopard", "1")], folded=1, first=as_stored(journal, 0, b"first"))
    outcome = journal.offer(
        [offer(b"hyena", "2"), offer(b"leopard", "1")], folded=2, first=as_stored(journal, 0, b"first")
    )
    assert outcome == OfferResult([None, KeptAnswer(NO_REQUEST, b"answer to leopard")], News(2, 2, []))
    assert journal.length() == 2
    assert journal.answered("add", "2") is None


def test_an_offer_from_behind_gets_one_page_of_what_is_missing(journal: Journal) -> None:
    words = [b"%d" % i for i in range(PAGE_ENTRIES + 3)]
    first = as_stored(journal, 0, b"first")
    journal.offer([offer(word, word.decode()) for word in words], folded=1, first=first)
    stored = [as_stored(journal, position, word) for position, word in enumerate(words, 1)]
    outcome = journal.offer([offer(b"late", "late")], folded=1, first=first)
    assert outcome == OfferResult([None], News(1, len(words) + 1, stored[:PAGE_ENTRIES]))
    assert journal.news(len(words), first) == News(len(words), len(words) + 1, stored[-1:])


@pytest.mark.parametrize(("folded", "first"), [(1, b"another"), (3, b"first")])
def test_a_journal_that_begins_otherwise_or_is_shorter_is_read_from_its_beginning(
    journal: Journal, folded: int, first: bytes
) -> None:
    whole = News(0, 1, [as_stored(journal, 0, b"first")])
    known = as_stored(journal, 0, first)
    assert journal.news(folded, known) == whole
    assert journal.offer([offer(b"word", "1")], folded=folded, first=known) == OfferResult([None], whole)
    assert journal.length() == 1


@pytest.mark.parametrize("last", [b"leopard", b"x" * 5000])
def test_a_journal_with_another_entry_at_the_readers_end_is_read_from_its_beginning(
    journal: Journal, last: bytes
) -> None:
    first = as_stored(journal, 0, b"first")
    journal.offer([offer(last, "1"), offer(b"after", "2")], folded=1, first=first)
    stored = [first, as_stored(journal, 1, last), as_stored(journal, 2, b"after")]
    assert journal.news(2, first, stored[1]) == News(2, 3, stored[2:])
    lost = as_stored(journal, 1, last[:-1] + b"?")
    assert journal.news(2, first, lost) == News(0, 3, stored)
    outcome = journal.offer([offer(b"word", "3")], folded=2, first=first, last=lost)
    assert outcome == OfferResult([None], News(0, 3, stored))


def test_fields_end_with_the_change_and_only_with_it(journal: Journal, store: Store, survey_id: str) -> None:
    key = keys.leases(survey_id, "s")
    store.script("redis.call('HSET', KEYS[1], 'a', 1, 'b', 2, 'c', 3)")([key], [])
    fields = store.script("local f = redis.call('HKEYS', KEYS[1]) table.sort(f) return f", writes=False)
    ends = Fields(key, ["a", "c", "absent"])
    journal.offer([offer(b"late", "1", ends)], folded=0, first=b"")
    assert fields([key], []) == [b"a", b"b", b"c"]
    journal.offer(
        [offer(b"leopard", "2"), offer(b"hyena", "3", ends)], folded=1, first=as_stored(journal, 0, b"first")
    )
    assert fields([key], []) == [b"b"]
    assert list(journal.read(1)) == [b"leopard", b"hyena"]


def test_a_change_without_an_event_keeps_its_answer_only(journal: Journal) -> None:
    first = as_stored(journal, 0, b"first")
    assert journal.offer([offer(b"", "1")], folded=1, first=first) == OfferResult([None], None, [])
    assert journal.length() == 1
    assert journal.answered("add", "1") == b"answer to "


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("position", range(4))
def test_every_damage_of_an_entry_is_noticed_and_nothing_is_appended_after_it(
    journal: Journal, store: Store, damage: str, position: int
) -> None:
    words = [b"leopard", b"hyena", b"nyala"]
    journal.offer([offer(word, word.decode()) for word in words], folded=1, first=b"")
    break_entry(store, journal.key, position, damage)
    length = store.length(journal.key)
    fold = Folded(journal, Words, NotFoundError)
    for call in (
        fold.view,
        lambda look: fold.change_and_view(lambda _: Change(b"new", b""), look, scope="a"),
    ):
        with pytest.raises(SurveyDamagedError, match=f"damaged at event {position + 1} "):
            call(lambda *_: None)
    assert store.length(journal.key) == length


def test_a_damaged_answer_is_not_returned(journal: Journal, store: Store, survey_id: str) -> None:
    journal.offer([offer(b"leopard", "1")], folded=1, first=b"")
    request = keys.request(survey_id, "add", "1")
    kept = store.get(request)
    assert kept is not None
    store.put(request, kept[:-6] + bytes([kept[-6] ^ 1]) + kept[-5:])
    with pytest.raises(DamagedError, match="kept answer"):
        journal.answered("add", "1")
    with pytest.raises(DamagedError, match="kept answer"):
        journal.append(Change(b"leopard", b""), expected=2, scope="add", request_id="1")


class Words:
    """A state of words."""

    def apply(self, event: bytes) -> None:
        assert event


def test_a_session_without_an_id_is_not_the_survey(store: Store, survey_id: str) -> None:
    survey, session = Journal(store, survey_id), Journal(store, survey_id, "")
    survey.append(Change(b"entry", b""), expected=0, scope="add", request_id="1")
    assert (survey.length(), session.length()) == (1, 0)
