from __future__ import annotations

from collections.abc import Collection, Sequence

from hypothesis import given
from hypothesis import strategies as st

from spotted.constraints.answers import Answer, LabelledPair
from spotted.constraints.closure import Closure
from spotted.constraints.interface import Constraints
from spotted.individuals.decisions import Decision, Parts, decide, holds

ITEMS = 7
pairs = st.tuples(st.integers(0, ITEMS - 1), st.integers(0, ITEMS - 1)).filter(lambda p: p[0] != p[1])
histories = st.lists(st.tuples(pairs, st.sampled_from([Answer.SAME, Answer.DIFFERENT])), max_size=12)


def labels_of(history: Sequence[tuple[tuple[int, int], Answer]]) -> list[LabelledPair]:
    return [LabelledPair(str(n), *pair, answer) for n, (pair, answer) in enumerate(history)]


def closure(labels: Sequence[LabelledPair], certain: Sequence[LabelledPair] = ()) -> Constraints:
    constraints = Closure(ITEMS)
    for label in (*certain, *labels):
        constraints.apply(label)
    return constraints


def decided(parts: Parts, labels: Sequence[LabelledPair]) -> tuple[Decision, Constraints]:
    def replay(without: Collection[str], certain: Sequence[LabelledPair]) -> Constraints:
        return closure([label for label in labels if label.label_id not in without], certain)

    decision = decide(parts, labels, closure(labels), replay)
    certain = [LabelledPair("s", *pair, Answer.SAME, certain=True) for pair in decision.same]
    certain += [LabelledPair("d", *pair, Answer.DIFFERENT, certain=True) for pair in decision.different]
    return decision, replay(decision.superseded, certain)


@given(histories, st.integers(0, ITEMS - 1), st.integers(0, ITEMS - 1))
def test_a_merge_makes_two_components_one(
    history: list[tuple[tuple[int, int], Answer]], one: int, other: int
) -> None:
    labels = labels_of(history)
    before = closure(labels)
    ours, theirs = (frozenset(before.members(before.component_of(item))) for item in (one, other))
    if ours == theirs:
        return
    decision, after = decided(Parts((ours | theirs,), (min(ours),)), labels)
    assert decision.unmet is None
    assert len({after.component_of(item) for item in ours | theirs}) == 1
    # only what parted them
    for label in labels:
        across = {label.first, label.second} & ours and {label.first, label.second} & theirs
        assert (label.label_id in decision.superseded) is bool(across and label.answer is Answer.DIFFERENT)
    assert len(decision.same) <= 1


@given(histories, st.integers(0, ITEMS - 1), st.sets(st.integers(0, ITEMS - 1), min_size=1))
def test_a_split_makes_two_components_of_one(
    history: list[tuple[tuple[int, int], Answer]], one: int, leaves: set[int]
) -> None:
    labels = labels_of(history)
    before = closure(labels)
    members = frozenset(before.members(before.component_of(one)))
    leaving, staying = members & leaves, members - leaves
    if not leaving or not staying:
        return
    parts = Parts((staying, leaving), (min(staying), min(leaving)), ((0, 1),))
    decision, after = decided(parts, labels)
    assert decision.unmet is None
    assert after.implied(min(staying), min(leaving)) is Answer.DIFFERENT
    for part in (staying, leaving):
        assert len({after.component_of(item) for item in part}) == 1


def test_what_cannot_hold_is_named() -> None:
    constraints = Closure(3)
    constraints.forbid(0, 1)

    def replay(_: Collection[str], certain: Sequence[LabelledPair]) -> Constraints:
        replayed = Closure(3)
        replayed.forbid(0, 1)
        for label in certain:
            replayed.apply(label)
        return replayed

    decision = decide(Parts((frozenset({0, 1}),), (0,)), [], constraints, replay)
    assert decision.unmet == (0, 1)


def test_the_first_statement_that_does_not_hold_is_found() -> None:
    same = LabelledPair("s", 0, 1, Answer.SAME, certain=True)
    different = LabelledPair("d", 1, 2, Answer.DIFFERENT, certain=True)
    answer = LabelledPair("a", 3, 4, Answer.SAME)
    assert holds(closure([], [same, different]), [same, different, answer]) is None
    assert holds(closure([], [same]), [same, different, answer]) is different
