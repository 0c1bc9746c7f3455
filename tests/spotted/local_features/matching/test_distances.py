from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spotted.local_features.matching.distances import smallest, square_lengths, tables


def squares(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(((a[:, None].astype(np.int64) - b[None].astype(np.int64)) ** 2).sum(axis=2))


@settings(max_examples=20, deadline=None)
@given(
    n=st.integers(0, 7), m=st.integers(0, 9), seed=st.integers(0, 999), least=st.sampled_from([0, 90, 254])
)
def test_distances_are_exact(n: int, m: int, seed: int, least: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = (rng.integers(least, 256, (count, 128), dtype=np.uint8) for count in (n, m))
    found = np.concatenate([np.zeros((n, 0)), *(table for _, table in tables(a, b))], axis=1)
    assert np.array_equal(found, squares(a, b))
    assert np.array_equal(square_lengths(a), (a.astype(np.int64) ** 2).sum(axis=1))


@pytest.mark.parametrize("rank", [1, 2, 5])
def test_the_smallest_of_other_owners_is_found_in_parts(rank: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.integers(0, 90, (count, 64), dtype=np.uint8) for count in (6, 41))
    owners_a, owners_b = rng.integers(0, 4, 6), rng.integers(0, 4, 41)
    # parts of three columns
    monkeypatch.setattr("spotted.local_features.matching.distances.ELEMENTS", 18)
    found = smallest(a, b, rank=rank, owners_a=owners_a, owners_b=owners_b)
    for i in range(6):
        others = sorted(squares(a[i : i + 1], b[owners_b != owners_a[i]])[0])
        assert found[i] == others[rank - 1]


def test_too_few_others_are_infinitely_far() -> None:
    a = np.zeros((2, 64), dtype=np.uint8)
    owners = np.array([0, 1])
    assert np.isinf(smallest(a, a, rank=2, owners_a=owners, owners_b=owners)).all()
    assert np.isinf(smallest(a, a[:0], rank=1, owners_a=owners, owners_b=owners[:0])).all()
