"""Where in each query's ranking the detections stand that matter, for several scores in one pass.

For average precision the rank of every detection of an animal counts, not only the first, and lists deep
enough to hold them all cost several times a pass over all pairs. So nothing is listed: for each pair that
matters it is counted how many candidates of its query score more, and how many the same. A row of scores is
sorted by 16 bits of its floats alone, which is quick, and only candidates that share those bits with a pair
that matters are compared in full.
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
# scores that are sorted at once: 512 KiB in float32, a core's own cache
PART = 131_072
# lower bits of a float that are not sorted by: of a score from 0 to 1, 16 bits are left
DROPPED = 14
UNSIGNED = np.uint32(0x7FFFFFFF)
Counts = tuple[IntArray, IntArray]


@dataclass(frozen=True, slots=True)
class Standings:
    """Where candidates stand in the rankings of their queries.

    query, candidate: (m,) rows of the gallery, ordered by query.
    above: (m,) candidates of the query that score more.
    tied: (m,) those that score the same, itself included.
    """

    query: IntArray
    candidate: IntArray
    above: IntArray
    tied: IntArray


def standings(
    gallery: Gallery,
    pairs: tuple[IntArray, IntArray],
    fusions: Sequence[Fusion],
    *,
    threads: int = 1,
    told: Callable[[int], None] = lambda _: None,
) -> dict[Fusion, Standings]:
    """Count for each pair how many candidates of its query score more, and how many the same.

    pairs: queries and candidates (m,) each, ordered by query; none of one image.
    threads: matrix products and counts worked on at once. told: called with the queries done since the last
    call.
    A query is no candidate of itself, nor is another animal of its image. Visual similarities are those of
    one float32 matrix product, within `product_error` of the exact ones; feasibility is exact.
    """
    query, candidate = pairs
    queries = np.unique(query)
    vectors = single_precision(gallery.embeddings)

    def count(strip: IntArray) -> dict[Fusion, Counts]:
        asked = slice(*np.searchsorted(query, [strip[0], strip[-1] + 1]).tolist())
        places = np.searchsorted(strip, query[asked])
        return _Strip(gallery, vectors, strip).counts(places, candidate[asked], fusions)

    found: dict[Fusion, list[Counts]] = {f: [(query[:0], query[:0])] for f in fusions}
    strips = [queries[i : i + STRIP] for i in range(0, len(queries), STRIP)]
    for strip, counts in zip(strips, map_ahead(count, strips, threads), strict=True):
        for fusion, both in counts.items():
            found[fusion].append(both)
        told(len(strip))
    columns = {f: (np.concatenate(c) for c in zip(*parts, strict=True)) for f, parts in found.items()}
    return {fusion: Standings(query, candidate, *both) for fusion, both in columns.items()}


class _Strip:
    """Queries whose similarities with all rows are computed by one product, and distances once a place."""

    def __init__(self, gallery: Gallery, vectors: Float32Array, queries: IntArray) -> None:
        self._gallery, self._queries = gallery, queries
        self._everyone = np.arange(len(gallery))[None, :]
        self._visual: Float32Array = vectors[queries] @ vectors.T
        self._place, self._distance_m = self._journeys()

    def counts(
        self, places: IntArray, candidates: IntArray, fusions: Sequence[Fusion]
    ) -> dict[Fusion, Counts]:
        """Of each pair of a query, by its ascending place, and a candidate, how many are above and tied."""
        step = max(1, PART // len(self._gallery))
        found: dict[Fusion, list[Counts]] = {fusion: [] for fusion in fusions}
        for start in range(0, len(self._queries), step):
            part = slice(start, start + step)
            asked = slice(*np.searchsorted(places, [start, start + step]).tolist())
            outside = self._outside(part)
            for fusion, scores in self._scores(part, fusions).items():
                found[fusion].append(_counted(scores, outside, places[asked] - start, candidates[asked]))
        return {
            f: (np.concatenate([a for a, _ in c]), np.concatenate([t for _, t in c]))
            for f, c in found.items()
        }

    def _journeys(self) -> tuple[IntArray, Float64Array]:
        """The place of each query, and the distance of each place to all rows."""
        table = self._gallery.table
        spots = np.column_stack([table.position_m, table.location_uncertainty_m])
        _, there, column = np.unique(spots, axis=0, return_index=True, return_inverse=True)
        here, place = np.unique(column[self._queries], return_inverse=True)
        distance_m, _ = softened_journey(table, there[here, None], there[None, :], self._gallery.params)
        return place, distance_m.take(column, axis=1)

    def _outside(self, part: slice) -> tuple[IntArray, IntArray]:
        """Places and columns that are no candidates: the query itself, and other animals of its image."""
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
        if fusion is not Fusion.CALIBRATED:
            return fuse(visual, possible, fusion)
        return self._gallery.scoring(fusion).exact(visual, self._queries[part, None], self._everyone)[1]

    def _feasibility(self, part: slice) -> Float32Array:
        gallery, rows = self._gallery, self._queries[part, None]
        gap = geometry.gap_s(gallery.table, rows, self._everyone)
        if gallery.params.clock_uncertainty_s:
            suspect = geometry.clock_suspect(gallery.table, rows, self._everyone)
            gap += gallery.params.clock_uncertainty_s * suspect
        return journey_feasibility(self._distance_m[self._place[part]], gap, gallery.extent, gallery.params)


def _counted(
    scores: Float32Array, outside: tuple[IntArray, IntArray], places: IntArray, candidates: IntArray
) -> Counts:
    """How many scores of a row, but those outside, are above and equal to those at (places, candidates)."""
    width, numbers = scores.shape[1], np.arange(len(scores), dtype=np.uint32)[:, None]
    rows: npt.NDArray[np.uint32] = np.left_shift(numbers, np.uint32(16))
    bits = scores.view(np.uint32)
    # the sign, which only zeros have, falls off as well
    upper = (bits >> DROPPED).astype(np.uint16)
    upper[outside] = 0
    wanted = rows[places, 0] | upper[places, candidates]
    # whole numbers that sort by row, then by score; of 16 bits a stable sort is a radix sort
    in_order = (rows | np.sort(upper, axis=1, kind="stable")).ravel()
    higher = (places + 1) * width - np.searchsorted(in_order, wanted, side="right")
    near = _near(rows.astype(np.int64) | upper, outside, wanted)
    keys = np.sort(near // width << 32 | (bits.ravel()[near] & UNSIGNED))
    own = places << 32 | (bits[places, candidates] & UNSIGNED)
    upto = np.searchsorted(keys, own, side="right")
    nearer = np.searchsorted(keys, ((own >> DROPPED) + 1) << DROPPED) - upto
    return higher + nearer, upto - np.searchsorted(keys, own)


def _near(upper: IntArray, outside: Counts, wanted: npt.NDArray[np.uint32]) -> IntArray:
    """Flat places of the candidates that share row and upper bits with a wanted one."""
    marked = np.zeros(len(upper) << 16, dtype=np.bool_)
    marked[wanted] = True
    near = marked.take(upper)
    near[outside] = False
    return np.flatnonzero(near)
