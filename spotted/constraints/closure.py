"""What the labels of a session imply: must-links, cannot-links and their closure (Spotted section 4).

SAME is a must-link and transitive; DIFFERENT is a cannot-link and holds between all members of the two
components that it joins. Items are the integers 0..n-1 of a survey's detections and grow over time.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from spotted.arrays import IntArray
from spotted.constraints.answers import (
    Answer,
    Contradiction,
    Decisions,
    LabelEffect,
    LabelledPair,
    LabelOutcome,
)
from spotted.constraints.explanation import Evidence, Explanation
from spotted.errors import InvalidInputError, PreconditionError


class Constraints:
    """The closure of a session's labels, as components of items and separations between components.

    Each component keeps its members and the components it is separated from; a merge moves the smaller
    of the two into the larger, so that an item or a separation moves O(log n) times and `implied` is O(1).
    """

    def __init__(self, count: int = 0) -> None:
        self._component: list[int] = []
        self._members: dict[int, list[int]] = {}
        self._separated: dict[int, set[int]] = {}
        self._separations = 0
        self._positives = 0
        self._closed: set[tuple[int, int]] = set()
        self._contradictions: list[Contradiction] = []
        self._decisions: list[tuple[int, int, bool, int]] = []
        self._evidence = Evidence()
        self.add_items(count)

    @property
    def items(self) -> int:
        """Number of items."""
        return len(self._component)

    @property
    def component_count(self) -> int:
        """Number of components, single items included."""
        return len(self._members)

    @property
    def separation_count(self) -> int:
        """Number of pairs of components that are known to be DIFFERENT."""
        return self._separations

    @property
    def open_component_pairs(self) -> int:
        """Number of pairs of components of which neither SAME nor DIFFERENT is known."""
        return self.component_count * (self.component_count - 1) // 2 - self._separations

    @property
    def positives(self) -> int:
        """Number of image pairs that are known to be SAME."""
        return self._positives

    @property
    def contradictions(self) -> tuple[Contradiction, ...]:
        """The labels that were kept but not applied, oldest first."""
        return tuple(self._contradictions)

    def add_items(self, count: int) -> None:
        """Append `count` items, each a component of its own."""
        for item in range(self.items, self.items + count):
            self._component.append(item)
            self._members[item] = [item]
            self._separated[item] = set()

    def forbid(self, first: int, second: int) -> None:
        """Separate two items that appear in one image; no label is needed for that (ours).

        Raises PreconditionError where labels already made them one individual: forbid items before
        they are labelled.
        """
        if self.implied(first, second) is Answer.SAME:
            raise PreconditionError(
                f"items {first} and {second} share an image but are labelled as one individual; "
                "forbid the pairs of an image before its items are labelled"
            )
        self._separate(first, second)
        self._evidence.add_different(first, second, None)

    def implied(self, first: int, second: int) -> Answer | None:
        """SAME or DIFFERENT where the labels imply it, else None; O(1)."""
        self._require_pair(first, second)
        ours, theirs = self._component[first], self._component[second]
        if ours == theirs:
            return Answer.SAME
        return Answer.DIFFERENT if theirs in self._separated[ours] else None

    def is_open(self, first: int, second: int) -> bool:
        """True where an answer to this image pair would tell something new."""
        return self.implied(first, second) is None and _ordered(first, second) not in self._closed

    def apply(self, label: LabelledPair) -> LabelOutcome:
        """Take one label into account and say what it did; a label that contradicts is only kept.

        NOT_COMPARABLE and SKIP close the image pair and imply nothing about the two components.
        """
        first, second, answer = label.first, label.second, label.answer
        known = self.implied(first, second)
        if answer not in (Answer.SAME, Answer.DIFFERENT):
            self._closed.add(_ordered(first, second))
            return LabelOutcome(LabelEffect.CLOSED)
        if known is not None and known is not answer:
            explanation = self.explain(first, second, answer)
            self._contradictions.append(Contradiction(label, explanation))
            return LabelOutcome(LabelEffect.CONFLICT, explanation=explanation)
        return self._accept(label, new=known is None)

    def explain(self, first: int, second: int, answer: Answer) -> Explanation:
        """The smallest set of earlier labels that together rule `answer` out for this pair.

        DIFFERENT inside a component: a shortest path of SAME labels. SAME between separated components:
        a shortest walk of SAME labels with exactly one DIFFERENT label or one image that holds both ends.
        Raises PreconditionError where the answer contradicts nothing.
        """
        known = self.implied(first, second)
        if known is Answer.SAME and answer is Answer.DIFFERENT:
            return self._evidence.against_different(first, second)
        if known is Answer.DIFFERENT and answer is Answer.SAME:
            return self._evidence.against_same(first, second)
        raise PreconditionError(f"{answer.name} contradicts no label of items {first} and {second}")

    def component_of(self, item: int) -> int:
        """The component of an item, equal for two items exactly where they are known to be SAME."""
        return self._component[item]

    def members(self, component: int) -> tuple[int, ...]:
        """The items of a component, ascending."""
        return tuple(sorted(self._members[component]))

    def separated_from(self, component: int) -> frozenset[int]:
        """The components that are known to be DIFFERENT from this one."""
        return frozenset(self._separated[component])

    def components(self) -> list[tuple[int, ...]]:
        """The members of every component, single items included, ordered by their lowest item."""
        return sorted(self.members(component) for component in self._members)

    def component_ids(self) -> IntArray:
        """(n,) component of each item."""
        return np.array(self._component, dtype=np.int64)

    def separations(self) -> IntArray:
        """(m, 2) pairs of separated components, the lower first, ascending."""
        return pair_columns((a, b) for a, others in self._separated.items() for b in others if a < b)

    def undecided(self) -> IntArray:
        """(m, 2) pairs of components with answers that do not suffice, which no strategy asks; none here."""
        return pair_columns(())

    def closed_pairs(self) -> IntArray:
        """(m, 2) image pairs that an annotator could not compare, the lower item first, ascending."""
        return pair_columns(self._closed)

    def decisions(self) -> Decisions:
        """Every label that merged or separated two components."""
        columns = np.array(self._decisions, dtype=np.int64).reshape(-1, 4).T
        return Decisions(columns[0], columns[1], columns[2].astype(np.bool_), columns[3])

    def _accept(self, label: LabelledPair, *, new: bool) -> LabelOutcome:
        first, second, same = label.first, label.second, label.answer is Answer.SAME
        link = self._evidence.add_same if same else self._evidence.add_different
        link(first, second, label.label_id)
        if not new:
            return LabelOutcome(LabelEffect.IMPLIED)
        ours, theirs = self._component[first], self._component[second]
        image_pairs = len(self._members[ours]) * len(self._members[theirs])
        self._decisions.append((first, second, same, image_pairs))
        if not same:
            self._separate(first, second)
            return LabelOutcome(LabelEffect.SEPARATED, implied_different=image_pairs)
        self._merge(ours, theirs)
        self._positives += image_pairs
        return LabelOutcome(LabelEffect.MERGED, implied_same=image_pairs)

    def _separate(self, first: int, second: int) -> None:
        ours, theirs = self._component[first], self._component[second]
        self._separations += theirs not in self._separated[ours]
        self._separated[ours].add(theirs)
        self._separated[theirs].add(ours)

    def _merge(self, ours: int, theirs: int) -> None:
        kept, moved = sorted((ours, theirs), key=self._weight, reverse=True)
        for item in self._members[moved]:
            self._component[item] = kept
        self._members[kept].extend(self._members.pop(moved))
        for other in self._separated.pop(moved):
            self._separated[other].remove(moved)
            # both halves were separated from it: two separations become one
            self._separations -= other in self._separated[kept]
            self._separated[other].add(kept)
            self._separated[kept].add(other)

    def _weight(self, component: int) -> tuple[int, int]:
        return len(self._members[component]) + len(self._separated[component]), component

    def _require_pair(self, first: int, second: int) -> None:
        if first == second or min(first, second) < 0 or max(first, second) >= len(self._component):
            raise InvalidInputError(
                f"({first}, {second}) is no pair of two items out of {self.items}; add the items first"
            )


def _ordered(first: int, second: int) -> tuple[int, int]:
    return (first, second) if first < second else (second, first)


def pair_columns(pairs: Iterable[tuple[int, int]]) -> IntArray:
    """(m, 2) the pairs, ascending."""
    return np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
