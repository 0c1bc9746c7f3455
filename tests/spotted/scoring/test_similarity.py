from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.errors import InvalidInputError
from spotted.scoring.similarity import (
    approximate_similarity,
    normalise_rows,
    pair_similarity,
    product_error,
    single_precision,
    unit_rows,
)


def looks(count: int, dimension: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, dimension))


def test_rows_get_unit_length_whatever_their_scale() -> None:
    rows = looks(5, 7) * np.array([[1e-20], [1e-3], [1.0], [1e3], [1e20]])
    np.testing.assert_allclose(np.linalg.norm(unit_rows(rows), axis=1), 1.0, rtol=1e-6)


@pytest.mark.parametrize(
    ("value", "fault"), [(math.nan, "NaN or infinite"), (math.inf, "NaN or infinite"), (0.0, "all zeros")]
)
def test_a_row_that_is_no_direction_is_named(value: float, fault: str) -> None:
    rows = looks(3, 4)
    rows[1] = value
    with pytest.raises(InvalidInputError, match=f"in row 1 (has|is) {fault}"):
        unit_rows(rows)
    units, faults = normalise_rows(rows, ["d-1", "d-2", "d-3"])
    assert list(faults) == [1]
    assert re.search(f"of 'd-2' (has|is) {fault}", str(faults[1]))
    assert not units[1].any()
    np.testing.assert_array_equal(units[[0, 2]], unit_rows(rows[[0, 2]]))


def test_rows_are_normalised_together_as_one_by_one() -> None:
    rows = looks(50, 37).astype(np.float16)
    alone = np.concatenate([unit_rows(rows[i : i + 1]) for i in range(50)])
    np.testing.assert_array_equal(normalise_rows(rows)[0], alone)


def test_an_array_of_other_axes_is_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"shape \(4,\)"):
        unit_rows(np.ones(4))


@given(seed=st.integers(0, 100), dimension=st.sampled_from([1, 3, 128, 2152]))
def test_a_pair_scores_its_clipped_cosine(seed: int, dimension: int) -> None:
    rows = unit_rows(looks(6, dimension, seed))
    first, second = (
        np.array(side) for side in zip(*[(i, j) for i in range(6) for j in range(6)], strict=True)
    )
    scores = pair_similarity(rows, first, second)
    for i, j, score in zip(first, second, scores, strict=True):
        cosine = math.fsum(float(a) * float(b) for a, b in zip(rows[i], rows[j], strict=True))
        assert score == pytest.approx(min(1.0, max(0.0, cosine)), abs=1e-6)


def test_a_pairs_score_does_not_depend_on_its_company_or_order() -> None:
    rows = unit_rows(looks(40, 1280)).astype(np.float16)
    first, second = np.triu_indices(40, 1)
    together = pair_similarity(rows, first, second)
    np.testing.assert_array_equal(together, pair_similarity(rows, second, first))
    alone = [pair_similarity(rows, first[i : i + 1], second[i : i + 1])[0] for i in range(len(first))]
    np.testing.assert_array_equal(together, np.array(alone))


@pytest.mark.parametrize("dimension", [8, 1280, 2152])
def test_the_product_stays_within_its_stated_error(dimension: int) -> None:
    rows = unit_rows(looks(60, dimension)).astype(np.float16).astype(np.float32)
    approximate = approximate_similarity(rows, rows)
    first, second = np.indices((60, 60)).reshape(2, -1)
    exact = pair_similarity(rows, first, second).reshape(60, 60)
    assert np.abs(approximate - exact).max() < product_error(dimension)


def test_the_error_of_a_product_grows_with_the_dimension_up_to_the_bound_that_is_quoted() -> None:
    assert 0 < product_error(1) < product_error(1280) < product_error(3000) < 2e-4


@pytest.mark.parametrize("dimension", [16, 1280])
def test_no_order_of_summing_leaves_the_stated_error(dimension: int) -> None:
    # one large product first, then terms that a float32 sum rounds away one by one
    row = np.full(dimension, 1e-4, np.float32)
    row[0] = 1.0
    row /= np.linalg.norm(row.astype(np.float64)).astype(np.float32)
    total = np.float32(0.0)
    for product in (row * row).tolist():
        total += np.float32(product)
    exact = math.fsum((row.astype(np.float64) ** 2).tolist())
    assert abs(float(total) - exact) < product_error(dimension)


def test_every_finite_float16_widens_to_its_own_value() -> None:
    bits = np.arange(2**16, dtype=np.uint16)
    halves = bits.view(np.float16)[None, np.isfinite(bits.view(np.float16))]
    wide = single_precision(halves)
    np.testing.assert_array_equal(wide, halves.astype(np.float32))
    np.testing.assert_array_equal(np.signbit(wide), np.signbit(halves))


def test_single_precision_fills_what_it_is_given_and_copies_nothing_without_need() -> None:
    rows = unit_rows(looks(3, 4))
    room = np.empty((3, 4), np.float32)
    assert single_precision(rows) is rows
    assert single_precision(rows, room) is room
    np.testing.assert_array_equal(room, rows)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_a_pair_scores_the_float32_nearest_to_the_exact_sum(dtype: type[np.floating]) -> None:
    rows = unit_rows(looks(20, 640, seed=3) + 0.5).astype(dtype)
    first, second = np.triu_indices(20)
    exact = [
        math.fsum((rows[i].astype(np.float64) * rows[j].astype(np.float64)).tolist())
        for i, j in zip(first, second, strict=True)
    ]
    expected = np.clip(np.array(exact, dtype=np.float32), 0.0, 1.0)
    np.testing.assert_array_equal(pair_similarity(rows, first, second), expected)


@pytest.mark.parametrize(("last", "nearest"), [(2.0**-25, 0.5 + 2.0**-24), (-(2.0**-25), 0.5)])
def test_a_sum_beside_the_middle_of_two_float32_goes_to_the_nearer(last: float, nearest: float) -> None:
    # 1/2 + 2^-25 is the middle, and 2^-50 is less than a float64 sum of eight terms is trusted with
    rows = np.zeros((2, 8), np.float32)
    rows[:, :3] = [0.5, 2.0**-12, last], [1.0, 2.0**-13, 2.0**-25]
    assert pair_similarity(rows, np.array([0]), np.array([1]))[0] == np.float32(nearest)
