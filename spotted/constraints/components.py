"""Components of items that are one individual each, and the separations between components."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from spotted.arrays import BoolArray, IntArray
from spotted.constraints.answers import Answer
from spotted.counting import pairs_within
from spotted.errors import InvalidInputError
from spotted.facts.pair_rows import among
from spotted.facts.scope import Scope

Pair = tuple[int, int]


class Components:
    """A partition of the items 0..n-1 that can grow, merge and split.

    Each component keeps its members and the components it is separated from. A merge moves the smaller of the
    two into the larger, so that an item or a separation moves O(log n) times and `implied` is O(1). A
    component has the id of one of its items.

    Components of two marks are separated as well, without an entry for each pair: a thousand named animals
    cost a thousand marks.

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
        self._item_marks: dict[int, int] = {}
        self._marks: dict[int, int] = {}
        self._marked: Counter[int] = Counter()
        self.scope = Scope()
        """The pairs of items that may be asked about."""
        self.gone: frozenset[int] = frozenset()
        """Items that are no longer there. They stay in their components, and are not counted."""
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
        """Number of pairs of components that are not separated, of those with an item that is there."""
        dead = self.dead()
        between = sum(other in dead for component in dead for other in self._separated[component]) // 2
        separations = self._separations - sum(len(self._separated[component]) for component in dead) + between
        marked = self._marked - Counter(self._marks[component] for component in dead & self._marks.keys())
        distinct = pairs_within([marked.total()]) - pairs_within([*marked.values()])
        return pairs_within([len(self) - len(dead)]) - separations - distinct

    @property
    def positives(self) -> int:
        """Number of pairs of items within components, of those that are there."""
        if not self.gone:
            return self._positives
        touched = set(map(self.of, self.gone))
        counted = [*map(self.size, touched)], [*map(self.living_size, touched)]
        return self._positives - pairs_within(counted[0]) + pairs_within(counted[1])

    def dead(self) -> frozenset[int]:
        """The components of which no item is there."""
        return frozenset(one for one in map(self.of, self.gone) if not self.living_size(one))

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

    def living_size(self, component: int) -> int:
        """Number of items of a component that are there."""
        members = self._members[component]
        return len(members) - sum(item in self.gone for item in members) if self.gone else len(members)

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
        separated = theirs in self._separated[ours] or self.are_distinct(ours, theirs)
        return Answer.DIFFERENT if separated else None

    def mark(self, item: int, mark: int) -> None:
        """Mark an item, whose component has no mark or the same one; 0 and up."""
        self._item_marks[item] = mark
        component = self._component[item]
        if component not in self._marks:
            self._marks[component] = mark
            self._marked[mark] += 1
            self._drop_distinct(component)

    def is_marked(self, component: int) -> bool:
        """True if a component has a mark."""
        return component in self._marks

    def are_distinct(self, ours: int, theirs: int) -> bool:
        """True if two components have two marks."""
        mark = self._marks.get(ours)
        return mark is not None and mark != self._marks.get(theirs, mark)

    def marks(self) -> IntArray:
        """(n,) the mark of each item's component, -1 without one."""
        marks = np.full(self.items, -1, dtype=np.int64)
        for component, mark in self._marks.items():
            marks[self._members[component]] = mark
        return marks

    def are_separated(self, ours: int, theirs: int) -> bool:
        """True if two components are separated by `separate`; False also for those that no longer exist."""
        return theirs in self._separated.get(ours, ())

    def separated_from(self, component: int) -> frozenset[int]:
        """The components separated from this one by `separate`."""
        return frozenset(self._separated[component])

    def distinct_from(self, component: int) -> frozenset[int]:
        """The components that have another mark; empty for one without a mark."""
        if component not in self._marks:
            return frozenset()
        return frozenset(other for other in self._marks if self.are_distinct(component, other))

    def separations(self) -> IntArray:
        """(m, 2) pairs of components separated by `separate`, the lower first, ascending."""
        return pair_columns((a, b) for a, others in self._separated.items() for b in others if a < b)

    def close(self, first: int, second: int) -> None:
        """Mark a pair of items as not comparable."""
        self._closed.add(ordered(first, second))

    def is_closed(self, first: int, second: int) -> bool:
        """True if the pair was marked as not comparable, or lies outside the scope."""
        return ordered(first, second) in self._closed or self.scope.closes(first, second)

    def is_open(self, first: int, second: int) -> bool:
        """True if nothing is implied for a pair of items and it is not closed."""
        return self.implied(first, second) is None and not self.is_closed(first, second)

    def closed_rows(self, first: IntArray, second: IntArray) -> BoolArray:
        """(m,) True for the pairs of items that are closed."""
        return among(self.items, first, second, self.closed_pairs()) | self.scope.closed_rows(first, second)

    def separated_rows(self, ours: IntArray, theirs: IntArray) -> BoolArray:
        """(m,) True for the pairs of components that are separated."""
        marks = self.marks()
        separated = among(self.items, ours, theirs, self.separations())
        separated |= (marks[ours] >= 0) & (marks[theirs] >= 0) & (marks[ours] != marks[theirs])
        return separated

    def closed_pairs(self) -> IntArray:
        """(m, 2) pairs of items marked as not comparable, the lower item first, ascending."""
        return pair_columns(self._closed)

    def separate(self, ours: int, theirs: int) -> None:
        """Separate two components, unless they are already."""
        if self.are_distinct(ours, theirs):
            return
        self._separations += theirs not in self._separated[ours]
        self._separated[ours].add(theirs)
        self._separated[theirs].add(ours)

    def reopen(self, ours: int, theirs: int) -> None:
        """Remove the separation of two components, if there is one."""
        self._separations -= theirs in self._separated[ours]
        self._separated[ours].discard(theirs)
        self._separated[theirs].discard(ours)

    def merge(self, ours: int, theirs: int) -> tuple[int, int]:
        """Merge two components, not of two marks; returns the one that remains and the one that is gone."""
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
        self._move_mark(gone, remains)
        return remains, gone

    def split(self, component: int, parts: Iterable[list[int]]) -> list[int]:
        """Replace a component by its parts, without separations; returns their ids."""
        for other in tuple(self._separated[component]):
            self.reopen(component, other)
        self._positives -= pairs_within([self.size(component)])
        del self._separated[component], self._members[component]
        if component in self._marks:
            self._marked[self._marks.pop(component)] -= 1
        return [self._place(component if component in part else part[0], part) for part in parts]

    def _place(self, component: int, part: list[int]) -> int:
        self._members[component], self._separated[component] = part, set()
        self._changed[component] = None
        self._positives += pairs_within([len(part)])
        for item in part:
            self._component[item] = component
            if item in self._item_marks:
                self.mark(item, self._item_marks[item])
        return component

    def _move_mark(self, gone: int, remains: int) -> None:
        """The mark of a component that was merged goes to the one that remains."""
        if gone in self._marks:
            mark = self._marks.pop(gone)
            if remains in self._marks:
                self._marked[mark] -= 1
            else:
                self._marks[remains] = mark
        if remains in self._marks:
            self._drop_distinct(remains)

    def _drop_distinct(self, component: int) -> None:
        """Separations of a component that its mark implies need no entry."""
        for other in [o for o in self._separated[component] if self.are_distinct(component, o)]:
            self.reopen(component, other)

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
