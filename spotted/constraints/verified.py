"""Constraints under verified trust: answers are evidence, and no single one is final.

Two components become one if the posterior of SAME is high enough for their sizes, and are separated if it is
low; in between they are pending and asked again. A DIFFERENT inside a component that outweighs what holds the
component together at its weakest splits it there. Every answer is kept, whatever is decided. Sources and
choices: docs/research/provenance.md.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from spotted.arrays import IntArray
from spotted.constraints.answers import (
    Answer,
    Check,
    Contradiction,
    Decisions,
    LabelEffect,
    LabelledPair,
    LabelOutcome,
)
from spotted.constraints.components import Components, Pair, pair_columns
from spotted.constraints.contradictions import Contradictions
from spotted.constraints.error_rates import ErrorRates, RepeatAgreement
from spotted.constraints.explanation import Explanation
from spotted.constraints.interface import Constraints
from spotted.constraints.partition import Partition
from spotted.constraints.rechecks import find_checks
from spotted.constraints.risky_decisions import RiskyDecisions
from spotted.constraints.statements import GivenAnswer
from spotted.constraints.trust_settings import TrustSettings
from spotted.errors import PreconditionError
from spotted.facts.kinds import Fact

# a label, who gave it, and P(SAME) before it was asked
GivenLabel = tuple[LabelledPair, str, float | None]
# error rates are learned again whenever the answers have grown by this factor
LEARN_GROWTH, LEARN_FIRST = 1.25, 50
# separations worth an audit are searched for whenever the answers have grown by this factor
LOOK_GROWTH = 1.1
# answers are weighed again if the log-odds of one changed by this much
LEAST_CHANGE = 0.1


class Verified(Constraints):
    """Constraints whose answers may be wrong; a deterministic fold of the labels.

    A pending component pair is not known, yet no strategy asks its image pairs: `checks` does.

    >>> constraints = Verified(3)
    >>> constraints.apply(LabelledPair("a", 0, 1, Answer.SAME), "ana", 0.3).effect.name
    'PENDING'
    >>> [tuple(check)[:2] for check in constraints.checks("ben", 1)]
    [(0, 1)]
    >>> constraints.apply(LabelledPair("b", 0, 1, Answer.SAME), "ben").effect.name
    'MERGED'
    >>> constraints.components()
    [(0, 1), (2,)]
    """

    def __init__(self, count: int = 0, settings: TrustSettings | None = None) -> None:
        components = Components(count)
        super().__init__(components)
        self.partition = Partition(components, settings)
        """The accepted partition with its evidence; only `Verified` changes it."""
        self._components = components
        self._contradictions = Contradictions(self.partition)
        self.risky = RiskyDecisions(self.partition)
        """The decisions of the partition that are worth an audit."""
        self._answered = self._checked = 0
        self._learn_at = self._look_at = LEARN_FIRST

    @property
    def answered(self) -> int:
        """Number of SAME and DIFFERENT answers."""
        return self._answered

    @property
    def check_count(self) -> int:
        """Number of answers about something that was decided already."""
        return self._checked

    @property
    def pending_count(self) -> int:
        """Number of component pairs whose answers are not sufficient, of those with an item that is there."""
        dead = self._components.dead()
        if not dead:
            return self.partition.pending_count
        return sum(dead.isdisjoint((ours, theirs)) for ours, theirs, _ in self.partition.pending())

    @property
    def contradictions(self) -> tuple[Contradiction, ...]:
        """The answers that contradict others or facts, unsettled, each with what it contradicts."""
        return tuple(self._contradictions.found())

    def is_open(self, first: int, second: int) -> bool:
        """True if a strategy may ask this image pair: nothing is known or pending between the two."""
        is_open = self._components.is_open(first, second)
        return is_open and not self.partition.is_pending(
            self._components.of(first), self._components.of(second)
        )

    def add_items(self, count: int) -> None:
        """Append `count` items, each a component of its own."""
        self.partition.add_items(count)

    def forbid(self, first: int, second: int) -> None:
        """Separate two items that appear in one image, for certain; see `Constraints.forbid`."""
        self.partition.forbid(first, second)

    def name(self, names: Mapping[int, str]) -> None:
        """Set the known names of items; see `Constraints.name`."""
        self.partition.name(names)

    def join(self, fact: Fact) -> bool:
        """Make two items one individual for certain; see `Constraints.join`."""
        return self.partition.join(fact)

    def apply(
        self, label: LabelledPair, annotator_id: str = "", probability: float | None = None
    ) -> LabelOutcome:
        """Add one answer to the evidence and return its outcome; see `Constraints.apply`."""
        known = self.implied(label.first, label.second)
        positives, image_pairs = self.positives, self._image_pairs(label)
        given = self._to_weigh(label, annotator_id, known)
        if given is None:
            return LabelOutcome(LabelEffect.CLOSED)
        self.partition.add_answer(given, probability)
        self._review()
        return self._outcome(label, known, self.positives - positives, image_pairs)

    def accept(self, answers: Sequence[GivenLabel], contradicted: Sequence[GivenLabel]) -> None:
        """Begin with answers that decided at once; each decision holds until an answer contradicts it.

        answers: those that decided or agreed, oldest first. contradicted: those that did not; they
        are asked about again, and decide nothing yet.
        """
        for label, annotator_id, probability in answers:
            given = self._to_weigh(label, annotator_id, self.implied(label.first, label.second))
            if given is not None:
                self.partition.add_answer(replace(given, accepted=True), probability)
        for label, annotator_id, probability in contradicted:
            given = self._to_weigh(label, annotator_id, self.implied(label.first, label.second))
            if given is not None:
                self.partition.add_doubt(given, probability)
        self._review()

    def _to_weigh(self, label: LabelledPair, annotator_id: str, known: Answer | None) -> GivenAnswer | None:
        """An answer to weigh, counted and compared with earlier ones; None for one that only closes."""
        if label.answer not in (Answer.SAME, Answer.DIFFERENT):
            self._components.close(label.first, label.second)
            return None
        before = self.partition.opinion(label.first, label.second)
        given = GivenAnswer(label, annotator_id, again=before is not None)
        if not label.certain:
            self._count(given, before=before, is_check=before is not None and known is not None)
        return given

    def explain(self, first: int, second: int, answer: Answer) -> Explanation:
        """The smallest set of labels that together speak against `answer` for this pair.

        As `Closure.explain`, over the labels that agree with the accepted partition.
        Raises PreconditionError if the answer contradicts nothing.
        """
        known = self.implied(first, second)
        if known is None or known is answer or answer not in (Answer.SAME, Answer.DIFFERENT):
            raise PreconditionError(f"{answer.name} contradicts no label of items {first} and {second}")
        return self._contradictions.explain(first, second, answer)

    def all_decisions(self) -> Decisions:
        """The labels that merged or separated two components and still hold, oldest first."""
        return self.partition.decided.columns()

    def undecided(self) -> IntArray:
        """(m, 2) the pending pairs of components, the lower first, ascending."""
        return pair_columns((ours, theirs) for ours, theirs, _ in self.partition.pending())

    def checks(self, annotator_id: str, count: int, excluding: Collection[Pair] = frozenset()) -> list[Check]:
        """Up to `count` image pairs to ask this annotator as a check; see `rechecks.find_checks`."""
        return find_checks(
            self.partition,
            self.risky,
            annotator_id,
            count,
            answered=self._answered,
            checked=self._checked,
            excluding=excluding,
        )

    def error_rates(self, annotator_id: str) -> ErrorRates:
        """The error rates as last learned; the usual ones for a new annotator."""
        return self.partition.annotators.rates(annotator_id)

    def repeat_agreement(self) -> RepeatAgreement:
        """How often a second answer about the same two components repeated the first."""
        return self.partition.annotators.agreement()

    def _count(self, given: GivenAnswer, *, before: bool | None, is_check: bool) -> None:
        """Count an answer to a question, and compare it with the opinion before it."""
        self._answered += 1
        self._checked += is_check
        self.partition.annotators.count(given.annotator_id)
        if before is not None:
            self.partition.annotators.compare(before=before, now=given.same)

    def _image_pairs(self, label: LabelledPair) -> int:
        ours, theirs = self._components.of(label.first), self._components.of(label.second)
        return self._components.living_size(ours) * self._components.living_size(theirs)

    def _review(self) -> None:
        """Search for risky separations and learn the error rates, when the answers have grown enough."""
        if self._answered >= self._look_at:
            self._look_at = int(self._answered * LOOK_GROWTH) + 1
            self.risky.search_separations()
        self.risky.drop_settled()
        if self._answered >= self._learn_at:
            self._learn_at = int(self._answered * LEARN_GROWTH) + 1
            verdicts = self.partition.statements.verdicts(self._components)
            if self.partition.annotators.learn(verdicts) >= LEAST_CHANGE:
                self.partition.weigh_again()

    def _outcome(
        self, label: LabelledPair, known: Answer | None, gained: int, image_pairs: int
    ) -> LabelOutcome:
        now, answer = self.implied(label.first, label.second), label.answer
        if known is Answer.SAME and (gained < 0 or now is not known):
            effect = LabelEffect.SPLIT
        elif now is None:
            effect = LabelEffect.PENDING if known is None else LabelEffect.REOPENED
        elif known is None:
            effect = LabelEffect.MERGED if now is Answer.SAME else LabelEffect.SEPARATED
        else:
            effect = LabelEffect.IMPLIED if now is answer else LabelEffect.CONFLICT
        explanation = None
        if effect is LabelEffect.CONFLICT:
            explanation = self.explain(label.first, label.second, answer)
        separated = image_pairs if effect is LabelEffect.SEPARATED else 0
        return LabelOutcome(effect, max(0, gained), separated, explanation)
