from __future__ import annotations

import numpy as np

from spotted.ranking.products import SingleProducts
from spotted.ranking.products.joined import JoinedProduct
from spotted.scoring.similarity import unit_rows


def test_joined_parts_equal_one_product_of_all_rows() -> None:
    vectors = unit_rows(np.random.default_rng(0).normal(size=(23, 8)))
    products, queries = SingleProducts(vectors), vectors[:4]
    parts = [products.multiply(queries, slice(i, min(i + 10, 23))) for i in range(0, 23, 10)]
    joined, whole = JoinedProduct(parts, 10), products.multiply(queries, slice(0, 23))
    np.testing.assert_allclose(joined.most(slice(1, 3)), whole.most(slice(1, 3)), atol=1e-6)
    asked, rows = np.array([3, 0, 2, 1, 1]), np.array([22, 0, 10, 9, 19])
    np.testing.assert_allclose(joined.cosines(asked, rows), whole.cosines(asked, rows), atol=1e-6)
