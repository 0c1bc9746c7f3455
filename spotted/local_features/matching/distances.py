"""Squared distances of descriptors, exact in single precision.

Descriptors are bytes: their products and sums are integers below 2^24, which a float32 holds exactly in
whatever order a matrix product adds them. So distances are the same on every machine and with any number of
threads.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spotted.arrays import ByteArray, Float32Array, IntArray

# elements of a table of distances that are computed together; 8 MiB stay in the cache of a core
ELEMENTS = 2_097_152


def square_lengths(descriptors: ByteArray) -> Float32Array:
    """The squared length of each descriptor, (n,)."""
    numbers = descriptors.astype(np.float32)
    return np.asarray(np.einsum("nd,nd->n", numbers, numbers))


def tables(a: ByteArray, b: ByteArray) -> Iterator[tuple[int, Float32Array]]:
    """Squared distances of descriptors a (n, d) and b (m, d): the first column of a part, and (n, part)."""
    # a^2 - 2ab + b^2 as one product
    ones = np.ones((len(a), 1), dtype=np.float32)
    left = np.hstack([-2.0 * a.astype(np.float32), ones, square_lengths(a)[:, None]])
    step = max(1, ELEMENTS // max(1, len(a)))
    for start in range(0, len(b), step):
        part = b[start : start + step]
        ones = np.ones((len(part), 1), dtype=np.float32)
        yield start, left @ np.hstack([part.astype(np.float32), square_lengths(part)[:, None], ones]).T


def smallest(
    a: ByteArray, b: ByteArray, *, rank: int, owners_a: IntArray, owners_b: IntArray
) -> Float32Array:
    """The `rank`-th smallest squared distance of each descriptor of a to those of b of other owners, (n,).

    Infinite if b has fewer. owners_a (n,), owners_b (m,): whose descriptors they are.
    """
    best = np.full((len(a), rank), np.inf, dtype=np.float32)
    for start, table in tables(a, b):
        own = owners_a[:, None] == owners_b[None, start : start + table.shape[1]]
        table[own] = np.inf
        if table.shape[1] > rank:
            table = np.partition(table, rank - 1, axis=1)[:, :rank]  # noqa: PLW2901 - the rest is not needed
        best = np.sort(np.hstack([best, table]), axis=1)[:, :rank]
    return np.asarray(best[:, rank - 1])
