from __future__ import annotations

import sys

import numpy as np
import pytest

from spotted.arrays import IntArray
from spotted.ranking.products import integer_kernel as kernels
from spotted.ranking.products.integer_kernel import Int8Array, is_exact, multiply_codes


def saturating(rows: Int8Array, queries: Int8Array) -> IntArray:
    """Adds pairs of products up in 16 bits, as some instructions do."""
    products = rows[:, None].astype(np.int64) * queries[None]
    sums: IntArray = np.clip(products[..., :-1:2] + products[..., 1::2], -32_000, 32_000).sum(axis=2)
    return sums


def test_a_kernel_that_saturates_is_not_used() -> None:
    assert is_exact(multiply_codes)
    assert not is_exact(saturating)


def test_the_kernel_of_this_machine_equals_the_product_of_numpy() -> None:
    kernel = kernels.find_kernel()
    if kernel is None:
        pytest.skip("NumKong is not installed, or not exact here")
    rng = np.random.default_rng(0)
    for count, queries, dimension in ((1, 1, 1), (70, 3, 67), (33, 16, 1280)):
        rows, asked = (rng.integers(-127, 128, (n, dimension), dtype=np.int8) for n in (count, queries))
        np.testing.assert_array_equal(kernel(rows, asked), multiply_codes(rows, asked))
    rows.flags.writeable = False
    np.testing.assert_array_equal(kernel(rows[5:9], asked[:1]), multiply_codes(rows[5:9], asked[:1]))


def test_without_its_package_there_is_no_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numkong", None)
    assert kernels.find_kernel.__wrapped__() is None
