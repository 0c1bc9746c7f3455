"""Exact top-k over the fused score, in blocks, without a dense matrix.

A matrix product finds every pair that could be among the best within its rounding error; only those pairs
are scored exactly, each by itself. The result equals that of scoring every pair exactly, and no block size,
row order or thread count changes a bit of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from spotted.arrays import Float32Array, IntArray
from spotted.errors import InvalidInputError
from spotted.ranking.contest import Allowed, Contest
from spotted.ranking.defaults import TOP_K
from spotted.ranking.gallery import Gallery
from spotted.ranking.products.choice import FEW, ProductChoice
from spotted.ranking.products.joined import JoinedProduct
from spotted.ranking.products.product import Products
from spotted.ranking.search import BLOCK_VALUES, Search
from spotted.ranking.shortlist import ranking_keys
from spotted.ranking.with_marks import rank_with_marks
from spotted.scoring import geometry
from spotted.scoring.bounds import Journeys
from spotted.scoring.fusion import Fusion
from spotted.scoring.pair_scores import PairScores
from spotted.scoring.parallel import SERIAL, Runner, open_runner
from spotted.scoring.similarity import approximate_similarity, pair_similarity, single_precision

# queries of one block
BLOCK = 1024
# embeddings are copied to float32 up to this size: 52,000 of 1,280 dimensions
WIDE_BYTES = 256 * 1024 * 1024
# most pairs held at once, some 24 bytes each and as much again while they are sorted
HELD = 2_000_000
# fusions in which rough cosines rule most pairs out
BY_LOOKS = frozenset({Fusion.PRODUCT, Fusion.VISUAL, Fusion.LOCAL})
# pairs whose exact similarity is computed at once
PAIRS = 4096


@dataclass(frozen=True, slots=True)
class Ranked:
    """The candidates of one query, best first.

    >>> from spotted.scoring import unit_rows
    >>> from spotted.survey import Detection, Survey
    >>> looks = unit_rows(np.array([[1.0, 0.0], [0.6, 0.8], [0.9, 0.1]]))
    >>> gallery = Gallery.of(Survey("ridge", 0.0, 86_400.0), [Detection(one) for one in "abc"], looks)
    >>> (ranked,) = Ranker(gallery).top_k(np.array([0]), 1)
    >>> ranked.rows.tolist(), ranked.compared
    ([2], 2)
    """

    query: int
    """Row of the query."""
    rows: IntArray
    """(m,) rows of the candidates."""
    scores: PairScores
    """(m,) each."""
    compared: int
    """Number of rows that competed."""


class Ranker:
    """Ranks the rows of a gallery.

    Everything that a search needs is prepared at construction: a float32 copy of float16 embeddings, if it
    takes no more than WIDE_BYTES, the journeys between rows and, once enough was asked, the rows in eight
    bits. So make one ranker for each gallery and keep it; it can be shared by threads.

    products: multiplies the rows; None for those of the CPU. No result depends on it.

    >>> from spotted.scoring import unit_rows
    >>> from spotted.survey import Detection, Survey
    >>> looks = unit_rows(np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]]))
    >>> gallery = Gallery.of(Survey("ridge", 0.0, 86_400.0), [Detection(one) for one in "abc"], looks)
    >>> for ranked in Ranker(gallery).top_k(np.array([0, 2]), 2):
    ...     print(ranked.query, ranked.rows, ranked.scores.fused.round(2))
    0 [1 2] [0.8 0. ]
    2 [1 0] [0.6 0. ]
    """

    def __init__(self, gallery: Gallery, products: Products | None = None) -> None:
        self.gallery = gallery
        small = gallery.embeddings.size * 4 <= WIDE_BYTES
        self._vectors = single_precision(gallery.embeddings) if small else gallery.embeddings
        self._products = ProductChoice(self._vectors, products)
        self._journeys = Journeys.of(gallery.table, gallery.extent, gallery.params)

    def __len__(self) -> int:
        return len(self.gallery)

    def top_k(
        self,
        queries: IntArray,
        k: int = TOP_K,
        *,
        fusion: Fusion = Fusion.PRODUCT,
        allowed: Allowed | None = None,
        block: int = BLOCK,
        threads: int = 1,
    ) -> Iterator[Ranked]:
        """The k best candidates of each query row, exact, in the order of the queries.

        Neither the query itself nor another animal of its image is a candidate. If the queries are all rows
        in their order, each product serves both of its sides, and the first result comes after the last
        product.

        allowed: given rows and columns that broadcast, returns which pairs may be candidates; None for all.
        block: number of queries in one block.
        threads: number of blocks computed at once; more than one pays off if the matrix product itself is
            limited to one thread.
        Raises InvalidInputError if k is below 1.
        """
        if k < 1:
            raise InvalidInputError(f"top_k is {k}; ask for at least 1 candidate", field="top_k")
        lists = self._lists(queries, k, fusion, allowed, block, threads)
        if fusion is not Fusion.LOCAL or self.gallery.local is None:
            yield from lists
            return
        for one in lists:
            rows, scores = rank_with_marks(self.gallery, one.query, one.rows, k, allowed=allowed)
            yield Ranked(one.query, rows, scores, one.compared)

    def _lists(
        self, queries: IntArray, k: int, fusion: Fusion, allowed: Allowed | None, block: int, threads: int
    ) -> Iterator[Ranked]:
        """The k best candidates of each query row; matched marks are not looked for."""
        if not len(queries):
            return
        k = max(1, min(k, len(self)))
        step = max(1, min(block, HELD // k))
        with open_runner(threads) as run:
            if k * len(self) <= HELD and np.array_equal(queries, np.arange(len(self))):
                search = Search(self._contest(fusion, allowed), _strips(queries, step), k)
                search.search_all(run)
                yield from self._answers(search, list(range(len(search.strips))), run)
                return
            products = self._for_queries(len(queries), fusion)
            if products.rough:
                # fewer close values are needed if each query meets all rows at once
                step = min(step, max(FEW, BLOCK_VALUES // len(self)))
            contest = self._contest(fusion, allowed, products)
            for strip in _strips(queries, step):
                search = Search(contest, [strip], k)
                search.search_strip(run)
                yield from self._answers(search, [0], run)

    def top_k_of_new(
        self, known: int, surest: Float32Array, k: int, *, fusion: Fusion = Fusion.PRODUCT, threads: int = 1
    ) -> tuple[list[Ranked], tuple[IntArray, IntArray, PairScores]]:
        """The k best candidates of the rows from `known` on, and the new candidates of the rows before.

        surest: (known,) the k-th best score of each row before `known`.
        Returns the lists of the new rows, and the pairs of an earlier and a new row, with their scores, that
        may be among the k best of the earlier row. Each product serves both.
        """
        strips = [np.arange(i, min(i + BLOCK, known)) for i in range(0, known, BLOCK)]
        first_new = len(strips)
        strips += [np.arange(i, min(i + BLOCK, len(self))) for i in range(known, len(self), BLOCK)]
        search = Search(self._contest(fusion, None), strips, min(k, len(self)))
        with open_runner(threads) as run:
            search.search_new(first_new, surest, run)
            answers = list(self._answers(search, list(range(first_new, len(strips))), run))
            pairs = [search.shortlisted(strip) for strip in range(first_new)]
            old = np.concatenate([np.empty(0, np.int64), *(strips[i][p] for i, (p, _) in enumerate(pairs))])
            new = np.concatenate([np.empty(0, np.int64), *(rows for _, rows in pairs)])
            scores = self.gallery.fuse_pairs(old, new, self._visual(old, new, run), fusion)
            return answers, (old, new, scores)

    def score_block(self, rows: IntArray, columns: IntArray, fusion: Fusion = Fusion.PRODUCT) -> Float32Array:
        """Scores (q, n) by one matrix product.

        Before fusion they are within `product_error` of the exact ones. A detection scores 1 with itself, two
        animals in one image score 0.
        """
        table = self.gallery.table
        visual = approximate_similarity(self._at(rows), self._at(columns))
        fused = self.gallery.scoring(fusion).block(visual, rows, columns)
        sharing = np.flatnonzero((table.image[rows] >= 0) & np.isin(table.image[rows], table.image[columns]))
        shared = geometry.same_image(table, rows[sharing, None], columns[None, :])
        fused[sharing] = np.where(shared, np.float32(0.0), fused[sharing])
        order = np.argsort(columns)
        first, end = (np.searchsorted(columns, rows, side, sorter=order) for side in ("left", "right"))
        itself = np.flatnonzero(first < end)
        while len(itself):
            fused[itself, order[first[itself]]] = 1.0
            # a row may be named twice
            first[itself] += 1
            itself = itself[first[itself] < end[itself]]
        return fused

    def _at(self, rows: IntArray) -> Float32Array:
        """The embeddings of rows in float32; rows in sequence are not copied."""
        if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
            return single_precision(self._vectors[int(rows[0]) : int(rows[-1]) + 1])
        return single_precision(self._vectors[rows])

    def look_up(self, vector: Float32Array, fusion: Fusion, run: Runner = SERIAL) -> JoinedProduct:
        """The cosines of one unit vector (D,) with all rows, by the product that suits a fusion."""
        products = self._for_queries(1, fusion)
        # one part per thread
        step = max(1, -(-len(self) // run.threads))
        spans = [slice(i, min(i + step, len(self))) for i in range(0, len(self), step)]
        return JoinedProduct(list(run(lambda span: products.multiply(vector[None], span), spans)), step)

    def _answers(self, search: Search, strips: list[int], run: Runner) -> Iterator[Ranked]:
        """The exact lists of the queries of strips that were searched."""
        shortlists = list(run(search.pairs, strips))
        first = np.concatenate(
            [search.strips[i][indices] for i, (indices, _) in zip(strips, shortlists, strict=True)]
        )
        second = np.concatenate([rows for _, rows in shortlists])
        visual = self._visual(first, second, run)
        edges = np.cumsum([0, *(len(rows) for _, rows in shortlists)])

        def rank(index: int) -> list[Ranked]:
            part = slice(edges[index], edges[index + 1])
            fusion = search.contest.scoring.fusion
            scores = self.gallery.fuse_pairs(first[part], second[part], visual[part], fusion)
            return self._ranked(search, strips[index], shortlists[index], scores)

        for answers in run(rank, range(len(strips))):
            yield from answers

    def _visual(self, first: IntArray, second: IntArray, run: Runner) -> Float32Array:
        """`pair_similarity` of pairs, computed once for two rows that are each other's candidates."""
        low, high = np.minimum(first, second), np.maximum(first, second)
        pairs, indices = np.unique(low << 32 | high, return_inverse=True)
        parts = [pairs[i : i + PAIRS] for i in range(0, len(pairs), PAIRS)]
        vectors = self._vectors
        similarities = run(lambda part: pair_similarity(vectors, part >> 32, part & 0xFFFFFFFF), parts)
        return np.concatenate([np.empty(0, np.float32), *similarities])[indices]

    def _ranked(
        self, search: Search, strip: int, pairs: tuple[IntArray, IntArray], scores: PairScores
    ) -> list[Ranked]:
        """The k best of each query's pairs."""
        queries, (indices, rows) = search.strips[strip], pairs
        best = np.lexsort((self.gallery.order[rows], ranking_keys(indices, scores.fused)))
        counts = np.bincount(indices, minlength=len(queries))
        rank = np.arange(len(best)) - np.repeat(np.cumsum(counts) - counts, counts)
        best = best[rank < search.k]
        rows, scores = rows[best], scores.at(best)
        ends = np.cumsum(np.minimum(counts, search.k)).tolist()
        compared = search.contest.rival_counts(queries).tolist()
        return [
            Ranked(query, rows[i:j], scores.at(slice(i, j)), rivals)
            for query, i, j, rivals in zip(queries.tolist(), [0, *ends], ends, compared, strict=False)
        ]

    def _for_queries(self, count: int, fusion: Fusion) -> Products:
        return self._products.of_queries(count) if fusion in BY_LOOKS else self._products.of_everyone

    def _contest(self, fusion: Fusion, allowed: Allowed | None, products: Products | None = None) -> Contest:
        gallery = self.gallery
        # bounds hold for pairs without marks; those with marks are added to the best of them
        scoring = (
            replace(gallery.scoring(fusion), local=None)
            if fusion is Fusion.LOCAL
            else gallery.scoring(fusion)
        )
        products = products or self._products.of_everyone
        return Contest(products, self._journeys, scoring, gallery.order, allowed)


def _strips(queries: IntArray, step: int) -> list[IntArray]:
    return [queries[i : i + step] for i in range(0, len(queries), step)]
