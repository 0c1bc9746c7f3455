"""Visual similarity: the cosine of two embeddings, with negatives clipped (Spotted eq. 5)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from spotted.errors import InvalidInputError
from spotted.survey import Float32Array, IntArray

# Two float32 unit vectors of D elements: a product summed in any order is off by less than about D * 2^-24
# in theory and a few 1e-7 in practice; this bound holds in theory up to D = 3,000.
PRODUCT_ERROR = 2e-4
# values of one gathered block of vectors in the exact product, 32 MiB in float64
GATHERED = 4_000_000


def unit_rows(embeddings: npt.NDArray[np.floating], labels: Sequence[str] = ()) -> Float32Array:
    """Rows (n, D) scaled to unit length, float32.

    labels: what to call each row in an error.
    Raises InvalidInputError where the array has not two axes, or a row has NaN, infinity or only zeros.
    """
    if embeddings.ndim != 2:  # noqa: PLR2004 - rows and columns
        raise InvalidInputError(
            f"embeddings have shape {embeddings.shape}; send one row for each detection", field="embeddings"
        )
    wide = embeddings.astype(np.float64)
    norms = np.linalg.norm(wide, axis=1, keepdims=True)
    bad = np.flatnonzero(~(np.isfinite(norms[:, 0]) & (norms[:, 0] > 0)))
    if len(bad):
        row = int(bad[0])
        what = f"of {labels[row]!r}" if labels else f"in row {row}"
        fault = "is all zeros" if norms[row, 0] == 0 else "has NaN or infinite elements"
        raise InvalidInputError(f"the embedding {what} {fault}; embed the image again", field="embeddings")
    return np.asarray(wide / norms, dtype=np.float32)


def approximate_similarity(rows: Float32Array, columns: Float32Array) -> Float32Array:
    """max(0, cosine) of unit rows (q, D) and columns (n, D), within PRODUCT_ERROR, by one matrix product.

    The last bits depend on the block's shape; what is answered to anyone is `pair_similarity`.
    """
    product: Float32Array = rows @ columns.T
    return np.clip(product, np.float32(0.0), np.float32(1.0))


def pair_similarity(embeddings: npt.NDArray[np.floating], first: IntArray, second: IntArray) -> Float32Array:
    """max(0, cosine) of pairs of unit rows, (m,): a value that depends on nothing but the pair.

    Each pair is summed on its own in float64, so no block size, order or thread count changes it.
    """
    similarity = np.empty(len(first), dtype=np.float32)
    step = max(1, GATHERED // max(1, embeddings.shape[1]))
    for i in range(0, len(first), step):
        a = embeddings[first[i : i + step]].astype(np.float64)
        b = embeddings[second[i : i + step]].astype(np.float64)
        similarity[i : i + step] = np.clip((a * b).sum(axis=1), 0.0, 1.0)
    return similarity
