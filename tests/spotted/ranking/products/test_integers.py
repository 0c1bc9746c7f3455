from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.arrays import Float32Array
from spotted.ranking.products import integers
from spotted.ranking.products.integer_kernel import multiply_codes
from spotted.ranking.products.integers import Codes, IntegerProducts
from spotted.ranking.products.single_precision import SingleProduct, SingleProducts
from spotted.scoring.similarity import unit_rows


@given(seed=st.integers(0, 10_000), dimension=st.integers(1, 300), tails=st.sampled_from([0, 1, 8]))
def test_no_product_of_codes_is_off_by_more_than_its_errors(seed: int, dimension: int, tails: int) -> None:
    rng = np.random.default_rng(seed)
    # heavy tails leave most elements of a row few codes
    looks = rng.normal(size=(12, dimension)) * np.exp(tails * rng.normal(size=(12, dimension)))
    vectors = np.concatenate([unit_rows(looks), np.zeros((1, dimension), np.float32)])
    codes, wide = Codes.of(vectors), vectors.astype(np.float64)
    rounded = codes.values * codes.scale[:, None].astype(np.float64)
    off = np.abs(rounded @ rounded.T - wide @ wide.T)
    assert (off <= codes.error[:, None] + codes.error).all()
    assert np.abs(codes.values).max() <= 127
    assert (codes.error <= 1.7).all()


def test_usual_vectors_lose_less_than_a_hundredth() -> None:
    rng = np.random.default_rng(0)
    assert Codes.of(unit_rows(rng.normal(size=(50, 1280)))).error.mean() < 0.01


@pytest.mark.parametrize("asked", [3, 400])
def test_few_close_values_are_computed_by_themselves_and_many_together(
    asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(1)
    vectors = unit_rows(rng.normal(size=(40, 64)))
    product = IntegerProducts(vectors, multiply_codes).multiply(vectors[:20], slice(0, 40))
    queries, rows = rng.integers(0, 20, asked), rng.integers(0, 40, asked)
    whole: list[slice] = []
    multiply = SingleProducts.multiply

    def counted(self: SingleProducts, queries: Float32Array, rows: slice) -> SingleProduct:
        whole.append(rows)
        return multiply(self, queries, rows)

    monkeypatch.setattr(SingleProducts, "multiply", counted)
    close = product.cosines(queries, rows)
    np.testing.assert_allclose(close, (vectors @ vectors.T)[queries, rows], atol=1e-6)
    assert len(whole) == (asked > 20)


def test_dimensions_that_could_overflow_are_not_multiplied_as_integers() -> None:
    assert IntegerProducts.if_possible(np.zeros((1, integers.MOST_DIMENSIONS + 1), np.float16)) is None
