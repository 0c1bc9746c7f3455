"""Candidates by individual: each animal once, by its best detection.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from spotted.arrays import IntArray
from spotted.ranking.ranker import Ranked

# detections of one individual that may precede the next individual; if there are more, the search goes deeper
DEPTH = 4
# queries searched more deeply together
TOGETHER = 256


def rank_individuals(
    top_k: Callable[[IntArray, int], Iterable[Ranked]], queries: IntArray, k: int, individual: IntArray
) -> Iterator[Ranked]:
    """The k best individuals of each query, each by its best detection, in the order of the queries.

    top_k: given query rows and a number of candidates, returns the best candidates of each row in that order.
    individual: (n,) equal if two detections show one individual; a negative number is an individual of its
        own.
    The score is that of the best pair: the number of an individual's other detections does not change it.
    """
    for start in range(0, len(queries), TOGETHER):
        block = queries[start : start + TOGETHER]
        lists: dict[int, Ranked] = {}
        indices, depth = np.arange(len(block)), DEPTH * k
        while len(indices):
            shallow = []
            for index, ranked in zip(indices.tolist(), top_k(block[indices], depth), strict=True):
                lists[index] = first_of_each(ranked, individual, k)
                # a list that is not full holds every candidate there is
                if len(lists[index].rows) < k and len(ranked.rows) == depth:
                    shallow.append(index)
            indices, depth = np.array(shallow, dtype=np.int64), depth * DEPTH
        yield from (lists[index] for index in range(len(block)))


def first_of_each(ranked: Ranked, individual: IntArray, k: int) -> Ranked:
    """A ranking reduced to the first detection of each individual, cut to k."""
    known = individual[ranked.rows]
    # a detection without an individual counts as its own
    distinct = np.where(known < 0, -1 - np.arange(len(known)), known)
    first = np.sort(np.unique(distinct, return_index=True)[1])[:k]
    return Ranked(ranked.query, ranked.rows[first], ranked.scores.at(first), ranked.compared)
