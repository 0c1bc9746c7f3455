from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spotted.facts.pair_rows import among, pair_keys

PAIRS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda pair: pair[0] != pair[1]))


@given(PAIRS, PAIRS)
def test_pairs_are_found_whichever_way_round(
    rows: list[tuple[int, int]], pairs: list[tuple[int, int]]
) -> None:
    first, second = np.array(rows, dtype=np.int64).reshape(-1, 2).T
    found = among(10, first, second, np.array(pairs, dtype=np.int64).reshape(-1, 2))
    assert found.tolist() == [set(row) in map(set, pairs) for row in rows]


def test_keys_are_ordered_by_the_lower_item_then_the_higher() -> None:
    keys = pair_keys(7, np.array([3, 1, 0]), np.array([2, 5, 6]))
    assert keys.tolist() == [2 * 7 + 3, 1 * 7 + 5, 6]
