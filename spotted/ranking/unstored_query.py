"""The best candidates of a detection that is not in the gallery, exact, by one matrix-vector product."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from spotted.arrays import BoolArray, Float32Array, IntArray
from spotted.ranking.gallery import Gallery, Ranked, Scored
from spotted.scoring.fusion import Fusion
from spotted.scoring.similarity import product_error
from spotted.survey import DetectionTable

# the query of what is answered to a visitor
VISITOR = -1
# candidates for each wanted one that are looked at for a first threshold
TRIED = 8


@dataclass(frozen=True, slots=True)
class Visitor:
    """A detection from outside. vector: (D,) float32, unit length. table: its one row of columns."""

    vector: Float32Array
    table: DetectionTable


def visit(
    gallery: Gallery,
    visitor: Visitor,
    k: int,
    *,
    fusion: Fusion = Fusion.PRODUCT,
    competes: BoolArray,
    threads: int = 1,
) -> Ranked:
    """The k best candidates of a visitor, as if it were the gallery's last row; its `query` is VISITOR.

    competes: (n,) which rows may be candidates. threads: as of `Gallery.top_k`.
    """
    rows = np.flatnonzero(competes)
    if not len(rows):
        return Ranked(VISITOR, rows, Scored(*(np.empty(0, np.float32) for _ in range(3))), 0)
    compared = len(rows)
    # as it would be stored
    vector = visitor.vector.astype(gallery.embeddings.dtype)
    product = gallery.product(vector.astype(np.float32), threads=threads)
    # its image has no number here; who shares it does not compete
    joined = gallery.table.followed_by(replace(visitor.table, image=np.array([-1])))
    itself = np.array([len(gallery)])
    error = product_error(len(vector))
    bounds = partial(replace(gallery.scoring(fusion), table=joined).bounds, error=error)
    if fusion in {Fusion.PRODUCT, Fusion.VISUAL}:
        # no such score exceeds the visual one
        surest = _surest(product, rows, k, lambda few: bounds(product[few], rows=itself, columns=few)[0])
        rows = rows[product[rows] + error >= surest] if surest > 0 else rows
    least, most = bounds(product[rows], rows=itself, columns=rows)
    shortlist = rows[_shortlist(least, most, gallery.order[rows], k)]
    # the few that matter, with the visitor behind them
    small = Gallery(
        np.vstack([gallery.embeddings[shortlist], vector]),
        joined.at(np.append(shortlist, itself)),
        np.append(gallery.order[shortlist], len(gallery)),
        gallery.extent,
        gallery.params,
        gallery.calibration,
    )
    count = len(shortlist)
    scores = small.score_pairs(np.full(count, count), np.arange(count), fusion)
    best = np.lexsort((small.order[:count], -scores.fused))[:k]
    chosen = Scored(scores.visual[best], scores.feasibility[best], scores.fused[best])
    return Ranked(VISITOR, shortlist[best], chosen, compared)


def _surest(
    product: Float32Array, rows: IntArray, k: int, least: Callable[[IntArray], Float32Array]
) -> float:
    """What the k-th best score reaches at least, by those of the rows that look most alike.

    least: of some rows, what their scores reach at least.
    """
    count = TRIED * k
    if len(rows) <= count:
        return 0.0
    few = rows[np.argpartition(product[rows], len(rows) - count)[len(rows) - count :]]
    return float(np.partition(least(few), count - k)[count - k])


def _shortlist(least: Float32Array, most: Float32Array, order: IntArray, k: int) -> IntArray:
    """Which could be among the k best: all that may reach the k-th surest score.

    Those whose score is surely 0 all tie; of them only the first k by id can be needed.
    """
    k = min(k, len(least))
    surest = np.partition(least, len(least) - k)[len(least) - k]
    if surest > 0:
        return np.flatnonzero(most >= surest)
    zeros = np.flatnonzero(most == 0)
    return np.concatenate([np.flatnonzero(most > 0), zeros[np.argsort(order[zeros])][:k]])
