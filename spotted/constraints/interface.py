"""The interface of constraints: what callers ask, however far single answers are trusted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping

import numpy as np

from spotted.arrays import BoolArray, IntArray
from spotted.constraints.answers import Answer, Check, Contradiction, Decisions, LabelledPair, LabelOutcome
from spotted.constraints.components import Components, Pair, pair_columns
from spotted.constraints.error_rates import ErrorRates, RepeatAgreement
from spotted.constraints.explanation import Explanation
from spotted.facts.kinds import Fact
from spotted.facts.scope import Scope


class Constraints(ABC):
    """The implications of a session's answers for pairs of its items.

    `Closure` accepts every answer, `Verified` weighs answers as evidence; both are deterministic folds of the
    labels. Items are the integers 0..n-1 of a survey's detections and grow over time. The defaults here are
    those of answers that are accepted at once: nothing is pending, and nothing is checked.

    >>> from spotted.constraints import Trust, make_constraints
    >>> constraints = make_constraints(Trust.SINGLE, 4)
    >>> constraints.forbid(0, 1)  # two animals in one image
    >>> constraints.apply(LabelledPair("a", 1, 2, Answer.SAME)).effect.name
    'MERGED'
    >>> constraints.implied(0, 2).name, constraints.implied(0, 3), constraints.components()
    ('DIFFERENT', None, [(0,), (1, 2), (3,)])
    """

    def __init__(self, components: Components) -> None:
        self._components = components
        self.refused_facts: tuple[Fact, ...] = ()
        """Facts that were left out because earlier ones contradict them."""

    @property
    def items(self) -> int:
        """Number of items."""
        return self._components.items

    @property
    def gone(self) -> frozenset[int]:
        """Items that are no longer there: not asked about and not counted, while their labels stay."""
        return self._components.gone

    @property
    def living_items(self) -> int:
        """Number of items that are there."""
        return self.items - len(self.gone)

    @property
    def component_count(self) -> int:
        """Number of components with an item that is there, single items included."""
        return len(self._components) - len(self._components.dead())

    @property
    def open_component_pairs(self) -> int:
        """Number of pairs of such components of which neither SAME nor DIFFERENT is known."""
        return self._components.open_pairs

    @property
    def positives(self) -> int:
        """Number of image pairs that are known to be SAME, of items that are there."""
        return self._components.positives

    def implied(self, first: int, second: int) -> Answer | None:
        """SAME or DIFFERENT if the labels imply it, otherwise None; O(1)."""
        return self._components.implied(first, second)

    def is_comparable(self, first: int, second: int) -> bool:
        """False if an annotator could not compare this image pair, or it lies outside the scope."""
        return not self._components.is_closed(first, second)

    def is_open(self, first: int, second: int) -> bool:
        """True if a strategy may ask this image pair: its answer is not known and would be new."""
        return self._components.is_open(first, second)

    def awaits_answer(self, first: int, second: int) -> bool:
        """True if an answer to this image pair is still missing, whoever asks for it."""
        return self._components.is_open(first, second)

    def component_of(self, item: int) -> int:
        """The component of an item: two items have the same one if they are known to be SAME."""
        return self._components.of(item)

    def members(self, component: int) -> tuple[int, ...]:
        """The items of a component, ascending."""
        return self._components.members(component)

    def components(self) -> list[tuple[int, ...]]:
        """The members of every component, single items included, ordered by their lowest item."""
        return sorted(map(self._components.members, self._components))

    def component_ids(self) -> IntArray:
        """(n,) component of each item."""
        return self._components.ids()

    def separated_from(self, component: int) -> frozenset[int]:
        """The components that are known to be DIFFERENT from this one."""
        return self._components.separated_from(component) | self._components.distinct_from(component)

    def named_items(self) -> BoolArray:
        """(n,) True for the items of components with a known name."""
        return self._components.marks() >= 0

    @property
    def name_count(self) -> int:
        """Number of known names of items that are there: no two of them become one individual."""
        there = np.ones(self.items, dtype=np.bool_)
        there[list(self.gone)] = False
        marks = self._components.marks()[there]
        return len(np.unique(marks[marks >= 0]))

    def separations(self) -> IntArray:
        """(m, 2) pairs of components separated by labels or images, the lower first, ascending.

        Without those that only their names separate, of which there may be very many; see `separated_rows`.
        """
        return self._components.separations()

    def separated_rows(self, ours: IntArray, theirs: IntArray) -> BoolArray:
        """(m,) True for the pairs of components that are known to be DIFFERENT."""
        return self._components.separated_rows(ours, theirs)

    def closed_pairs(self) -> IntArray:
        """(m, 2) image pairs that an annotator could not compare, the lower item first, ascending."""
        return self._components.closed_pairs()

    def take_changed(self) -> list[int]:
        """One item of each component that was merged or split since the last call."""
        return self._components.take_changed()

    def closed_rows(self, first: IntArray, second: IntArray) -> BoolArray:
        """(m,) True for the image pairs that `is_comparable` refuses."""
        return self._components.closed_rows(first, second)

    def askable_items(self) -> BoolArray:
        """(n,) False for the items that are outside the scope, whatever they are paired with."""
        return self._components.scope.askable(self.items)

    def is_there(self, item: int) -> bool:
        """True unless all items of an item's component are gone."""
        return not self.gone or self._components.living_size(self._components.of(item)) > 0

    def restrict(self, scope: Scope) -> None:
        """Ask only about the image pairs of this scope from now on."""
        self._components.scope = scope

    def retire(self, gone: Collection[int]) -> None:
        """Count these items no longer; the scope closes their pairs.

        What labels about them say of others stays: two items that are one individual with a third one are one
        individual, whether or not that one is there.
        """
        self._components.gone = frozenset(gone)

    @abstractmethod
    def name(self, names: Mapping[int, str]) -> None:
        """Set the known names of items, once: items of two names are two individuals.

        Before `join` and any label.
        """

    @abstractmethod
    def join(self, fact: Fact) -> bool:
        """Make two items one individual for certain; False, and no change, if they are two by other facts.

        Before any label.
        """

    @abstractmethod
    def add_items(self, count: int) -> None:
        """Append `count` items, each a component of its own."""

    @abstractmethod
    def forbid(self, first: int, second: int) -> None:
        """Separate two items that appear in one image, without a label.

        Raises PreconditionError if labels already made them one individual: forbid items before they are
        labelled.
        """

    @abstractmethod
    def apply(
        self, label: LabelledPair, annotator_id: str = "", probability: float | None = None
    ) -> LabelOutcome:
        """Apply one label and return its outcome.

        probability: P(SAME) that the strategy gave the question before it was asked, None if unknown.
        NOT_COMPARABLE and SKIP close the image pair and imply nothing about the two components.
        """

    @abstractmethod
    def explain(self, first: int, second: int, answer: Answer) -> Explanation:
        """The smallest set of labels that together rule `answer` out for this pair.

        Raises PreconditionError if the answer contradicts nothing.
        """

    @property
    @abstractmethod
    def contradictions(self) -> tuple[Contradiction, ...]:
        """The labels that contradict others and are not resolved, each with the labels it contradicts."""

    def decisions(self) -> Decisions:
        """The labels that merged or separated two components and still hold, oldest first.

        Without those about an item that is gone: they were not drawn from the pairs that are left.
        """
        made = self.all_decisions()
        if not self.gone:
            return made
        gone = np.array(sorted(self.gone))
        left = ~(np.isin(made.first, gone) | np.isin(made.second, gone))
        return Decisions(made.first[left], made.second[left], made.merged[left], made.image_pairs[left])

    @abstractmethod
    def all_decisions(self) -> Decisions:
        """As `decisions`, with those about items that are gone."""

    @property
    def conflict_count(self) -> int | None:
        """Number of `contradictions`; None if counting them takes a search."""
        return None

    @property
    def pending_count(self) -> int:
        """Number of component pairs whose answers are not sufficient."""
        return 0

    @property
    def check_count(self) -> int:
        """Number of answers that checked something already decided."""
        return 0

    def undecided(self) -> IntArray:
        """(m, 2) the pending pairs of components, which no strategy asks, the lower first, ascending."""
        return pair_columns(())

    def checks(
        self,
        annotator_id: str,  # noqa: ARG002 - nothing is checked by default
        count: int,  # noqa: ARG002 - as above
        excluding: Collection[Pair] = frozenset(),  # noqa: ARG002 - as above
    ) -> list[Check]:
        """Up to `count` image pairs to ask this annotator as a check, most useful first.

        A pure function of the state. excluding: image pairs (first < second) not to be asked.
        """
        return []

    def error_rates(self, annotator_id: str) -> ErrorRates | None:  # noqa: ARG002 - none are learned by default
        """The error rates learned for an annotator; None if none are learned."""
        return None

    def repeat_agreement(self) -> RepeatAgreement | None:
        """How often a second answer repeated the first; None if answers are not asked again."""
        return None
