"""Pairs that may be among the best: held while better ones are searched for, dropped once they cannot be."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spotted.arrays import Float32Array, IntArray

# the least positive score: pairs whose score is certainly 0 are ignored
POSITIVE = np.nextafter(np.float32(0.0), np.float32(1.0))
# pairs held for each of the k before hopeless ones are dropped: balances number and length of the passes
SLACK = 2


class Shortlist:
    """For each of `count` queries, the candidates whose score may reach the k-th surest one so far.

    threshold: (count,) float32, the score that a candidate must be able to reach.
    """

    def __init__(self, count: int, k: int) -> None:
        self.threshold = np.full(count, POSITIVE, dtype=np.float32)
        self._k = k
        self._rows = [np.empty(0, dtype=np.int64)]
        self._columns = [np.empty(0, dtype=np.int64)]
        self._least = [np.empty(0, dtype=np.float32)]
        self._most = [np.empty(0, dtype=np.float32)]
        self._held = 0
        # the first threshold comes early, because without one everything is held
        self._room = 0

    def add(self, rows: IntArray, columns: IntArray, least: Float32Array, most: Float32Array) -> None:
        """Add pairs (m,) of query indices and candidates, with bounds of their scores."""
        self._rows.append(rows)
        self._columns.append(columns)
        self._least.append(least)
        self._most.append(most)
        self._held += len(rows)
        if self._held > self._room:
            self.tighten()

    def pairs(self) -> tuple[IntArray, IntArray]:
        """The indices of the queries, ascending, and their candidates: all that can be among the k best."""
        self.tighten()
        # sorting the packed pairs is faster than sorting indices
        pairs = np.sort(self._rows[0] << 32 | self._columns[0])
        return pairs >> 32, pairs & 0xFFFFFFFF

    def surely_positive(self) -> IntArray:
        """Number of candidates of each query whose score is certainly above 0, (count,)."""
        self.tighten()
        return np.bincount(self._rows[0][self._least[0] > 0], minlength=len(self.threshold))

    def tighten(self) -> None:
        """Raise the threshold of each query to its k-th surest score, and drop pairs that cannot reach it."""
        rows, columns = np.concatenate(self._rows), np.concatenate(self._columns)
        least, most = np.concatenate(self._least), np.concatenate(self._most)
        counts = np.bincount(rows, minlength=len(self.threshold))
        full = np.flatnonzero(counts >= self._k)
        keys = np.sort(ranking_keys(rows, least))
        surest = ranked_scores(keys[(np.cumsum(counts) - counts)[full] + self._k - 1])
        # other threads may still read the old array; its lower thresholds are valid too
        threshold = self.threshold.copy()
        threshold[full] = np.maximum(threshold[full], surest)
        self.threshold = threshold
        reaching = most >= threshold[rows]
        self._rows, self._columns = [rows[reaching]], [columns[reaching]]
        self._least, self._most = [least[reaching]], [most[reaching]]
        self._held = len(self._rows[0])
        self._room = SLACK * max(self._held, self._k * len(threshold))


def ranking_keys(rows: IntArray, scores: Float32Array) -> npt.NDArray[np.uint64]:
    """Keys (m,) that sort by row, then by descending score; scores must not be negative.

    The bits of such floats, read as integers, are in the order of the floats.
    """
    descending = ~np.ascontiguousarray(scores + np.float32(0.0)).view(np.uint32)
    return rows.astype(np.uint64) << np.uint64(32) | descending


def ranked_scores(keys: npt.NDArray[np.uint64]) -> Float32Array:
    """The scores (m,) in keys of `ranking_keys`."""
    return (~keys.astype(np.uint32)).view(np.float32)
