"""The overlap of boxes in two frames of one camera."""

from __future__ import annotations

import numpy as np

from spotted.arrays import Float64Array


def box_overlaps(first: Float64Array, second: Float64Array) -> Float64Array:
    """Intersection over union of each box of one frame with each of another, (n, m), 0 to 1.

    first: (n, 4), second: (m, 4): left, top, right, bottom. A box without area overlaps with nothing.

    >>> one = np.array([[0.0, 0.0, 0.5, 0.5]])
    >>> others = np.array([[0.0, 0.0, 0.5, 0.25], [0.5, 0.5, 1.0, 1.0]])
    >>> box_overlaps(one, others).tolist()
    [[0.5, 0.0]]
    """
    start = np.maximum(first[:, None, :2], second[None, :, :2])
    end = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.maximum(end - start, 0.0).prod(axis=2)
    areas = (np.maximum(boxes[:, 2:] - boxes[:, :2], 0.0).prod(axis=1) for boxes in (first, second))
    union = np.add.outer(*areas) - shared
    overlaps: Float64Array = np.divide(shared, union, out=np.zeros_like(shared), where=shared > 0.0)
    return overlaps
