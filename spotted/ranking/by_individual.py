"""Candidates by individual: each animal stands for itself once, by the best of its detections."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from spotted.arrays import IntArray
from spotted.ranking.gallery import Ranked, Scored

# an individual's detections that may precede the next individual; where there are more, it looks deeper
DEPTH = 4
# queries that look deeper together
TOGETHER = 256


def top_individuals(
    top_k: Callable[[IntArray, int], Iterable[Ranked]], queries: IntArray, k: int, individual: IntArray
) -> Iterator[Ranked]:
    """The k best individuals of each query, each by its best detection, in the order of the queries.

    top_k: of query rows and a number of candidates, the best candidates of each in that order.
    individual: (n,) equal where detections show one individual; each negative number stands for itself.
    The evidence is that pair alone: how many other detections an individual has changes nothing (ours).
    """
    for start in range(0, len(queries), TOGETHER):
        block = queries[start : start + TOGETHER]
        found: dict[int, Ranked] = {}
        places, depth = np.arange(len(block)), DEPTH * k
        while len(places):
            shallow = []
            for place, ranked in zip(places.tolist(), top_k(block[places], depth), strict=True):
                found[place] = first_of_each(ranked, individual, k)
                # a list that is not full holds every candidate there is
                if len(found[place].rows) < k and len(ranked.rows) == depth:
                    shallow.append(place)
            places, depth = np.array(shallow, dtype=np.int64), depth * DEPTH
        yield from (found[place] for place in range(len(block)))


def first_of_each(ranked: Ranked, individual: IntArray, k: int) -> Ranked:
    """A ranking without the detections of individuals that stand before them, cut to k."""
    known = individual[ranked.rows]
    # those without an individual are each their own
    apart = np.where(known < 0, -1 - np.arange(len(known)), known)
    kept = np.sort(np.unique(apart, return_index=True)[1])[:k]
    scores = ranked.scores
    chosen = Scored(scores.visual[kept], scores.feasibility[kept], scores.fused[kept])
    return Ranked(ranked.query, ranked.rows[kept], chosen, ranked.compared)
