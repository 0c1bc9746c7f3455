"""The animals that are hardest to find again, and who stands before them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spotted.arrays import BoolArray, IntArray
from spotted.evaluation.comparison import FUSED, Rankings
from spotted.ranking.ranker import Ranker
from spotted.scoring.fusion import Fusion

MOST, WRONG = 6, 3


@dataclass(frozen=True, slots=True)
class Hard:
    """A query whose animal stands far down.

    query, right: rows of the query and of the best detection of its animal. above: candidates that score
    more. wrong: rows of the best candidates that show other known animals.
    """

    query: int
    right: int
    above: int
    wrong: tuple[int, ...]


def find_hardest(ranked: Rankings, *, most: int = MOST, wrong: int = WRONG) -> list[Hard]:
    """The queries whose animal stands farthest down by the fused score, one for each animal, worst first.

    Of equally bad queries, and of equally good candidates, the first by id.
    """
    query, right, above = _best(ranked)
    code = np.unique(np.array(ranked.individuals, dtype=object), return_inverse=True)[1]
    worst = np.lexsort((ranked.gallery.order[query], -above))
    _, first = np.unique(code[query[worst]], return_index=True)
    chosen = worst[np.sort(first)][:most]
    known = np.array([bool(individual) for individual in ranked.individuals])

    def other(rows: IntArray, columns: IntArray) -> BoolArray:
        return np.asarray((code[rows] != code[columns]) & known[columns])

    before = Ranker(ranked.gallery).top_k(query[chosen], wrong, fusion=Fusion.PRODUCT, allowed=other)
    return [
        Hard(one.query, int(right[i]), int(above[i]), tuple(one.rows.tolist()))
        for i, one in zip(chosen.tolist(), before, strict=True)
    ]


def _best(ranked: Rankings) -> tuple[IntArray, IntArray, IntArray]:
    """Each query, its best right candidate, and how many score more."""
    same, standing = ranked.kin.same, ranked.standings[FUSED]
    query, candidate, above = standing.query[same], standing.candidate[same], standing.above[same]
    order = np.lexsort((ranked.gallery.order[candidate], above, query))
    rows, first = np.unique(query[order], return_index=True)
    return rows, candidate[order][first], above[order][first]
