"""Answers that contradict others, a person's decision or facts, under verified trust."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from spotted.constraints.answers import Answer, Contradiction
from spotted.constraints.components import Pair
from spotted.constraints.explanation import Explanation, LabelGraph
from spotted.constraints.partition import Partition
from spotted.constraints.statements import GivenAnswer


class Contradictions:
    """The unsettled contradictions of a partition."""

    def __init__(self, partition: Partition) -> None:
        self._partition, self._components = partition, partition.components

    def found(self) -> Iterator[Contradiction]:
        """Each answer that contradicts something, with what it contradicts."""
        partition = self._partition
        # by component; the pairs of one in the order in which they came up
        for _, pair in sorted(partition.contested_pairs(), key=lambda contested: contested[0]):
            yield self._contradiction(pair, Answer.DIFFERENT)
        for ours, theirs, evidence in partition.pending():
            if evidence.same and evidence.different:
                crossing = partition.statements.crossing(self._components, ours, theirs)
                yield self._contradiction([key for key, pair in crossing if pair.weight > 0][-1], Answer.SAME)
        for pair in self._against_facts():
            yield self._contradiction(pair, Answer.SAME)
        for pair in partition.overruled():
            accepted = self._components.implied(*pair)
            answer = Answer.DIFFERENT if accepted is Answer.SAME else Answer.SAME
            if any(given.label.answer is answer for given in self._given(pair)):
                yield self._contradiction(pair, answer)

    def explain(self, first: int, second: int, answer: Answer) -> Explanation:
        """The explanation against an answer, for two items of one component or of any two."""
        ours, theirs = self._components.of(first), self._components.of(second)
        items = sorted({*self._components.joined(ours), *self._components.joined(theirs)})
        labels = self._labels_among(items)
        if answer is Answer.DIFFERENT:
            return labels.against_different(first, second)
        return labels.against_same(first, second)

    def _contradiction(self, pair: Pair, answer: Answer) -> Contradiction:
        """The last label that gives this answer to a pair, with what speaks against it."""
        said = [given.label for given in self._given(pair) if given.label.answer is answer]
        return Contradiction(said[-1], self.explain(*pair, answer))

    def _against_facts(self) -> Iterator[Pair]:
        """The image pairs answered SAME that are two animals by names or by an image."""
        for pair, answered in self._partition.statements.pairs():
            refused = answered.weight > 0 and self._components.implied(*pair) is Answer.DIFFERENT
            if refused and self._partition.is_certain(*pair):
                yield pair

    def _given(self, pair: Pair) -> Sequence[GivenAnswer]:
        answered = self._partition.statements.of(*pair)
        return answered.given if answered else ()

    def _labels_among(self, items: Sequence[int]) -> LabelGraph:
        """The labels of pairs of these items that agree with the accepted partition, and the facts."""
        facts, among = self._partition.facts, set(items)
        labels = LabelGraph(facts.names)
        for item in items:
            for other in self._partition.statements.near(item):
                answered = self._partition.statements.of(item, other)
                if answered is None or other < item or other not in among:
                    continue
                joined = self._components.of(item) == self._components.of(other)
                for given in answered.given:
                    if joined and given.same:
                        labels.add_same(item, other, given.label.label_id)
                    elif not joined and not given.same:
                        labels.add_different(item, other, given.label.label_id)
            for other, fact in facts.joining(item):
                if other > item:
                    labels.add_same(item, other, fact)
            for other, fact in facts.separating(item):
                labels.add_different(item, other, fact)
        return labels
