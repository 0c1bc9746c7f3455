"""The products of the same vectors with consecutive rows, as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spotted.arrays import Float32Array, IntArray
from spotted.ranking.products.product import Product


@dataclass(frozen=True, slots=True)
class JoinedProduct:
    """The cosines of q vectors with n rows, of which each part has as many but the last.

    >>> from spotted.ranking.products import SingleProducts
    >>> rows = SingleProducts(np.float32([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]]))
    >>> parts = [rows.multiply(np.float32([[0.0, 1.0]]), part) for part in (slice(0, 2), slice(2, 3))]
    >>> JoinedProduct(parts, 2).cosines(np.zeros(2, int), np.array([2, 1])).round(2).tolist()
    [1.0, 0.800000011920929]
    """

    parts: Sequence[Product]
    step: int
    """Rows of each part but the last."""

    def most(self, part: slice) -> Float32Array:
        """Upper bounds of the cosines of some vectors with all rows, (p, n)."""
        return np.concatenate([product.most(part) for product in self.parts], axis=1)

    def cosines(self, queries: IntArray, rows: IntArray) -> Float32Array:
        """Cosines of pairs, (m,), within `product_error`."""
        found = np.empty(len(rows), np.float32)
        for number, product in enumerate(self.parts):
            inside = np.flatnonzero(rows // self.step == number)
            found[inside] = product.cosines(queries[inside], rows[inside] - number * self.step)
        return found
