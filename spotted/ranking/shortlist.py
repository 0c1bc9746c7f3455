"""The pairs that may be among the best: kept while better ones are looked for, dropped once they cannot."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spotted.arrays import Float32Array, IntArray

# what every positive score reaches: pairs that surely score 0 are not looked at
POSITIVE = np.nextafter(np.float32(0.0), np.float32(1.0))
# pairs held for each wanted one before the hopeless are dropped, a balance of passes against their length
SLACK = 2


class Shortlist:
    """For each of `count` queries, the candidates whose score may reach the k-th surest one so far.

    threshold: (count,) float32, what a candidate must be able to reach.
    """

    def __init__(self, count: int, k: int) -> None:
        self.threshold = np.full(count, POSITIVE, dtype=np.float32)
        self._k = k
        self._rows = [np.empty(0, dtype=np.int64)]
        self._columns = [np.empty(0, dtype=np.int64)]
        self._least = [np.empty(0, dtype=np.float32)]
        self._most = [np.empty(0, dtype=np.float32)]
        self._held = 0
        # the first threshold comes early, as without one everything is held
        self._room = 0

    def add(self, rows: IntArray, columns: IntArray, least: Float32Array, most: Float32Array) -> None:
        """Take in pairs (m,) of queries, by their place, and candidates with the bounds of their scores."""
        self._rows.append(rows)
        self._columns.append(columns)
        self._least.append(least)
        self._most.append(most)
        self._held += len(rows)
        if self._held > self._room:
            self.tighten()

    def pairs(self) -> tuple[IntArray, IntArray]:
        """The places of the queries, ascending, and their candidates: all that can be among the k best."""
        self.tighten()
        # sorting whole numbers beats sorting their places
        pairs = np.sort(self._rows[0] << 32 | self._columns[0])
        return pairs >> 32, pairs & 0xFFFFFFFF

    def surely_positive(self) -> IntArray:
        """How many candidates of each query surely score above 0, (count,)."""
        self.tighten()
        return np.bincount(self._rows[0][self._least[0] > 0], minlength=len(self.threshold))

    def tighten(self) -> None:
        """Raise the threshold of each query to its k-th surest score, and drop what cannot reach it."""
        rows, columns = np.concatenate(self._rows), np.concatenate(self._columns)
        least, most = np.concatenate(self._least), np.concatenate(self._most)
        counts = np.bincount(rows, minlength=len(self.threshold))
        full = np.flatnonzero(counts >= self._k)
        keys = np.sort(ranking_keys(rows, least))
        surest = ranked_scores(keys[(np.cumsum(counts) - counts)[full] + self._k - 1])
        # other threads read the old array meanwhile, whose lower thresholds are as valid
        threshold = self.threshold.copy()
        threshold[full] = np.maximum(threshold[full], surest)
        self.threshold = threshold
        kept = most >= threshold[rows]
        self._rows, self._columns = [rows[kept]], [columns[kept]]
        self._least, self._most = [least[kept]], [most[kept]]
        self._held = len(self._rows[0])
        self._room = SLACK * max(self._held, self._k * len(threshold))


def ranking_keys(rows: IntArray, scores: Float32Array) -> npt.NDArray[np.uint64]:
    """Keys (m,) that sort by row, then by descending score; scores are from 0 on.

    The bits of such floats, read as integers, are ordered as the floats are.
    """
    descending = ~np.ascontiguousarray(scores + np.float32(0.0)).view(np.uint32)
    return rows.astype(np.uint64) << np.uint64(32) | descending


def ranked_scores(keys: npt.NDArray[np.uint64]) -> Float32Array:
    """The scores (m,) in keys of `ranking_keys`."""
    return (~keys.astype(np.uint32)).view(np.float32)
