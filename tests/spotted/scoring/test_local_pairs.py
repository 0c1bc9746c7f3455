from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spotted.scoring.local_pairs import LocalPairs

COUNT = 12


def drawn(seed: int, size: int) -> tuple[LocalPairs, dict[tuple[int, int], tuple[float, int]]]:
    """A table, and the same as a dictionary by (lower row, higher row)."""
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, COUNT, (2, size))
    apart = first != second
    first, second = first[apart], second[apart]
    marks = rng.integers(0, 3, len(first)).astype(np.uint16)
    # some are alike without a common mark
    scores = rng.random(len(first)).astype(np.float32)
    plain: dict[tuple[int, int], tuple[float, int]] = {}
    for a, b, score, count in zip(*(c.tolist() for c in (first, second, scores, marks)), strict=True):
        plain.setdefault((min(a, b), max(a, b)), (score, count))
    return LocalPairs.of(first, second, scores, marks), plain


@given(seed=st.integers(0, 500), size=st.integers(0, 60))
def test_lookups_are_those_of_a_dictionary(seed: int, size: int) -> None:
    table, plain = drawn(seed, size)
    assert len(table) == len(plain)
    rows = np.arange(COUNT)
    scores, marks = (f(rows[:, None], rows[None, :]) for f in (table.scores_of, table.marks_of))
    shared = table.shared_of(rows[:, None], rows[None, :])
    np.testing.assert_array_equal(shared, np.where(marks > 0, scores, np.nan))
    for a in range(COUNT):
        for b in range(COUNT):
            score, count = plain.get((min(a, b), max(a, b)), (math.nan, -1))
            np.testing.assert_equal((scores[a, b].item(), marks[a, b].item()), (score, count))
        others, shared = table.matched_with(a)
        expected = {sum(p) - a: s for p, (s, count) in plain.items() if a in p and count > 0}
        assert dict(zip(others.tolist(), shared.tolist(), strict=True)) == expected
        assert others.tolist() == sorted(others.tolist())


@given(seed=st.integers(0, 500), chosen=st.permutations(range(COUNT)), kept=st.integers(0, COUNT))
def test_a_part_has_the_pairs_of_its_rows_under_their_new_numbers(
    seed: int, chosen: list[int], kept: int
) -> None:
    table, _ = drawn(seed, 40)
    rows = np.array(chosen[:kept], dtype=np.int64)
    part, new = table.at(rows, COUNT), np.arange(kept)
    np.testing.assert_array_equal(
        part.scores_of(new[:, None], new[None, :]), table.scores_of(rows[:, None], rows[None, :])
    )
    assert table.size_bytes >= part.size_bytes


@given(
    seed=st.integers(0, 500),
    size=st.integers(0, 60),
    rows=st.lists(st.integers(0, COUNT - 1), max_size=6),
    columns=st.lists(st.integers(0, COUNT - 1), max_size=15),
)
def test_the_pairs_of_a_block_that_share_marks_are_those_that_are_looked_up_one_by_one(
    seed: int, size: int, rows: list[int], columns: list[int]
) -> None:
    table, plain = drawn(seed, size)
    found = table.shared_in(np.array(rows, np.int64), np.array(columns, np.int64))
    expected = {
        (i, j): plain[min(a, b), max(a, b)][0]
        for i, a in enumerate(rows)
        for j, b in enumerate(columns)
        if plain.get((min(a, b), max(a, b)), (0.0, 0))[1] > 0
    }
    i, j, scores = (column.tolist() for column in found)
    assert dict(zip(zip(i, j, strict=True), scores, strict=True)) == expected
    assert len(i) == len(expected)
