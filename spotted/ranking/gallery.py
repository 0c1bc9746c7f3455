"""Exact top-k over the fused score, in blocks, without a dense matrix.

A matrix product finds every pair that could be among the best within its rounding error; only those are
scored exactly, each on its own. So the answer is that of scoring every pair exactly, and no block size,
row order or thread count changes a bit of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from spotted.arrays import Float32Array, IntArray
from spotted.calibration.evidence import Pairs
from spotted.calibration.model import Calibration
from spotted.errors import InvalidInputError
from spotted.ranking.search import Allowed, Contest, Search
from spotted.ranking.shortlist import ranking_keys
from spotted.scoring import geometry
from spotted.scoring.bounds import Journeys
from spotted.scoring.feasibility import FeasibilityParams
from spotted.scoring.fusion import Fusion
from spotted.scoring.pair_scores import Scoring
from spotted.scoring.parallel import Runner, running
from spotted.scoring.similarity import approximate_similarity, pair_similarity, single_precision
from spotted.survey import DetectionTable, Extent

# queries of one block
BLOCK = 1024
# a float32 copy of the embeddings is kept up to this size: 52,000 of 1,280 dimensions
WIDE_BYTES = 256 * 1024 * 1024
# most pairs held at once, some 24 bytes each and as much again while they are sorted
HELD = 2_000_000
# pairs whose exact similarity is computed at once
PAIRS = 4096


@dataclass(frozen=True, slots=True)
class Scored:
    """Scores of pairs, equal shapes: visual in [0, 1], feasibility with NaN where unknown, fused."""

    visual: Float32Array
    feasibility: Float32Array
    fused: Float32Array

    def part(self, start: int, end: int) -> Scored:
        """The scores of pairs start to end."""
        return Scored(self.visual[start:end], self.feasibility[start:end], self.fused[start:end])


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
    calibration: what Fusion.CALIBRATED scores by; None where there is none.
    """

    embeddings: npt.NDArray[np.floating]
    table: DetectionTable
    order: IntArray
    extent: Extent
    params: FeasibilityParams
    calibration: Calibration | None = None
    # what every search needs, once the first has made it: vectors in float32 where they are few, journeys
    _ready: list[tuple[npt.NDArray[np.floating], Journeys]] = field(
        default_factory=list, init=False, repr=False, compare=False
    )

    def __len__(self) -> int:
        return len(self.table)

    def first(self, count: int) -> Gallery:
        """Its first rows as a gallery of their own."""
        rows = np.arange(count)
        order = np.argsort(np.argsort(self.order[:count]))
        return replace(self, embeddings=self.embeddings[:count], table=self.table.at(rows), order=order)

    def score_pairs(self, first: IntArray, second: IntArray, fusion: Fusion = Fusion.PRODUCT) -> Scored:
        """Exact scores of pairs of rows, (m,); two animals in one image fuse to 0 (ours)."""
        return self._scored(first, second, pair_similarity(self.embeddings, first, second), fusion)

    def score_block(self, rows: IntArray, columns: IntArray, fusion: Fusion = Fusion.PRODUCT) -> Float32Array:
        """Scores (q, n) by one matrix product, within PRODUCT_ERROR of `score_pairs` before they are fused.

        A detection scores 1 with itself, two animals in one image 0.
        """
        visual = approximate_similarity(self._float32(rows), self._float32(columns))
        fused = self.scoring(fusion).block(visual, rows, columns)
        sharing = np.flatnonzero(np.isin(self.table.image[rows], self.table.image[columns]))
        shared = geometry.same_image(self.table, rows[sharing, None], columns[None, :])
        fused[sharing] = np.where(shared, np.float32(0.0), fused[sharing])
        for row in np.flatnonzero(np.isin(rows, columns)).tolist():
            fused[row, columns == rows[row]] = 1.0
        return fused

    def evidence(self, first: IntArray, second: IntArray) -> Pairs:
        """What speaks for one animal in pairs of rows, (m,): what a calibration is learned from."""
        visual = pair_similarity(self.embeddings, first, second).astype(np.float64)
        return self.scoring().evidence(visual, first, second)

    def scoring(self, fusion: Fusion = Fusion.PRODUCT) -> Scoring:
        """How pairs of its rows are scored. Raises PreconditionError for CALIBRATED without a calibration."""
        return Scoring(self.table, self.extent, self.params, fusion, self.calibration)

    def compared(self, queries: IntArray) -> IntArray:
        """How many rows compete for each query where nothing is filtered, (q,)."""
        return self._contest(Fusion.PRODUCT, None).compared(queries)

    def product(self, vector: Float32Array, *, threads: int = 1) -> Float32Array:
        """Cosines of all rows with a unit vector (D,), within `product_error`, (n,).

        threads: as of `top_k`.
        """
        vectors, _ = self._prepared()
        # one part for each thread, or as many as are made float32 at once
        step = BLOCK if vectors.dtype == np.float16 else max(1, -(-len(vectors) // threads))
        with running(threads) as run:
            starts = range(0, len(vectors), step)
            parts = run(lambda i: single_precision(vectors[i : i + step]) @ vector, starts)
            return np.concatenate([np.empty(0, np.float32), *parts])

    def top_k(
        self,
        queries: IntArray,
        k: int,
        *,
        fusion: Fusion = Fusion.PRODUCT,
        allowed: Allowed | None = None,
        block: int = BLOCK,
        threads: int = 1,
    ) -> Iterator[Ranked]:
        """The k best candidates of each query row, exact, in the order of the queries.

        A query is no candidate of itself, nor is another animal of its image. Where all rows ask, in their
        order, each product serves both of its sides, and the first answer comes after the last product.
        allowed: of rows and columns that broadcast, which pairs may be candidates; None for all.
        block: queries taken together. threads: how many blocks are worked on at once; more than one pays
        where the matrix product itself is limited to one thread.
        Raises InvalidInputError where k is below 1.
        """
        if k < 1:
            raise InvalidInputError(f"top_k is {k}; ask for at least 1 candidate", field="top_k")
        if not len(queries):
            return
        k = max(1, min(k, len(self)))
        contest = self._contest(fusion, allowed)
        step = max(1, min(block, HELD // k))
        strips = [queries[i : i + step] for i in range(0, len(queries), step)]
        with running(threads) as run:
            if k * len(self) <= HELD and np.array_equal(queries, np.arange(len(self))):
                search = Search(contest, strips, k)
                search.everyone(run)
                yield from self._answers(search, list(range(len(strips))), run)
                return
            for strip in strips:
                search = Search(contest, [strip], k)
                search.one(run)
                yield from self._answers(search, [0], run)

    def newcomers(
        self, known: int, surest: Float32Array, k: int, *, fusion: Fusion = Fusion.PRODUCT, threads: int = 1
    ) -> tuple[list[Ranked], tuple[IntArray, IntArray, Scored]]:
        """The k best candidates of the rows from `known` on, and what the rows before find in them.

        surest: (known,) the k-th best score of each row before. Answers also the pairs of an earlier and a
        new row, with their scores, that may be among the k best of the earlier one; each product serves both.
        """
        strips = [np.arange(i, min(i + BLOCK, known)) for i in range(0, known, BLOCK)]
        first_new = len(strips)
        strips += [np.arange(i, min(i + BLOCK, len(self))) for i in range(known, len(self), BLOCK)]
        search = Search(self._contest(fusion, None), strips, min(k, len(self)))
        with running(threads) as run:
            search.newcomers(first_new, surest, run)
            answers = list(self._answers(search, list(range(first_new, len(strips))), run))
            found = [search.found(strip) for strip in range(first_new)]
            old = np.concatenate([np.empty(0, np.int64), *(strips[i][p] for i, (p, _) in enumerate(found))])
            new = np.concatenate([np.empty(0, np.int64), *(rows for _, rows in found)])
            return answers, (old, new, self._scored(old, new, self._visual(old, new, run), fusion))

    def _answers(self, search: Search, strips: list[int], run: Runner) -> Iterator[Ranked]:
        """The exact answers to the queries of strips that were searched."""
        shortlists = list(run(search.pairs, strips))
        first = np.concatenate(
            [search.strips[i][places] for i, (places, _) in zip(strips, shortlists, strict=True)]
        )
        second = np.concatenate([rows for _, rows in shortlists])
        visual = self._visual(first, second, run)
        edges = np.cumsum([0, *(len(rows) for _, rows in shortlists)])

        def rank(place: int) -> list[Ranked]:
            pairs = slice(edges[place], edges[place + 1])
            scores = self._scored(first[pairs], second[pairs], visual[pairs], search.contest.scoring.fusion)
            return self._ranked(search, strips[place], shortlists[place], scores)

        for answers in run(rank, range(len(strips))):
            yield from answers

    def _visual(self, first: IntArray, second: IntArray, run: Runner) -> Float32Array:
        """`pair_similarity` of pairs, once for those that are each other's candidates."""
        low, high = np.minimum(first, second), np.maximum(first, second)
        pairs, places = np.unique(low << 32 | high, return_inverse=True)
        parts = [pairs[i : i + PAIRS] for i in range(0, len(pairs), PAIRS)]
        found = run(lambda part: pair_similarity(self.embeddings, part >> 32, part & 0xFFFFFFFF), parts)
        return np.concatenate([np.empty(0, np.float32), *found])[places]

    def _ranked(
        self, search: Search, strip: int, pairs: tuple[IntArray, IntArray], scores: Scored
    ) -> list[Ranked]:
        """The k best of each query's pairs."""
        queries, (places, rows) = search.strips[strip], pairs
        best = np.lexsort((self.order[rows], ranking_keys(places, scores.fused)))
        counts = np.bincount(places, minlength=len(queries))
        rank = np.arange(len(best)) - np.repeat(np.cumsum(counts) - counts, counts)
        best = best[rank < search.k]
        rows, scores = rows[best], Scored(scores.visual[best], scores.feasibility[best], scores.fused[best])
        ends = np.cumsum(np.minimum(counts, search.k)).tolist()
        compared = search.contest.compared(queries).tolist()
        return [
            Ranked(query, rows[i:j], scores.part(i, j), rivals)
            for query, i, j, rivals in zip(queries.tolist(), [0, *ends], ends, compared, strict=False)
        ]

    def _scored(self, first: IntArray, second: IntArray, visual: Float32Array, fusion: Fusion) -> Scored:
        possible, fused = self.scoring(fusion).exact(visual, first, second)
        two_animals = geometry.same_image(self.table, first, second) & (first != second)
        return Scored(visual, possible, np.where(two_animals, np.float32(0.0), fused))

    def _contest(self, fusion: Fusion, allowed: Allowed | None) -> Contest:
        vectors, journeys = self._prepared()
        return Contest(vectors, journeys, self.scoring(fusion), self.order, allowed)

    def _prepared(self) -> tuple[npt.NDArray[np.floating], Journeys]:
        if not self._ready:
            small = self.embeddings.size * 4 <= WIDE_BYTES
            vectors = single_precision(self.embeddings) if small else self.embeddings
            self._ready.append((vectors, Journeys.of(self.table, self.extent, self.params)))
        return self._ready[0]

    def _float32(self, rows: IntArray) -> Float32Array:
        vectors, _ = self._prepared()
        return single_precision(vectors[rows])
