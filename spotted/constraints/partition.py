"""A partition that evidence decides: components that merge, wait and come apart again (ours)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from spotted.arrays import IntArray
from spotted.constraints.answers import Answer, Decisions
from spotted.constraints.closure import Constraints, pair_columns
from spotted.constraints.error_rates import Annotators
from spotted.constraints.graph_cuts import Strengths, parts
from spotted.constraints.statements import (
    Across,
    ImagePair,
    Pair,
    Statements,
    TrustSettings,
    log_odds,
    ordered,
    probability_of,
)

# a SAME answer is a link, even where others outweigh it: whatever was merged stays connected
LEAST_STRENGTH = 1e-3


class Partition(Constraints):
    """Components of items, with all that was answered between them.

    A merge moves the smaller component into the larger, as in `Constraints`; a split costs its component.
    Whatever is known between two components says which of three they are: one, separated, or pending.
    """

    def __init__(self, count: int = 0, settings: TrustSettings | None = None) -> None:
        self.settings = settings or TrustSettings()
        self.annotators = Annotators(rate=self.settings.error_rate, strength=self.settings.error_strength)
        self.testimony = Statements(self.settings, self.annotators)
        self._across: dict[int, dict[int, Across]] = {}
        self._forbidden: dict[int, list[int]] = {}
        self._pending: dict[Pair, None] = {}
        self._contested: dict[int, dict[Pair, None]] = {}
        self._decided: dict[Pair, tuple[bool, int]] = {}
        self._changed: dict[int, None] = {}
        super().__init__(count)

    def add_items(self, count: int) -> None:
        """Append `count` items, each a component of its own."""
        for item in range(self.items, self.items + count):
            self._across[item] = {}
        super().add_items(count)

    def forbid(self, first: int, second: int) -> None:
        """Separate two items that appear in one image, for certain.

        Raises PreconditionError where labels already made them one individual: forbid items before
        they are labelled.
        """
        super().forbid(first, second)
        for item, other in ((first, second), (second, first)):
            self._forbidden.setdefault(item, []).append(other)
        ours, theirs = self._component[first], self._component[second]
        self._between(ours, theirs).forbidden += 1
        self._pending.pop(ordered(ours, theirs), None)

    def decisions(self) -> Decisions:
        """The labels that merged or separated two components and still hold, as columns, oldest first."""
        held = [
            (*pair, merged, image_pairs)
            for pair, (merged, image_pairs) in self._decided.items()
            if self.implied(*pair) is (Answer.SAME if merged else Answer.DIFFERENT)
        ]
        columns = np.array(held, dtype=np.int64).reshape(-1, 4).T
        return Decisions(columns[0], columns[1], columns[2].astype(np.bool_), columns[3])

    @property
    def pending_count(self) -> int:
        """Number of component pairs with answers that do not suffice."""
        return len(self._pending)

    def undecided(self) -> IntArray:
        """(m, 2) pairs of components with answers that do not suffice, the lower first, ascending."""
        return pair_columns((min(pair), max(pair)) for pair in self._pending)

    def pending(self) -> Iterator[tuple[int, int, Across]]:
        """The pairs of components that are neither one nor separated, with what was answered between them."""
        return ((a, b, self._across[a][b]) for a, b in self._pending)

    def is_component(self, component: int) -> bool:
        """False for a component that was merged into another."""
        return component in self._members

    def size(self, component: int) -> int:
        """Number of items of a component."""
        return len(self._members[component])

    def crossing(self, ours: int, theirs: int) -> Iterator[tuple[Pair, ImagePair]]:
        """The answered image pairs between two components."""
        for item in self._members[min(ours, theirs, key=lambda c: (len(self._members[c]), c))]:
            for other in self.testimony.near(item):
                pair = self.testimony.of(item, other)
                if pair and {self._component[item], self._component[other]} == {ours, theirs}:
                    yield ordered(item, other), pair

    def strengths(self, items: Iterable[int]) -> Strengths:
        """The image pairs among items that were answered SAME, by how strongly all their answers say so."""
        held: Strengths = {item: {} for item in items}
        for item, near in held.items():
            for other in self.testimony.near(item):
                pair = self.testimony.of(item, other) if other in held else None
                if pair and pair.any_same:
                    near[other] = max(LEAST_STRENGTH, pair.weight + pair.prior(self.settings))
        return held

    def take_changed(self) -> list[int]:
        """The components whose links changed since this was called last; some may be gone."""
        changed = list(self._changed)
        self._changed.clear()
        return changed

    def separated(self) -> Iterator[tuple[int, int, Across]]:
        """The pairs of separated components, the lower first, with what was answered between them.

        Those that no answer is about may be left out: only the components of compared items are looked
        through, which in a large survey are few for long.
        """
        for ours in dict.fromkeys(self._component[item] for item in self.testimony.compared()):
            for theirs in self._separated[ours]:
                if ours < theirs:
                    yield ours, theirs, self._across[ours][theirs]

    def separation(self, ours: int, theirs: int) -> Across | None:
        """What is known between two components that are separated, None where they are not."""
        return self._across[ours][theirs] if theirs in self._separated.get(ours, ()) else None

    def _between(self, ours: int, theirs: int) -> Across:
        """What is known between two components, made where there is nothing yet."""
        across = self._across[ours].get(theirs)
        if across is None:
            across = self._across[ours][theirs] = self._across[theirs][ours] = Across()
        return across

    def _decide(self, due: list[Pair], trigger: Pair | None = None) -> None:
        """Merge, separate or suspend these pairs of components, and those that a merge brings evidence for.

        trigger: the image pair just answered; None stands for any that was answered between the two.
        """
        while due:
            # a component is called by one of its items, so that it is found again after a merge
            ours, theirs = (self._component[item] for item in due.pop())
            across = self._across[ours].get(theirs)
            if across is None or not (across.asked or across.forbidden):
                continue
            if self._are_one(ours, theirs, across):
                self._note(ours, theirs, trigger, merged=True)
                due += self._join(ours, theirs)
            elif across.forbidden or self._are_two(ours, theirs, across):
                if theirs not in self._separated[ours]:
                    self._note(ours, theirs, trigger, merged=False)
                self._set(ours, theirs, separated=True)
            else:
                self._set(ours, theirs, separated=False)
            trigger = None

    def _are_one(self, ours: int, theirs: int, across: Across) -> bool:
        if across.forbidden or not across.same:
            return False
        smaller, larger = sorted((self.size(ours), self.size(theirs)))
        needed = self.settings.large_answers if smaller >= self.settings.large else 1
        bar = self.settings.merge_bar(smaller * larger)
        if larger == 1 and across.answers >= self.settings.asks:
            # there is no other image pair to ask, and asking the same one again tells little
            bar = log_odds(self.settings.settle_above)
        return across.same >= needed and across.log_odds(self.settings) >= bar

    def _are_two(self, ours: int, theirs: int, across: Across) -> bool:
        image_pairs = self.size(ours) * self.size(theirs)
        chance = probability_of(across.log_odds(self.settings))
        limit = min(self.settings.separate_below, self.settings.lost_pairs / image_pairs)
        return bool(across.different) and chance <= limit

    def _note(self, ours: int, theirs: int, trigger: Pair | None, *, merged: bool) -> None:
        """Remember which image pair decided."""
        if trigger is None:
            crossing = self.crossing(ours, theirs)
            trigger = next((key for key, pair in crossing if (pair.weight > 0) is merged), None)
        if trigger is not None:
            key = ordered(*trigger)
            self._decided.pop(key, None)
            self._decided[key] = (merged, self.size(ours) * self.size(theirs))

    def _set(self, ours: int, theirs: int, *, separated: bool) -> None:
        """Make two components separated or pending."""
        self._pending.pop(ordered(ours, theirs), None)
        self._separations += separated - (theirs in self._separated[ours])
        change = set.add if separated else set.discard
        change(self._separated[ours], theirs)
        change(self._separated[theirs], ours)
        if not separated:
            self._pending[ordered(ours, theirs)] = None

    def _join(self, ours: int, theirs: int) -> list[Pair]:
        """Merge two components; returns the pairs of components whose evidence came together."""
        some = self._members[ours][0]
        self._positives += self.size(ours) * self.size(theirs)
        self._pending.pop(ordered(ours, theirs), None)
        if theirs in self._separated[ours]:
            self._drop_separation(ours, theirs)
        del self._across[ours][theirs], self._across[theirs][ours]
        self._merge(ours, theirs)
        kept = self._component[some]
        moved = theirs if kept == ours else ours
        if moved in self._contested:
            self._contested.setdefault(kept, {}).update(self._contested.pop(moved))
        self._changed.update({moved: None, kept: None})
        return self._move_evidence(moved, kept)

    def _move_evidence(self, moved: int, kept: int) -> list[Pair]:
        met: list[Pair] = []
        for other, across in self._across.pop(moved).items():
            del self._across[other][moved]
            waits = self._pending.pop(ordered(moved, other), 0) is None
            if other in self._across[kept]:
                self._across[kept][other].add(across)
                met.append((kept, other))
            else:
                self._across[kept][other] = self._across[other][kept] = across
                if waits:
                    self._pending[ordered(kept, other)] = None
        return met

    def _drop_separation(self, ours: int, theirs: int) -> None:
        self._separations -= 1
        self._separated[ours].discard(theirs)
        self._separated[theirs].discard(ours)

    def _split(self, component: int, side: set[int]) -> None:
        """Take a component apart along a cut; what is known between any two components is summed anew."""
        items = self._members[component]
        contested = self._contested.pop(component, {})
        found = parts(items, self.strengths(items), side)
        self._detach(component)
        self._positives -= len(items) * (len(items) - 1) // 2
        for part in found:
            self._found(component if component in part else part[0], part)
        self._decide(sorted(self._gather(items)))
        for first, second in contested:
            if self._component[first] == self._component[second]:
                self._contested.setdefault(self._component[first], {})[first, second] = None

    def _detach(self, component: int) -> None:
        """Forget what is known between a component and others, and the component."""
        for other in self._across.pop(component):
            del self._across[other][component]
            self._pending.pop(ordered(component, other), None)
        for other in tuple(self._separated[component]):
            self._drop_separation(component, other)
        del self._separated[component], self._members[component]
        self._changed[component] = None

    def _found(self, component: int, part: list[int]) -> None:
        self._members[component], self._separated[component] = part, set()
        self._across[component], self._changed[component] = {}, None
        self._positives += len(part) * (len(part) - 1) // 2
        for item in part:
            self._component[item] = component

    def _gather(self, items: Iterable[int]) -> set[Pair]:
        """Sum up all answers between the components of items and others; returns the pairs of components."""
        met: set[Pair] = set()
        held = sorted(items)
        inside = set(held)
        for item in held:
            ours = self._component[item]
            others = [(other, False) for other in self.testimony.near(item)]
            others += [(other, True) for other in self._forbidden.get(item, ())]
            for other, forbidden in others:
                theirs = self._component[other]
                if ours == theirs or (other in inside and other < item):
                    continue
                across = self._between(ours, theirs)
                met.add(ordered(ours, theirs))
                if forbidden:
                    across.forbidden += 1
                elif pair := self.testimony.of(item, other):
                    across.add_pair(pair)
                    if other in inside:
                        self._decided.pop(ordered(item, other), None)
        return met
