"""Facts about items that no answer overrules: names, shared images, and links such as those of a name."""

from __future__ import annotations

from collections.abc import Iterator

from spotted.facts.kinds import Fact

# item -> other item -> how strongly the two are held together
Strengths = dict[int, dict[int, float]]
# stronger than any number of answers
FIXED_STRENGTH = 1e6


class CertainFacts:
    """The facts that join items or keep them apart, and the groups that the joins make.

    >>> from spotted.facts import Fact, Source
    >>> facts = CertainFacts()
    >>> facts.add(Fact(Source.KNOWN, 0, 1, ("Mvula",)))
    >>> facts.add(Fact(Source.ENCOUNTER, 1, 2, ("e5",)))
    >>> facts.joins(0, 2), facts.joins(0, 3)
    (True, False)
    """

    def __init__(self) -> None:
        self.names: dict[int, str] = {}
        """The known names of items."""
        self._joined: dict[int, list[Fact]] = {}
        self._apart: dict[int, list[Fact]] = {}
        self._group: dict[int, int] = {}
        self._members: dict[int, list[int]] = {}

    def add(self, fact: Fact) -> None:
        """Add a fact about two items."""
        facts = self._joined if fact.same else self._apart
        for item in (fact.first, fact.second):
            facts.setdefault(item, []).append(fact)
        if fact.same:
            self._link(fact.first, fact.second)

    def joining(self, item: int) -> Iterator[tuple[int, Fact]]:
        """The items that facts join with this one, each with its fact."""
        return _others(self._joined, item)

    def separating(self, item: int) -> Iterator[tuple[int, Fact]]:
        """The items that appear in one image with this one, each with its fact."""
        return _others(self._apart, item)

    def joins(self, first: int, second: int) -> bool:
        """True if joins lead from one item to the other."""
        group = self._group.get(first)
        return group is not None and group == self._group.get(second)

    def strengthen(self, links: Strengths) -> None:
        """Add the joins among these items to how strongly they are held together."""
        for item, near in links.items():
            near.update({other: FIXED_STRENGTH for other, _ in self.joining(item) if other in links})

    def _link(self, first: int, second: int) -> None:
        """Merge two groups, the smaller into the larger."""
        groups = []
        for item in (first, second):
            group = self._group.setdefault(item, item)
            self._members.setdefault(group, [item])
            groups.append(group)
        smaller, larger = sorted(groups, key=lambda group: (len(self._members[group]), group))
        if smaller != larger:
            gone = self._members.pop(smaller)
            self._group.update(dict.fromkeys(gone, larger))
            self._members[larger] += gone


def _others(facts: dict[int, list[Fact]], item: int) -> Iterator[tuple[int, Fact]]:
    for fact in facts.get(item, ()):
        yield fact.second if fact.first == item else fact.first, fact
