"""Answers as evidence: all answers to each image pair, weighed in log-odds of SAME.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from spotted.constraints.answers import Answer, LabelledPair
from spotted.constraints.components import Components, Pair, ordered
from spotted.constraints.error_rates import Annotators, Verdict
from spotted.constraints.graph_cuts import Strengths
from spotted.constraints.trust_settings import TrustSettings

# a SAME answer is a link, even if others outweigh it: whatever was merged stays connected
LEAST_STRENGTH = 1e-3
# log-odds of an answer that nothing outweighs: far beyond all others of a session, and still exact when added
CERTAIN = 1e6


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """One answer of one annotator, SAME or DIFFERENT."""

    label: LabelledPair
    annotator_id: str
    again: bool
    """True if the two components had been answered or decided before it."""
    accepted: bool = False
    """True if it was accepted at once, before answers were weighed; it decides until contradicted."""

    @property
    def same(self) -> bool:
        """True for SAME, False for DIFFERENT."""
        return self.label.answer is Answer.SAME


@dataclass(slots=True)
class ImagePair:
    """The answers to one image pair."""

    given: list[GivenAnswer] = field(default_factory=list)
    weight: float = 0.0
    """Log-odds of SAME that the answers add up to."""
    priors: list[float] = field(default_factory=list)
    """Prior log-odds of the questions that had a probability."""

    @property
    def accepted(self) -> bool:
        """True if an answer was accepted before answers were weighed."""
        return any(given.accepted for given in self.given)

    @property
    def any_same(self) -> bool:
        """True if any answer is SAME."""
        return any(given.same for given in self.given)

    def prior(self, settings: TrustSettings) -> float:
        """The mean prior log-odds."""
        return sum(self.priors) / len(self.priors) if self.priors else settings.prior(None)


class Statements:
    """Every answer of a session, by image pair; nothing is ever removed."""

    def __init__(self, settings: TrustSettings, annotators: Annotators) -> None:
        self._settings, self._annotators = settings, annotators
        self._pairs: dict[Pair, ImagePair] = {}
        self._near: dict[int, list[int]] = {}
        self.answered_pairs: list[Pair] = []

    def of(self, first: int, second: int) -> ImagePair | None:
        """The answers to an image pair; None without any."""
        return self._pairs.get(ordered(first, second))

    def near(self, item: int) -> list[int]:
        """The items that were compared with this one, oldest first."""
        return self._near.get(item, [])

    def compared(self) -> Iterator[int]:
        """The items that were compared with others, oldest first."""
        return iter(self._near)

    def pairs(self) -> Iterator[tuple[Pair, ImagePair]]:
        """Every answered image pair, oldest first."""
        return iter(self._pairs.items())

    def crossing(self, components: Components, ours: int, theirs: int) -> Iterator[tuple[Pair, ImagePair]]:
        """The answered image pairs between two components."""
        smaller = min(ours, theirs, key=lambda component: (components.size(component), component))
        for item in components.joined(smaller):
            for other in self.near(item):
                pair = self.of(item, other)
                if pair and {components.of(item), components.of(other)} == {ours, theirs}:
                    yield ordered(item, other), pair

    def is_certain(self, pair: Pair) -> bool:
        """True if a person decided about an image pair: that is no answer to a question."""
        answered = self.of(*pair)
        return answered is not None and abs(answered.weight) >= CERTAIN / 2

    def verdicts(self, components: Components) -> Iterator[Verdict]:
        """Every answer about something decided, compared with the decision."""
        for pair, answered in self.pairs():
            accepted = components.implied(*pair)
            if accepted is not None:
                is_same = accepted is Answer.SAME
                for given in (each for each in answered.given if not each.label.certain):
                    yield Verdict(given.annotator_id, given.same, is_same, given.again)

    def add(self, given: GivenAnswer, probability: float | None) -> ImagePair:
        """Add an answer; returns the answers to its image pair. probability: P(SAME) before it was asked."""
        key = ordered(given.label.first, given.label.second)
        pair = self._pairs.get(key)
        if pair is None:
            pair = self._pairs[key] = ImagePair()
            self.answered_pairs.append(key)
            for item, other in (key, key[::-1]):
                self._near.setdefault(item, []).append(other)
        pair.given.append(given)
        if probability is not None:
            pair.priors.append(self._settings.prior(probability))
        self.weigh(pair)
        return pair

    def weigh(self, pair: ImagePair) -> None:
        """Set the weight of an image pair by its answers and the annotators' rates; repeats count little."""
        certain = [g.same for g in pair.given if g.label.certain]
        if certain:
            pair.weight = CERTAIN if certain[-1] else -CERTAIN
            return
        count = len(pair.given)
        total = sum(self._annotators.rates(g.annotator_id).log_odds(same=g.same) for g in pair.given)
        pair.weight = total * (1.0 + self._settings.repeat * (count - 1)) / count

    def strengths(self, items: Iterable[int]) -> Strengths:
        """The image pairs among items that were answered SAME, by how strongly all answers say so."""
        links: Strengths = {item: {} for item in items}
        for item, near in links.items():
            for other in self.near(item):
                pair = self.of(item, other) if other in links else None
                if pair and pair.any_same:
                    near[other] = max(LEAST_STRENGTH, pair.weight + pair.prior(self._settings))
        return links
