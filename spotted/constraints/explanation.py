"""Explanation of a contradiction: the smallest set of labels that rule an answer out, a shortest path.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field

# item -> (other item, label id); a label id of None stands for an image that holds both items
Links = dict[int, list[tuple[int, str | None]]]
# item -> (steps from the start, previous item, label of the last step)
Reached = dict[int, tuple[int, int, str | None]]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The smallest set of earlier labels that rules an answer out.

    >>> graph = LabelGraph()
    >>> graph.add_same(0, 1, "a")
    >>> graph.add_different(1, 2, "b")
    >>> graph.against_same(0, 2).label_ids
    ('a', 'b')
    """

    label_ids: tuple[str, ...]
    """In the order in which they lead from one item to the other."""
    same_image: tuple[int, int] | None = None
    """The two items of one image that the chain passes through; None if labels are sufficient."""


@dataclass(frozen=True, slots=True)
class LabelGraph:
    """Labels that do not contradict one another, as graphs of items."""

    _same: Links = field(default_factory=dict)
    _different: Links = field(default_factory=dict)

    def add_same(self, first: int, second: int, label_id: str) -> None:
        """Record a SAME label."""
        _link(self._same, first, second, label_id)

    def add_different(self, first: int, second: int, label_id: str | None) -> None:
        """Record a DIFFERENT label, or with None an image that holds both items."""
        _link(self._different, first, second, label_id)

    def against_different(self, first: int, second: int) -> Explanation:
        """A shortest path of SAME labels between two items of one component."""
        # searched from the far end, so that the chain reads from first to second
        return Explanation(_chain(self._search(second), first))

    def against_same(self, first: int, second: int) -> Explanation:
        """A shortest walk between two separated components, with exactly one DIFFERENT link.

        The SAME parts lie in different components, so that no label occurs twice. An image that holds
        both ends of the link costs no label.
        """
        near, far = self._search(first), self._search(second)
        crossings = [
            (near[leave][0] + far[arrive][0] + (label_id is not None), leave, arrive, label_id)
            for leave in near
            for arrive, label_id in self._different.get(leave, ())
            if arrive in far
        ]
        _, leave, arrive, label_id = min(crossings, key=lambda crossing: crossing[:3])
        before, after = _chain(near, leave)[::-1], _chain(far, arrive)
        if label_id is None:
            return Explanation(before + after, same_image=(leave, arrive))
        return Explanation((*before, label_id, *after))

    def _search(self, start: int) -> Reached:
        """Every item that SAME labels reach from `start`, breadth first in the order of the labels."""
        reached: Reached = {start: (0, start, None)}
        frontier = [start]
        for item in frontier:
            for other, label_id in self._same.get(item, ()):
                if other not in reached:
                    reached[other] = (reached[item][0] + 1, item, label_id)
                    frontier.append(other)
        return reached


def _chain(reached: Reached, end: int) -> tuple[str, ...]:
    """The labels from `end` back to the start of a search."""
    labels: list[str] = []
    while (step := reached[end])[2] is not None:
        labels.append(step[2])
        end = step[1]
    return tuple(labels)


def _link(links: Links, first: int, second: int, label_id: str | None) -> None:
    links.setdefault(first, []).append((second, label_id))
    links.setdefault(second, []).append((first, label_id))
