"""Block-wise search for the candidates that may be among the best, without a dense matrix.

A block is one matrix product and a few passes over it while it is in the cache: visual score and feasibility
are bounded from above, feasibility only for pairs whose looks may reach the k-th best score of their query so
far, and closer bounds are computed only for pairs that may still reach it then. If every row is a query, each
block serves its rows and its columns.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from spotted.arrays import Float32Array, IntArray
from spotted.ranking.block_bounds import BlockBounds
from spotted.ranking.contest import Contest
from spotted.ranking.products.product import Product
from spotted.ranking.shortlist import Shortlist
from spotted.scoring import geometry
from spotted.scoring.parallel import Runner
from spotted.scoring.similarity import product_error, single_precision

# values of one block, 8 MiB in float32
BLOCK_VALUES = 2_097_152
# candidates beyond k that are tried for a first threshold, because some do not compete
SPARE = 8


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
        self._error = product_error(contest.products.vectors.shape[1])
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
        bounds = self._bounds(block, product)
        if block.first:
            most = np.concatenate([bounds.fused(part) for part in bounds.parts()])
            threshold = self._first_threshold(block, bounds, product, most)
            flat = bounds.allowed(np.flatnonzero(most >= threshold[:, None]))
            return [self._closer(block, product, flat, threshold)]
        threshold = self._shortlists[block.strip].threshold
        mirrored = None if block.mirror is None else self._shortlists[block.mirror].threshold
        found = [bounds.reaching(part, threshold, mirrored) for part in bounds.parts()]
        pairs = [self._closer(block, product, np.concatenate([flat for flat, _ in found]), threshold)]
        if mirrored is not None:
            flat = np.concatenate([flat for _, flat in found])
            pairs.append(self._closer(block, product, flat, mirrored, mirrored=True))
        return pairs

    def _product(self, block: Block) -> Product:
        rows, products = self.strips[block.strip], self.contest.products
        # rows in their order are a view, not a copy
        selected = slice(rows[0], rows[-1] + 1) if self._in_order else rows
        queries = single_precision(products.vectors[selected])
        return products.multiply(queries, slice(block.start, block.end))

    def _bounds(self, block: Block, product: Product) -> BlockBounds:
        columns = slice(block.start, block.end)
        journeys = self.contest.journeys.between(self._departures[block.strip], columns)
        return BlockBounds(self.contest, self.strips[block.strip], columns, product, journeys)

    def _first_threshold(
        self, block: Block, bounds: BlockBounds, product: Product, most: Float32Array
    ) -> Float32Array:
        """A threshold for queries that have none yet, from the likeliest pairs of a block."""
        count = self.k + SPARE
        if count > block.width:
            return self._shortlists[block.strip].threshold
        likeliest = np.partition(most, block.width - count, axis=1)[:, block.width - count]
        flat = bounds.allowed(np.flatnonzero(most >= likeliest[:, None]))
        trial = Shortlist(len(most), self.k)
        pairs = self._closer(block, product, flat, trial.threshold)
        trial.add(pairs.indices, pairs.candidates, pairs.least, pairs.most)
        trial.tighten()
        return trial.threshold

    def _closer(
        self,
        block: Block,
        product: Product,
        flat: IntArray,
        threshold: Float32Array,
        *,
        mirrored: bool = False,
    ) -> BoundedPairs:
        """The pairs that compete and reach the threshold, bounded with exact feasibility.

        flat: indices in the block; the query of a mirrored pair is its column.
        """
        contest = self.contest
        rows, columns = np.divmod(flat, block.width)
        visual = product.cosines(rows, columns)
        strip, indices, candidates = block.strip, rows, block.start + columns
        if mirrored and block.mirror is not None:
            strip, indices, candidates = block.mirror, columns, self.strips[block.strip][rows]
        queries = self.strips[strip][indices]
        least, most = contest.scoring.bounds(visual, self._error, queries, candidates)
        reaching = (most >= threshold[indices]) & ~geometry.same_image(contest.table, queries, candidates)
        return BoundedPairs(strip, indices[reaching], candidates[reaching], least[reaching], most[reaching])
