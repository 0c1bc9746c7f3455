"""Components of items that are one individual each, and the separations between components."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from spotted.arrays import IntArray
from spotted.constraints.answers import Answer
from spotted.counting import pairs_within
from spotted.errors import InvalidInputError

Pair = tuple[int, int]


class Components:
    """A partition of the items 0..n-1 that can grow, merge and split.

    Each component keeps its members and the components it is separated from. A merge moves the smaller of the
    two into the larger, so that an item or a separation moves O(log n) times and `implied` is O(1). A
    component has the id of one of its items.

    >>> components = Components(4)
    >>> components.separate(components.of(1), components.of(2))
    >>> remains, gone = components.merge(components.of(0), components.of(1))
    >>> components.members(remains), components.implied(0, 2).name, components.open_pairs
    ((0, 1), 'DIFFERENT', 2)
    """

    def __init__(self, count: int = 0) -> None:
        self._component: list[int] = []
        self._members: dict[int, list[int]] = {}
        self._separated: dict[int, set[int]] = {}
        self._closed: set[Pair] = set()
        self._separations = 0
        self._positives = 0
        self._changed: dict[int, None] = {}
        self.add(count)

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, component: int) -> bool:
        return component in self._members

    def __iter__(self) -> Iterator[int]:
        return iter(self._members)

    @property
    def items(self) -> int:
        """Number of items."""
        return len(self._component)

    @property
    def open_pairs(self) -> int:
        """Number of pairs of components that are not separated."""
        return len(self) * (len(self) - 1) // 2 - self._separations

    @property
    def positives(self) -> int:
        """Number of pairs of items within components."""
        return self._positives

    def take_changed(self) -> list[int]:
        """One item of each component that was merged or split since the last call."""
        changed = list(self._changed)
        self._changed.clear()
        return changed

    def add(self, count: int) -> None:
        """Append `count` items, each as a component of its own."""
        for item in range(self.items, self.items + count):
            self._component.append(item)
            self._members[item] = [item]
            self._separated[item] = set()

    def of(self, item: int) -> int:
        """The component of an item."""
        return self._component[item]

    def ids(self) -> IntArray:
        """(n,) component of each item."""
        return np.array(self._component, dtype=np.int64)

    def size(self, component: int) -> int:
        """Number of items of a component."""
        return len(self._members[component])

    def joined(self, component: int) -> Sequence[int]:
        """The items of a component, in the order in which they joined it."""
        return self._members[component]

    def members(self, component: int) -> tuple[int, ...]:
        """The items of a component, ascending."""
        return tuple(sorted(self._members[component]))

    def implied(self, first: int, second: int) -> Answer | None:
        """SAME within a component, DIFFERENT between separated ones, otherwise None; O(1).

        Raises InvalidInputError unless these are two different items.
        """
        if first == second or min(first, second) < 0 or max(first, second) >= len(self._component):
            raise InvalidInputError(
                f"({first}, {second}) is not a pair of two of the {self.items} items; add the items first"
            )
        ours, theirs = self._component[first], self._component[second]
        if ours == theirs:
            return Answer.SAME
        return Answer.DIFFERENT if theirs in self._separated[ours] else None

    def are_separated(self, ours: int, theirs: int) -> bool:
        """True if two components are separated; False also for components that no longer exist."""
        return theirs in self._separated.get(ours, ())

    def separated_from(self, component: int) -> frozenset[int]:
        """The components separated from this one."""
        return frozenset(self._separated[component])

    def separations(self) -> IntArray:
        """(m, 2) pairs of separated components, the lower first, ascending."""
        return pair_columns((a, b) for a, others in self._separated.items() for b in others if a < b)

    def close(self, first: int, second: int) -> None:
        """Mark a pair of items as not comparable."""
        self._closed.add(ordered(first, second))

    def is_closed(self, first: int, second: int) -> bool:
        """True if the pair was marked as not comparable."""
        return ordered(first, second) in self._closed

    def is_open(self, first: int, second: int) -> bool:
        """True if nothing is implied for a pair of items and it was not marked as not comparable."""
        return self.implied(first, second) is None and ordered(first, second) not in self._closed

    def closed_pairs(self) -> IntArray:
        """(m, 2) pairs of items that are not comparable, the lower item first, ascending."""
        return pair_columns(self._closed)

    def separate(self, ours: int, theirs: int) -> None:
        """Separate two components, unless they are already."""
        self._separations += theirs not in self._separated[ours]
        self._separated[ours].add(theirs)
        self._separated[theirs].add(ours)

    def reopen(self, ours: int, theirs: int) -> None:
        """Remove the separation of two components, if there is one."""
        self._separations -= theirs in self._separated[ours]
        self._separated[ours].discard(theirs)
        self._separated[theirs].discard(ours)

    def merge(self, ours: int, theirs: int) -> tuple[int, int]:
        """Merge two components; returns the component that remains and the one that is gone."""
        self.reopen(ours, theirs)
        remains, gone = sorted((ours, theirs), key=self._weight, reverse=True)
        self._positives += self.size(ours) * self.size(theirs)
        for item in self._members[gone]:
            self._component[item] = remains
        self._members[remains].extend(self._members.pop(gone))
        self._changed[remains] = None
        for other in self._separated.pop(gone):
            self._separated[other].remove(gone)
            # both halves were separated from it: two separations become one
            self._separations -= other in self._separated[remains]
            self._separated[other].add(remains)
            self._separated[remains].add(other)
        return remains, gone

    def split(self, component: int, parts: Iterable[list[int]]) -> list[int]:
        """Replace a component by its parts, without separations; returns their ids."""
        for other in tuple(self._separated[component]):
            self.reopen(component, other)
        self._positives -= pairs_within([self.size(component)])
        del self._separated[component], self._members[component]
        return [self._place(component if component in part else part[0], part) for part in parts]

    def _place(self, component: int, part: list[int]) -> int:
        self._members[component], self._separated[component] = part, set()
        self._changed[component] = None
        self._positives += pairs_within([len(part)])
        for item in part:
            self._component[item] = component
        return component

    def _weight(self, component: int) -> tuple[int, int]:
        return len(self._members[component]) + len(self._separated[component]), component


def ordered(first: int, second: int) -> Pair:
    """The pair with the lower item first.

    >>> ordered(5, 2)
    (2, 5)
    """
    return (first, second) if first < second else (second, first)


def pair_columns(pairs: Iterable[Pair]) -> IntArray:
    """(m, 2) the pairs, ascending."""
    return np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
