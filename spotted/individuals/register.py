"""The individuals of a partition that changes with every event, and which of them changed when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from spotted.arrays import IntArray
from spotted.constraints.interface import Constraints
from spotted.individuals.attributes import Attributes
from spotted.individuals.founders import Founder, Founders


@dataclass(frozen=True, slots=True)
class Registered:
    """One individual."""

    founder: Founder
    """The identity that gives its id."""
    members: tuple[int, ...]
    """Its items that are there, ascending."""
    aliases: tuple[Founder, ...]
    """Other identities anchored in it: ids that it also answers to."""
    position: int
    """Position of the event that changed it last."""


class Register:
    """The individuals of a session, brought up to date after each event of its journal.

    An individual is present from the event that made it until the event that made it part of another one, or
    after which none of its items is there; it has ended then, and is present again if they part or return.

    >>> from spotted.constraints.closure import Closure
    >>> constraints, register = Closure(3), Register()
    >>> register.settle(constraints, [0, 1, 2], position=2)
    >>> len(register)
    3
    """

    def __init__(self) -> None:
        self.founders = Founders()
        """The identities; `settle` has to know the items whose identities changed."""
        self.strangers: set[int] = set()
        """Items that make no individual: one is present only if it has another item."""
        # position of the last change, in the order of these positions
        self._present: dict[Founder, int] = {}
        self._ended: dict[Founder, int] = {}

    def __len__(self) -> int:
        return len(self._present)

    def settle(self, constraints: Constraints, touched: Iterable[int], position: int) -> None:
        """Take in an event.

        constraints: after the event. touched: at least one item of each component that the event changed, or
        in which identities are or were anchored that it changed. position: of the event.
        """
        components = {constraints.component_of(item) for item in touched}
        present: dict[Founder, None] = {}
        gone: dict[Founder, None] = {}
        for members in map(self._own_first, sorted(map(constraints.members, components))):
            is_there = self._is_shown(constraints, members)
            if len(members) == 1 and not self.founders.are_at(members[0]):
                (present if is_there else gone)[Founder(members[0])] = None
                continue
            # an item that founded nothing stands for itself
            own = (founder for founder in map(Founder, members) if founder not in self.founders)
            gone |= dict.fromkeys([*own, *self.founders.ranked(members)])
            self.founders.settle(members)
            if is_there:
                present[self._founder(members, position)] = None
        for founder in (gone.keys() - present.keys()) & self._present.keys():
            del self._present[founder]
            self._ended[founder] = position
        for founder in present:
            self._present.pop(founder, None)
            self._present[founder] = position
            self._ended.pop(founder, None)

    def find(self, founder: Founder) -> int | None:
        """An item of the individual that has this identity; None if there is no such identity."""
        if founder in self.founders:
            return self.founders.anchor(founder)
        return None if founder.copy else founder.item

    def named(self) -> dict[Founder, str]:
        """The display names of the individuals that have one."""
        names = {founder: self.attributes(founder).display_name for founder in self.founders.described()}
        return {founder: name for founder, name in names.items() if name and founder in self._present}

    def individual(self, constraints: Constraints, item: int) -> Registered:
        """The individual of an item; one of its items must be there."""
        members = constraints.members(constraints.component_of(item))
        founder, *aliases = self.founders.ranked(members) or [Founder(members[0])]
        there = tuple(member for member in members if member not in constraints.gone)
        # not present if it is all strangers
        return Registered(founder, there, tuple(aliases), self._present.get(founder, 0))

    def is_present(self, founder: Founder) -> bool:
        """Whether an identity is that of an individual now."""
        return founder in self._present

    def attributes(self, founder: Founder) -> Attributes:
        """The attributes of the individual with this identity."""
        return self.founders.attributes(founder)

    def present(self) -> list[Founder]:
        """The identities of all individuals, ascending."""
        return sorted(self._present)

    def changed_since(self, position: int) -> list[Founder]:
        """The identities of the individuals that changed after this position, ascending."""
        return _after(self._present, position)

    def ended_since(self, position: int) -> list[Founder]:
        """The identities of the individuals that ended after this position, ascending."""
        return _after(self._ended, position)

    def _is_shown(self, constraints: Constraints, members: Sequence[int]) -> bool:
        """Whether an item is there that is no stranger."""
        if not self.strangers:
            return constraints.is_there(members[0])
        return any(item not in constraints.gone and item not in self.strangers for item in members)

    def _own_first(self, members: tuple[int, ...]) -> tuple[int, ...]:
        """Items in an order in which a stranger gives no id if there is another item."""
        if not self.strangers:
            return members
        return tuple(sorted(members, key=lambda item: (item in self.strangers, item)))

    def _founder(self, members: tuple[int, ...], position: int) -> Founder:
        ranked = self.founders.ranked(members)
        if ranked:
            return ranked[0]
        founder = self.founders.unused(members[0])
        if len(members) > 1 or founder.copy:
            self.founders.found_at(members[0], position)
        return founder


def differing(before: IntArray, after: IntArray) -> IntArray:
    """One item of each component that consists of other items than before.

    before: (n,) component of each item. after: (m,), m >= n, the same later; the last m - n items are new.

    >>> differing(np.array([0, 0, 2, 3]), np.array([1, 1, 2, 2, 4])).tolist()
    [2, 4]
    """
    count = len(after)
    # a component of before has an id below n, so new items get ids of their own
    earlier = np.concatenate([before, np.arange(len(before), count)])
    pairs, first, sizes = np.unique(earlier * (count + 1) + after, return_index=True, return_counts=True)
    was, now = pairs // (count + 1), pairs % (count + 1)
    size_before, size_after = (np.bincount(ids, minlength=count + 1) for ids in (earlier, after))
    same = (sizes == size_before[was]) & (sizes == size_after[now]) & (earlier[first] < len(before))
    changed: dict[int, int] = {}
    for component, item in zip(now[~same].tolist(), first[~same].tolist(), strict=True):
        changed.setdefault(component, item)
    return np.array(sorted(changed.values()), dtype=np.int64)


def _after(positions: dict[Founder, int], position: int) -> list[Founder]:
    found = []
    for founder in reversed(positions):
        if positions[founder] <= position:
            break
        found.append(founder)
    return sorted(found)
