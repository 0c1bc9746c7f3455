from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.constraints.answers import Answer, LabelEffect, LabelledPair
from spotted.constraints.closure import Closure
from spotted.constraints.interface import Constraints
from spotted.errors import InvalidInputError, PreconditionError
from spotted.facts.kinds import Fact, Source

ITEMS = 7
Pair = tuple[int, int]
PAIRS = list(itertools.combinations(range(ITEMS), 2))
histories = st.lists(st.tuples(st.sampled_from(PAIRS), st.sampled_from(list(Answer))), max_size=30)
images = st.lists(st.sampled_from(PAIRS), max_size=3)


def label(number: int, pair: Pair, answer: Answer) -> LabelledPair:
    return LabelledPair(f"label-{number}", *pair, answer)


def naive_components(same: Sequence[Pair]) -> list[set[int]]:
    """Transitive closure by merging sets until nothing changes."""
    parts = [{item} for item in range(ITEMS)]
    for a, b in same:
        (left,) = [part for part in parts if a in part]
        (right,) = [part for part in parts if b in part]
        if left is not right:
            parts = [part for part in parts if part is not left and part is not right] + [left | right]
    return parts


def naive_implied(same: Sequence[Pair], different: Sequence[Pair], pair: Pair) -> Answer | None:
    part = {item: number for number, p in enumerate(naive_components(same)) for item in p}
    a, b = part[pair[0]], part[pair[1]]
    if a == b:
        return Answer.SAME
    if any({part[x], part[y]} == {a, b} for x, y in different):
        return Answer.DIFFERENT
    return None


def accepted(history: Sequence[tuple[Pair, Answer]], forbidden: Sequence[Pair]) -> list[LabelledPair]:
    """SAME and DIFFERENT labels in order, without those that contradict the ones before."""
    kept: list[LabelledPair] = []
    for number, (pair, answer) in enumerate(history):
        same = [(x.first, x.second) for x in kept if x.answer is Answer.SAME]
        different = [(x.first, x.second) for x in kept if x.answer is Answer.DIFFERENT]
        known = naive_implied(same, [*different, *forbidden], pair)
        if answer in (Answer.SAME, Answer.DIFFERENT) and known in (None, answer):
            kept.append(label(number, pair, answer))
    return kept


def folded(history: Sequence[tuple[Pair, Answer]], forbidden: Sequence[Pair]) -> Constraints:
    constraints = Closure(ITEMS)
    for a, b in forbidden:
        constraints.forbid(a, b)
    for number, (pair, answer) in enumerate(history):
        constraints.apply(label(number, pair, answer))
    return constraints


@given(histories, images)
def test_closure_equals_naive_transitive_closure(
    history: list[tuple[Pair, Answer]], forbidden: list[Pair]
) -> None:
    constraints = folded(history, forbidden)
    kept = accepted(history, forbidden)
    same = [(x.first, x.second) for x in kept if x.answer is Answer.SAME]
    different = [(x.first, x.second) for x in kept if x.answer is Answer.DIFFERENT] + forbidden
    assert constraints.components() == sorted(tuple(sorted(part)) for part in naive_components(same))
    closed = {pair for pair, answer in history if answer in (Answer.NOT_COMPARABLE, Answer.SKIP)}
    for pair in PAIRS:
        known = naive_implied(same, different, pair)
        assert constraints.implied(*pair) is constraints.implied(*pair[::-1]) is known
        assert constraints.is_open(*pair) is (known is None and pair not in closed)


@given(histories, images)
def test_counts_equal_counts_over_all_pairs(
    history: list[tuple[Pair, Answer]], forbidden: list[Pair]
) -> None:
    constraints = folded(history, forbidden)
    known = [constraints.implied(*pair) for pair in PAIRS]
    assert constraints.positives == known.count(Answer.SAME)
    parts = constraints.components()
    separated = [
        constraints.implied(p[0], q[0]) is Answer.DIFFERENT for p, q in itertools.combinations(parts, 2)
    ]
    assert constraints.component_count == len(parts)
    assert sum(separated) == len(constraints.separations())
    assert constraints.open_component_pairs == len(separated) - sum(separated)


@given(histories, images)
def test_each_outcome_counts_the_pairs_that_became_known(
    history: list[tuple[Pair, Answer]], forbidden: list[Pair]
) -> None:
    constraints = folded([], forbidden)
    for number, (pair, answer) in enumerate(history):
        before = [constraints.implied(*each) for each in PAIRS]
        outcome = constraints.apply(label(number, pair, answer))
        after = [constraints.implied(*each) for each in PAIRS]
        assert outcome.implied_same == after.count(Answer.SAME) - before.count(Answer.SAME)
        changed = outcome.effect in (LabelEffect.MERGED, LabelEffect.SEPARATED)
        assert changed == (before[PAIRS.index(pair)] is None and answer <= Answer.DIFFERENT)
        if outcome.effect is LabelEffect.SEPARATED:
            assert outcome.implied_different == after.count(Answer.DIFFERENT) - before.count(Answer.DIFFERENT)
        if not changed:
            assert after == before


@given(histories, images, st.permutations(range(ITEMS)))
def test_renaming_items_renames_the_closure(
    history: list[tuple[Pair, Answer]], forbidden: list[Pair], names: list[int]
) -> None:
    def renamed(pair: Pair) -> Pair:
        return names[pair[0]], names[pair[1]]

    plain = folded(history, forbidden)
    other = folded([(renamed(pair), answer) for pair, answer in history], [renamed(p) for p in forbidden])
    assert all(plain.implied(*pair) is other.implied(*renamed(pair)) for pair in PAIRS)


@given(
    st.lists(st.tuples(st.sampled_from(PAIRS), st.sampled_from([Answer.SAME, Answer.DIFFERENT])), max_size=9),
    images,
)
def test_explanations_are_the_smallest_contradicting_sets(
    history: list[tuple[Pair, Answer]], forbidden: list[Pair]
) -> None:
    constraints = folded(history, forbidden)
    kept = accepted(history, forbidden)
    for pair in PAIRS:
        known = constraints.implied(*pair)
        if known is None:
            continue
        against = Answer.SAME if known is Answer.DIFFERENT else Answer.DIFFERENT
        explanation = constraints.explain(*pair, against)
        chosen = [x for x in kept if x.label_id in explanation.label_ids]
        assert len(chosen) == len(explanation.label_ids)
        assert rules_out(chosen, forbidden, pair, known)
        assert not any(
            rules_out(fewer, forbidden, pair, known)
            for size in range(len(chosen))
            for fewer in itertools.combinations(kept, size)
        )
        assert all(tuple(sorted((fact.first, fact.second))) in forbidden for fact in explanation.facts)


def rules_out(labels: Sequence[LabelledPair], forbidden: list[Pair], pair: Pair, known: Answer) -> bool:
    same = [(x.first, x.second) for x in labels if x.answer is Answer.SAME]
    different = [(x.first, x.second) for x in labels if x.answer is Answer.DIFFERENT] + forbidden
    return naive_implied(same, different, pair) is known


def test_contradiction_is_kept_and_changes_nothing() -> None:
    constraints = Closure(4)
    for number, pair in enumerate([(0, 1), (1, 2), (2, 3)]):
        constraints.apply(label(number, pair, Answer.SAME))
    wrong = LabelledPair("wrong", 3, 0, Answer.DIFFERENT)
    outcome = constraints.apply(wrong)
    assert outcome.effect is LabelEffect.CONFLICT
    assert outcome.explanation is not None
    assert outcome.explanation.label_ids == ("label-2", "label-1", "label-0")
    assert [(c.label, c.explanation) for c in constraints.contradictions] == [(wrong, outcome.explanation)]
    assert constraints.components() == [(0, 1, 2, 3)]


def test_explanation_through_one_image_needs_no_different_label() -> None:
    constraints = Closure(4)
    constraints.forbid(1, 2)
    constraints.apply(label(0, (0, 1), Answer.SAME))
    constraints.apply(label(1, (2, 3), Answer.SAME))
    explanation = constraints.explain(0, 3, Answer.SAME)
    assert explanation.label_ids == ("label-0", "label-1")
    assert explanation.facts == (Fact(Source.IMAGE, 1, 2),)


def test_decisions_are_the_labels_with_news() -> None:
    constraints = Closure(5)
    labels = [((0, 1), 1), ((2, 3), 1), ((1, 2), 1), ((0, 3), 1), ((0, 4), 2), ((1, 4), 1), ((2, 4), 4)]
    for number, (pair, answer) in enumerate(labels):
        constraints.apply(label(number, pair, Answer(answer)))
    decisions = constraints.decisions()
    assert decisions.first.tolist() == [0, 2, 1, 0]
    assert decisions.second.tolist() == [1, 3, 2, 4]
    assert decisions.merged.tolist() == [True, True, True, False]
    assert decisions.image_pairs.tolist() == [1, 1, 4, 4]


def test_items_added_later_are_open_towards_all_others() -> None:
    constraints = Closure(2)
    constraints.apply(label(0, (0, 1), Answer.SAME))
    constraints.add_items(2)
    assert constraints.items == 4
    assert constraints.component_ids().tolist() == [constraints.component_of(i) for i in range(4)]
    assert constraints.is_open(0, 3)
    assert constraints.is_open(2, 3)


@pytest.mark.parametrize("pair", [(0, 0), (-1, 0), (0, 3)])
def test_an_invalid_pair_is_refused(pair: Pair) -> None:
    with pytest.raises(InvalidInputError, match="not a pair of two of the 3 items"):
        Closure(3).implied(*pair)


def test_one_image_cannot_hold_one_animal_twice() -> None:
    constraints = Closure(2)
    constraints.apply(label(0, (0, 1), Answer.SAME))
    with pytest.raises(PreconditionError, match="forbid the pairs of an image before"):
        constraints.forbid(0, 1)


def test_what_contradicts_nothing_has_no_explanation() -> None:
    with pytest.raises(PreconditionError, match="contradicts no label"):
        Closure(2).explain(0, 1, Answer.SAME)


def test_long_chains_stay_fast_and_whole() -> None:
    n = 20_000
    constraints = Closure(n)
    for item in range(1, n):
        constraints.apply(LabelledPair(str(item), item - 1, item, Answer.SAME))
    assert constraints.positives == n * (n - 1) // 2
    assert len(constraints.explain(0, n - 1, Answer.DIFFERENT).label_ids) == n - 1
    assert np.unique(constraints.component_ids()).size == 1


def test_what_a_person_decided_is_no_answer_to_a_question() -> None:
    constraints = Closure(3)
    constraints.apply(LabelledPair("a", 0, 1, Answer.SAME, certain=True))
    constraints.apply(LabelledPair("b", 1, 2, Answer.DIFFERENT))
    assert constraints.implied(0, 2) is Answer.DIFFERENT
    assert constraints.decisions().merged.tolist() == [False]
