"""The closure of a session's labels: SAME is transitive, DIFFERENT holds between whole components.

SAME is a must-link; DIFFERENT is a cannot-link between all members of the two components that it joins
(Spotted section 4). Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from spotted.constraints.answers import (
    Answer,
    Contradiction,
    Decisions,
    LabelEffect,
    LabelledPair,
    LabelOutcome,
)
from spotted.constraints.components import Components
from spotted.constraints.explanation import Explanation, LabelGraph
from spotted.constraints.interface import Constraints
from spotted.errors import PreconditionError
from spotted.facts.kinds import Fact, Source


class Closure(Constraints):
    """Constraints that accept every answer at once, unless it contradicts earlier ones.

    >>> constraints = Closure(4)
    >>> constraints.apply(LabelledPair("a", 0, 1, Answer.SAME)).effect.name
    'MERGED'
    >>> constraints.apply(LabelledPair("b", 1, 2, Answer.DIFFERENT)).implied_different
    2
    >>> constraints.implied(0, 2).name
    'DIFFERENT'
    >>> constraints.components()
    [(0, 1), (2,), (3,)]
    >>> constraints.apply(LabelledPair("c", 0, 2, Answer.SAME)).explanation.label_ids
    ('a', 'b')
    """

    def __init__(self, count: int = 0) -> None:
        self._components = Components(count)
        super().__init__(self._components)
        self._contradictions: list[Contradiction] = []
        self._decisions: list[tuple[int, int, bool, int]] = []
        self._labels = LabelGraph()

    @property
    def contradictions(self) -> tuple[Contradiction, ...]:
        """The labels that were stored but not applied, oldest first."""
        return tuple(self._contradictions)

    @property
    def conflict_count(self) -> int:
        """Number of labels that were stored but not applied."""
        return len(self._contradictions)

    def add_items(self, count: int) -> None:
        """Append `count` items, each a component of its own."""
        self._components.add(count)

    def forbid(self, first: int, second: int) -> None:
        """Separate two items that appear in one image; see `Constraints.forbid`."""
        separate_image(self._components, first, second)
        self._labels.add_different(first, second, Fact(Source.IMAGE, first, second))

    def name(self, names: Mapping[int, str]) -> None:
        """Set the known names of items; see `Constraints.name`."""
        mark_names(self._components, names)
        self._labels.names.update(names)

    def join(self, fact: Fact) -> bool:
        """Make two items one individual for certain; see `Constraints.join`."""
        known = self.implied(fact.first, fact.second)
        if known is Answer.DIFFERENT:
            return False
        self._labels.add_same(fact.first, fact.second, fact)
        if known is None:
            self._components.merge(self._components.of(fact.first), self._components.of(fact.second))
        return True

    def apply(
        self,
        label: LabelledPair,
        annotator_id: str = "",  # noqa: ARG002 - part of the interface; everyone is trusted alike
        probability: float | None = None,  # noqa: ARG002 - part of the interface
    ) -> LabelOutcome:
        """Apply one label and return its outcome; a label that contradicts earlier ones is only stored."""
        first, second, answer = label.first, label.second, label.answer
        known = self.implied(first, second)
        if answer not in (Answer.SAME, Answer.DIFFERENT):
            self._components.close(first, second)
            return LabelOutcome(LabelEffect.CLOSED)
        if known is not None and known is not answer:
            explanation = self.explain(first, second, answer)
            self._contradictions.append(Contradiction(label, explanation))
            return LabelOutcome(LabelEffect.CONFLICT, explanation=explanation)
        link = self._labels.add_same if answer is Answer.SAME else self._labels.add_different
        link(first, second, label.label_id)
        return LabelOutcome(LabelEffect.IMPLIED) if known is answer else self._decide(label)

    def explain(self, first: int, second: int, answer: Answer) -> Explanation:
        """The smallest set of earlier labels and facts that together rule `answer` out for this pair.

        DIFFERENT inside a component: a shortest path of SAME labels. SAME between separated components:
        a shortest walk of SAME labels with exactly one DIFFERENT label or one image that holds both ends.
        Raises PreconditionError if the answer contradicts nothing.
        """
        known = self.implied(first, second)
        if known is Answer.SAME and answer is Answer.DIFFERENT:
            return self._labels.against_different(first, second)
        if known is Answer.DIFFERENT and answer is Answer.SAME:
            return self._labels.against_same(first, second)
        raise PreconditionError(f"{answer.name} contradicts no label of items {first} and {second}")

    def all_decisions(self) -> Decisions:
        """Every label that merged or separated two components, oldest first."""
        columns = np.array(self._decisions, dtype=np.int64).reshape(-1, 4).T
        return Decisions(columns[0], columns[1], columns[2].astype(np.bool_), columns[3])

    def _decide(self, label: LabelledPair) -> LabelOutcome:
        components, same = self._components, label.answer is Answer.SAME
        ours, theirs = components.of(label.first), components.of(label.second)
        image_pairs = components.size(ours) * components.size(theirs)
        if not label.certain:
            self._decisions.append((label.first, label.second, same, image_pairs))
        implied = components.living_size(ours) * components.living_size(theirs)
        if same:
            components.merge(ours, theirs)
            return LabelOutcome(LabelEffect.MERGED, implied_same=implied)
        components.separate(ours, theirs)
        return LabelOutcome(LabelEffect.SEPARATED, implied_different=implied)


def mark_names(components: Components, names: Mapping[int, str]) -> None:
    """Mark items by their names, numbered in the order of the names."""
    number = {name: mark for mark, name in enumerate(sorted(set(names.values())))}
    for item, name in names.items():
        components.mark(item, number[name])


def separate_image(components: Components, first: int, second: int) -> None:
    """Separate the components of two items of one image. Raises PreconditionError if they are one."""
    if components.implied(first, second) is Answer.SAME:
        raise PreconditionError(
            f"items {first} and {second} share an image but are labelled as one individual; "
            "forbid the pairs of an image before its items are labelled"
        )
    components.separate(components.of(first), components.of(second))
