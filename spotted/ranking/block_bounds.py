"""Upper bounds of the fused scores of a block, and the pairs that may reach what is looked for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spotted.arrays import Float32Array, IntArray
from spotted.ranking.contest import PART, Contest
from spotted.ranking.products.product import Product
from spotted.scoring.bounds import JourneyBlock
from spotted.scoring.fusion import Fusion, fuse

# fusions whose score is at most the visual one
LOOKS_LIMIT = frozenset({Fusion.PRODUCT, Fusion.LOCAL})
# up to this share of a part, feasibility is bounded for each pair instead of all pairs
SPARSE = 0.3


class BlockBounds:
    """Bounds of the pairs of some rows, which are queries, with columns, a few rows at a time.

    LOCAL is bounded for pairs that share no marks.
    """

    def __init__(
        self, contest: Contest, rows: IntArray, columns: slice, product: Product, journeys: JourneyBlock
    ) -> None:
        self._contest, self._rows, self._columns = contest, rows, columns
        self._product, self._journeys = product, journeys
        self._width = columns.stop - columns.start

    def parts(self) -> Iterator[slice]:
        """Rows whose pairs are worked on at once."""
        step = max(1, PART // self._width)
        return (slice(i, min(i + step, len(self._rows))) for i in range(0, len(self._rows), step))

    def fused(self, part: slice) -> Float32Array:
        """Upper bounds of the fused scores of some rows with all columns, (p, n)."""
        return self._fused(part, self._product.most(part))

    def reaching(
        self, part: slice, threshold: Float32Array, mirrored: Float32Array | None
    ) -> tuple[IntArray, IntArray]:
        """Flat indices in the block of pairs of some rows that are allowed and may reach a threshold.

        threshold: (q,) of the rows, above 0. mirrored: (n,) of the columns, if they are queries too.
        Returns those that reach the threshold of their row, and those that reach that of their column.
        """
        visual, own = self._product.most(part), threshold[part, None]
        if self._contest.scoring.fusion in LOOKS_LIMIT:
            likely = visual >= own
            if mirrored is not None:
                np.logical_or(likely, visual >= mirrored, out=likely)
            if np.count_nonzero(likely) <= SPARSE * likely.size:
                return self._sparse(part, visual, np.flatnonzero(likely), threshold, mirrored)
        most = self._fused(part, visual)
        first = np.int64(part.start * self._width)
        direct = self.allowed(np.flatnonzero(most >= own) + first)
        if mirrored is None:
            return direct, direct[:0]
        return direct, self.allowed(np.flatnonzero(most >= mirrored) + first, mirrored=True)

    def allowed(self, flat: IntArray, *, mirrored: bool = False) -> IntArray:
        """The pairs, by flat index in the block, that may be candidates by the contest's conditions."""
        condition = self._contest.allowed
        if condition is None:
            return flat
        rows, columns = np.divmod(flat, self._width)
        rows, columns = self._rows[rows], self._columns.start + columns
        # the query of a mirrored pair is its column
        return flat[condition(columns, rows) if mirrored else condition(rows, columns)]

    def _sparse(
        self,
        part: slice,
        visual: Float32Array,
        likely: IntArray,
        threshold: Float32Array,
        mirrored: Float32Array | None,
    ) -> tuple[IntArray, IntArray]:
        """As `reaching`, of the few pairs of a part whose looks may reach."""
        rows, columns = np.divmod(likely, self._width)
        rows += part.start
        possible = self._journeys.of_pairs(rows, columns)
        most = fuse(visual.ravel()[likely], possible, Fusion.PRODUCT)
        flat = likely + np.int64(part.start * self._width)
        direct = self.allowed(flat[most >= threshold[rows]])
        if mirrored is None:
            return direct, direct[:0]
        return direct, self.allowed(flat[most >= mirrored[columns]], mirrored=True)

    def _fused(self, part: slice, visual: Float32Array) -> Float32Array:
        """The bounds of scores from those of cosines, which it may overwrite."""
        scoring = self._contest.scoring
        if scoring.fusion is Fusion.CALIBRATED:
            rows, columns = (
                self._rows[part, None],
                np.arange(self._columns.start, self._columns.stop)[None, :],
            )
            return scoring.bounds(visual, 0.0, rows, columns)[1]
        if scoring.fusion is Fusion.PRODUCT and self._journeys.known:
            # below 0 if the cosine is: such a pair scores exactly 0
            return np.multiply(visual, self._journeys.of_rows(part), out=visual)
        # stored vectors may be slightly longer than 1
        np.clip(visual, np.float32(0.0), np.float32(1.0), out=visual)
        if scoring.fusion is Fusion.VISUAL:
            return visual
        return fuse(visual, self._journeys.of_rows(part), scoring.fusion)
