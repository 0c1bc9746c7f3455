"""The best candidates of a detection that is not in the gallery, exact, by one matrix-vector product."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from spotted.arrays import BoolArray, Float32Array, IntArray
from spotted.ranking.defaults import TOP_K
from spotted.ranking.gallery import Gallery
from spotted.ranking.products.product import Product
from spotted.ranking.ranker import Ranked, Ranker
from spotted.scoring.fusion import Fusion
from spotted.scoring.pair_scores import PairScores
from spotted.scoring.parallel import SERIAL, Runner
from spotted.scoring.similarity import product_error
from spotted.survey import DetectionTable

# `Ranked.query` of a query that has no row
UNSTORED = -1
# rows tried for a first threshold, per candidate asked for
TRIED = 8
# below every cosine
EXCLUDED = np.float32(-2.0)


@dataclass(frozen=True, slots=True)
class UnstoredQuery:
    """A detection that is not in the gallery.

    >>> from spotted.scoring import unit_rows
    >>> from spotted.survey import Detection, Survey, detection_table
    >>> looks = unit_rows(np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]]))
    >>> gallery = Gallery.of(Survey("ridge", 0.0, 86_400.0), [Detection(one) for one in "abc"], looks)
    >>> query = UnstoredQuery(np.float32([0.8, 0.6]), detection_table([Detection("new")], {}))
    >>> ranked = rank_unstored(Ranker(gallery), query, 2, competes=np.ones(3, np.bool_))
    >>> ranked.rows.tolist(), [f"{score:.2f}" for score in ranked.scores.visual]
    ([1, 0], ['0.96', '0.80'])
    """

    vector: Float32Array
    """(D,) unit length."""
    table: DetectionTable
    """Its one row of columns."""


def rank_unstored(
    ranker: Ranker,
    query: UnstoredQuery,
    k: int = TOP_K,
    *,
    fusion: Fusion = Fusion.PRODUCT,
    competes: BoolArray,
    run: Runner = SERIAL,
) -> Ranked:
    """The k best candidates of a query, as if it were the gallery's last row; `query` is UNSTORED.

    competes: (n,) the rows that may be candidates. run: computes the products; keep one for many queries, as
        beginning threads takes as long as ranking.
    """
    gallery = ranker.gallery
    compared = int(np.count_nonzero(competes))
    if not compared:
        nobody = np.empty(0, np.int64)
        return Ranked(UNSTORED, nobody, PairScores(*(np.empty(0, np.float32) for _ in range(3))), 0)
    # the query's image has no number here; `competes` excludes the detections of the same image
    own = replace(query.table, image=np.array([-1]))
    # in the precision in which it would be stored
    vector = query.vector.astype(gallery.embeddings.dtype)
    looks = ranker.look_up(vector.astype(np.float32), fusion, run)
    shortlist = _possible(gallery, own, looks, k, fusion, competes)
    # the few rows that matter, followed by the query
    small = Gallery(
        np.vstack([gallery.embeddings[shortlist], vector]),
        gallery.table.at(shortlist).followed_by(own),
        np.append(gallery.order[shortlist], len(gallery)),
        gallery.extent,
        gallery.params,
        gallery.calibration,
    )
    count = len(shortlist)
    scores = small.score_pairs(np.full(count, count), np.arange(count), fusion)
    best = np.lexsort((small.order[:count], -scores.fused))[:k]
    return Ranked(UNSTORED, shortlist[best], scores.at(best), compared)


def _possible(
    gallery: Gallery, own: DetectionTable, looks: Product, k: int, fusion: Fusion, competes: BoolArray
) -> IntArray:
    """The rows that could be among the k best of a query, whose one row of columns is `own`."""
    error = product_error(gallery.embeddings.shape[1])

    def bounds(rows: IntArray, visual: Float32Array, error: float) -> tuple[Float32Array, Float32Array]:
        # only the rows that matter: a column of all costs as much as the rest of the search
        table, itself = gallery.table.at(rows).followed_by(own), np.array([len(rows)])
        scoring = replace(gallery.scoring(fusion), table=table, local=None)
        return scoring.bounds(visual, error, rows=itself, columns=np.arange(len(rows)))

    def closely(rows: IntArray) -> tuple[Float32Array, Float32Array]:
        return bounds(rows, looks.cosines(np.zeros(len(rows), np.int64), rows), error)

    rows = np.flatnonzero(competes)
    if fusion in {Fusion.PRODUCT, Fusion.VISUAL} and len(rows) > TRIED * k:
        visual = np.where(competes, looks.most(slice(0, 1))[0], EXCLUDED)
        surest = _surest(visual, k, lambda few: closely(few)[0])
        if surest > 0:
            # no such score exceeds the visual one
            rows = np.flatnonzero(visual >= surest)
            rows = rows[bounds(rows, visual[rows], 0.0)[1] >= surest]
    return rows[_shortlist(*closely(rows), gallery.order[rows], k)]


def _surest(visual: Float32Array, k: int, least: Callable[[IntArray], Float32Array]) -> float:
    """A lower bound of the k-th best score, from the rows that look most alike.

    visual: upper bounds, EXCLUDED for rows that do not compete; more than TRIED * k compete. least: given
    rows, returns lower bounds of their scores.
    """
    last = len(visual) - TRIED * k
    # those that tie with the last of them may be many
    few = np.flatnonzero(visual >= np.partition(visual, last)[last])[: 2 * TRIED * k]
    return float(np.partition(least(few), len(few) - k)[len(few) - k])


def _shortlist(least: Float32Array, most: Float32Array, order: IntArray, k: int) -> IntArray:
    """Indices of the rows that could be among the k best: all that may reach the k-th surest score.

    Rows whose score is certainly 0 all tie; only the first k of them by id can be needed.
    """
    k = min(k, len(least))
    surest = np.partition(least, len(least) - k)[len(least) - k]
    if surest > 0:
        return np.flatnonzero(most >= surest)
    zeros = np.flatnonzero(most == 0)
    return np.concatenate([np.flatnonzero(most > 0), zeros[np.argsort(order[zeros])][:k]])
