"""The best candidates of every detection, kept up to date while the survey grows and shrinks.

New detections are scored against all others, which updates both sides. If detections are removed, only the
lists that held them are made again. The result equals that of ranking everyone from scratch, bit for bit.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from spotted.arrays import Float32Array, IntArray
from spotted.ranking.contest import count_rivals
from spotted.ranking.defaults import TOP_K
from spotted.ranking.gallery import Gallery
from spotted.ranking.ranker import Ranked, Ranker
from spotted.ranking.shortlist import ranking_keys
from spotted.scoring.fusion import Fusion
from spotted.scoring.pair_scores import PairScores

# fills a list that has fewer than k candidates
NOBODY = -1


@dataclass(frozen=True, slots=True)
class CandidateTable:
    """The k best candidates of each row of a gallery, best first.

    >>> from spotted.scoring import unit_rows
    >>> from spotted.survey import Detection, Survey
    >>> looks = unit_rows(np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [0.9, 0.1]]))
    >>> gallery = Gallery.of(Survey("ridge", 0.0, 86_400.0), [Detection(one) for one in "abcd"], looks)
    >>> table = CandidateTable.of(Ranker(gallery.first(3)), k=1)
    >>> table.rows[:, 0].tolist()
    [1, 2, 1]
    >>> table.grown(Ranker(gallery)).rows[:, 0].tolist()  # with the fourth detection
    [3, 2, 1, 0]
    """

    k: int
    fusion: Fusion
    rows: IntArray
    """(n, k) candidates, NOBODY after the last."""
    scores: PairScores
    """(n, k) each."""

    @classmethod
    def of(
        cls, ranker: Ranker, k: int = TOP_K, fusion: Fusion = Fusion.PRODUCT, *, threads: int = 1
    ) -> CandidateTable:
        """Rank every row of a gallery. Raises InvalidInputError if k is below 1."""
        table = _blank(len(ranker), k, fusion)
        table.fill(ranker.top_k(np.arange(len(ranker)), k, fusion=fusion, threads=threads))
        return table

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def size_bytes(self) -> int:
        """Memory that the lists take."""
        return self.rows.nbytes + sum(column.nbytes for column, _ in _columns(self.scores, self.scores))

    def fill(self, lists: Iterable[Ranked]) -> None:
        """Write the lists of some rows."""
        for one in lists:
            count = len(one.rows)
            self.rows[one.query] = NOBODY
            self.rows[one.query, :count] = one.rows
            for stored, new in _columns(self.scores, one.scores):
                stored[one.query, :count] = new

    def grown(self, ranker: Ranker, *, threads: int = 1) -> CandidateTable:
        """The table of a gallery whose first rows are the rows of this table."""
        known, count = len(self), len(ranker)
        if known == count:
            return self
        after = _blank(count, self.k, self.fusion)
        after.rows[:known] = self.rows
        for new, old in _columns(after.scores, self.scores):
            new[:known] = old
        # a list that has room, or scores of 0 that are ordered only by id, is made again
        full = (self.rows[:, -1] != NOBODY) & (self.scores.fused[:, -1] > 0)
        surest = np.where(full, self.scores.fused[:, -1], np.float32(np.inf))
        lists, arrivals = ranker.top_k_of_new(known, surest, self.k, fusion=self.fusion, threads=threads)
        after.fill(lists)
        after.insert(ranker.gallery, *arrivals)
        others = np.flatnonzero(~full)
        after.fill(ranker.top_k(others, self.k, fusion=self.fusion, threads=threads))
        return after

    def shrunk(self, ranker: Ranker, kept: IntArray, *, threads: int = 1) -> CandidateTable:
        """The table of a gallery of which only the rows `kept` remain, in their order."""
        after = _blank(len(kept), self.k, self.fusion)
        # the last entry maps NOBODY to itself
        index = np.full(len(self) + 1, NOBODY)
        index[kept] = np.arange(len(kept))
        after.rows[:] = index[self.rows[kept]]
        for new, old in _columns(after.scores, self.scores):
            new[:] = old[kept]
        holed = np.flatnonzero((after.rows == NOBODY).any(axis=1))
        after.fill(ranker.top_k(holed, self.k, fusion=self.fusion, threads=threads))
        return after

    def reordered(self, order: IntArray) -> CandidateTable:
        """The same lists with row i as row order[i]. order: a permutation of the rows."""
        after = _blank(len(self), self.k, self.fusion)
        # the last entry maps NOBODY to itself
        after.rows[order] = np.append(order, NOBODY)[self.rows]
        for new, old in _columns(after.scores, self.scores):
            new[order] = old
        return after

    def ranked(self, gallery: Gallery, queries: IntArray, k: int) -> Iterator[Ranked]:
        """The k best candidates of some rows; k is at most that of the table."""
        compared = count_rivals(gallery.table, queries)
        for query, rivals in zip(queries.tolist(), compared.tolist(), strict=True):
            count = min(k, int((self.rows[query] != NOBODY).sum()))
            yield Ranked(query, self.rows[query, :count], self.scores.at((query, slice(count))), rivals)

    def insert(self, gallery: Gallery, old: IntArray, new: IntArray, scores: PairScores) -> None:
        """Merge new candidates into the lists of earlier rows."""
        changed, position = np.unique(old, return_inverse=True)
        positions = np.concatenate([np.repeat(np.arange(len(changed)), self.k), position])
        rows = np.concatenate([self.rows[changed].ravel(), new])
        columns = [
            np.concatenate([stored[changed].ravel(), added])
            for stored, added in _columns(self.scores, scores)
        ]
        order = np.lexsort((gallery.order[rows], ranking_keys(positions, columns[-1])))
        best = order[_rank_within(positions[order]) < self.k].reshape(len(changed), self.k)
        self.rows[changed] = rows[best]
        for (stored, _), column in zip(_columns(self.scores, scores), columns, strict=True):
            stored[changed] = column[best]


def _blank(count: int, k: int, fusion: Fusion) -> CandidateTable:
    scores = PairScores(*(np.full((count, k), np.nan, np.float32) for _ in range(3)))
    return CandidateTable(k, fusion, np.full((count, k), NOBODY), scores)


def _columns(first: PairScores, second: PairScores) -> list[tuple[Float32Array, Float32Array]]:
    """The scores of both side by side, the fused ones last."""
    return [
        (first.visual, second.visual),
        (first.feasibility, second.feasibility),
        (first.fused, second.fused),
    ]


def _rank_within(positions: IntArray) -> IntArray:
    """Number of equal positions before each, for positions in ascending order."""
    counts = np.bincount(positions)
    return np.arange(len(positions)) - np.repeat(np.cumsum(counts) - counts, counts)
