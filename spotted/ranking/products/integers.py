"""Vectors rounded to eight bits: a product that reads a quarter of the memory, within a bound of its error.

Each vector x has a scale and codes; x^ is the codes times the scale. For unit vectors,
|x.y - x^.y^| <= |x - x^| |y| + |x^| |y - y^| (Cauchy and Schwarz), so what rounding left of each vector is
stored beside it. A pair whose bound reaches what is looked for is multiplied again in float32.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spotted.arrays import Float32Array, IntArray
from spotted.ranking.products.integer_kernel import LARGEST, Int8Array, Kernel, find_kernel
from spotted.ranking.products.single_precision import SingleProducts
from spotted.scoring.similarity import GATHERED, single_precision

# lengths that are rounded themselves, and the sum of the squares of what is left
LENGTH = 1.02
# float32 roundings of the scaled product and of the sums of its bounds, and of each residual
ROUNDING = 2.0**-20
# a vector without a larger element has codes of 0
LEAST = 1e-30
# larger dimensions could overflow 32 bits
MOST_DIMENSIONS = 100_000
# the share of the pairs of a product beyond which multiplying all of them again is quicker than the few by
# themselves, for many queries and for one: the more queries there are, the less does a pair cost
MANY, MANY_OF_ONE = 0.02, 0.5


@dataclass(frozen=True, slots=True)
class Codes:
    """Vectors rounded to eight bits.

    >>> codes = Codes.of(np.float32([[1.0, 0.5], [0.0, 0.0]]))
    >>> codes.values.tolist(), codes.scale.round(4).tolist(), bool(codes.error[0] < 0.005)
    ([[127, 64], [0, 0]], [0.007899999618530273, 0.007899999618530273], True)
    """

    values: Int8Array
    """(n, D), -127 to 127."""
    scale: Float32Array
    """(n,)."""
    error: Float32Array
    """(n,): the product of two vectors is off by at most the sum of theirs."""

    @classmethod
    def of(cls, vectors: npt.NDArray[np.floating]) -> Codes:
        """The codes of unit vectors (n, D), float16 or float32."""
        count, dimension = vectors.shape
        values = np.empty((count, dimension), np.int8)
        scale, left = np.empty(count, np.float32), np.empty(count)
        # few enough rows at a time to stay in the cache for all passes
        step = max(1, GATHERED // 2 // max(1, dimension))
        room = np.empty((min(step, count), dimension), np.float32)
        for start in range(0, count, step):
            part = slice(start, min(start + step, count))
            wide, rounded = single_precision(vectors[part]), room[: part.stop - start]
            largest = np.maximum(wide.max(axis=1, initial=0.0), -wide.min(axis=1, initial=0.0))
            scale[part] = np.where(largest > LEAST, largest, 1.0) / np.float32(LARGEST)
            np.divide(wide, scale[part, None], out=rounded)
            np.rint(rounded, out=rounded)
            np.copyto(values[part], rounded, casting="unsafe")
            np.multiply(rounded, scale[part, None], out=rounded)
            np.subtract(wide, rounded, out=rounded)
            left[part] = np.sqrt(np.vecdot(rounded, rounded))
        residual = LENGTH * left + ROUNDING
        # |x^| is up to the residual longer than |x|, and a b <= (a^2 + b^2) / 2
        return cls(values, scale, (residual + residual**2 / 2).astype(np.float32))


class IntegerProduct:
    """The cosines of vectors with rows, roughly; those that are asked for are multiplied again."""

    def __init__(
        self,
        single: SingleProducts,
        queries: Float32Array,
        rows: slice,
        values: Float32Array,
        errors: tuple[Float32Array, Float32Array],
    ) -> None:
        self._single, self._queries, self._rows = single, queries, rows
        self._values = values
        self._errors = errors

    def most(self, part: slice) -> Float32Array:
        """Upper bounds of the cosines of some vectors with all rows, (p, n)."""
        query, row = self._errors
        bounds: Float32Array = self._values[part] + query[part, None]
        return np.add(bounds, row, out=bounds)

    def cosines(self, queries: IntArray, rows: IntArray) -> Float32Array:
        """Cosines of pairs, (m,), within `product_error`."""
        if len(queries) > max(MANY, MANY_OF_ONE / len(self._values)) * self._values.size:
            return self._single.multiply(self._queries, self._rows).cosines(queries, rows)
        found = np.empty(len(queries), np.float32)
        vectors = self._single.vectors[self._rows]
        step = max(1, GATHERED // max(1, vectors.shape[1]))
        for start in range(0, len(queries), step):
            part = slice(start, start + step)
            right = single_precision(vectors[rows[part]])
            np.vecdot(right, self._queries[queries[part]], out=found[part])
        return found


class IntegerProducts:
    """Rows multiplied as eight-bit integers.

    >>> from spotted.ranking.products.integer_kernel import multiply_codes
    >>> rows = np.float32([[1.0, 0.0], [0.6, 0.8]])
    >>> product = IntegerProducts(rows, multiply_codes).multiply(rows[1:], slice(0, 2))
    >>> bool((product.most(slice(0, 1)) >= [0.6, 1.0]).all())
    True
    """

    def __init__(self, vectors: npt.NDArray[np.floating], kernel: Kernel) -> None:
        self._single = SingleProducts(vectors)
        self._kernel = kernel
        self._codes = Codes.of(vectors)

    @classmethod
    def if_possible(cls, vectors: npt.NDArray[np.floating]) -> IntegerProducts | None:
        """The rows of a gallery; None if this machine has no exact product of integers."""
        kernel = find_kernel() if vectors.shape[1] <= MOST_DIMENSIONS else None
        return None if kernel is None else cls(vectors, kernel)

    @property
    def vectors(self) -> npt.NDArray[np.floating]:
        """(n, D) unit rows, float16 or float32."""
        return self._single.vectors

    @property
    def rough(self) -> bool:
        """Whether close values cost more."""
        return True

    def multiply(self, queries: Float32Array, rows: slice) -> IntegerProduct:
        """The cosines of unit vectors (q, D) with some rows."""
        asked, codes = Codes.of(queries), self._codes
        product = self._kernel(codes.values[rows], asked.values).T
        # in the order of a row of pairs, which all further passes read
        values = np.multiply(product, codes.scale[rows], dtype=np.float32, casting="unsafe", order="C")
        np.multiply(values, asked.scale[:, None], out=values)
        return IntegerProduct(self._single, queries, rows, values, (asked.error, codes.error[rows]))
