from __future__ import annotations

import numpy as np
import pytest

from spotted.ranking.products import IntegerProducts, ProductChoice, SingleProducts
from spotted.ranking.products import choice as choices
from spotted.ranking.products.integer_kernel import multiply_codes

VECTORS = np.eye(3, 4, dtype=np.float32)


@pytest.fixture
def _any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choices, "LEAST_DIMENSION", 1)
    monkeypatch.setattr(choices, "LEAST_ROWS", 1)
    monkeypatch.setattr(
        IntegerProducts, "if_possible", lambda vectors: IntegerProducts(vectors, multiply_codes)
    )


@pytest.mark.usefixtures("_any_size")
def test_rows_are_rounded_once_enough_queries_were_asked() -> None:
    choice = ProductChoice(VECTORS)
    kinds = [type(choice.of_queries(1)) for _ in range(choices.QUERIES)]
    assert kinds == [SingleProducts] * (choices.QUERIES - 1) + [IntegerProducts]
    assert choice.of_queries(2) is choice.of_queries(1)
    assert choice.of_queries(choices.FEW + 1) is choice.of_everyone


@pytest.mark.usefixtures("_any_size")
def test_without_a_kernel_queries_are_multiplied_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(IntegerProducts, "if_possible", lambda _: None)
    choice = ProductChoice(VECTORS)
    assert all(choice.of_queries(choices.FEW) is choice.of_everyone for _ in range(choices.QUERIES))


def test_small_galleries_and_products_that_were_given_are_kept() -> None:
    given = SingleProducts(np.zeros((choices.LEAST_ROWS, choices.LEAST_DIMENSION), np.float32))
    for choice in (ProductChoice(VECTORS), ProductChoice(given.vectors, given)):
        assert all(choice.of_queries(1) is choice.of_everyone for _ in range(choices.QUERIES))
