"""Founders: the identities of individuals, each with an item that anchors it.

An identity is founded when two items first become one individual, when a person says something about an
individual, or when a person merges, splits or moves. It belongs to the individual of the item that anchors
it: at first its founding item, which gives it its id. Joined individuals have the id of one identity, and the
others in them are its aliases; when they part again, each gets its own id back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from spotted.individuals.attributes import Attributes, Update, updated


class Founder(NamedTuple):
    """An identity, by its founding item."""

    item: int
    """The item on which it was founded."""
    copy: int = 0
    """0 for the first identity founded on this item, which may be anchored elsewhere since."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A decision in which a person chose the individual that keeps its id."""

    position: int
    kept: Founder
    merged: tuple[Founder, ...]


class Founders:
    """The identities of a session, in the order in which they were founded.

    >>> founders = Founders()
    >>> founders.found([Founder(5)], 10)
    >>> founders.found([Founder(2)], 12)
    >>> founders.ranked([2, 5, 7])[0]
    Founder(item=5, copy=0)
    >>> founders.update(Founder(2), Update(14, ("display_name",), Attributes("Sita")))
    >>> founders.ranked([2, 5, 7])[0]
    Founder(item=2, copy=0)
    """

    def __init__(self) -> None:
        self._founded: dict[Founder, int] = {}
        self._at: dict[int, list[Founder]] = {}
        self._anchors: dict[Founder, list[tuple[int, int]]] = {}
        self._updates: dict[Founder, list[Update]] = {}
        self._kept: list[_Kept] = []
        self._yields: dict[Founder, Founder] = {}
        self._expired: set[Founder] = set()
        # items that stand for one that was there before them
        self._first: dict[int, int] = {}

    def __contains__(self, founder: Founder) -> bool:
        return founder in self._founded

    def found(self, founders: Iterable[Founder], position: int) -> None:
        """Found identities at this position, unless they are founded already."""
        for founder in founders:
            if founder not in self._founded:
                self._founded[founder] = position
                self._at.setdefault(founder.item, []).append(founder)

    def found_at(self, item: int, position: int) -> None:
        """Found an identity that is not founded yet, anchored at this item."""
        founder = self.unused(item)
        self.found([founder], position)
        if founder.item != item:
            self.move(founder, item, position)

    def replace(self, first: int, item: int, position: int) -> None:
        """Note that an item stands for an earlier one: its identities are copies of that one's.

        >>> founders = Founders()
        >>> founders.replace(2, 9, position=4)
        >>> founders.ranked([9])
        [Founder(item=2, copy=1)]
        """
        self._first[item] = first
        self.found_at(item, position)

    def update(self, founder: Founder, update: Update) -> None:
        """Add an update of the attributes of an individual."""
        self.found([founder], update.position)
        self._updates.setdefault(founder, []).append(update)

    def keep(self, kept: Founder, merged: Sequence[Founder], position: int) -> None:
        """Note that a person joined individuals and chose the one that keeps its id."""
        self.found([kept, *merged], position)
        self._kept.append(_Kept(position, kept, tuple(merged)))
        self._weigh_choices()

    def move(self, founder: Founder, item: int, position: int) -> None:
        """Anchor an identity at another item, so that it stays with that one."""
        self.found([founder], position)
        before = self.anchor(founder)
        self._anchors.setdefault(founder, []).append((position, item))
        self._place(founder, before)

    def are_at(self, item: int) -> bool:
        """Whether an identity was founded on this item, or is or was anchored at it."""
        return item in self._at

    def anchor(self, founder: Founder) -> int:
        """The item that anchors an identity."""
        moves = self._anchors.get(founder)
        return moves[-1][1] if moves else founder.item

    def unused(self, item: int) -> Founder:
        """The identity to found on an item: the first that is not founded yet."""
        first = self._first.get(item, item)
        # the first one of an earlier item is its own, founded or not
        copy = int(first != item)
        while Founder(first, copy) in self._founded:
            copy += 1
        return Founder(first, copy)

    def forget(self, positions: Collection[int]) -> set[int]:
        """Forget what events at these positions said, moved and chose; returns the items concerned.

        What these events founded is forgotten by `settle`, unless individuals still have their ids from it.
        """
        concerned = {founder for founder, position in self._founded.items() if position in positions}
        self._expired |= concerned
        for merge in self._kept:
            if merge.position in positions:
                concerned.update((merge.kept, *merge.merged))
        self._kept = [merge for merge in self._kept if merge.position not in positions]
        self._weigh_choices()
        for founder in [f for f, said in self._updates.items() if any(u.position in positions for u in said)]:
            concerned.add(founder)
            self._updates[founder] = [u for u in self._updates[founder] if u.position not in positions]
            if not self._updates[founder]:
                del self._updates[founder]
        items = {self.anchor(founder) for founder in concerned}
        for founder in [f for f, moves in self._anchors.items() if any(p in positions for p, _ in moves)]:
            before = self.anchor(founder)
            self._anchors[founder] = [move for move in self._anchors[founder] if move[0] not in positions]
            self._place(founder, before)
            items |= {before, self.anchor(founder)}
        return items

    def settle(self, members: Sequence[int]) -> None:
        """Forget the expired identities of one individual, but for the one that gives its id."""
        here = self.ranked(members)
        for founder in [f for f in here if f in self._expired]:
            self._expired.remove(founder)
            gives_id = founder == here[0] and (len(members) > 1 or founder.copy)
            if not gives_id and founder not in self._updates:
                del self._founded[founder]
                self._at[self.anchor(founder)].remove(founder)
                self._anchors.pop(founder, None)

    def ranked(self, members: Iterable[int]) -> list[Founder]:
        """The identities anchored at these items: the one that gives the id, then the others by seniority.

        Those that a person said something about come before others. Among these, one that a person joined to
        another one present gives way to it; then the one founded first comes first.
        """
        present = [founder for item in members for founder in self._at.get(item, ())]
        order = sorted(present, key=lambda one: (one not in self._updates, self._founded[one], one))
        if len(order) < 2:  # noqa: PLR2004 - nothing to choose from
            return order
        described = [one for one in order if one in self._updates] or order
        first = next((one for one in described if self._yields.get(one) not in described), described[0])
        return [first, *(one for one in order if one != first)]

    def described(self) -> list[Founder]:
        """The identities that people said something about, ascending."""
        return sorted(self._updates)

    def attributes(self, founder: Founder) -> Attributes:
        """The attributes that people gave an individual."""
        return updated(self._updates.get(founder, ()))

    def _place(self, founder: Founder, before: int) -> None:
        self._at[before].remove(founder)
        self._at.setdefault(self.anchor(founder), []).append(founder)

    def _weigh_choices(self) -> None:
        """Who gives way to whom, by the choices in their order: a later one overrides an earlier one."""
        self._yields = {}
        for choice in self._kept:
            above, at = {choice.kept}, choice.kept
            while at in self._yields:
                at = self._yields[at]
                above.add(at)
            if above.intersection(choice.merged):
                del self._yields[choice.kept]
            self._yields.update(dict.fromkeys(choice.merged, choice.kept))
