"""Repeated boxes of one object removed: greedy suppression of what overlaps a more confident box."""

from __future__ import annotations

import numpy as np

from spotted.arrays import FloatArray, IntArray


def suppress(
    corners: FloatArray, confidence: FloatArray, category: IntArray, *, overlap: float, most: int
) -> IntArray:
    """The boxes that remain, most confident first, equal ones by index.

    From the most confident on, each box removes those of its own category whose intersection with it is more
    than `overlap` of their union; boxes of different categories never remove each other.
    corners: (n, 4) left, top, right, bottom. confidence, category: (n,).
    most: largest number of boxes returned.
    Returns (m,) indices.

    >>> corners = np.array([[0.0, 0, 10, 10], [0, 1, 10, 11], [20, 0, 30, 10], [0, 0, 10, 10]])
    >>> confidence, category = np.array([0.6, 0.9, 0.3, 0.5]), np.array([0, 0, 0, 1])
    >>> suppress(corners, confidence, category, overlap=0.45, most=10).tolist()
    [1, 3, 2]
    """
    waiting = np.argsort(-confidence, kind="stable")
    areas = _areas(corners)
    kept: list[int] = []
    while len(waiting) and len(kept) < most:
        best, waiting = waiting[0], waiting[1:]
        kept.append(int(best))
        first = np.maximum(corners[best, :2], corners[waiting, :2])
        last = np.minimum(corners[best, 2:], corners[waiting, 2:])
        shared = _areas(np.concatenate([first, last], axis=1))
        # multiplied out, so that boxes without area divide nothing
        repeated = shared > overlap * (areas[best] + areas[waiting] - shared)
        waiting = waiting[~(repeated & (category[waiting] == category[best]))]
    return np.array(kept, dtype=np.int64)


def _areas(corners: FloatArray) -> FloatArray:
    sides = np.maximum(corners[:, 2:] - corners[:, :2], 0.0)
    areas: FloatArray = sides[:, 0] * sides[:, 1]
    return areas
