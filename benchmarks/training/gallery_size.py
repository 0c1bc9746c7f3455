"""Hits by the number of photographs of an animal (MiewID, figure 3): exact means over all ways to draw them.

A query whose animal has m other photographs, g of which are better than the k-th best photograph of another
animal, is answered among the k best by r photographs drawn from the m with probability
1 - C(m - g, r) / C(m, r). The photographs of all other animals stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

import numpy as np

from spotted.arrays import Float32Array, Float64Array


def hits_by_photographs(
    vectors: Float32Array, classes: Sequence[str], *, most: int, k: int = 1
) -> tuple[Float64Array, list[int]]:
    """The chance that each query finds its animal, (q, most), by r = 1 to `most` photographs of it, and rows.

    vectors: (n, d) unit rows. Queries are the rows whose animal has at least `most` other photographs, so
    that the same animals are asked about throughout.
    """
    names = np.array(classes, dtype=object)
    similarity = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    found, rows = [], []
    for query in range(len(names)):
        own = names == names[query]
        others = np.sort(similarity[query, ~own])[::-1]
        own[query] = False
        count = int(own.sum())
        if count < most:
            continue
        bound = others[k - 1] if len(others) >= k else -np.inf
        good = int((similarity[query, own] > bound).sum())
        found.append([1.0 - comb(count - good, drawn) / comb(count, drawn) for drawn in range(1, most + 1)])
        rows.append(query)
    return np.array(found, dtype=np.float64).reshape(-1, most), rows
