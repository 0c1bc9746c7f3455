"""Block-wise search for the candidates that may be among the best, without a dense matrix.

A block is one matrix product and a few passes over it while it is in the cache: visual score and feasibility
are bounded from above, and closer bounds are computed only for pairs that may reach the k-th best score of
their query so far. If every row is a query, each block serves its rows and its columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from spotted.arrays import BoolArray, Float32Array, IntArray
from spotted.ranking.shortlist import Shortlist
from spotted.scoring import geometry
from spotted.scoring.bounds import Journeys, visual_bound
from spotted.scoring.fusion import Fusion, fuse
from spotted.scoring.pair_scores import Scoring
from spotted.scoring.parallel import Runner
from spotted.scoring.similarity import product_error, single_precision
from spotted.survey import DetectionTable

Allowed = Callable[[IntArray, IntArray], BoolArray]

# values of the part of a block that is worked on at once, 512 KiB in float32: a core's own cache
PART = 131_072
# values of one block, 8 MiB in float32
BLOCK_VALUES = 2_097_152
# candidates beyond k that are tried for a first threshold, because some do not compete
SPARE = 8


def count_rivals(table: DetectionTable, queries: IntArray) -> IntArray:
    """Number of rows that compete for each query without further conditions, (q,).

    All rows compete but those of the query's own image.
    """
    image = table.image
    sharing = np.bincount(image[image >= 0], minlength=1)[np.maximum(image[queries], 0)]
    return len(table) - np.where(image[queries] >= 0, sharing, 1)


@dataclass(frozen=True, slots=True)
class Contest:
    """Which rows compete with one another, and by which score."""

    vectors: npt.NDArray[np.floating]
    """(n, D) unit rows, float16 or float32."""
    journeys: Journeys
    """Between the rows of the scoring's table."""
    scoring: Scoring
    order: IntArray
    """(n,) rank of each row among rows of equal score."""
    allowed: Allowed | None
    """Further conditions; None for none."""

    @property
    def table(self) -> DetectionTable:
        """The rows that compete."""
        return self.scoring.table

    def competes(self, rows: IntArray, columns: IntArray) -> BoolArray:
        """Whether each pair competes, for indices that broadcast against each other."""
        apart = ~geometry.same_image(self.table, rows, columns)
        return apart if self.allowed is None else apart & self.allowed(rows, columns)

    def rival_counts(self, queries: IntArray) -> IntArray:
        """Number of rows that compete for each query, (q,)."""
        if self.allowed is None:
            return count_rivals(self.table, queries)
        step, everyone = max(1, PART // len(self.table)), np.arange(len(self.table))
        parts = [queries[i : i + step, None] for i in range(0, len(queries), step)]
        return np.concatenate([self.competes(part, everyone[None, :]).sum(axis=1) for part in parts])


@dataclass(frozen=True, slots=True)
class Block:
    """The queries of one strip against columns [start, end)."""

    strip: int
    start: int
    end: int
    mirror: int | None = None
    """The strip that the columns are, if they are queries too."""
    first: bool = False
    """Whether the queries have no threshold yet."""

    @property
    def width(self) -> int:
        """The number of its columns."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class BoundedPairs:
    """Pairs that may be among the best, with bounds of their scores, (m,) each."""

    strip: int
    indices: IntArray
    """Index of each query within the strip."""
    candidates: IntArray
    least: Float32Array
    most: Float32Array


class Search:
    """Searches all rows for the best candidates of the queries, which come in strips of rows."""

    def __init__(self, contest: Contest, strips: list[IntArray], k: int) -> None:
        self.contest = contest
        self.strips = strips
        self.k = k
        self._in_order = False
        self._error = product_error(contest.vectors.shape[1])
        self._departures = [contest.journeys.departures(rows) for rows in strips]
        self._shortlists = [Shortlist(len(rows), k) for rows in strips]

    def search_all(self, run: Runner) -> None:
        """Search for all strips, which are all rows in their order; each block is computed once."""
        self._in_order = True
        spans = self._spans()
        # every strip has its threshold from the block on the diagonal before it meets the others
        self._hold(run(self._search, (Block(i, *span, first=True) for i, span in enumerate(spans))))
        above = (Block(i, *spans[j], mirror=j) for i in range(len(spans)) for j in range(i + 1, len(spans)))
        self._hold(run(self._search, above))

    def search_new(self, known: int, surest: Float32Array, run: Runner) -> None:
        """Search all rows for the strips from index `known` on, and those strips for the earlier ones.

        surest: the k-th best score of each row of the earlier strips, in their order.
        """
        self._in_order = True
        spans = self._spans()
        for shortlist, (start, end) in zip(self._shortlists[:known], spans, strict=False):
            shortlist.threshold = surest[start:end]
        fresh = range(known, len(spans))
        self._hold(run(self._search, (Block(i, *spans[i], first=True) for i in fresh)))
        others = [(i, j) for i in fresh for j in (*range(i + 1, len(spans)), *range(known))]
        blocks = (Block(i, spans[j][0], spans[j][1], mirror=j) for i, j in others)
        self._hold(run(self._search, blocks))

    def search_strip(self, run: Runner) -> None:
        """Search for a single strip of queries, which may be any rows."""
        total, count = len(self.contest.table), len(self.strips[0])
        # even a single query keeps all threads busy
        width = min(max(count, BLOCK_VALUES // count), -(-total // run.threads))
        spans = [(start, min(start + width, total)) for start in range(0, total, width)]
        blocks = [Block(0, *span, first=i < run.threads) for i, span in enumerate(spans)]
        self._hold(run(self._search, blocks[: run.threads]))
        self._hold(run(self._search, blocks[run.threads :]))

    def pairs(self, strip: int) -> tuple[IntArray, IntArray]:
        """Indices within a strip, and candidates that include the k best of each of these queries.

        If not all k of a query certainly score above 0, the first k others by id are included too: a row
        that is not on the shortlist scores exactly 0.
        """
        shortlist, queries = self._shortlists[strip], self.strips[strip]
        indices, rows = shortlist.pairs()
        pairs = [(indices, rows)]
        for index in np.flatnonzero(shortlist.surely_positive() < self.k).tolist():
            rest = self.contest.competes(queries[index : index + 1], np.arange(len(self.contest.table)))
            own = slice(np.searchsorted(indices, index), np.searchsorted(indices, index, side="right"))
            rest[rows[own]] = False
            others = np.flatnonzero(rest)
            others = others[np.argsort(self.contest.order[others])][: self.k]
            pairs.append((np.full(len(others), index), others))
        return np.concatenate([i for i, _ in pairs]), np.concatenate([r for _, r in pairs])

    def shortlisted(self, strip: int) -> tuple[IntArray, IntArray]:
        """Indices within a strip, and the candidates on its shortlist."""
        return self._shortlists[strip].pairs()

    def _spans(self) -> list[tuple[int, int]]:
        """First row and end of each strip; together they are all rows in their order."""
        return list(pairwise(np.cumsum([0, *(len(rows) for rows in self.strips)]).tolist()))

    def _hold(self, blocks: Iterable[list[BoundedPairs]]) -> None:
        for pairs in (one for block in blocks for one in block):
            shortlist = self._shortlists[pairs.strip]
            shortlist.add(pairs.indices, pairs.candidates, pairs.least, pairs.most)

    def _search(self, block: Block) -> list[BoundedPairs]:
        """The pairs of a block for its queries, and for its columns if they are queries too."""
        product = self._product(block)
        parts: Iterable[tuple[slice, Float32Array]] = self._bounds(block, product)
        threshold = self._shortlists[block.strip].threshold
        if block.first:
            parts = list(parts)
            threshold = self._first_threshold(block, product, np.concatenate([most for _, most in parts]))
        direct, mirrored = [], []
        for part, most in parts:
            direct.append(self._reaching(block, part, most >= threshold[part, None]))
            if block.mirror is not None:
                reaching = most >= self._shortlists[block.mirror].threshold
                mirrored.append(self._reaching(block, part, reaching, mirrored=True))
        indices, columns = np.divmod(np.concatenate(direct), block.width)
        pairs = [
            self._closer(block.strip, indices, block.start + columns, product[indices, columns], threshold)
        ]
        if block.mirror is not None:
            rows, indices = np.divmod(np.concatenate(mirrored), block.width)
            candidates = self.strips[block.strip][rows]
            threshold = self._shortlists[block.mirror].threshold
            pairs.append(self._closer(block.mirror, indices, candidates, product[rows, indices], threshold))
        return pairs

    def _product(self, block: Block) -> Float32Array:
        rows = self.strips[block.strip]
        # rows in their order are a view, not a copy
        selected = slice(rows[0], rows[-1] + 1) if self._in_order else rows
        left = single_precision(self.contest.vectors[selected])
        product: Float32Array = left @ single_precision(self.contest.vectors[block.start : block.end]).T
        return product

    def _bounds(self, block: Block, product: Float32Array) -> Iterator[tuple[slice, Float32Array]]:
        """Upper bounds of the fused scores of a block, a few rows at a time."""
        step, fusion = max(1, PART // block.width), self.contest.scoring.fusion
        columns = slice(block.start, block.end)
        if fusion is Fusion.VISUAL:
            yield slice(0, len(product)), visual_bound(product, self._error)
            return
        if fusion is Fusion.CALIBRATED:
            yield from self._calibrated(block, product, step)
            return
        for part, possible, known in self.contest.journeys.bounds(
            self._departures[block.strip], columns, step
        ):
            if known and fusion is Fusion.PRODUCT:
                # as `fuse`, but below 0 if the cosine is: such a pair scores exactly 0
                visual = np.add(product[part], np.float32(self._error))
                yield part, np.multiply(visual, possible, out=visual)
            else:
                yield part, fuse(visual_bound(product[part], self._error), possible, fusion)

    def _calibrated(
        self, block: Block, product: Float32Array, step: int
    ) -> Iterator[tuple[slice, Float32Array]]:
        rows, columns = self.strips[block.strip][:, None], np.arange(block.start, block.end)[None, :]
        for start in range(0, len(product), step):
            part = slice(start, min(start + step, len(product)))
            yield part, self.contest.scoring.bounds(product[part], self._error, rows[part], columns)[1]

    def _reaching(
        self, block: Block, part: slice, reaching: BoolArray, *, mirrored: bool = False
    ) -> IntArray:
        """Flat indices in the block of the pairs that reach their threshold and are allowed."""
        allowed = self.contest.allowed
        if allowed is not None:
            rows, columns = self.strips[block.strip][part, None], np.arange(block.start, block.end)[None, :]
            # the query of a mirrored pair is its column
            reaching &= allowed(columns.T, rows.T).T if mirrored else allowed(rows, columns)
        return np.flatnonzero(reaching) + np.int64(part.start * block.width)

    def _first_threshold(self, block: Block, product: Float32Array, most: Float32Array) -> Float32Array:
        """A threshold for queries that have none yet, from the likeliest pairs of a block."""
        count = self.k + SPARE
        if count > block.width:
            return self._shortlists[block.strip].threshold
        likeliest = np.partition(most, block.width - count, axis=1)[:, block.width - count]
        flat = self._reaching(block, slice(0, len(most)), most >= likeliest[:, None])
        indices, columns = np.divmod(flat, block.width)
        trial = Shortlist(len(most), self.k)
        visual = product[indices, columns]
        pairs = self._closer(block.strip, indices, block.start + columns, visual, trial.threshold)
        trial.add(pairs.indices, pairs.candidates, pairs.least, pairs.most)
        trial.tighten()
        return trial.threshold

    def _closer(
        self,
        strip: int,
        indices: IntArray,
        candidates: IntArray,
        visual: Float32Array,
        threshold: Float32Array,
    ) -> BoundedPairs:
        """The pairs that compete and reach the threshold, bounded with exact feasibility."""
        contest, queries = self.contest, self.strips[strip][indices]
        least, most = contest.scoring.bounds(visual, self._error, queries, candidates)
        reaching = (most >= threshold[indices]) & ~geometry.same_image(contest.table, queries, candidates)
        return BoundedPairs(strip, indices[reaching], candidates[reaching], least[reaching], most[reaching])
