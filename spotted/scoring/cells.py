"""Which parts of two photographs make their vectors alike.

A vector that is the sum of one part for each cell of its photograph has a cosine with another that is a sum,
too: over all pairs of cells, one of each photograph. Cells that are each other's nearest are matched, as in
PAIR-X (Shrack et al. 2025). Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import numpy as np

from spotted.arrays import Float64Array, FloatArray, IntArray
from spotted.errors import InvalidInputError


def similarity_shares(first: FloatArray, second: FloatArray) -> Float64Array:
    """The share of each pair of cells in the cosine of two vectors; all of them add up to it.

    first, second: (n, d) and (m, d) the parts of the vectors in the cells. Returns (n, m).
    Raises InvalidInputError if a vector is zero or not finite, or the two have different dimensions.

    >>> parts = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> similarity_shares(parts, parts).round(3).tolist()
    [[0.5, 0.0], [0.0, 0.5]]
    """
    if first.shape[1:] != second.shape[1:]:
        raise InvalidInputError(
            f"cells have {first.shape[1:]} and {second.shape[1:]} elements; use those of one backbone"
        )
    one, two = first.astype(np.float64), second.astype(np.float64)
    length = np.linalg.norm(one.sum(axis=0)) * np.linalg.norm(two.sum(axis=0))
    if not (np.isfinite(length) and length > 0):
        raise InvalidInputError("the vector of a photograph is zero or not finite; use another photograph")
    shares: Float64Array = one @ two.T / length
    return shares


def match_cells(first: FloatArray, second: FloatArray, *, most: int) -> IntArray:
    """Rows (k, 2) of cells that are each other's nearest by cosine, of largest share first, at most `most`.

    Pairs that add nothing to the similarity are left out. Ties go to the lower row.

    >>> match_cells(np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([[0.1, 1.0], [1.0, 0.0]]), most=9).tolist()
    [[1, 0], [0, 1]]
    """
    shares = similarity_shares(first, second)
    likeness = _unit(first) @ _unit(second).T
    there, back = likeness.argmax(axis=1), likeness.argmax(axis=0)
    rows = np.flatnonzero(back[there] == np.arange(len(first)))
    pairs = np.stack([rows, there[rows]], axis=1)
    share = shares[pairs[:, 0], pairs[:, 1]]
    pairs, share = pairs[share > 0], share[share > 0]
    best: IntArray = pairs[np.argsort(-share, kind="stable")][:most]
    return best


def _unit(parts: FloatArray) -> Float64Array:
    """Rows of length 1; a row of zeros stays one."""
    rows = parts.astype(np.float64)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Float64Array = np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)
    return unit
