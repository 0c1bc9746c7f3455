"""A partition decided by evidence: components that merge, stay pending and split again.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from spotted.constraints.answers import Answer
from spotted.constraints.closure import mark_names, separate_image
from spotted.constraints.component_evidence import ComponentEvidence, Evidence
from spotted.constraints.components import Components, Pair, ordered
from spotted.constraints.contests import Contest, find_contest
from spotted.constraints.decided_pairs import DecidedPairs
from spotted.constraints.error_rates import Annotators
from spotted.constraints.graph_cuts import Strengths, parts
from spotted.constraints.statements import CERTAIN, GivenAnswer, Statements
from spotted.constraints.trust_settings import TrustSettings
from spotted.facts.certain_facts import CertainFacts
from spotted.facts.kinds import Fact, Source


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
        self.facts = CertainFacts()
        """Facts that no answer overrules; only `Partition` adds to them."""
        self._evidence = ComponentEvidence()
        self._contested: dict[int, dict[Pair, None]] = {}
        self.decided = DecidedPairs(components)
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
        self.facts.add(Fact(Source.IMAGE, first, second))
        ours, theirs = self.components.of(first), self.components.of(second)
        self._evidence.between(ours, theirs).forbidden += 1
        self._evidence.settle(ours, theirs)

    def name(self, names: Mapping[int, str]) -> None:
        """Set the known names of items, before any answer."""
        mark_names(self.components, names)
        self.facts.names.update(names)

    def join(self, fact: Fact) -> bool:
        """Make two items one for certain, before any answer; False if they are two for certain."""
        known = self.components.implied(fact.first, fact.second)
        if known is Answer.DIFFERENT:
            return False
        self.facts.add(fact)
        if known is None:
            ours, theirs = self.components.of(fact.first), self.components.of(fact.second)
            self._evidence.between(ours, theirs)
            self._merge(ours, theirs)
        return True

    def is_certain(self, first: int, second: int) -> bool:
        """True if facts, and not answers, make two items one or keep their components apart."""
        if self.facts.joins(first, second):
            return True
        ours, theirs = self.components.of(first), self.components.of(second)
        evidence = None if ours == theirs else self._evidence.get(ours, theirs)
        return self.components.are_distinct(ours, theirs) or bool(evidence and evidence.forbidden)

    def strengths(self, items: Iterable[int]) -> Strengths:
        """How strongly answers and fixed links hold items together."""
        links = self.statements.strengths(items)
        self.facts.strengthen(links)
        return links

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

    def add_doubt(self, given: GivenAnswer, probability: float | None) -> None:
        """Add an answer that contradicts accepted ones; it is asked about, and decides nothing yet."""
        pair = ordered(given.label.first, given.label.second)
        ours, theirs = map(self.components.of, pair)
        if ours == theirs:
            self.statements.add(given, probability)
            self._contested.setdefault(ours, {})[pair] = None
            return
        self._weigh_across(given, probability)
        if not self.is_certain(*pair):
            self._evidence.suspend(ours, theirs)
            self.components.reopen(ours, theirs)

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

    def contested_pairs(self) -> Iterator[tuple[int, Pair]]:
        """The unsettled DIFFERENT answers inside components, each with its component."""
        return ((component, pair) for component, pairs in self._contested.items() for pair in pairs)

    def contests(self) -> list[Contest]:
        """The unsettled DIFFERENT answers inside components that a cut could settle, each with its cut."""
        return [self._contest(pair) for _, pair in self.contested_pairs() if not self.facts.joins(*pair)]

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

    def take_changed(self) -> list[int]:
        """The components whose links changed since the last call; some may be gone."""
        changed = list(self._changed)
        self._changed.clear()
        return changed

    def _add_across(self, given: GivenAnswer, probability: float | None) -> None:
        self._weigh_across(given, probability)
        self._decide([pair := (given.label.first, given.label.second)], pair)

    def _weigh_across(self, given: GivenAnswer, probability: float | None) -> None:
        first, second = given.label.first, given.label.second
        evidence = self._evidence.between(self.components.of(first), self.components.of(second))
        earlier = self.statements.of(first, second)
        if earlier is not None:
            evidence.add_pair(earlier, -1)
        evidence.add_pair(self.statements.add(given, probability))
        if evidence.is_certain and given.same is not (evidence.weight > 0.0):
            self._overruled[ordered(first, second)] = None

    def _add_inside(self, given: GivenAnswer, probability: float | None) -> None:
        key = ordered(given.label.first, given.label.second)
        component = self.components.of(key[0])
        self._changed[component] = None
        contested = self._contested.setdefault(component, {})
        contested.pop(key, None)
        if self.statements.add(given, probability).weight < 0:
            contested[key] = None
        elif not given.same and self.statements.is_certain(key):
            self._overruled[key] = None
        for pair in tuple(contested):
            if self.facts.joins(*pair):
                # no cut parts what a fact joins: the answer stays contradicted
                continue
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
        strengths = self.strengths(self.components.members(self.components.of(pair[0])))
        return find_contest(self.components, self.statements, self.settings, pair, strengths)

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
            if self.components.are_distinct(ours, theirs):
                self._evidence.settle(ours, theirs)
                trigger = None
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
            crossing = self.statements.crossing(self.components, ours, theirs)
            trigger = next((key for key, pair in crossing if (pair.weight > 0) is merged), None)
        if trigger is not None and not self.statements.is_certain(trigger):
            self.decided.note(trigger, merged=merged)

    def _merge(self, ours: int, theirs: int) -> list[Pair]:
        """Merge two components; returns the pairs of components whose evidence came together."""
        remains, gone = self.components.merge(ours, theirs)
        if gone in self._contested:
            self._contested.setdefault(remains, {}).update(self._contested.pop(gone))
        self._changed.update({gone: None, remains: None})
        met = self._evidence.merge(remains, gone)
        if self.components.is_marked(remains):
            # a name may have come to answers that are pending
            met += [(remains, other) for other in self._evidence.pending_with(remains)]
        return met

    def _split(self, component: int, side: set[int]) -> None:
        """Split a component along a cut; the evidence between its parts and all others is summed again."""
        items = self.components.joined(component)
        contested = self._contested.pop(component, {})
        pieces = parts(items, self.strengths(items), side)
        self._evidence.forget(component)
        self._changed[component] = None
        for piece in self.components.split(component, pieces):
            self._evidence.add_component(piece)
            self._changed[piece] = None
        for pair in self._evidence.sum_again(items, self.components, self.statements, self.facts):
            self.decided.forget(pair)
        self._decide(sorted(self._evidence.around(map(self.components.of, items))))
        for first, second in contested:
            if self.components.of(first) == self.components.of(second):
                self._contested.setdefault(self.components.of(first), {})[first, second] = None
