"""The best candidates of every detection, kept while the survey grows and shrinks.

New detections are scored against all, which updates both sides; of removed ones only the lists that held
them are made again. The result is that of ranking everyone anew, bit for bit (ours).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from spotted.arrays import Float32Array, IntArray
from spotted.ranking.gallery import Gallery, Ranked, Scored
from spotted.ranking.shortlist import ranking_keys
from spotted.scoring.fusion import Fusion

# where a list has fewer candidates than it could have
NOBODY = -1


@dataclass(frozen=True, slots=True)
class Standing:
    """The k best candidates of each row of a gallery, best first.

    rows: (n, k) candidates, NOBODY behind the last. scores: (n, k) each.
    """

    k: int
    fusion: Fusion
    rows: IntArray
    scores: Scored

    @classmethod
    def of(cls, gallery: Gallery, k: int, fusion: Fusion = Fusion.PRODUCT, *, threads: int = 1) -> Standing:
        """The lists of a gallery, from nothing. Raises InvalidInputError where k is below 1."""
        standing = _blank(len(gallery), k, fusion)
        standing.fill(gallery.top_k(np.arange(len(gallery)), k, fusion=fusion, threads=threads))
        return standing

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
            for kept, found in _columns(self.scores, one.scores):
                kept[one.query, :count] = found

    def grown(self, gallery: Gallery, *, threads: int = 1) -> Standing:
        """The lists of a gallery whose first rows are the ones known here."""
        known, count = len(self), len(gallery)
        if known == count:
            return self
        after = _blank(count, self.k, self.fusion)
        after.rows[:known] = self.rows
        for new, old in _columns(after.scores, self.scores):
            new[:known] = old
        # a list with room, or with scores of 0 that are ordered by id alone, may change in ways of its own
        full = (self.rows[:, -1] != NOBODY) & (self.scores.fused[:, -1] > 0)
        surest = np.where(full, self.scores.fused[:, -1], np.float32(np.inf))
        answers, arrivals = gallery.newcomers(known, surest, self.k, fusion=self.fusion, threads=threads)
        after.fill(answers)
        after.take_in(gallery, *arrivals)
        others = np.flatnonzero(~full)
        after.fill(gallery.top_k(others, self.k, fusion=self.fusion, threads=threads))
        return after

    def shrunk(self, gallery: Gallery, kept: IntArray, *, threads: int = 1) -> Standing:
        """The lists of a gallery of which only the rows `kept` remain, in their order."""
        after = _blank(len(kept), self.k, self.fusion)
        # the last place is NOBODY's
        place = np.full(len(self) + 1, NOBODY)
        place[kept] = np.arange(len(kept))
        after.rows[:] = place[self.rows[kept]]
        for new, old in _columns(after.scores, self.scores):
            new[:] = old[kept]
        holed = np.flatnonzero((after.rows == NOBODY).any(axis=1))
        after.fill(gallery.top_k(holed, self.k, fusion=self.fusion, threads=threads))
        return after

    def ranked(self, gallery: Gallery, queries: IntArray, k: int) -> Iterator[Ranked]:
        """The k best candidates of some rows, k at most as many as are kept."""
        compared = gallery.compared(queries)
        for query, rivals in zip(queries.tolist(), compared.tolist(), strict=True):
            count = min(k, int((self.rows[query] != NOBODY).sum()))
            scores = Scored(*(column[query, :count] for column, _ in _columns(self.scores, self.scores)))
            yield Ranked(query, self.rows[query, :count], scores, rivals)

    def take_in(self, gallery: Gallery, old: IntArray, new: IntArray, scores: Scored) -> None:
        """Set new candidates among those of earlier rows."""
        changed, place = np.unique(old, return_inverse=True)
        places = np.concatenate([np.repeat(np.arange(len(changed)), self.k), place])
        rows = np.concatenate([self.rows[changed].ravel(), new])
        columns = [
            np.concatenate([kept[changed].ravel(), found]) for kept, found in _columns(self.scores, scores)
        ]
        order = np.lexsort((gallery.order[rows], ranking_keys(places, columns[-1])))
        best = order[_rank_within(places[order]) < self.k].reshape(len(changed), self.k)
        self.rows[changed] = rows[best]
        for (kept, _), column in zip(_columns(self.scores, scores), columns, strict=True):
            kept[changed] = column[best]


def _blank(count: int, k: int, fusion: Fusion) -> Standing:
    scores = Scored(*(np.full((count, k), np.nan, np.float32) for _ in range(3)))
    return Standing(k, fusion, np.full((count, k), NOBODY), scores)


def _columns(ours: Scored, theirs: Scored) -> list[tuple[Float32Array, Float32Array]]:
    """The scores of both side by side, the fused ones last."""
    return [
        (ours.visual, theirs.visual),
        (ours.feasibility, theirs.feasibility),
        (ours.fused, theirs.fused),
    ]


def _rank_within(places: IntArray) -> IntArray:
    """How many of the same place stand before each, of places in ascending order."""
    counts = np.bincount(places)
    return np.arange(len(places)) - np.repeat(np.cumsum(counts) - counts, counts)
