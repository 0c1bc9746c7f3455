"""Ranks of given pairs in the rankings of their queries, for several scores in one pass.

Average precision needs the rank of every detection of an animal, not only the first, and candidate lists long
enough for all of them cost several times a pass over all pairs. So no list is made: for each given pair, the
candidates of its query that score more, or the same, are counted. A row of scores is sorted by only 16 bits
of its floats, which is quick, and only candidates that share those bits with a given pair are compared in
full.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spotted.arrays import Float32Array, Float64Array, IntArray
from spotted.ranking.gallery import Gallery
from spotted.scoring import geometry
from spotted.scoring.feasibility import journey_feasibility, softened_journey
from spotted.scoring.fusion import Fusion, fuse
from spotted.scoring.parallel import map_ahead
from spotted.scoring.similarity import single_precision

# queries of one matrix product
STRIP = 512
# scores sorted at once: 512 KiB in float32, which fits the cache of a core
PART = 131_072
# lower bits of a float left out of the sort: 16 bits remain of a score from 0 to 1
DROPPED = 14
UNSIGNED = np.uint32(0x7FFFFFFF)
Counts = tuple[IntArray, IntArray]


@dataclass(frozen=True, slots=True)
class PairRanks:
    """The ranks of candidates in the rankings of their queries, as counts of better and equal candidates.

    >>> from spotted.scoring import unit_rows
    >>> from spotted.survey import Detection, Survey
    >>> looks = unit_rows(np.array([[1.0, 0.0], [0.6, 0.8], [0.9, 0.4]]))
    >>> gallery = Gallery.of(Survey("ridge", 0.0, 86_400.0), [Detection(one) for one in "abc"], looks)
    >>> pairs = np.array([0, 2]), np.array([1, 0])
    >>> rank_pairs(gallery, pairs, [Fusion.VISUAL])[Fusion.VISUAL].above.tolist()
    [1, 0]
    """

    query: IntArray
    """(m,) rows of the queries, ascending."""
    candidate: IntArray
    """(m,) rows of the candidates."""
    above: IntArray
    """(m,) candidates of the query that score more."""
    tied: IntArray
    """(m,) candidates of the query that score the same, itself included."""


def rank_pairs(
    gallery: Gallery,
    pairs: tuple[IntArray, IntArray],
    fusions: Sequence[Fusion],
    *,
    threads: int = 1,
    on_progress: Callable[[int], None] = lambda _: None,
) -> dict[Fusion, PairRanks]:
    """Count for each pair how many candidates of its query score more, and how many the same.

    pairs: queries and candidates, (m,) each, ordered by query; none in one image.
    threads: matrix products and counts computed in parallel.
    on_progress: called with the number of queries done since the last call.
    Neither the query itself nor other animals in its image are candidates. Visual similarities come from one
    float32 matrix product, within `product_error` of the exact ones; feasibility is exact.
    """
    query, candidate = pairs
    queries = np.unique(query)
    vectors = single_precision(gallery.embeddings)

    def count(strip: IntArray) -> dict[Fusion, Counts]:
        asked = slice(*np.searchsorted(query, [strip[0], strip[-1] + 1]).tolist())
        index = np.searchsorted(strip, query[asked])
        return _Strip(gallery, vectors, strip).counts(index, candidate[asked], fusions)

    found: dict[Fusion, list[Counts]] = {f: [(query[:0], query[:0])] for f in fusions}
    strips = [queries[i : i + STRIP] for i in range(0, len(queries), STRIP)]
    for strip, counts in zip(strips, map_ahead(count, strips, threads), strict=True):
        for fusion, both in counts.items():
            found[fusion].append(both)
        on_progress(len(strip))
    columns = {f: (np.concatenate(c) for c in zip(*parts, strict=True)) for f, parts in found.items()}
    return {fusion: PairRanks(query, candidate, *both) for fusion, both in columns.items()}


class _Strip:
    """Queries whose similarities with all rows come from one product, and distances once per location."""

    def __init__(self, gallery: Gallery, vectors: Float32Array, queries: IntArray) -> None:
        self._gallery, self._queries = gallery, queries
        self._everyone = np.arange(len(gallery))[None, :]
        self._visual: Float32Array = vectors[queries] @ vectors.T
        self._location, self._distance_m = self._journeys()

    def counts(
        self, index: IntArray, candidates: IntArray, fusions: Sequence[Fusion]
    ) -> dict[Fusion, Counts]:
        """Counts above and tied of each pair; index: (m,) ascending positions of the queries in the strip."""
        step = max(1, PART // len(self._gallery))
        found: dict[Fusion, list[Counts]] = {fusion: [] for fusion in fusions}
        for start in range(0, len(self._queries), step):
            part = slice(start, start + step)
            asked = slice(*np.searchsorted(index, [start, start + step]).tolist())
            outside = self._outside(part)
            for fusion, scores in self._scores(part, fusions).items():
                found[fusion].append(_count_pairs(scores, outside, index[asked] - start, candidates[asked]))
        return {
            f: (np.concatenate([a for a, _ in c]), np.concatenate([t for _, t in c]))
            for f, c in found.items()
        }

    def _journeys(self) -> tuple[IntArray, Float64Array]:
        """The location of each query as an index, and the distance of each location to all rows."""
        table = self._gallery.table
        spots = np.column_stack([table.position_m, table.location_uncertainty_m])
        _, there, column = np.unique(spots, axis=0, return_index=True, return_inverse=True)
        here, location = np.unique(column[self._queries], return_inverse=True)
        distance_m, _ = softened_journey(table, there[here, None], there[None, :], self._gallery.params)
        return location, distance_m.take(column, axis=1)

    def _outside(self, part: slice) -> tuple[IntArray, IntArray]:
        """Rows and columns that are not candidates: the query itself, and other animals in its image."""
        rows, image = self._queries[part], self._gallery.table.image
        sharing = np.flatnonzero(image[rows] >= 0)
        shared = np.nonzero(geometry.same_image(self._gallery.table, rows[sharing, None], self._everyone))
        return np.concatenate([np.arange(len(rows)), sharing[shared[0]]]), np.concatenate([rows, shared[1]])

    def _scores(self, part: slice, fusions: Sequence[Fusion]) -> dict[Fusion, Float32Array]:
        """The scores of some of the queries with all rows, (q, n) each."""
        visual = np.clip(self._visual[part], np.float32(0.0), np.float32(1.0), out=self._visual[part])
        possible = visual if {*fusions} <= {Fusion.VISUAL} else self._feasibility(part)
        return {fusion: self._score(part, visual, possible, fusion) for fusion in fusions}

    def _score(
        self, part: slice, visual: Float32Array, possible: Float32Array, fusion: Fusion
    ) -> Float32Array:
        rows = self._queries[part, None]
        if fusion is Fusion.CALIBRATED:
            return self._gallery.scoring(fusion).exact(visual, rows, self._everyone)[1]
        return fuse(self._gallery.scoring(fusion).looks(visual, rows, self._everyone), possible, fusion)

    def _feasibility(self, part: slice) -> Float32Array:
        gallery, rows = self._gallery, self._queries[part, None]
        gap = geometry.gap_s(gallery.table, rows, self._everyone)
        if gallery.params.clock_uncertainty_s:
            suspect = geometry.clock_suspect(gallery.table, rows, self._everyone)
            gap += gallery.params.clock_uncertainty_s * suspect
        doubted = geometry.gap_doubted(gallery.table, rows, self._everyone, gallery.extent)
        return journey_feasibility(
            self._distance_m[self._location[part]], gap, gallery.extent, gallery.params, doubted=doubted
        )


def _count_pairs(
    scores: Float32Array, outside: tuple[IntArray, IntArray], index: IntArray, candidates: IntArray
) -> Counts:
    """How many scores of a row, except those outside, are above and equal to those at (index, candidates)."""
    width, numbers = scores.shape[1], np.arange(len(scores), dtype=np.uint32)[:, None]
    rows: npt.NDArray[np.uint32] = np.left_shift(numbers, np.uint32(16))
    bits = scores.view(np.uint32)
    # the shift drops the sign, which only zeros have
    upper = (bits >> DROPPED).astype(np.uint16)
    upper[outside] = 0
    given = rows[index, 0] | upper[index, candidates]
    # whole numbers that sort by row, then by score; of 16 bits a stable sort is a radix sort
    in_order = (rows | np.sort(upper, axis=1, kind="stable")).ravel()
    higher = (index + 1) * width - np.searchsorted(in_order, given, side="right")
    near = _near(rows.astype(np.int64) | upper, outside, given)
    keys = np.sort(near // width << 32 | (bits.ravel()[near] & UNSIGNED))
    own = index << 32 | (bits[index, candidates] & UNSIGNED)
    upto = np.searchsorted(keys, own, side="right")
    nearer = np.searchsorted(keys, ((own >> DROPPED) + 1) << DROPPED) - upto
    return higher + nearer, upto - np.searchsorted(keys, own)


def _near(upper: IntArray, outside: Counts, given: npt.NDArray[np.uint32]) -> IntArray:
    """Flat indices of the candidates that share row and upper bits with a given pair."""
    marked = np.zeros(len(upper) << 16, dtype=np.bool_)
    marked[given] = True
    near = marked.take(upper)
    near[outside] = False
    return np.flatnonzero(near)
