"""Visual similarity: the cosine of two embeddings, with negatives clipped (Spotted eq. 5)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from spotted.arrays import Float32Array, Float64Array, IntArray
from spotted.errors import InvalidInputError

# values of one block of vectors that is converted, 1 MiB in float32; exact products take half as many
GATHERED = 262_144
# float16 has a bias of 15 and float32 one of 127; scaling by the difference turns one into the other
WIDENING = np.float32(2.0 ** (127 - 15))
# sign, five bits of exponent and ten of mantissa of a float16 whose bits were shifted left by 13
WIDENED_BITS = np.int32(-0x70000001)


def normalise_rows(
    embeddings: npt.NDArray[np.floating], labels: Sequence[str] = ()
) -> tuple[Float32Array, dict[int, InvalidInputError]]:
    """Rows (n, D) scaled to unit length, float32, and the error of each row that cannot be scaled.

    A row with NaN, infinity or only zeros cannot be scaled; it is returned as zeros. Errors are keyed by row
    index, in ascending order.

    labels: the name of each row in its error; by default its index.
    Raises InvalidInputError if the array does not have two axes.
    """
    if embeddings.ndim != 2:  # noqa: PLR2004 - rows and columns
        raise InvalidInputError(
            f"embeddings have shape {embeddings.shape}; send one row for each detection", field="embeddings"
        )
    wide = embeddings.astype(np.float64)
    norms = np.linalg.norm(wide, axis=1, keepdims=True)
    bad = np.flatnonzero(~(np.isfinite(norms[:, 0]) & (norms[:, 0] > 0))).tolist()
    faults = {}
    for row in bad:
        name = f"of {labels[row]!r}" if labels else f"in row {row}"
        fault = "is all zeros" if norms[row, 0] == 0 else "has NaN or infinite elements"
        faults[row] = InvalidInputError(
            f"the embedding {name} {fault}; embed the image again", field="embeddings"
        )
    wide[bad], norms[bad] = 0.0, 1.0
    return np.divide(wide, norms, out=wide).astype(np.float32), faults


def unit_rows(embeddings: npt.NDArray[np.floating]) -> Float32Array:
    """Rows (n, D) scaled to unit length, float32.

    Raises InvalidInputError if the array does not have two axes, or a row has NaN, infinity or only zeros.

    >>> unit_rows(np.array([[3.0, 4.0], [0.0, 2.0]]))
    array([[0.6, 0.8],
           [0. , 1. ]], dtype=float32)
    """
    units, faults = normalise_rows(embeddings)
    for error in faults.values():
        raise error
    return units


def single_precision(embeddings: npt.NDArray[np.floating], out: Float32Array | None = None) -> Float32Array:
    """Finite embeddings (n, D) in float32: a copy, unless they are float32 already and `out` is not given.

    Shifts the bits of all float16 values at once, five times as fast as numpy's conversion.
    """
    if embeddings.dtype != np.float16:
        if out is None:
            return np.asarray(embeddings, dtype=np.float32)
        np.copyto(out, embeddings)
        return out
    wide = np.empty(embeddings.shape, dtype=np.float32) if out is None else out
    # few enough rows at a time to stay in the cache for all four passes
    step = max(1, GATHERED // max(1, embeddings.shape[1]))
    for i in range(0, len(embeddings), step):
        block = wide[i : i + step]
        bits = block.view(np.int32)
        # the conversion copies the sign into the upper bits; the mask keeps one copy
        np.copyto(bits, embeddings[i : i + step].view(np.int16))
        np.left_shift(bits, 13, out=bits)
        np.bitwise_and(bits, WIDENED_BITS, out=bits)
        np.multiply(block, WIDENING, out=block)
    return wide


def product_error(dimension: int) -> float:
    """Largest error of a float32 product of two unit vectors as their cosine, summed in any order.

    A sum of D rounded products is off by at most D u / (1 - D u) of the sum of their sizes, with u = 2^-24
    (Higham, Accuracy and Stability, eq. 3.5); for unit vectors that sum is at most 1. One term and 1 % more
    cover the last rounding and lengths that are rounded themselves.
    """
    units = (dimension + 1) * 2.0**-24
    return 1.01 * units / (1.0 - units)


def approximate_similarity(rows: Float32Array, columns: Float32Array) -> Float32Array:
    """max(0, cosine) of unit rows (q, D) and columns (n, D), within `product_error`, by one matrix product.

    The last bits depend on the block's shape; scores that leave the library come from `pair_similarity`.
    """
    product: Float32Array = rows @ columns.T
    return np.clip(product, np.float32(0.0), np.float32(1.0), out=product)


def pair_similarity(embeddings: npt.NDArray[np.floating], first: IntArray, second: IntArray) -> Float32Array:
    """max(0, cosine) of pairs of unit rows, (m,): a value that depends only on the pair.

    It is the exact sum of products, rounded to float64 and then to float32, so no block size, order, thread
    count or machine changes it. A float64 sum in any order determines that float32, except for about one pair
    in 100,000, which is summed without error.
    """
    sums = np.empty(len(first))
    # a query comes with all its candidates: its row is converted once for those that fit the cache
    starts = np.flatnonzero(np.diff(first, prepend=-1))
    step = max(1, GATHERED // 2 // max(1, embeddings.shape[1]))
    for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(first)], strict=False):
        left = single_precision(embeddings[first[start : start + 1]]).astype(np.float64)
        for i in range(start, end, step):
            part = slice(i, min(i + step, end))
            np.vecdot(single_precision(embeddings[second[part]]).astype(np.float64), left, out=sums[part])
    return _nearest(sums, embeddings, first, second)


def _nearest(
    sums: Float64Array, embeddings: npt.NDArray[np.floating], first: IntArray, second: IntArray
) -> Float32Array:
    """Each exact sum in float32, clipped to [0, 1], from float64 sums in any order."""
    # as in product_error, with u = 2^-53, and twice that as a margin
    error = (embeddings.shape[1] + 1) * 2.0**-52
    nearest = (sums - error).astype(np.float32)
    for i in np.flatnonzero(nearest != (sums + error).astype(np.float32)).tolist():
        # products of two float32 are exact in float64
        products = embeddings[first[i]].astype(np.float64) * embeddings[second[i]].astype(np.float64)
        nearest[i] = math.fsum(products.tolist())
    clipped: Float32Array = np.clip(nearest, np.float32(0.0), np.float32(1.0))
    return clipped
