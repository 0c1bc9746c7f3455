"""The candidates that may be among the best, found block by block without a dense matrix.

A block is one matrix product and a few passes over it while it is in the cache: visual score and feasibility
are bounded from above, and only pairs that may reach the k-th best score of their query so far are looked at
closer. Where everyone asks, each block serves its rows and its columns.
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
# so many more than k are looked at for a first threshold, as some will not compete
SPARE = 8


@dataclass(frozen=True, slots=True)
class Contest:
    """Who competes with whom, and by which score.

    vectors: (n, D) unit rows, float16 or float32. journeys: those between the rows of the scoring's table.
    order: (n,) rank of each row where scores are equal. allowed: further conditions; None for none.
    """

    vectors: npt.NDArray[np.floating]
    journeys: Journeys
    scoring: Scoring
    order: IntArray
    allowed: Allowed | None

    @property
    def table(self) -> DetectionTable:
        """The rows that compete."""
        return self.scoring.table

    def competes(self, rows: IntArray, columns: IntArray) -> BoolArray:
        """Which pairs compete, of indices that broadcast against each other."""
        apart = ~geometry.same_image(self.table, rows, columns)
        return apart if self.allowed is None else apart & self.allowed(rows, columns)

    def compared(self, queries: IntArray) -> IntArray:
        """How many rows compete for each query, (q,)."""
        if self.allowed is None:
            image = self.table.image
            sharing = np.bincount(image[image >= 0], minlength=1)[np.maximum(image[queries], 0)]
            return len(self.table) - np.where(image[queries] >= 0, sharing, 1)
        step, everyone = max(1, PART // len(self.table)), np.arange(len(self.table))
        parts = [queries[i : i + step, None] for i in range(0, len(queries), step)]
        return np.concatenate([self.competes(part, everyone[None, :]).sum(axis=1) for part in parts])


@dataclass(frozen=True, slots=True)
class Block:
    """The queries of strip `strip` against columns [start, end), which are strip `mirror` where that is set.

    first: whether the queries have no threshold yet.
    """

    strip: int
    start: int
    end: int
    mirror: int | None = None
    first: bool = False

    @property
    def width(self) -> int:
        """The number of its columns."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Found:
    """Pairs that may be among the best: places in a strip, candidates, bounds of their scores, (m,) each."""

    strip: int
    places: IntArray
    candidates: IntArray
    least: Float32Array
    most: Float32Array


class Search:
    """The search among all rows for the best candidates of the queries, which come in strips of rows."""

    def __init__(self, contest: Contest, strips: list[IntArray], k: int) -> None:
        self.contest = contest
        self.strips = strips
        self.k = k
        self._in_order = False
        self._error = product_error(contest.vectors.shape[1])
        self._departures = [contest.journeys.departures(rows) for rows in strips]
        self._shortlists = [Shortlist(len(rows), k) for rows in strips]

    def everyone(self, run: Runner) -> None:
        """Search for all strips, which are all rows in their order: each block is computed once."""
        self._in_order = True
        spans = self._spans()
        # every strip has its threshold from the block on the diagonal before it meets the others
        self._take_in(run(self._search, (Block(i, *span, first=True) for i, span in enumerate(spans))))
        above = (Block(i, *spans[j], mirror=j) for i in range(len(spans)) for j in range(i + 1, len(spans)))
        self._take_in(run(self._search, above))

    def newcomers(self, known: int, surest: Float32Array, run: Runner) -> None:
        """Search among all rows for the strips from the `known`-th on, and among those for the strips before.

        surest: the k-th best score of each row of the earlier strips, in their order.
        """
        self._in_order = True
        spans = self._spans()
        for shortlist, (start, end) in zip(self._shortlists[:known], spans, strict=False):
            shortlist.threshold = surest[start:end]
        fresh = range(known, len(spans))
        self._take_in(run(self._search, (Block(i, *spans[i], first=True) for i in fresh)))
        others = [(i, j) for i in fresh for j in (*range(i + 1, len(spans)), *range(known))]
        blocks = (Block(i, spans[j][0], spans[j][1], mirror=j) for i, j in others)
        self._take_in(run(self._search, blocks))

    def one(self, run: Runner) -> None:
        """Search for a single strip of queries, whatever rows they are."""
        total, count = len(self.contest.table), len(self.strips[0])
        # even a single query keeps all threads busy
        width = min(max(count, BLOCK_VALUES // count), -(-total // run.threads))
        spans = [(start, min(start + width, total)) for start in range(0, total, width)]
        blocks = [Block(0, *span, first=i < run.threads) for i, span in enumerate(spans)]
        self._take_in(run(self._search, blocks[: run.threads]))
        self._take_in(run(self._search, blocks[run.threads :]))

    def pairs(self, strip: int) -> tuple[IntArray, IntArray]:
        """Places in a strip, and the candidates of which their queries' k best are some.

        A query whose candidates may not all score above 0 has the first k others by id besides: what is not
        on its shortlist scores exactly 0.
        """
        shortlist, queries = self._shortlists[strip], self.strips[strip]
        places, rows = shortlist.pairs()
        pairs = [(places, rows)]
        for place in np.flatnonzero(shortlist.surely_positive() < self.k).tolist():
            rest = self.contest.competes(queries[place : place + 1], np.arange(len(self.contest.table)))
            rest[rows[np.searchsorted(places, place) : np.searchsorted(places, place, side="right")]] = False
            others = np.flatnonzero(rest)
            others = others[np.argsort(self.contest.order[others])][: self.k]
            pairs.append((np.full(len(others), place), others))
        return np.concatenate([p for p, _ in pairs]), np.concatenate([r for _, r in pairs])

    def found(self, strip: int) -> tuple[IntArray, IntArray]:
        """Places in a strip, and the candidates on its shortlist."""
        return self._shortlists[strip].pairs()

    def _spans(self) -> list[tuple[int, int]]:
        """First and end of the rows of each strip, which are all rows in their order."""
        return list(pairwise(np.cumsum([0, *(len(rows) for rows in self.strips)]).tolist()))

    def _take_in(self, blocks: Iterable[list[Found]]) -> None:
        for found in (one for block in blocks for one in block):
            shortlist = self._shortlists[found.strip]
            shortlist.add(found.places, found.candidates, found.least, found.most)

    def _search(self, block: Block) -> list[Found]:
        """What the queries find in a block, and what its columns find, where they are queries too."""
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
        places, columns = np.divmod(np.concatenate(direct), block.width)
        found = [
            self._closer(block.strip, places, block.start + columns, product[places, columns], threshold)
        ]
        if block.mirror is not None:
            rows, places = np.divmod(np.concatenate(mirrored), block.width)
            candidates = self.strips[block.strip][rows]
            threshold = self._shortlists[block.mirror].threshold
            found.append(self._closer(block.mirror, places, candidates, product[rows, places], threshold))
        return found

    def _product(self, block: Block) -> Float32Array:
        rows = self.strips[block.strip]
        # all of a gallery's rows in their order are views, not copies
        ours = slice(rows[0], rows[-1] + 1) if self._in_order else rows
        left = single_precision(self.contest.vectors[ours])
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
            visual = visual_bound(product[part], self._error)
            if known and fusion is Fusion.PRODUCT:
                # what `fuse` comes to, in one pass
                yield part, np.multiply(visual, possible, out=visual)
            else:
                yield part, fuse(visual, possible, fusion)

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
        """Where in the flat block pairs reach their threshold and are allowed to."""
        allowed = self.contest.allowed
        if allowed is not None:
            rows, columns = self.strips[block.strip][part, None], np.arange(block.start, block.end)[None, :]
            # of a mirrored pair the column asks
            reaching &= allowed(columns.T, rows.T).T if mirrored else allowed(rows, columns)
        return np.flatnonzero(reaching) + np.int64(part.start * block.width)

    def _first_threshold(self, block: Block, product: Float32Array, most: Float32Array) -> Float32Array:
        """A threshold for queries that have none yet, from the likeliest of a block."""
        count = self.k + SPARE
        if count > block.width:
            return self._shortlists[block.strip].threshold
        likeliest = np.partition(most, block.width - count, axis=1)[:, block.width - count]
        flat = self._reaching(block, slice(0, len(most)), most >= likeliest[:, None])
        places, columns = np.divmod(flat, block.width)
        trial = Shortlist(len(most), self.k)
        visual = product[places, columns]
        found = self._closer(block.strip, places, block.start + columns, visual, trial.threshold)
        trial.add(found.places, found.candidates, found.least, found.most)
        trial.tighten()
        return trial.threshold

    def _closer(
        self,
        strip: int,
        places: IntArray,
        candidates: IntArray,
        visual: Float32Array,
        threshold: Float32Array,
    ) -> Found:
        """Those of the pairs that compete and reach the threshold, with feasibility computed exactly."""
        contest, queries = self.contest, self.strips[strip][places]
        least, most = contest.scoring.bounds(visual, self._error, queries, candidates)
        kept = (most >= threshold[places]) & ~geometry.same_image(contest.table, queries, candidates)
        return Found(strip, places[kept], candidates[kept], least[kept], most[kept])
