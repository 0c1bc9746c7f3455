"""Exact top-k over the fused score, in blocks, without a dense matrix.

A matrix product finds every pair that could be among the best within its rounding error; only those are
scored exactly, each on its own. So the answer is that of scoring every pair exactly, and no block size,
row order or thread count changes a bit of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spotted import geometry
from spotted.errors import InvalidInputError
from spotted.feasibility import FeasibilityParams, pair_feasibility
from spotted.fusion import Fusion, fuse
from spotted.similarity import PRODUCT_ERROR, approximate_similarity, pair_similarity
from spotted.survey import BoolArray, DetectionTable, Extent, Float32Array, IntArray

# a block of so many queries against 50,000 detections takes 50 MiB a score in float32
BLOCK = 256
Allowed = Callable[[IntArray, IntArray], BoolArray]


@dataclass(frozen=True, slots=True)
class Scored:
    """Scores of pairs, equal shapes: visual in [0, 1], feasibility with NaN where unknown, fused."""

    visual: Float32Array
    feasibility: Float32Array
    fused: Float32Array


@dataclass(frozen=True, slots=True)
class Ranked:
    """The candidates of one query, best first: rows of the gallery (m,), their scores, how many competed."""

    query: int
    rows: IntArray
    scores: Scored
    compared: int


@dataclass(frozen=True, slots=True)
class Gallery:
    """The detections of a survey, ready to be scored.

    embeddings: (n, D) unit rows, float16 or float32.
    order: (n,) rank of each detection's id among all; equal scores are ordered by it.
    """

    embeddings: npt.NDArray[np.floating]
    table: DetectionTable
    order: IntArray
    extent: Extent
    params: FeasibilityParams

    def __len__(self) -> int:
        return len(self.table)

    def score_pairs(self, first: IntArray, second: IntArray, fusion: Fusion = Fusion.PRODUCT) -> Scored:
        """Exact scores of pairs of rows, (m,); two animals in one image fuse to 0 (ours)."""
        visual = pair_similarity(self.embeddings, first, second)
        possible = pair_feasibility(self.table, first, second, self.extent, self.params)
        fused = fuse(visual, possible, fusion)
        two_animals = geometry.same_image(self.table, first, second) & (first != second)
        return Scored(visual, possible, np.where(two_animals, np.float32(0.0), fused))

    def score_block(self, rows: IntArray, columns: IntArray, fusion: Fusion = Fusion.PRODUCT) -> Float32Array:
        """Fused scores (q, n) by one matrix product, within PRODUCT_ERROR of `score_pairs`.

        A detection scores 1 with itself, two animals in one image 0.
        """
        below, left = rows[:, None], columns[None, :]
        visual = approximate_similarity(self._float32(rows), self._float32(columns))
        possible = pair_feasibility(self.table, below, left, self.extent, self.params)
        fused = fuse(visual, possible, fusion)
        fused = np.where(geometry.same_image(self.table, below, left), np.float32(0.0), fused)
        return np.where(below == left, np.float32(1.0), fused)

    def top_k(
        self,
        queries: IntArray,
        k: int,
        *,
        fusion: Fusion = Fusion.PRODUCT,
        allowed: Allowed | None = None,
        block: int = BLOCK,
    ) -> Iterator[Ranked]:
        """The k best candidates of each query row, exact, in the order of the queries.

        A query is no candidate of itself, nor is another animal of its image.
        allowed: of rows (q, 1) and columns (1, n), which pairs may be candidates; None for all.
        Raises InvalidInputError where k is below 1.
        """
        if k < 1:
            raise InvalidInputError(f"top_k is {k}; ask for at least 1 candidate", field="top_k")
        columns = np.arange(len(self))
        gallery = self._float32(columns)
        for start in range(0, len(queries), block):
            rows = queries[start : start + block]
            visual = approximate_similarity(gallery[rows], gallery)
            below, left = rows[:, None], columns[None, :]
            competes = ~geometry.same_image(self.table, below, left)
            if allowed is not None:
                competes &= allowed(below, left)
            possible = pair_feasibility(self.table, below, left, self.extent, self.params)
            least, most = _bounds(visual, possible, fusion, competes)
            for i, query in enumerate(rows):
                shortlist = _shortlist(least[i], most[i], self.order, k)
                yield self._rank(int(query), shortlist, k, fusion, int(competes[i].sum()))

    def _rank(self, query: int, shortlist: IntArray, k: int, fusion: Fusion, compared: int) -> Ranked:
        scores = self.score_pairs(np.full(len(shortlist), query), shortlist, fusion)
        best = np.lexsort((self.order[shortlist], -scores.fused))[:k]
        chosen = Scored(scores.visual[best], scores.feasibility[best], scores.fused[best])
        return Ranked(query, shortlist[best], chosen, compared)

    def _float32(self, rows: IntArray) -> Float32Array:
        return self.embeddings[rows].astype(np.float32, copy=False)


def _bounds(
    visual: Float32Array, possible: Float32Array, fusion: Fusion, competes: BoolArray
) -> tuple[Float32Array, Float32Array]:
    """Bounds (q, n) within which the exact fused scores lie; -1 where a pair does not compete.

    A visual score of exactly 0 may hide up to PRODUCT_ERROR; where feasibility is 0 the product is 0.
    """
    error = np.float32(PRODUCT_ERROR)
    fused = fuse(visual, possible, fusion)
    slack = fuse(np.full_like(visual, error), possible, fusion)
    if fusion is Fusion.LOCATION:
        slack = np.zeros_like(visual)
    outside = np.float32(-1.0)
    least = np.where(competes, np.maximum(fused - slack, np.float32(0.0)), outside)
    return least, np.where(competes, fused + slack, outside)


def _shortlist(least: Float32Array, most: Float32Array, order: IntArray, k: int) -> IntArray:
    """The rows that could be among the k best: all that may reach the k-th surest score.

    Rows whose score is exactly 0 all tie; of those only the first k by id can be needed.
    """
    k = min(k, len(least))
    if k == 0:
        return np.empty(0, dtype=np.int64)
    surest = np.partition(least, len(least) - k)[len(least) - k]
    if surest > 0:
        return np.flatnonzero(most >= surest)
    zeros = np.flatnonzero(most == 0)
    return np.concatenate([np.flatnonzero(most > 0), zeros[np.argsort(order[zeros])][:k]])
