from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from spotted.sampling.strategies.groups import Groups

rows = st.lists(st.tuples(st.integers(-3, 3), st.sampled_from([-1.0, 0.0, 0.5, 0.5, 2.0])), max_size=20)


def looped(keyed: list[tuple[int, float]]) -> dict[int, tuple[float, int]]:
    """Key to the highest value and the first row that has it."""
    best: dict[int, tuple[float, int]] = {}
    for row, (key, value) in enumerate(keyed):
        if key not in best or value > best[key][0]:
            best[key] = (value, row)
    return best


@settings(deadline=None)
@given(rows)
def test_the_highest_of_each_group_equals_a_loop_with_ties_by_row(keyed: list[tuple[int, float]]) -> None:
    keys = np.array([key for key, _ in keyed], dtype=np.int64)
    values = np.array([value for _, value in keyed])
    groups, expected = Groups(keys), looped(keyed)
    assert groups.highest(values).tolist() == [expected[key][0] for key in sorted(expected)]
    assert groups.arg_highest(values).tolist() == [expected[key][1] for key in sorted(expected)]


def test_no_rows_make_no_groups() -> None:
    groups = Groups(np.zeros(0, dtype=np.int64))
    assert groups.highest(np.zeros(0)).shape == (0,)
    assert groups.arg_highest(np.zeros(0)).dtype == np.int64


def test_one_grouping_serves_many_columns() -> None:
    groups = Groups(np.array([5, 1, 5]))
    assert groups.highest(np.array([1.0, 2.0, 3.0])).tolist() == [2.0, 3.0]
    assert groups.highest(np.array([9.0, -2.0, 3.0], dtype=np.float32)).tolist() == [-2.0, 9.0]
