"""Products of eight-bit integers by NumKong, if it is installed and exact on this machine."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt

from spotted.arrays import IntArray

LARGEST = 127
Int8Array = npt.NDArray[np.int8]
# codes (n, D) of rows and (q, D) of queries, -LARGEST to LARGEST -> (n, q) products
Kernel = Callable[[Int8Array, Int8Array], npt.NDArray[np.integer]]


@cache
def find_kernel() -> Kernel | None:
    """The product of codes on one thread; None if this machine has none, or none that is exact."""
    try:
        import numkong  # noqa: PLC0415 - optional
    except ImportError:
        return None

    def multiply(rows: Int8Array, queries: Int8Array) -> npt.NDArray[np.integer]:
        return np.asarray(numkong.dots_packed(rows, numkong.dots_pack(queries, dtype="int8")))

    return multiply if is_exact(multiply) else None


def is_exact(kernel: Kernel) -> bool:
    """Whether a kernel is exact for the largest codes, as one that saturates or adds up in 16 bits is not.

    >>> is_exact(multiply_codes)
    True
    """
    codes = np.full((5, 2003), LARGEST, np.int8)
    codes[1] = -LARGEST
    codes[2, ::2] = -LARGEST
    return all(
        np.array_equal(kernel(codes[:count], codes[:queries]), multiply_codes(codes[:count], codes[:queries]))
        for count in (1, 5)
        for queries in (1, 5)
    )


def multiply_codes(rows: Int8Array, queries: Int8Array) -> IntArray:
    """The kernel by numpy, which is exact everywhere, and slow."""
    product: IntArray = rows.astype(np.int64) @ queries.astype(np.int64).T
    return product
