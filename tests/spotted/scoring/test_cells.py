from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.errors import InvalidInputError
from spotted.scoring.cells import match_cells, similarity_shares

RNG = np.random.default_rng


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 6))
def test_the_shares_are_those_of_a_loop_and_add_up_to_the_cosine(seed: int, n: int, m: int) -> None:
    rng = RNG(seed)
    first, second = rng.normal(size=(n, 5)), rng.normal(size=(m, 5))
    one, two = first.sum(axis=0), second.sum(axis=0)
    length = np.sqrt((one * one).sum()) * np.sqrt((two * two).sum())
    shares = similarity_shares(first, second)
    for i in range(n):
        for j in range(m):
            assert shares[i, j] == pytest.approx(sum(first[i] * second[j]) / length)
    assert shares.sum() == pytest.approx((one * two).sum() / length)
    # the length of a vector does not matter
    assert similarity_shares(3.0 * first, 0.5 * second) == pytest.approx(shares)


@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(1, 8))
def test_matched_cells_are_each_others_nearest_and_the_largest_shares_come_first(
    seed: int, n: int, m: int
) -> None:
    rng = RNG(seed)
    first, second = rng.normal(size=(n, 4)), rng.normal(size=(m, 4))
    shares = similarity_shares(first, second)
    cosine = [[a @ b / np.linalg.norm(a) / np.linalg.norm(b) for b in second] for a in first]
    expected = {
        (i, j)
        for i in range(n)
        for j in range(m)
        if cosine[i][j] == max(cosine[i]) == max(row[j] for row in cosine) and shares[i, j] > 0
    }
    matches = match_cells(first, second, most=100)
    assert {tuple(pair) for pair in matches.tolist()} == expected
    found = [shares[i, j] for i, j in matches]
    assert found == sorted(found, reverse=True)
    assert match_cells(first, second, most=1).tolist() == matches[:1].tolist()


def test_cells_without_a_vector_match_nothing() -> None:
    first = np.array([[0.0, 0.0], [1.0, 0.0]])
    assert match_cells(first, first, most=9).tolist() == [[1, 1]]


@pytest.mark.parametrize("bad", [np.zeros((2, 3)), np.full((2, 3), np.nan), np.ones((2, 4))])
def test_vectors_that_have_no_cosine_are_refused(
    bad: np.ndarray[tuple[int, int], np.dtype[np.float64]],
) -> None:
    with pytest.raises(InvalidInputError, match="use"):
        similarity_shares(np.ones((2, 3)), bad)
