"""Candidates ranked by LOCAL: those by PRODUCT, and those that share marks, which may rank higher.

A pair that was not matched is not worse than one without a common mark: both are ranked by the product.
"""

from __future__ import annotations

import numpy as np

from spotted.arrays import IntArray
from spotted.ranking.contest import Allowed
from spotted.ranking.gallery import Gallery
from spotted.scoring import geometry
from spotted.scoring.fusion import Fusion
from spotted.scoring.pair_scores import PairScores


def rank_with_marks(
    gallery: Gallery, query: int, rows: IntArray, k: int, *, allowed: Allowed | None = None
) -> tuple[IntArray, PairScores]:
    """The k best candidates of a query by LOCAL, and their scores.

    rows: its k best candidates by PRODUCT, or all it has. allowed: as in `Ranker.top_k`.
    """
    joined = np.union1d(rows, _sharing(gallery, query, allowed))
    scores = gallery.score_pairs(np.full(len(joined), query), joined, Fusion.LOCAL)
    best = np.lexsort((gallery.order[joined], -scores.fused))[:k]
    return joined[best], scores.at(best)


def _sharing(gallery: Gallery, query: int, allowed: Allowed | None) -> IntArray:
    """The rows that share marks with the query and compete."""
    if gallery.local is None:
        return np.empty(0, np.int64)
    found, _ = gallery.local.matched_with(query)
    row = np.array([query])
    competes = ~geometry.same_image(gallery.table, row, found)
    if allowed is not None and len(found):
        competes &= allowed(row[:, None], found[None, :])[0]
    return found[competes]
