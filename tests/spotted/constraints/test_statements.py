from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.constraints.answers import Answer, LabelledPair
from spotted.constraints.error_rates import Annotators
from spotted.constraints.statements import LEAST_STRENGTH, GivenAnswer, Statements
from spotted.constraints.trust_settings import TrustSettings

RULES = TrustSettings()


def said(first: int, second: int, *, same: bool) -> GivenAnswer:
    answer = Answer.SAME if same else Answer.DIFFERENT
    return GivenAnswer(LabelledPair(f"{first}-{second}", first, second, answer), "ana", again=False)


@given(st.lists(st.booleans(), min_size=1, max_size=6))
def test_the_answers_to_an_image_pair_weigh_the_same_in_any_order(answers: list[bool]) -> None:
    forwards, backwards = (Statements(RULES, Annotators()) for _ in range(2))
    for same in answers:
        forwards.add(said(0, 1, same=same), None)
    for same in answers[::-1]:
        backwards.add(said(1, 0, same=same), None)
    ours, theirs = forwards.of(1, 0), backwards.of(0, 1)
    assert ours
    assert theirs
    assert ours.weight == pytest.approx(theirs.weight)


def test_items_know_what_they_were_compared_with() -> None:
    statements = Statements(RULES, Annotators())
    for other in (5, 2, 5):
        statements.add(said(3, other, same=True), None)
    assert statements.near(3) == [5, 2]
    assert statements.near(9) == []
    assert statements.answered_pairs == [(3, 5), (2, 3)] == [key for key, _ in statements.pairs()]


def test_only_pairs_with_a_same_answer_hold_items_together() -> None:
    statements = Statements(RULES, Annotators())
    for first, second, same in ((0, 1, True), (1, 2, False), (2, 3, True), (3, 2, False), (3, 2, False)):
        statements.add(said(first, second, same=same), 0.2)
    held = statements.strengths(range(4))
    linked = {(a, b) for a, b in itertools.permutations(range(4), 2) if b in held[a]}
    assert linked == {(0, 1), (1, 0), (2, 3), (3, 2)}
    assert held[2][3] == held[3][2] == LEAST_STRENGTH < held[0][1]
    # items outside are left out
    assert statements.strengths([0, 2]) == {0: {}, 2: {}}
