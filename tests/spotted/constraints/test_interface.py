from __future__ import annotations

import itertools

import pytest

from spotted.constraints.answers import Answer, LabelEffect, LabelledPair
from spotted.constraints.interface import Constraints
from spotted.constraints.trust import Trust, make_constraints


@pytest.fixture(params=list(Trust), ids=lambda trust: trust.name)
def constraints(request: pytest.FixtureRequest) -> Constraints:
    """0-1 SAME, 0 and 2 DIFFERENT, 3 and 4 in one image, 4 and 5 not comparable."""
    made = make_constraints(request.param, 6)
    made.forbid(3, 4)
    answers = [(0, 1, Answer.SAME, 0.99), (0, 2, Answer.DIFFERENT, 0.01), (4, 5, Answer.NOT_COMPARABLE, None)]
    for number, (first, second, answer, probability) in enumerate(answers):
        made.apply(LabelledPair(str(number), first, second, answer), "ana", probability)
    return made


def test_callers_get_the_same_answers_at_every_level_of_trust(constraints: Constraints) -> None:
    known = {pair: constraints.implied(*pair) for pair in itertools.combinations(range(6), 2)}
    assert [pair for pair, answer in known.items() if answer is Answer.SAME] == [(0, 1)]
    assert [pair for pair, answer in known.items() if answer is Answer.DIFFERENT] == [(0, 2), (1, 2), (3, 4)]
    assert constraints.components() == [(0, 1), (2,), (3,), (4,), (5,)]
    assert (constraints.items, constraints.component_count, constraints.positives) == (6, 5, 1)
    assert constraints.open_component_pairs == 10 - len(constraints.separations()) == 8
    assert constraints.closed_pairs().tolist() == [[4, 5]]
    for pair, answer in known.items():
        is_open = answer is None and pair != (4, 5)
        assert constraints.is_open(*pair) is constraints.awaits_answer(*pair) is is_open
        assert constraints.is_comparable(*pair) is (pair != (4, 5))
    assert constraints.decisions().merged.tolist() == [True, False]
    assert constraints.undecided().tolist() == []
    assert (constraints.pending_count, constraints.check_count) == (0, 0)


@pytest.mark.parametrize("trust", Trust)
def test_names_count_once_and_only_while_they_are_there(trust: Trust) -> None:
    made = make_constraints(trust, 6)
    assert made.name_count == 0
    made.name({0: "Sita", 1: "Sita", 2: "Rani", 3: "Tara"})
    assert made.name_count == 3
    made.apply(LabelledPair("a", 2, 4, Answer.SAME), "ana", 0.99)
    made.retire({2, 3})
    # Rani's only photograph is gone; of Rani another one was found, of Tara none
    assert made.name_count == len({"Sita", "Rani"})


def test_components_are_found_from_their_items(constraints: Constraints) -> None:
    component = constraints.component_of(1)
    assert constraints.members(component) == (0, 1)
    assert constraints.separated_from(component) == {constraints.component_of(2)}
    assert constraints.component_ids().tolist() == [constraints.component_of(item) for item in range(6)]


def test_a_contradiction_is_explained_at_every_level_of_trust(constraints: Constraints) -> None:
    assert constraints.explain(1, 2, Answer.SAME).label_ids == ("0", "1")
    assert constraints.apply(LabelledPair("x", 1, 0, Answer.SAME)).effect is LabelEffect.IMPLIED


def test_answers_that_are_accepted_at_once_are_never_checked() -> None:
    made = make_constraints(Trust.SINGLE, 3)
    made.apply(LabelledPair("a", 0, 1, Answer.SAME), "ana", 0.1)
    made.apply(LabelledPair("b", 0, 1, Answer.DIFFERENT), "ben", 0.1)
    assert made.checks("ana", 5) == []
    assert (made.error_rates("ana"), made.repeat_agreement()) == (None, None)
    assert made.conflict_count == len(made.contradictions) == 1


def test_answers_that_are_evidence_are_checked() -> None:
    made = make_constraints(Trust.VERIFIED, 3)
    made.apply(LabelledPair("a", 0, 1, Answer.SAME), "ana", 0.1)
    assert [check[:2] for check in made.checks("ben", 5)] == [(0, 1)]
    assert made.pending_count == 1
    assert made.undecided().tolist() == [[0, 1]]
    assert made.awaits_answer(0, 1)
    assert not made.is_open(0, 1)
    assert made.error_rates("ana") == made.error_rates("ben")
    # counting contradictions takes a search
    assert made.conflict_count is None


def test_items_that_are_gone_are_not_counted_and_what_they_join_stays_joined(
    constraints: Constraints,
) -> None:
    for number, second in enumerate((2, 5)):
        said = Answer.DIFFERENT if second == 2 else Answer.SAME
        constraints.apply(LabelledPair(f"more-{number}", 1, second, said), "ben", 0.5)
    before = constraints.components()
    pending = constraints.pending_count
    constraints.retire([1, 2])
    assert constraints.components() == before
    # 0 stands for what is left of its individual; 2 is left of none
    assert (constraints.living_items, constraints.component_count) == (4, len(before) - 1)
    assert constraints.is_there(0)
    assert constraints.is_there(1)
    assert not constraints.is_there(2)
    joined = constraints.component_of(0) == constraints.component_of(5)
    assert constraints.positives == int(joined)
    decided = {
        (a, b)
        for a, b in zip(
            *map(list, (constraints.decisions().first, constraints.decisions().second)), strict=True
        )
    }
    assert all({a, b}.isdisjoint({1, 2}) for a, b in decided)
    assert len(constraints.all_decisions().merged) > len(decided)
    constraints.retire([])
    assert (constraints.living_items, constraints.component_count) == (6, len(before))
    assert constraints.pending_count == pending
    constraints.retire([0, 1, 5])
    assert constraints.pending_count == 0
