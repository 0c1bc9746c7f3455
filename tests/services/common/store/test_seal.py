from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.common.store.seal import entry_place, sealed, unsealed


@given(content=st.binary(max_size=300), place=st.text(max_size=20))
def test_what_was_sealed_is_opened_in_its_place(content: bytes, place: str) -> None:
    assert unsealed(place, sealed(place, content)) == content


@given(content=st.binary(max_size=300), data=st.data())
def test_a_flipped_bit_or_a_cut_is_noticed(content: bytes, data: st.DataObject) -> None:
    stored = sealed("place", content)
    changed = bytearray(stored)
    bit = data.draw(st.integers(0, 8 * len(stored) - 1))
    changed[bit // 8] ^= 1 << bit % 8
    assert unsealed("place", bytes(changed)) is None
    # a few bytes of chance end in the right checksum once in four billion times
    assert unsealed("place", stored[: data.draw(st.integers(0, 3))]) is None


def test_an_entry_of_another_place_or_journal_is_noticed() -> None:
    stored = sealed(entry_place("journal", 3), b"event")
    for place in (entry_place("journal", 4), entry_place("another", 3), entry_place("journal 3", 3)):
        assert unsealed(place, stored) is None
