"""The image pairs that a session may ask about, by what is known of their items.

Opposite flanks cannot be compared, and a session may be limited to some detections. Such pairs are closed:
never asked, and nothing is implied for their animals.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spotted.arrays import BoolArray, IntArray

NO_ENCOUNTER = -1
# codes of flanks; only the opposite ones add up to BOTH
NO_FLANK, LEFT, RIGHT = 0, 1, 2
BOTH = LEFT + RIGHT


@dataclass(frozen=True, slots=True)
class Scope:
    """Which image pairs may be asked. An item beyond the columns may be asked about with every other one.

    >>> scope = Scope(flank=np.array([LEFT, RIGHT, NO_FLANK]))
    >>> scope.closes(0, 1), scope.closes(0, 2), scope.closes(0, 7)
    (True, False, False)
    """

    flank: IntArray | None = None
    """(n,) LEFT, RIGHT or NO_FLANK; opposite flanks are not asked. None: sides do not matter."""
    outside: IntArray | None = None
    """(n,) 1 for items that are not asked about. None: all are."""
    named: IntArray | None = None
    """(n,) 1 for items with a known name; one of a pair must have one. None: names do not matter."""
    encounter: IntArray | None = None
    """(n,) number of the encounter; pairs within one are not asked. None: encounters do not matter."""

    def closes(self, first: int, second: int) -> bool:
        """True if this pair is not asked; as `closed_rows`, without arrays."""
        if self.flank is not None and _one(self.flank, first) + _one(self.flank, second) == BOTH:
            return True
        if self.outside is not None and (_one(self.outside, first) or _one(self.outside, second)):
            return True
        if self.named is not None and not (_one(self.named, first, 1) or _one(self.named, second, 1)):
            return True
        if self.encounter is None:
            return False
        ours = _one(self.encounter, first, NO_ENCOUNTER)
        return ours != NO_ENCOUNTER and ours == _one(self.encounter, second, NO_ENCOUNTER)

    def askable(self, count: int) -> BoolArray:
        """(count,) False for the items that are not asked about at all."""
        if self.outside is None:
            return np.ones(count, dtype=np.bool_)
        askable: BoolArray = _at(self.outside, np.arange(count)) == 0
        return askable

    def closed_rows(self, first: IntArray, second: IntArray) -> BoolArray:
        """(m,) True for the pairs that are not asked."""
        closed = np.zeros(len(first), dtype=np.bool_)
        if self.flank is not None:
            closed |= _at(self.flank, first) + _at(self.flank, second) == BOTH
        if self.outside is not None:
            closed |= (_at(self.outside, first) != 0) | (_at(self.outside, second) != 0)
        if self.named is not None:
            closed |= (_at(self.named, first, 1) == 0) & (_at(self.named, second, 1) == 0)
        if self.encounter is not None:
            ours = _at(self.encounter, first, NO_ENCOUNTER)
            closed |= (ours != NO_ENCOUNTER) & (ours == _at(self.encounter, second, NO_ENCOUNTER))
        return closed


def _one(column: IntArray, item: int, beyond: int = 0) -> int:
    """The value of an item; `beyond` for one after the column's end."""
    return int(column[item]) if item < len(column) else beyond


def _at(column: IntArray, items: IntArray, beyond: int = 0) -> IntArray:
    """(m,) the values of items; `beyond` for those after the column's end."""
    return np.append(column, beyond)[np.minimum(items, len(column))]
