from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.constraints.answers import Answer, LabelEffect, LabelledPair
from spotted.constraints.assumptions import Assumptions, assume
from spotted.constraints.closure import Closure
from spotted.constraints.interface import Constraints
from spotted.constraints.verified import Verified
from spotted.facts.kinds import Fact, Source
from spotted.facts.scope import LEFT, RIGHT, Scope

BOTH = pytest.mark.parametrize("make", [Closure, Verified])
ITEMS = 7
PAIRS = [*itertools.combinations(range(ITEMS), 2)]
NAMES = {0: "Mvula", 2: "Mvula", 3: "Chipembere", 5: "Chipembere", 6: "Nandi"}
Make = Callable[[int], Constraints]


def labelled(
    constraints: Constraints, pair: tuple[int, int], answer: Answer, who: str = "ana"
) -> LabelEffect:
    return constraints.apply(LabelledPair(f"{pair}{who}{answer}", *pair, answer), who).effect


@BOTH
def test_one_name_is_one_animal_and_two_names_are_two(make: Make) -> None:
    constraints = make(ITEMS)
    assume(constraints, Assumptions(names=NAMES))
    assert constraints.refused_facts == ()
    for pair in PAIRS:
        names = [NAMES.get(item) for item in pair]
        expected = None
        if None not in names:
            expected = Answer.SAME if names[0] == names[1] else Answer.DIFFERENT
        assert constraints.implied(*pair) is expected
        assert constraints.is_open(*pair) is (expected is None)
    assert constraints.open_component_pairs == sum(
        constraints.implied(a[0], b[0]) is None
        for a, b in itertools.combinations(constraints.components(), 2)
    )
    assert len(constraints.separations()) == 0
    assert len(constraints.decisions().first) == 0


@BOTH
@given(data=st.data())
def test_open_pairs_and_separations_agree_with_what_is_implied(make: Make, data: st.DataObject) -> None:
    names = data.draw(st.dictionaries(st.integers(0, ITEMS - 1), st.sampled_from("abc")))
    images = data.draw(st.lists(st.sampled_from(PAIRS), max_size=3))
    answers = st.sampled_from([Answer.SAME, Answer.DIFFERENT])
    labels = data.draw(st.lists(st.tuples(st.sampled_from(PAIRS), answers), max_size=12))
    constraints = make(ITEMS)
    assume(constraints, Assumptions(images, names))
    for number, (pair, answer) in enumerate(labels):
        constraints.apply(LabelledPair(str(number), *pair, answer), "ana", 0.5)
    for pair in PAIRS:
        both = [names.get(item) for item in pair]
        if None not in both:
            two = both[0] != both[1] or constraints.implied(*pair) is Answer.DIFFERENT
            assert constraints.implied(*pair) is (Answer.DIFFERENT if two else Answer.SAME)
        if pair in images:
            assert constraints.implied(*pair) is Answer.DIFFERENT
    parts = constraints.components()
    apart = {
        (a, b)
        for a, b in itertools.combinations(map(min, parts), 2)
        if constraints.implied(a, b) is Answer.DIFFERENT
    }
    assert constraints.open_component_pairs == len(parts) * (len(parts) - 1) // 2 - len(apart)
    first, second = np.array(PAIRS).T
    ids = constraints.component_ids()
    rows = constraints.separated_rows(ids[first], ids[second])
    assert rows.tolist() == [constraints.implied(*pair) is Answer.DIFFERENT for pair in PAIRS]
    for part in parts:
        refused = constraints.separated_from(constraints.component_of(part[0]))
        assert {min(constraints.members(other)) for other in refused} == {
            a + b - min(part) for a, b in apart if min(part) in (a, b)
        }


@BOTH
def test_a_label_against_a_name_is_a_conflict_with_the_name_as_its_evidence(make: Make) -> None:
    constraints = make(ITEMS)
    assume(constraints, Assumptions(names=NAMES))
    assert labelled(constraints, (0, 2), Answer.DIFFERENT) is LabelEffect.CONFLICT
    assert labelled(constraints, (0, 3), Answer.SAME) is LabelEffect.CONFLICT
    within, across = constraints.contradictions
    assert within.label.answer is Answer.DIFFERENT
    assert within.explanation.facts == (Fact(Source.KNOWN, 0, 2, ("Mvula",)),)
    assert across.explanation.facts == (Fact(Source.KNOWN, 0, 3, ("Mvula", "Chipembere")),)
    assert within.explanation.label_ids == across.explanation.label_ids == ()
    assert constraints.implied(0, 2) is Answer.SAME
    assert constraints.implied(0, 3) is Answer.DIFFERENT


def test_no_number_of_answers_parts_or_joins_against_names() -> None:
    constraints = Verified(ITEMS)
    assume(constraints, Assumptions(names=NAMES))
    for who in "abcdefgh":
        for pair in [(0, 2), (2, 0)]:
            labelled(constraints, pair, Answer.DIFFERENT, who)
        for pair in itertools.product((0, 2), (3, 5)):
            labelled(constraints, pair, Answer.SAME, who)
    assert constraints.implied(0, 2) is Answer.SAME
    assert constraints.implied(0, 3) is Answer.DIFFERENT
    assert constraints.pending_count == 0
    assert constraints.checks("zoe", 5) == []
    assert len(constraints.contradictions) == 5


def test_answers_that_would_join_two_names_by_way_of_others_do_not() -> None:
    for make in (Closure, Verified):
        constraints = make(ITEMS)
        assume(constraints, Assumptions(names=NAMES))
        for number, pair in enumerate([(0, 1), (3, 4), (1, 4)]):
            constraints.apply(LabelledPair(str(number), *pair, Answer.SAME), "ana", 0.97)
        assert constraints.components() == [(0, 1, 2), (3, 4, 5), (6,)]
        (conflict,) = constraints.contradictions
        assert (conflict.label.first, conflict.label.second) == (1, 4)
        assert set(conflict.explanation.label_ids) == {"0", "1"}
        assert [fact.source for fact in conflict.explanation.facts] == [Source.KNOWN]


def test_pending_answers_end_when_both_sides_get_names() -> None:
    constraints = Verified(4)
    assume(constraints, Assumptions(names={0: "Mvula", 3: "Chipembere"}))
    pending = constraints.apply(LabelledPair("a", 1, 2, Answer.SAME), "ana", 0.1)
    assert pending.effect is LabelEffect.PENDING
    for pair in [(0, 1), (2, 3)]:
        constraints.apply(LabelledPair(f"{pair}", *pair, Answer.SAME), "ana", 0.97)
    assert constraints.pending_count == 0
    assert constraints.implied(1, 2) is Answer.DIFFERENT
    (conflict,) = constraints.contradictions
    assert (conflict.label.first, conflict.label.second) == (1, 2)


@BOTH
def test_facts_that_contradict_earlier_ones_are_left_out_and_returned(make: Make) -> None:
    constraints = make(ITEMS)
    assumed = Assumptions(
        same_image=[(0, 2)], names=NAMES | {1: "Mvula"}, encounters={"e1": [1, 3], "e2": [3, 4], "e3": [4, 6]}
    )
    assume(constraints, assumed)
    assert constraints.refused_facts == (
        Fact(Source.KNOWN, 0, 2, ("Mvula",)),
        Fact(Source.ENCOUNTER, 1, 3, ("e1",)),
        Fact(Source.ENCOUNTER, 4, 6, ("e3",)),
    )
    assert constraints.components() == [(0, 1), (2,), (3, 4, 5), (6,)]
    assert constraints.implied(2, 3) is Answer.DIFFERENT


@BOTH
def test_pairs_outside_the_scope_are_not_open_and_may_still_be_answered(make: Make) -> None:
    constraints = make(3)
    assume(constraints, Assumptions(scope=Scope(flank=np.array([LEFT, RIGHT, LEFT]))))
    assert not constraints.is_open(0, 1)
    assert not constraints.is_comparable(0, 1)
    assert constraints.is_open(0, 2)
    constraints.apply(LabelledPair("a", 0, 1, Answer.SAME), "ana", 0.97)
    assert constraints.implied(0, 1) is Answer.SAME


def test_a_split_leaves_the_name_with_its_part() -> None:
    constraints = Verified(6)
    assume(constraints, Assumptions(names={0: "Mvula", 1: "Mvula", 5: "Chipembere"}))
    for number, pair in enumerate([(1, 2), (2, 3)]):
        constraints.apply(LabelledPair(str(number), *pair, Answer.SAME), "ana", 0.97)
    assert constraints.components() == [(0, 1, 2, 3), (4,), (5,)]
    assert constraints.implied(3, 5) is Answer.DIFFERENT
    for number, (pair, who) in enumerate(itertools.product([(0, 3), (1, 3), (0, 2), (1, 2)], "abc")):
        constraints.apply(LabelledPair(f"no{number}", *pair, Answer.DIFFERENT), who)
    assert constraints.components() == [(0, 1), (2, 3), (4,), (5,)]
    assert constraints.implied(3, 5) is None
    assert constraints.implied(0, 5) is Answer.DIFFERENT


@BOTH
def test_a_thousand_names_of_fifty_thousand_detections_take_no_entry_for_each_pair(make: Make) -> None:
    constraints, count, names = make(50_000), 50_000, 1_000
    assume(constraints, Assumptions(names={item: f"animal {item % names}" for item in range(count)}))
    assert constraints.component_count == names
    assert constraints.open_component_pairs == 0
    assert constraints.implied(1, names + 2) is Answer.DIFFERENT
    assert len(constraints.separations()) == 0


@BOTH
def test_a_name_that_only_joins_tells_its_items_from_no_others(make: Make) -> None:
    constraints = make(ITEMS)
    assume(constraints, Assumptions(names=NAMES, only_joining=frozenset({"Nandi", "Mvula"})))
    assert constraints.implied(0, 2) is constraints.implied(3, 5) is Answer.SAME
    # of the names that remain, there are not two
    assert {constraints.implied(*pair) for pair in PAIRS} == {Answer.SAME, None}
    assert labelled(constraints, (0, 3), Answer.SAME) is not LabelEffect.CONFLICT
