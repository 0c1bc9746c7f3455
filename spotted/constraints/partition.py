"""A partition decided by evidence: components that merge, stay pending and split again.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from spotted.constraints.answers import Answer, Decisions
from spotted.constraints.closure import separate_image
from spotted.constraints.component_evidence import ComponentEvidence, Evidence
from spotted.constraints.components import Components, Pair, ordered
from spotted.constraints.contests import Contest, find_contest
from spotted.constraints.error_rates import Annotators, Verdict
from spotted.constraints.graph_cuts import parts
from spotted.constraints.statements import CERTAIN, GivenAnswer, ImagePair, Statements
from spotted.constraints.trust_settings import TrustSettings


class Partition:
    """Components of items, with all answers about them.

    Two components are one, separated or pending, by the evidence between them. A merge moves the smaller
    into the larger; a split costs its component.

    >>> from spotted.constraints.answers import LabelledPair
    >>> partition = Partition(Components(3))
    >>> label = LabelledPair("a", 0, 1, Answer.SAME)
    >>> partition.add_answer(GivenAnswer(label, "ana", again=False), probability=0.3)
    >>> partition.opinion(0, 1), partition.is_pending(0, 1)
    (True, True)
    >>> partition.add_answer(GivenAnswer(label, "ben", again=True), probability=None)
    >>> partition.components.implied(0, 1).name
    'SAME'
    """

    def __init__(self, components: Components, settings: TrustSettings | None = None) -> None:
        self.components = components
        self.settings = settings or TrustSettings()
        self.annotators = Annotators(rate=self.settings.error_rate, strength=self.settings.error_strength)
        self.statements = Statements(self.settings, self.annotators)
        self._evidence = ComponentEvidence()
        self._forbidden: dict[int, list[int]] = {}
        self._contested: dict[int, dict[Pair, None]] = {}
        self._decided: dict[Pair, tuple[bool, int]] = {}
        self._changed: dict[int, None] = {}
        self._overruled: dict[Pair, None] = {}
        for component in components:
            self._evidence.add_component(component)

    def add_items(self, count: int) -> None:
        """Append `count` items, each a component of its own."""
        for item in range(self.components.items, self.components.items + count):
            self._evidence.add_component(item)
        self.components.add(count)

    def forbid(self, first: int, second: int) -> None:
        """Separate two items that appear in one image, for certain.

        Raises PreconditionError if labels already made them one individual.
        """
        separate_image(self.components, first, second)
        for item, other in ((first, second), (second, first)):
            self._forbidden.setdefault(item, []).append(other)
        ours, theirs = self.components.of(first), self.components.of(second)
        self._evidence.between(ours, theirs).forbidden += 1
        self._evidence.settle(ours, theirs)

    def forbidden_with(self, item: int) -> list[int]:
        """The items that appear in one image with this one."""
        return self._forbidden.get(item, [])

    def opinion(self, first: int, second: int) -> bool | None:
        """True if the evidence so far speaks for SAME; None if nobody answered about the two components."""
        ours, theirs = self.components.of(first), self.components.of(second)
        if ours == theirs:
            return True
        evidence = self._evidence.get(ours, theirs)
        return evidence.weight > 0 if evidence and evidence.asked else None

    def add_answer(self, given: GivenAnswer, probability: float | None) -> None:
        """Add an answer, and merge, separate, suspend or split the components that it is about."""
        inside = self.components.implied(given.label.first, given.label.second) is Answer.SAME
        (self._add_inside if inside else self._add_across)(given, probability)

    def weigh_again(self) -> None:
        """Weigh every answer by the present error rates, and decide all that is pending."""
        for (first, second), pair in self.statements.pairs():
            ours, theirs = self.components.of(first), self.components.of(second)
            evidence = None if ours == theirs else self._evidence.between(ours, theirs)
            if evidence is not None:
                evidence.add_pair(pair, -1)
            self.statements.weigh(pair)
            if evidence is None:
                self._changed[ours] = None
            else:
                evidence.add_pair(pair)
        self._decide([(ours, theirs) for ours, theirs, _ in self._evidence.pending()])

    def verdicts(self) -> Iterator[Verdict]:
        """Every answer about something decided, compared with the decision."""
        for pair, answered in self.statements.pairs():
            accepted = self.components.implied(*pair)
            if accepted is not None:
                is_same = accepted is Answer.SAME
                for given in (each for each in answered.given if not each.label.certain):
                    yield Verdict(given.annotator_id, given.same, is_same, given.again)

    def decisions(self) -> Decisions:
        """The labels that merged or separated two components and still hold, as columns, oldest first."""
        held = [
            (*pair, merged, image_pairs)
            for pair, (merged, image_pairs) in self._decided.items()
            if self.components.implied(*pair) is (Answer.SAME if merged else Answer.DIFFERENT)
        ]
        columns = np.array(held, dtype=np.int64).reshape(-1, 4).T
        return Decisions(columns[0], columns[1], columns[2].astype(np.bool_), columns[3])

    def contested_pairs(self) -> Iterator[tuple[int, Pair]]:
        """The unsettled DIFFERENT answers inside components, each with its component."""
        return ((component, pair) for component, pairs in self._contested.items() for pair in pairs)

    def contests(self) -> list[Contest]:
        """The unsettled DIFFERENT answers inside components, each with its cheapest cut."""
        return [self._contest(pair) for _, pair in self.contested_pairs()]

    def overruled(self) -> list[Pair]:
        """The image pairs with an answer that speaks against what a person decided, oldest first."""
        return [pair for pair in self._overruled if self.components.implied(*pair) is not None]

    @property
    def pending_count(self) -> int:
        """Number of component pairs whose answers are not sufficient."""
        return len(self._evidence)

    def is_pending(self, ours: int, theirs: int) -> bool:
        """True if the answers about two components are not sufficient."""
        return self._evidence.is_pending(ours, theirs)

    def pending(self) -> Iterator[tuple[int, int, Evidence]]:
        """The pairs of components that are neither one nor separated, with the evidence between them."""
        return self._evidence.pending()

    def separated(self) -> Iterator[tuple[int, int, Evidence]]:
        """The pairs of separated components, the lower first, with the evidence between them.

        Those without an answer may be left out: only the components of compared items are searched, which
        stay few for long in a large survey.
        """
        compared = dict.fromkeys(map(self.components.of, self.statements.compared()))
        for ours in compared:
            for theirs in self.components.separated_from(ours):
                if ours < theirs:
                    yield ours, theirs, self._evidence.between(ours, theirs)

    def separation(self, ours: int, theirs: int) -> Evidence | None:
        """The evidence between two components; None unless they are separated."""
        separated = self.components.are_separated(ours, theirs)
        return self._evidence.between(ours, theirs) if separated else None

    def crossing(self, ours: int, theirs: int) -> Iterator[tuple[Pair, ImagePair]]:
        """The answered image pairs between two components."""
        smaller = min(ours, theirs, key=lambda component: (self.components.size(component), component))
        for item in self.components.joined(smaller):
            for other in self.statements.near(item):
                pair = self.statements.of(item, other)
                if pair and {self.components.of(item), self.components.of(other)} == {ours, theirs}:
                    yield ordered(item, other), pair

    def take_changed(self) -> list[int]:
        """The components whose links changed since the last call; some may be gone."""
        changed = list(self._changed)
        self._changed.clear()
        return changed

    def _add_across(self, given: GivenAnswer, probability: float | None) -> None:
        first, second = given.label.first, given.label.second
        ours, theirs = self.components.of(first), self.components.of(second)
        evidence = self._evidence.between(ours, theirs)
        earlier = self.statements.of(first, second)
        if earlier is not None:
            evidence.add_pair(earlier, -1)
        evidence.add_pair(self.statements.add(given, probability))
        if evidence.is_certain and given.same is not (evidence.weight > 0.0):
            self._overruled[ordered(first, second)] = None
        self._decide([(ours, theirs)], (first, second))

    def _add_inside(self, given: GivenAnswer, probability: float | None) -> None:
        key = ordered(given.label.first, given.label.second)
        component = self.components.of(key[0])
        self._changed[component] = None
        contested = self._contested.setdefault(component, {})
        contested.pop(key, None)
        if self.statements.add(given, probability).weight < 0:
            contested[key] = None
        elif not given.same and self._is_certain(key):
            self._overruled[key] = None
        for pair in tuple(contested):
            contest = self._contest(pair)
            if contest.log_odds < 0.0:
                # the parts inherit the contests of their component
                self._split(component, set(contest.near))
                break
            if contest.log_odds >= self.settings.merge_bar(len(contest.near) * len(contest.far)):
                del contested[pair]
                if contest.log_odds >= CERTAIN / 2:
                    self._overruled[pair] = None
        if not self._contested.get(component, True):
            del self._contested[component]

    def _contest(self, pair: Pair) -> Contest:
        return find_contest(self.components, self.statements, self.settings, pair)

    def _decide(self, due: list[Pair], trigger: Pair | None = None) -> None:
        """Merge, separate or suspend these pairs of components, and those that a merge brings evidence for.

        trigger: the image pair just answered; None stands for any that was answered between the two.
        """
        while due:
            # a component is referred to by one of its items, so that it is found again after a merge
            ours, theirs = map(self.components.of, due.pop())
            evidence = self._evidence.get(ours, theirs)
            if evidence is None or not (evidence.asked or evidence.forbidden):
                continue
            sizes = sorted((self.components.size(ours), self.components.size(theirs)))
            if evidence.merges(self.settings, *sizes):
                self._note(ours, theirs, trigger, merged=True)
                due += self._merge(ours, theirs)
            elif evidence.separates(self.settings, sizes[0] * sizes[1]):
                if not self.components.are_separated(ours, theirs):
                    self._note(ours, theirs, trigger, merged=False)
                self._evidence.settle(ours, theirs)
                self.components.separate(ours, theirs)
            else:
                self._evidence.suspend(ours, theirs)
                self.components.reopen(ours, theirs)
            trigger = None

    def _note(self, ours: int, theirs: int, trigger: Pair | None, *, merged: bool) -> None:
        """Remember the image pair that decided."""
        if trigger is None:
            crossing = self.crossing(ours, theirs)
            trigger = next((key for key, pair in crossing if (pair.weight > 0) is merged), None)
        if trigger is not None and not self._is_certain(trigger):
            key = ordered(*trigger)
            self._decided.pop(key, None)
            self._decided[key] = (merged, self.components.size(ours) * self.components.size(theirs))

    def _is_certain(self, pair: Pair) -> bool:
        """True if a person decided about an image pair: that is no answer to a question."""
        answered = self.statements.of(*pair)
        return answered is not None and abs(answered.weight) >= CERTAIN / 2

    def _merge(self, ours: int, theirs: int) -> list[Pair]:
        """Merge two components; returns the pairs of components whose evidence came together."""
        remains, gone = self.components.merge(ours, theirs)
        if gone in self._contested:
            self._contested.setdefault(remains, {}).update(self._contested.pop(gone))
        self._changed.update({gone: None, remains: None})
        return self._evidence.merge(remains, gone)

    def _split(self, component: int, side: set[int]) -> None:
        """Split a component along a cut; the evidence between its parts and all others is summed again."""
        items = self.components.joined(component)
        contested = self._contested.pop(component, {})
        pieces = parts(items, self.statements.strengths(items), side)
        self._evidence.forget(component)
        self._changed[component] = None
        for piece in self.components.split(component, pieces):
            self._evidence.add_component(piece)
            self._changed[piece] = None
        self._decide(sorted(self._sum_again(items)))
        for first, second in contested:
            if self.components.of(first) == self.components.of(second):
                self._contested.setdefault(self.components.of(first), {})[first, second] = None

    def _sum_again(self, items: Iterable[int]) -> set[Pair]:
        """Sum all answers between the components of items and others; returns the pairs of components."""
        met: set[Pair] = set()
        inside = set(items)
        for item in sorted(inside):
            ours = self.components.of(item)
            others = [(other, False) for other in self.statements.near(item)]
            others += [(other, True) for other in self.forbidden_with(item)]
            for other, forbidden in others:
                theirs = self.components.of(other)
                if ours == theirs or (other in inside and other < item):
                    continue
                evidence = self._evidence.between(ours, theirs)
                met.add(ordered(ours, theirs))
                if forbidden:
                    evidence.forbidden += 1
                elif pair := self.statements.of(item, other):
                    evidence.add_pair(pair)
                    if other in inside:
                        self._decided.pop(ordered(item, other), None)
        return met
