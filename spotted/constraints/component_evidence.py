"""Evidence between components: the sum of all answers about two components, and which of them are pending.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from spotted.constraints.components import Components, Pair, ordered
from spotted.constraints.statements import CERTAIN, ImagePair, Statements
from spotted.constraints.trust_settings import TrustSettings, log_odds, probability_of
from spotted.facts.certain_facts import CertainFacts


@dataclass(slots=True)
class Evidence:
    """All answers about two components, summed over the image pairs that were answered."""

    weight: float = 0.0
    """Log-odds of SAME that the answers add up to."""
    prior: float = 0.0
    """Sum of the prior log-odds."""
    priors: int = 0
    """Number of the prior log-odds."""
    same: int = 0
    """Image pairs whose answers speak for SAME."""
    different: int = 0
    """Image pairs whose answers speak for DIFFERENT."""
    asked: int = 0
    """Image pairs with an answer."""
    answers: int = 0
    """Answers to all image pairs."""
    forbidden: int = 0
    """Image pairs that are two animals of one image."""
    accepted_same: int = 0
    """Image pairs whose answers speak for SAME, one of which was accepted before answers were weighed."""
    accepted_different: int = 0
    """The same for DIFFERENT."""
    annotators: set[str] = field(default_factory=set)
    """The annotators who answered."""

    def add(self, other: Evidence) -> None:
        """Add the evidence of other image pairs."""
        self.weight += other.weight
        self.prior += other.prior
        self.priors += other.priors
        self.same += other.same
        self.different += other.different
        self.asked += other.asked
        self.answers += other.answers
        self.forbidden += other.forbidden
        self.accepted_same += other.accepted_same
        self.accepted_different += other.accepted_different
        self.annotators |= other.annotators

    def add_pair(self, pair: ImagePair, sign: int = 1) -> None:
        """Add (1) or subtract (-1) the answers to one image pair."""
        self.weight += sign * pair.weight
        self.prior += sign * sum(pair.priors)
        self.priors += sign * len(pair.priors)
        self.same += sign * (pair.weight > 0)
        self.different += sign * (pair.weight < 0)
        self.accepted_same += sign * (pair.accepted and pair.weight > 0)
        self.accepted_different += sign * (pair.accepted and pair.weight < 0)
        self.asked += sign
        self.answers += sign * len(pair.given)
        self.annotators.update(given.annotator_id for given in pair.given)

    @property
    def is_certain(self) -> bool:
        """True if a person decided about these components."""
        return abs(self.weight) >= CERTAIN / 2

    def log_odds(self, settings: TrustSettings) -> float:
        """Log-odds of SAME: the mean prior and all answers."""
        return self.weight + (self.prior / self.priors if self.priors else settings.prior(None))

    def merges(self, settings: TrustSettings, smaller: int, larger: int) -> bool:
        """True if it is sufficient to merge two components of these sizes."""
        if self.forbidden or not self.same:
            return False
        if self.is_certain:
            return self.weight > 0.0
        if self.accepted_same and not self.different:
            return True
        needed = settings.large_answers if smaller >= settings.large else 1
        bar = settings.merge_bar(smaller * larger)
        if larger == 1 and self.answers >= settings.asks:
            # there is no other image pair to ask, and asking the same one again adds little
            bar = log_odds(settings.settle_above)
        return self.same >= needed and self.log_odds(settings) >= bar

    def separates(self, settings: TrustSettings, image_pairs: int) -> bool:
        """True if it is sufficient to separate two components with this many image pairs between them."""
        if self.forbidden or (self.accepted_different and not self.same):
            return True
        limit = min(settings.separate_below, settings.lost_pairs / image_pairs)
        return bool(self.different) and probability_of(self.log_odds(settings)) <= limit


class ComponentEvidence:
    """The evidence between every two components of which something is known."""

    def __init__(self) -> None:
        self._between: dict[int, dict[int, Evidence]] = {}
        self._pending: dict[Pair, None] = {}

    def __len__(self) -> int:
        return len(self._pending)

    def add_component(self, component: int) -> None:
        """Add a component of which nothing is known."""
        self._between[component] = {}

    def get(self, ours: int, theirs: int) -> Evidence | None:
        """The evidence between two components; None if nothing is known."""
        return self._between[ours].get(theirs)

    def between(self, ours: int, theirs: int) -> Evidence:
        """The evidence between two components, empty if nothing was known."""
        evidence = self._between[ours].get(theirs)
        if evidence is None:
            evidence = self._between[ours][theirs] = self._between[theirs][ours] = Evidence()
        return evidence

    def is_pending(self, ours: int, theirs: int) -> bool:
        """True if two components are pending."""
        return ordered(ours, theirs) in self._pending

    def pending(self) -> Iterator[tuple[int, int, Evidence]]:
        """The pending pairs of components, the lower first, with their evidence."""
        return ((a, b, self._between[a][b]) for a, b in self._pending)

    def pending_with(self, component: int) -> list[int]:
        """The components that are pending with this one."""
        return [other for other in self._between[component] if ordered(component, other) in self._pending]

    def suspend(self, ours: int, theirs: int) -> None:
        """Make two components pending, as the last of all."""
        self.settle(ours, theirs)
        self._pending[ordered(ours, theirs)] = None

    def settle(self, ours: int, theirs: int) -> None:
        """Two components are no longer pending."""
        self._pending.pop(ordered(ours, theirs), None)

    def forget(self, component: int) -> None:
        """Remove a component and all that is known between it and others."""
        for other in self._between.pop(component):
            del self._between[other][component]
            self.settle(component, other)

    def merge(self, remains: int, gone: int) -> list[Pair]:
        """Move the evidence of a component into the one that it was merged into.

        Returns the pairs of components whose evidence came together.
        """
        self.settle(remains, gone)
        del self._between[remains][gone], self._between[gone][remains]
        met: list[Pair] = []
        for other, evidence in self._between.pop(gone).items():
            del self._between[other][gone]
            was_pending = self._pending.pop(ordered(gone, other), 0) is None
            if other in self._between[remains]:
                self._between[remains][other].add(evidence)
                met.append((remains, other))
            else:
                self._between[remains][other] = self._between[other][remains] = evidence
                if was_pending:
                    self._pending[ordered(remains, other)] = None
        return met

    def around(self, components: Iterable[int]) -> set[Pair]:
        """The pairs of these components with others, or with one another, of which something is known."""
        return {ordered(ours, theirs) for ours in set(components) for theirs in self._between[ours]}

    def sum_again(
        self, items: Iterable[int], components: Components, statements: Statements, facts: CertainFacts
    ) -> Iterator[Pair]:
        """Sum everything between the components of items and others, of which nothing is known yet.

        Yields the answered image pairs among the items, which are of two components now.
        """
        inside = set(items)
        for item in sorted(inside):
            ours = components.of(item)
            others = [(other, False) for other in statements.near(item)]
            others += [(other, True) for other, _ in facts.separating(item)]
            for other, forbidden in others:
                theirs = components.of(other)
                if ours == theirs or (other in inside and other < item):
                    continue
                evidence = self.between(ours, theirs)
                if forbidden:
                    evidence.forbidden += 1
                elif pair := statements.of(item, other):
                    evidence.add_pair(pair)
                    if other in inside:
                        yield ordered(item, other)
