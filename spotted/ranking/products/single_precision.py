"""The product of BLAS in float32, which knows every cosine within its rounding error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spotted.arrays import Float32Array, IntArray
from spotted.scoring.similarity import product_error, single_precision

# values of float16 rows that are converted at once, 8 MiB in float32
WIDENED = 2_097_152
# the bound itself is rounded, up to a length slightly above 1
ROUNDING = 2.0**-23


@dataclass(frozen=True, slots=True)
class SingleProduct:
    """The cosines of vectors with rows, each within `product_error`.

    >>> product = SingleProduct(np.float32([[0.5, 0.25]]), 2)
    >>> product.most(slice(0, 1)).round(3).tolist(), product.cosines(np.array([0]), np.array([1])).tolist()
    ([[0.5, 0.25]], [0.25])
    """

    values: Float32Array
    """(q, n)."""
    dimension: int

    def most(self, part: slice) -> Float32Array:
        """Upper bounds of the cosines of some vectors with all rows, (p, n)."""
        error = np.float32(product_error(self.dimension) + ROUNDING)
        bounds: Float32Array = self.values[part] + error
        return bounds

    def cosines(self, queries: IntArray, rows: IntArray) -> Float32Array:
        """Cosines of pairs, (m,), within `product_error`."""
        return self.values[queries, rows]


@dataclass(frozen=True, slots=True)
class SingleProducts:
    """Rows multiplied in float32.

    >>> rows = np.float32([[1.0, 0.0], [0.6, 0.8]])
    >>> product = SingleProducts(rows).multiply(rows[1:], slice(0, 2))
    >>> product.cosines(np.array([0, 0]), np.array([0, 1])).round(2).tolist()
    [0.6000000238418579, 1.0]
    """

    vectors: npt.NDArray[np.floating]
    """(n, D) unit rows, float16 or float32."""

    @property
    def rough(self) -> bool:
        """Whether close values cost more."""
        return False

    def multiply(self, queries: Float32Array, rows: slice) -> SingleProduct:
        """The cosines of unit vectors (q, D) with some rows."""
        vectors = self.vectors[rows]
        if vectors.dtype != np.float16:
            return SingleProduct(queries @ single_precision(vectors).T, vectors.shape[1])
        values = np.empty((len(queries), len(vectors)), np.float32)
        step = max(1, WIDENED // max(1, vectors.shape[1]))
        for i in range(0, len(vectors), step):
            np.matmul(queries, single_precision(vectors[i : i + step]).T, out=values[:, i : i + step])
        return SingleProduct(values, vectors.shape[1])
