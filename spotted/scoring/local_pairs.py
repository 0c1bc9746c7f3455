"""Local scores of the pairs that were matched: a sparse table, in which a pair that is missing is unknown.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from spotted.arrays import Float32Array, IntArray

CountArray = npt.NDArray[np.uint16]
# a row is 32 bits of the number of a pair
ROW_BITS = 32
LOW_BITS = (1 << ROW_BITS) - 1


@dataclass(frozen=True, eq=False)
class LocalPairs:
    """Local scores of pairs of rows.

    >>> pairs = LocalPairs.of(
    ...     np.array([2, 0]), np.array([0, 1]), np.float32([1.5, 0.0]), np.array([9, 0], np.uint16)
    ... )
    >>> pairs.scores_of(np.array([0, 0, 1]), np.array([1, 2, 2])).tolist()
    [0.0, 1.5, nan]
    >>> pairs.matched_with(0)[0].tolist()  # the pair without a match is left out
    [2]
    >>> pairs.shared_in(np.array([0, 2]), np.array([1, 2]))  # row, column and score of those that share marks
    (array([0]), array([1]), array([1.5], dtype=float32))
    """

    numbers: IntArray
    """(m,) the lower row of each pair, shifted by 32 bits, plus the higher row; ascending."""
    scores: Float32Array
    """(m,) at least 0; it may be above 0 if no marks match."""
    marks: CountArray
    """(m,) number of matched marks."""

    @classmethod
    def of(cls, first: IntArray, second: IntArray, scores: Float32Array, marks: CountArray) -> LocalPairs:
        """The table of pairs of rows, in any order; of a pair that occurs twice the first entry counts."""
        numbers, index = np.unique(_numbers(first, second), return_index=True)
        return cls(numbers, scores[index], marks[index])

    @classmethod
    def none(cls) -> LocalPairs:
        """The table without a pair."""
        return cls(np.empty(0, np.int64), np.empty(0, np.float32), np.empty(0, np.uint16))

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def size_bytes(self) -> int:
        """Memory of the table, with the pairs by row."""
        by_row = 2 * len(self) * (np.dtype(np.int64).itemsize + np.dtype(np.int32).itemsize)
        return self.numbers.nbytes + self.scores.nbytes + self.marks.nbytes + by_row

    def at(self, rows: IntArray, count: int) -> LocalPairs:
        """The table of the given rows of `count`, in that order; pairs of other rows are left out."""
        place = np.full(count, -1, dtype=np.int64)
        place[rows] = np.arange(len(rows))
        first, second = place[self.numbers >> ROW_BITS], place[self.numbers & LOW_BITS]
        kept = (first >= 0) & (second >= 0)
        return LocalPairs.of(first[kept], second[kept], self.scores[kept], self.marks[kept])

    def scores_of(self, rows: IntArray, columns: IntArray) -> Float32Array:
        """The scores of pairs of rows that broadcast against each other; NaN if unknown."""
        index, known = self._find(rows, columns)
        return np.where(known, self.scores[index], np.float32(np.nan)) if len(self) else _unknown(known)

    def shared_of(self, rows: IntArray, columns: IntArray) -> Float32Array:
        """The scores of pairs of rows that share marks; NaN for all others."""
        index, known = self._find(rows, columns)
        if not len(self):
            return _unknown(known)
        return np.where(known & (self.marks[index] > 0), self.scores[index], np.float32(np.nan))

    def marks_of(self, rows: IntArray, columns: IntArray) -> IntArray:
        """The number of matched marks of pairs of rows; -1 if unknown."""
        index, known = self._find(rows, columns)
        found = self.marks[index].astype(np.int64) if len(self) else np.zeros(known.shape, np.int64)
        return np.where(known, found, -1)

    def matched_with(self, row: int) -> tuple[IntArray, Float32Array]:
        """The rows that share marks with a row, ascending, and their scores."""
        ends, pairs = self._by_row
        part = slice(*np.searchsorted(ends, [row << ROW_BITS, (row + 1) << ROW_BITS]))
        found = self.marks[pairs[part]] > 0
        return ends[part][found] & LOW_BITS, self.scores[pairs[part][found]]

    def shared_in(self, rows: IntArray, columns: IntArray) -> tuple[IntArray, IntArray, Float32Array]:
        """Indices into rows and into columns of the pairs of a block that share marks, and their scores.

        Much quicker than `shared_of`, as only matched pairs are looked at.
        """
        if not len(self) or not len(rows) or not len(columns):
            return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32)
        ends, pairs = self._by_row
        order = np.argsort(columns, kind="stable")
        ordered, own = columns[order], rows.astype(np.int64) << ROW_BITS
        row, found = _spread(
            np.searchsorted(ends, own | ordered[0]), np.searchsorted(ends, own | ordered[-1], side="right")
        )
        others = ends[found] & LOW_BITS
        of, column = _spread(np.searchsorted(ordered, others), np.searchsorted(ordered, others, side="right"))
        pair = pairs[found[of]]
        shared = self.marks[pair] > 0
        return row[of][shared], order[column][shared], self.scores[pair[shared]]

    @cached_property
    def _by_row(self) -> tuple[IntArray, IntArray]:
        """Each pair from both of its sides: its number with that row first, ascending, and its index."""
        low, high = self.numbers >> ROW_BITS, self.numbers & LOW_BITS
        ends = np.concatenate([self.numbers, high << ROW_BITS | low])
        order = np.argsort(ends, kind="stable")
        return ends[order], (order % max(len(self), 1)).astype(np.int32)

    def _find(self, rows: IntArray, columns: IntArray) -> tuple[IntArray, npt.NDArray[np.bool_]]:
        numbers = _numbers(rows, columns)
        index = np.minimum(np.searchsorted(self.numbers, numbers), max(len(self) - 1, 0))
        return index, self.numbers[index] == numbers if len(self) else np.zeros(numbers.shape, np.bool_)


def _numbers(first: IntArray, second: IntArray) -> IntArray:
    low, high = np.minimum(first, second), np.maximum(first, second)
    return np.asarray(low.astype(np.int64) << ROW_BITS | high)


def _spread(starts: IntArray, ends: IntArray) -> tuple[IntArray, IntArray]:
    """All numbers of ranges, one range after another, each with the index of its range before it."""
    counts = ends - starts
    index = np.repeat(np.arange(len(counts)), counts)
    return index, np.arange(len(index)) + np.repeat(starts - (np.cumsum(counts) - counts), counts)


def _unknown(like: npt.NDArray[np.bool_]) -> Float32Array:
    return np.full(like.shape, np.nan, np.float32)
