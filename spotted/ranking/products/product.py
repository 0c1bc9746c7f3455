"""The products of query vectors with rows, as a search asks for them."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from spotted.arrays import Float32Array, IntArray


class Product(Protocol):
    """The cosines of q vectors with n rows."""

    def most(self, part: slice) -> Float32Array:
        """Upper bounds of the cosines of some vectors with all rows, (p, n), which may be overwritten."""
        ...

    def cosines(self, queries: IntArray, rows: IntArray) -> Float32Array:
        """Cosines of pairs, (m,), within `product_error`; both are indices within this product."""
        ...


class Products(Protocol):
    """The rows of a gallery, ready to be multiplied; may be shared by threads."""

    @property
    def vectors(self) -> npt.NDArray[np.floating]:
        """(n, D) unit rows, float16 or float32."""
        ...

    @property
    def rough(self) -> bool:
        """Whether close values cost more, so that few should be asked for."""
        ...

    def multiply(self, queries: Float32Array, rows: slice) -> Product:
        """The cosines of unit vectors (q, D) with some rows."""
        ...
