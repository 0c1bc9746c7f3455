"""Explanation of a contradiction: a shortest path of labels and facts.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from spotted.facts.kinds import Fact, Source

# the id of a label, or a fact
Ground = str | Fact
# item -> (other item, what links the two)
Links = dict[int, list[tuple[int, Ground]]]
# item -> (labels from the start, previous item, ground of the last step)
Reached = dict[int, tuple[int, int, Ground | None]]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The smallest set of earlier labels and facts that rules an answer out.

    >>> graph = LabelGraph()
    >>> graph.add_same(0, 1, "a")
    >>> graph.add_different(1, 2, "b")
    >>> graph.against_same(0, 2).label_ids
    ('a', 'b')
    """

    label_ids: tuple[str, ...]
    """In the order in which they lead from one item to the other."""
    facts: tuple[Fact, ...] = ()
    """The facts that the chain passes through, in the same order; empty if labels are sufficient."""

    @classmethod
    def of(cls, grounds: Sequence[Ground]) -> Explanation:
        """The explanation of a chain."""
        labels = tuple(ground for ground in grounds if isinstance(ground, str))
        return cls(labels, tuple(ground for ground in grounds if isinstance(ground, Fact)))


@dataclass(frozen=True, slots=True)
class LabelGraph:
    """Labels and facts that do not contradict one another, as graphs of items."""

    names: dict[int, str] = field(default_factory=dict)
    """The known names of items: items of two names are two animals."""
    _same: Links = field(default_factory=dict)
    _different: Links = field(default_factory=dict)

    def add_same(self, first: int, second: int, ground: Ground) -> None:
        """Record a SAME label, or a fact that says the same."""
        _link(self._same, first, second, ground)

    def add_different(self, first: int, second: int, ground: Ground) -> None:
        """Record a DIFFERENT label, or an image that holds both items."""
        _link(self._different, first, second, ground)

    def against_different(self, first: int, second: int) -> Explanation:
        """A shortest path of SAME labels between two items of one component."""
        # searched from the far end, so that the chain reads from first to second
        return Explanation.of(_chain(self._search(second), first))

    def against_same(self, first: int, second: int) -> Explanation:
        """A shortest walk between two separated components, with exactly one DIFFERENT link.

        The SAME parts lie in different components, so that no label occurs twice. An image that holds
        both ends of the link costs no label, and neither do two names.
        """
        near, far = self._search(first), self._search(second)
        _, leave, arrive, ground = min(self._crossings(near, far), key=lambda crossing: crossing[:3])
        return Explanation.of((*_chain(near, leave)[::-1], ground, *_chain(far, arrive)))

    def _crossings(self, near: Reached, far: Reached) -> Iterator[tuple[int, int, int, Ground]]:
        """The DIFFERENT links between two sets: the length of the walk, both ends, the ground."""
        for leave in near:
            for arrive, ground in self._different.get(leave, ()):
                if arrive in far:
                    steps = near[leave][0] + far[arrive][0]
                    if isinstance(ground, str):
                        yield steps + 1, leave, arrive, ground
                    else:
                        yield steps, leave, arrive, replace(ground, first=leave, second=arrive)
        # all items of a component that have a name have the same one
        ours, theirs = self._named(near), self._named(far)
        if ours and theirs and self.names[ours[1]] != self.names[theirs[1]]:
            pair = ours[1], theirs[1]
            known = Fact(Source.KNOWN, *pair, (self.names[pair[0]], self.names[pair[1]]))
            yield ours[0] + theirs[0], *pair, known

    def _named(self, reached: Reached) -> tuple[int, int] | None:
        """The nearest item with a name, after its steps."""
        found = ((steps, item) for item, (steps, _, _) in reached.items() if item in self.names)
        return min(found, default=None)

    def _search(self, start: int) -> Reached:
        """Every item that SAME links reach from `start` by the fewest labels; facts cost none."""
        reached: Reached = {start: (0, start, None)}
        waiting = deque([(0, start)])
        while waiting:
            steps, item = waiting.popleft()
            if steps > reached[item][0]:
                continue
            for other, ground in self._same.get(item, ()):
                costs = isinstance(ground, str)
                if other not in reached or steps + costs < reached[other][0]:
                    reached[other] = (steps + costs, item, ground)
                    (waiting.append if costs else waiting.appendleft)((steps + costs, other))
        return reached


def _chain(reached: Reached, end: int) -> tuple[Ground, ...]:
    """The grounds from `end` back to the start of a search."""
    grounds: list[Ground] = []
    while (step := reached[end])[2] is not None:
        grounds.append(step[2])
        end = step[1]
    return tuple(grounds)


def _link(links: Links, first: int, second: int, ground: Ground) -> None:
    links.setdefault(first, []).append((second, ground))
    links.setdefault(second, []).append((first, ground))
