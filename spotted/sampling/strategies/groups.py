"""Rows grouped by one sort: the highest value of each group, and its row."""

from __future__ import annotations

import numpy as np

from spotted.arrays import Float64Array, FloatArray, IntArray


class Groups:
    """Rows grouped by key, ascending."""

    def __init__(self, keys: IntArray) -> None:
        self._order = np.argsort(keys, kind="stable")
        ordered = keys[self._order]
        self._start = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1]))[: len(ordered)])
        self._count = np.diff(np.append(self._start, len(ordered)))

    def rows_of(self, kept: IntArray) -> IntArray:
        """The rows of some of the groups, given by their number."""
        chosen = np.zeros(len(self._start), dtype=np.bool_)
        chosen[kept] = True
        return self._order[np.repeat(chosen, self._count)]

    def highest(self, values: FloatArray) -> Float64Array:
        """(g,) the highest value of each group."""
        if not len(self._start):
            return np.zeros(0)
        return np.asarray(np.maximum.reduceat(values[self._order], self._start), dtype=np.float64)

    def arg_highest(self, values: FloatArray) -> IntArray:
        """(g,) the row of the highest value of each group, the lowest row of equal ones."""
        if not len(self._start):
            return np.zeros(0, dtype=np.int64)
        top = np.repeat(self.highest(values), self._count)
        hit = np.flatnonzero(values[self._order] == top)
        group = np.repeat(np.arange(len(self._start)), self._count)[hit]
        return self._order[hit[np.unique(group, return_index=True)[1]]]
