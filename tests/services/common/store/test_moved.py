from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.store.journal import Change, Journal
from services.common.store.moved import (
    BlockLostError,
    Reference,
    is_moved,
    mark_of,
    opened_entry,
    reference_of,
    without_part,
)
from services.common.store.seal import entry_place, sealed
from services.common.store.store import Store
from spotted.errors import PreconditionError, SurveyDamagedError

REFERENCE = Reference("ab" * 16, "cd" * 32, "ef" * 8, 3, 5)
PLACE = "journal 7"


class Parts:
    """Blocks with one content."""

    def __init__(self, part: bytes | None) -> None:
        self.part_of_all = part
        self.asked: list[tuple[str, Reference]] = []

    def part(self, organisation: str, reference: Reference) -> bytes:
        self.asked.append((organisation, reference))
        if self.part_of_all is None:
            raise BlockLostError("block x is gone")
        return self.part_of_all


@given(st.binary(min_size=1), st.binary(min_size=1), st.binary())
def test_an_entry_without_a_part_and_the_part_are_the_entry(before: bytes, part: bytes, after: bytes) -> None:
    # an event begins with a tag, which is never 0
    event = b"\x0a" + before + part + after
    entry = sealed(PLACE, event)
    short = without_part(PLACE, entry, part, REFERENCE)
    assert is_moved(short)
    assert not is_moved(entry)
    assert mark_of(short) == mark_of(entry)
    assert reference_of(PLACE, short) == REFERENCE
    blocks = Parts(part)
    assert opened_entry(blocks, "zoo", PLACE, short) == event == opened_entry(None, "zoo", PLACE, entry)
    assert blocks.asked == [("zoo", REFERENCE)]


@given(st.data())
def test_a_changed_entry_or_part_is_noticed(data: st.DataObject) -> None:
    part = b"0123456789"
    entry = sealed(PLACE, b"\x0abegin" + part + b"end")
    short = bytearray(without_part(PLACE, entry, part, REFERENCE))
    assert opened_entry(Parts(b"0123456780"), "", PLACE, bytes(short)) is None
    assert opened_entry(Parts(part), "", "journal 8", bytes(short)) is None
    bit = data.draw(st.integers(8, 8 * len(short) - 1))
    short[bit // 8] ^= 1 << bit % 8
    assert opened_entry(Parts(part), "", PLACE, bytes(short)) is None
    assert reference_of(PLACE, bytes(short)) is None


def test_a_part_that_is_not_in_the_entry_cannot_be_moved() -> None:
    with pytest.raises(ValueError, match="not found"):
        without_part(PLACE, sealed(PLACE, b"\x0aevent"), b"other", REFERENCE)


def test_a_reader_of_the_last_entry_need_not_read_it_again_once_it_is_without_part(
    store: Store, survey_id: str
) -> None:
    journal = Journal(store, survey_id)
    for at, event in enumerate((b"\x0afirst", b"\x0abegin" + b"v" * 600 + b"end")):
        journal.append(Change(event, b""), expected=at, scope="add", request_id=str(at))
    first, last = store.slice(journal.key, 0, 1)
    short = without_part(entry_place(journal.key, 1), last, b"v" * 600, REFERENCE)
    store.script("redis.call('LSET', KEYS[1], 1, ARGV[1])")([journal.key], [short])
    for read in (last, short):
        news = journal.news(2, first, read)
        assert (news.start, news.length, list(news.entries)) == (2, 2, [])
    # another entry of the same length is another entry
    other = sealed(entry_place(journal.key, 1), b"\x0abegin" + b"w" * 600 + b"end")
    assert journal.news(2, first, other).start == 0


def test_a_journal_names_the_survey_and_the_block_or_the_setting(store: Store, survey_id: str) -> None:
    journal = Journal(store, survey_id)
    short = without_part(
        entry_place(journal.key, 0), sealed(entry_place(journal.key, 0), b"\x0avec"), b"v", REFERENCE
    )
    with pytest.raises(PreconditionError, match="set SPOTTED_VECTOR_BLOCKS_URL"):
        journal.opened(0, short)
    store.blocks = Parts(None)
    with pytest.raises(SurveyDamagedError, match=rf"{survey_id}.*block x is gone.*spotted restore"):
        journal.opened(0, short)
