"""Constraints under `trust = verified`: answers are evidence, and none of them is final (ours).

Two components become one where the posterior of SAME is high enough for their sizes, and are separated where
it is low; between, they are pending and asked again. A DIFFERENT inside a component that outweighs what
holds the component together at its weakest splits it there. Every answer is kept, whatever is decided.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from spotted.constraints.answers import Answer, Contradiction, LabelEffect, LabelledPair, LabelOutcome
from spotted.constraints.error_rates import Verdict
from spotted.constraints.explanation import Evidence, Explanation
from spotted.constraints.graph_cuts import minimum_cut
from spotted.constraints.partition import Partition
from spotted.constraints.risky_decisions import Doubts
from spotted.constraints.statements import Across, Given, Pair, TrustSettings, ordered
from spotted.errors import PreconditionError

# the rates of annotators are learned anew whenever the answers have grown by this factor
LEARN_GROWTH, LEARN_FIRST = 1.25, 50
# separations worth an audit are looked for whenever the answers have grown by this factor
LOOK_GROWTH = 1.1
# answers are weighed anew where the log-odds of one changed by this much
LEAST_CHANGE = 0.1


@dataclass(frozen=True, slots=True)
class Contest:
    """An unsettled DIFFERENT inside a component, and the cheapest cut between its two items.

    near, far: the items on the side of the first and on the other. log_odds: that both sides are one animal.
    cheapest: the weakest image pair across the cut that speaks for SAME.
    """

    pair: Pair
    near: tuple[int, ...]
    far: tuple[int, ...]
    log_odds: float
    cheapest: Pair


class Verified(Partition):
    """The accepted partition of a session whose answers may be wrong; a deterministic fold of its labels.

    Reads like `Constraints`. A pending component pair is open, but none of its image pairs is for a strategy
    to ask: `spotted.constraints.rechecks.checks` does.
    """

    def __init__(self, count: int = 0, settings: TrustSettings | None = None) -> None:
        super().__init__(count, settings)
        self.doubts = Doubts()
        self.answered = self.audited = 0
        self._learn_at = self._look_at = LEARN_FIRST

    def is_open(self, first: int, second: int) -> bool:
        """True where a strategy may ask this image pair: nothing is known or pending between the two."""
        ours, theirs = self._component[first], self._component[second]
        return super().is_open(first, second) and ordered(ours, theirs) not in self._pending

    def is_comparable(self, first: int, second: int) -> bool:
        """False where an annotator could not compare this image pair."""
        return ordered(first, second) not in self._closed

    def apply(
        self, label: LabelledPair, annotator_id: str = "", probability: float | None = None
    ) -> LabelOutcome:
        """Take one answer into account and say what became of it.

        probability: P(same) that the strategy gave the question before it was asked, None where unknown.
        NOT_COMPARABLE and SKIP close the image pair and say nothing about the two components.
        """
        known = self.implied(label.first, label.second)
        if label.answer not in (Answer.SAME, Answer.DIFFERENT):
            self._closed.add(ordered(label.first, label.second))
            return LabelOutcome(LabelEffect.CLOSED)
        before = self._opinion(label.first, label.second)
        given = Given(label, annotator_id, again=before is not None)
        self.answered += 1
        self.annotators.count(annotator_id)
        if before is not None:
            self.audited += known is not None
            self.annotators.compare(before=before, now=given.same)
        positives = self._positives
        image_pairs = self._image_pairs(label)
        (self._hear_inside if known is Answer.SAME else self._hear_across)(given, probability)
        if self.answered >= self._look_at:
            self._look_at = int(self.answered * LOOK_GROWTH) + 1
            self.doubts.look(self)
        self.doubts.pass_over(self)
        if self.answered >= self._learn_at:
            self._learn()
        return self._outcome(label, known, self._positives - positives, image_pairs)

    def explain(self, first: int, second: int, answer: Answer) -> Explanation:
        """The smallest set of labels that together speak against `answer` for this pair.

        As `Constraints.explain`, over the labels that agree with the accepted partition.
        Raises PreconditionError where the answer contradicts nothing.
        """
        known = self.implied(first, second)
        if known is None or known is answer or answer not in (Answer.SAME, Answer.DIFFERENT):
            raise PreconditionError(f"{answer.name} contradicts no label of items {first} and {second}")
        return self._explanation(first, second, answer)

    @property
    def contradictions(self) -> tuple[Contradiction, ...]:
        """The answers that speak against others, unsettled, each with the labels that it contradicts."""
        found: list[Contradiction] = []
        for component in sorted(self._contested):
            for pair in self._contested[component]:
                label = self._last(pair, same=False)
                found.append(Contradiction(label, self._explanation(*pair, Answer.DIFFERENT)))
        for ours, theirs, across in self.pending():
            if across.same and across.different:
                speaking = [key for key, pair in self.crossing(ours, theirs) if pair.weight > 0]
                label = self._last(speaking[-1], same=True)
                found.append(Contradiction(label, self._explanation(*speaking[-1], Answer.SAME)))
        return tuple(found)

    def contests(self) -> list[Contest]:
        """The unsettled DIFFERENT answers inside components, each with its cheapest cut."""
        return [self._contest(pair) for component in self._contested for pair in self._contested[component]]

    def _opinion(self, first: int, second: int) -> bool | None:
        """Whether what is known so far speaks for SAME, None where nobody answered about the two."""
        ours, theirs = self._component[first], self._component[second]
        if ours == theirs:
            return True
        across = self._across[ours].get(theirs)
        return across.weight > 0 if across and across.asked else None

    def _image_pairs(self, label: LabelledPair) -> int:
        return self.size(self._component[label.first]) * self.size(self._component[label.second])

    def _hear_across(self, given: Given, probability: float | None) -> None:
        label = given.label
        ours, theirs = self._component[label.first], self._component[label.second]
        across = self._between(ours, theirs)
        earlier = self.testimony.of(label.first, label.second)
        if earlier is not None:
            across.add_pair(earlier, -1)
        across.add_pair(self.testimony.hear(given, probability))
        self._decide([(ours, theirs)], (label.first, label.second))

    def _hear_inside(self, given: Given, probability: float | None) -> None:
        key = ordered(given.label.first, given.label.second)
        component = self._component[key[0]]
        self._changed[component] = None
        contested = self._contested.setdefault(component, {})
        contested.pop(key, None)
        if self.testimony.hear(given, probability).weight < 0:
            contested[key] = None
        for pair in tuple(contested):
            # a split moves the contests of its component to the parts
            if self._component[pair[0]] != self._component[pair[1]] or pair not in contested:
                continue
            contest = self._contest(pair)
            if contest.log_odds < 0.0:
                self._split(self._component[pair[0]], set(contest.near))
                break
            if contest.log_odds >= self.settings.merge_bar(len(contest.near) * len(contest.far)):
                del contested[pair]
        if not self._contested.get(component, True):
            del self._contested[component]

    def _contest(self, pair: Pair) -> Contest:
        members = sorted(self._members[self._component[pair[0]]])
        near = minimum_cut(self.strengths(members), *pair)
        across, cheapest = Across(), (float("inf"), pair)
        for item in sorted(near):
            for other in self.testimony.near(item):
                held = self.testimony.of(item, other)
                if held is None or other in near or self._component[other] != self._component[item]:
                    continue
                across.add_pair(held)
                if held.any_same:
                    cheapest = min(cheapest, (held.weight + held.prior(self.settings), ordered(item, other)))
        far = tuple(item for item in members if item not in near)
        odds = across.log_odds(self.settings)
        return Contest(pair, tuple(sorted(near)), far, odds, cheapest[1])

    def _learn(self) -> None:
        """Learn the annotators' rates from all answers, weigh these anew, and decide what is pending."""
        self._learn_at = int(self.answered * LEARN_GROWTH) + 1
        if self.annotators.learn(self._verdicts()) < LEAST_CHANGE:
            return
        for (first, second), pair in self.testimony.pairs():
            ours, theirs = self._component[first], self._component[second]
            across = None if ours == theirs else self._across[ours][theirs]
            if across is not None:
                across.add_pair(pair, -1)
            pair.weight = self.testimony.weigh(pair)
            if across is None:
                self._changed[ours] = None
            else:
                across.add_pair(pair)
        self._decide(list(self._pending))

    def _verdicts(self) -> Iterator[Verdict]:
        component, separated = self._component, self._separated
        for (first, second), held in self.testimony.pairs():
            ours, theirs = component[first], component[second]
            if ours == theirs or theirs in separated[ours]:
                for given in held.given:
                    yield Verdict(given.annotator_id, given.same, ours == theirs, given.again)

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

    def _last(self, pair: Pair, *, same: bool) -> LabelledPair:
        held = self.testimony.of(*pair)
        labels = [given.label for given in held.given if given.same is same] if held else []
        return labels[-1]

    def _explanation(self, first: int, second: int, answer: Answer) -> Explanation:
        """As `explain`, for two items of one component or of any two."""
        ours, theirs = self._component[first], self._component[second]
        evidence = Evidence()
        for item in sorted({*self._members[ours], *self._members[theirs]}):
            for other in self.testimony.near(item):
                if other > item:
                    self._speak(evidence, (item, other), {ours, theirs})
            for other in self._forbidden.get(item, ()):
                evidence.add_different(item, other, None)
        if answer is Answer.DIFFERENT:
            return evidence.against_different(first, second)
        return evidence.against_same(first, second)

    def _speak(self, evidence: Evidence, pair: Pair, components: set[int]) -> None:
        """Add the labels of an image pair that agree with the accepted partition."""
        held = self.testimony.of(*pair)
        ours, theirs = (self._component[item] for item in pair)
        if held is None or not {ours, theirs} <= components:
            return
        for given in held.given:
            if ours == theirs and given.same:
                evidence.add_same(*pair, given.label.label_id)
            elif ours != theirs and not given.same:
                evidence.add_different(*pair, given.label.label_id)
