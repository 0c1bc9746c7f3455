from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from spotted.arrays import Float32Array
from spotted.ranking.products import single_precision as single
from spotted.ranking.products.single_precision import SingleProducts
from spotted.scoring.similarity import single_precision, unit_rows

HalfArray = npt.NDArray[np.float16]


def test_float16_rows_are_converted_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = unit_rows(np.random.default_rng(0).normal(size=(23, 8))).astype(np.float16)
    converted: list[int] = []

    def counted(rows: HalfArray) -> Float32Array:
        converted.append(len(rows))
        return single_precision(rows)

    monkeypatch.setattr(single, "WIDENED", 40)
    monkeypatch.setattr(single, "single_precision", counted)
    wide = vectors.astype(np.float32)
    product = SingleProducts(vectors).multiply(wide[:3], slice(1, 23))
    np.testing.assert_allclose(product.values, wide[:3] @ wide[1:].T, atol=1e-6)
    assert converted == [5, 5, 5, 5, 2]
