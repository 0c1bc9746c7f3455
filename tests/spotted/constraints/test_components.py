from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spotted.constraints.answers import Answer
from spotted.constraints.components import Components, ordered, pair_columns
from spotted.errors import InvalidInputError

ITEMS = 6
PAIRS = list(itertools.combinations(range(ITEMS), 2))
changes = st.lists(
    st.tuples(st.sampled_from(["merge", "separate", "reopen", "split"]), st.sampled_from(PAIRS)), max_size=40
)


class Plain:
    """Components as sets, and separations as pairs of sets."""

    def __init__(self) -> None:
        self.parts = [{item} for item in range(ITEMS)]
        self.apart: list[tuple[set[int], set[int]]] = []

    def of(self, item: int) -> set[int]:
        return next(part for part in self.parts if item in part)

    def are_apart(self, ours: set[int], theirs: set[int]) -> bool:
        return any(pair in ((ours, theirs), (theirs, ours)) for pair in self.apart)

    def change(self, kind: str, first: int, second: int) -> None:
        ours, theirs = self.of(first), self.of(second)
        if kind == "split":
            self.parts = [part for part in self.parts if part != ours] + [ours - {second}, {second}]
            self.apart = [pair for pair in self.apart if ours not in pair]
            return
        self.apart = [
            p for p in self.apart if kind == "separate" or p not in ((ours, theirs), (theirs, ours))
        ]
        if kind == "separate" and not self.are_apart(ours, theirs):
            self.apart.append((ours, theirs))
        if kind == "merge":
            whole = ours | theirs
            self.parts = [part for part in self.parts if part not in (ours, theirs)] + [whole]
            moved = [tuple(whole if part in (ours, theirs) else part for part in pair) for pair in self.apart]
            self.apart = []
            for one, other in moved:
                if not self.are_apart(one, other):
                    self.apart.append((one, other))


@given(changes)
def test_changes_equal_those_of_plain_sets(history: list[tuple[str, tuple[int, int]]]) -> None:
    components, plain = Components(ITEMS), Plain()
    for kind, (first, second) in history:
        ours, theirs = components.of(first), components.of(second)
        if (kind == "split") is not (ours == theirs):
            continue
        plain.change(kind, first, second)
        if kind == "split":
            rest = [item for item in components.members(ours) if item != second]
            components.split(ours, [rest, [second]])
        else:
            {"merge": components.merge, "separate": components.separate, "reopen": components.reopen}[kind](
                ours, theirs
            )
    assert sorted(map(components.members, components)) == sorted(tuple(sorted(part)) for part in plain.parts)
    for first, second in PAIRS:
        one, other = plain.of(first), plain.of(second)
        expected = Answer.SAME if one == other else None
        expected = Answer.DIFFERENT if plain.are_apart(one, other) else expected
        assert components.implied(first, second) is components.implied(second, first) is expected
    assert components.positives == sum(len(part) * (len(part) - 1) // 2 for part in plain.parts)
    assert components.open_pairs == len(plain.parts) * (len(plain.parts) - 1) // 2 - len(plain.apart)
    assert len(components.separations()) == len(plain.apart)


def test_a_pair_that_was_closed_is_open_no_more_in_either_order() -> None:
    components = Components(3)
    components.close(2, 0)
    assert components.is_closed(0, 2)
    assert not components.is_open(0, 2)
    assert components.is_open(0, 1)
    assert components.closed_pairs().tolist() == [[0, 2]]


def test_a_component_that_is_gone_is_separated_from_nothing() -> None:
    components = Components(3)
    remains, gone = components.merge(0, 1)
    assert remains in components
    assert gone not in components
    assert not components.are_separated(gone, 2)


def test_items_outside_are_refused_with_the_remedy() -> None:
    with pytest.raises(InvalidInputError, match="add the items first"):
        Components(2).implied(0, 2)


def test_pairs_are_ordered() -> None:
    assert ordered(2, 1) == ordered(1, 2) == (1, 2)
    assert pair_columns({(2, 3), (0, 9)}).tolist() == [[0, 9], [2, 3]]


def test_merged_and_split_components_are_reported_once() -> None:
    components = Components(5)
    assert components.take_changed() == []
    components.merge(0, 1)
    components.merge(components.of(0), 2)
    assert [components.of(item) for item in components.take_changed()] == [components.of(2)]
    assert components.take_changed() == []
    components.split(components.of(0), [[0], [1, 2]])
    assert {components.of(item) for item in components.take_changed()} == {0, components.of(1)}


@settings(max_examples=60)
@given(data=st.data())
def test_items_that_are_gone_count_neither_as_components_nor_as_pairs(data: st.DataObject) -> None:
    count = data.draw(st.integers(2, 9))
    components = Components(count)
    item = st.integers(0, count - 1)
    for first, second, same in data.draw(st.lists(st.tuples(item, item, st.booleans()), max_size=12)):
        if first != second and components.implied(first, second) is None:
            (components.merge if same else components.separate)(components.of(first), components.of(second))
    gone = data.draw(st.frozensets(item))
    raw = components.positives
    components.gone = gone
    there = [one for one in range(count) if one not in gone]
    living = {components.of(one) for one in there}
    pairs = list(itertools.combinations(there, 2))
    assert components.positives == sum(components.of(a) == components.of(b) for a, b in pairs)
    assert raw >= components.positives
    apart = itertools.combinations(sorted(living), 2)
    assert components.open_pairs == sum(not components.are_separated(a, b) for a, b in apart)
    assert len(components) - len(components.dead()) == len(living)
    for component in components:
        assert components.living_size(component) == sum(components.of(one) == component for one in there)
