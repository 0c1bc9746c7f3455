"""Which product answers which question quickest."""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt

from spotted.ranking.products.integers import IntegerProducts
from spotted.ranking.products.product import Products
from spotted.ranking.products.single_precision import SingleProducts

# queries that are multiplied with all rows at once; the float32 product of more is as quick
FEW = 16
# rounding all rows to integers costs about as much as this many queries save by it
# if rows are float32, and if they are float16, which every query converts
QUERIES, QUERIES_OF_HALVES = 64, 4
# with fewer elements, a float32 product is as quick
LEAST_DIMENSION = 256
# with fewer rows, a query takes less than a millisecond anyway
LEAST_ROWS = 2000


class ProductChoice:
    """The products of a gallery's rows, each made when it is first worth it; may be shared by threads.

    given: use this one for everything.

    >>> choice = ProductChoice(np.float32([[1.0, 0.0], [0.6, 0.8]]))
    >>> type(choice.of_queries(1000)).__name__
    'SingleProducts'
    """

    def __init__(self, vectors: npt.NDArray[np.floating], given: Products | None = None) -> None:
        self.of_everyone: Products = given or SingleProducts(vectors)
        count, dimension = vectors.shape
        self._large = given is None and dimension >= LEAST_DIMENSION and count >= LEAST_ROWS
        self._asked, self._enough = 0, QUERIES_OF_HALVES if vectors.dtype == np.float16 else QUERIES
        self._rough: Products | None = None
        self._lock = threading.Lock()

    def of_queries(self, count: int) -> Products:
        """The products to find the rows that look most like some queries."""
        if not self._large or count > FEW:
            return self.of_everyone
        with self._lock:
            self._asked += count
            if self._rough is None and self._asked >= self._enough:
                vectors = self.of_everyone.vectors
                self._rough = IntegerProducts.if_possible(vectors) or self.of_everyone
            return self._rough or self.of_everyone
