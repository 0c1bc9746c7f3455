from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from spotted.arrays import IntArray
from spotted.facts.scope import LEFT, NO_ENCOUNTER, NO_FLANK, RIGHT, Scope

ITEMS = 5


def columns(low: int, high: int) -> st.SearchStrategy[IntArray | None]:
    return st.none() | arrays.arrays(np.int64, ITEMS, elements=st.integers(low, high))


@given(columns(0, 2), columns(0, 1), columns(0, 1), columns(-1, 2))
def test_closed_pairs_are_those_of_a_plain_loop(
    flank: IntArray | None, outside: IntArray | None, named: IntArray | None, encounter: IntArray | None
) -> None:
    scope = Scope(flank, outside, named, encounter)

    def at(column: IntArray | None, item: int, otherwise: int) -> int:
        return otherwise if column is None or item >= ITEMS else int(column[item])

    # two items that came after the columns may be asked about
    pairs = [(a, b) for a in range(ITEMS + 2) for b in range(a + 1, ITEMS + 2)]
    expected = [
        {at(flank, a, NO_FLANK), at(flank, b, NO_FLANK)} == {LEFT, RIGHT}
        or at(outside, a, 0) == 1
        or at(outside, b, 0) == 1
        or (at(named, a, 1) == 0 and at(named, b, 1) == 0)
        or (at(encounter, a, NO_ENCOUNTER) == at(encounter, b, NO_ENCOUNTER) != NO_ENCOUNTER)
        for a, b in pairs
    ]
    first, second = np.array(pairs).T
    assert scope.closed_rows(first, second).tolist() == expected
    assert scope.closed_rows(second, first).tolist() == expected
    assert [scope.closes(*pair) for pair in pairs] == expected


def test_nothing_is_closed_without_columns() -> None:
    assert not Scope().closes(0, 1)
